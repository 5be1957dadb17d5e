"""However a model server misbehaves, a run ends as its study says, in time, with a record that verifies and replays."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
from tests.support.servers import KEY, bytes_of, environment, events_of, failures_of, study_text

from genai_social_sim import Run, Study
from genai_social_sim.domain.events import Answered, FellSilent, Noticed, Spoke
from genai_social_sim.engine.live import DeniedError
from genai_social_sim.errors import SocialSimError
from genai_social_sim.testing.faults_server import FAULTS, MODEL, TEXT, faults_server

SHORT_S: Final = 1.0  # for what never comes
LONG_S: Final = 30.0  # for what comes, however busy the machine is
SLACK_S: Final = 30.0  # for all else that a run does, on a busy machine; a fault that is waited for takes minutes
BACKENDS: Final = ("ollama", "openai")


class Expected(NamedTuple):
    """The cause on the record, and how often the server is asked for one turn of two attempts at the most."""

    cause: str
    asked: int = 2


EXPECTED: Final = {
    "hang_before_first_byte": Expected("timeout"),
    "hang_within_a_piece": Expected("timeout"),
    "hang_after_head": Expected("timeout"),
    "hang_after_first_token": Expected("timeout"),
    "slow_drip": Expected("timeout"),
    "http_400": Expected("refused", 1),
    "http_404": Expected("refused", 1),
    "http_429": Expected("error"),
    "http_429_then_hang": Expected("error"),
    "redirect": Expected("refused", 1),
    "http_500": Expected("error"),
    "http_503": Expected("error"),
    "too_long": Expected("too_long", 1),
    "error_in_stream": Expected("error"),
    "garbage": Expected("garbled"),
    "garbage_in_stream": Expected("garbled"),
    "nested_json": Expected("garbled"),
    "nested_error": Expected("error"),
    "negative_count": Expected("garbled"),
    "huge_count": Expected("garbled"),
    "count_without_end": Expected("garbled"),
    "huge_chance": Expected("garbled"),
    "compressed": Expected("garbled"),
    "compressed_error": Expected("error"),
    "head_without_end": Expected("garbled"),
    "longer_than_it_says": Expected("garbled"),
    "shorter_than_it_says": Expected("unreachable"),
    "length_that_is_none": Expected("garbled"),
    "broken_json": Expected("garbled"),
    "other_json": Expected("garbled"),
    "wrong_json": Expected("garbled"),
    "ends_early": Expected("garbled"),
    "wrong_content_type": Expected("garbled"),
    "reset_before_first_byte": Expected("unreachable"),
    "reset_after_first_token": Expected("unreachable"),
    "hundred_megabytes": Expected("garbled"),
    "hundred_megabytes_in_one_line": Expected("garbled"),
    "not_utf8": Expected("garbled"),
    "key_told": Expected("garbled", 1),
    "key_in_error": Expected("error"),
    "key_escaped": Expected("error"),
}
DENIED: Final = ("http_401", "key_refused")
ODD: Final = (  # and yet whole answers
    *("in_one_piece", "byte_by_byte", "carriage_returns", "byte_order_mark", "chance_that_is_none"),
    *("goes_on_after_the_end", "hang_after_the_end"),
)
EMPTY: Final = {"empty": "nothing", "only_white_space": "only_white_space", "only_thinking": "only_thinking"}


def model_of(backend: str, address: str | None) -> dict[str, Any]:
    """The study's model; without an address, at the place that the environment names."""
    if backend == "ollama":
        return {"backend": "ollama", "model": MODEL} | ({"host": address} if address else {})
    model = {"backend": "openai", "model": MODEL, "api_key_env": "FAULTS_KEY"}
    return model | ({"base_url": f"{address}/v1"} if address else {})


def patience(*faults: str) -> float:
    return SHORT_S if any(EXPECTED[fault].cause == "timeout" for fault in faults) else LONG_S


def study(backend: str, address: str | None, *, on_failure: Any = "skip", turns: int = 1, **timeouts: Any) -> Study:
    limits = {"answer": LONG_S, "attempts": 2, "backoff": 0.01, "on_failure": on_failure, **timeouts}
    return Study.parse(study_text(model_of(backend, address), stop={"turns": turns}, timeouts=limits))


async def played(study: Study, runs: Path) -> Run:
    """The record of a run, also of one that was halted."""
    with environment(FAULTS_KEY=KEY, OLLAMA_API_KEY=KEY):
        try:
            return await study.arun(runs=runs)
        except SocialSimError:
            return Run(study.record_path(runs=runs))


def check_record(run: Run) -> None:
    """Complete, unbroken, the same when it is played again, and without the key."""
    with run:
        assert run.verify().ok
        replayed = run.replay()
        assert replayed.ok, replayed.problem
        assert replayed.digest == run.digest
        assert KEY.encode() not in bytes_of(run.path)


def test_the_table_holds_every_fault_that_is_shipped() -> None:
    assert EXPECTED.keys() | EMPTY.keys() | {*ODD, *DENIED} | {"ok"} == FAULTS.keys()


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("fault", EXPECTED)
async def test_a_fault_is_on_the_record_and_the_run_goes_on(fault: str, backend: str, tmp_path: Path) -> None:
    async with faults_server(fault, always=True, retry_after="0") as server:
        began = time.monotonic()
        run = await played(study(backend, server.address, answer=patience(fault)), tmp_path)
        took = time.monotonic() - began
    cause, asked = EXPECTED[fault]
    assert [failure.cause for failure in failures_of(run)] == [cause] * asked
    assert server.calls == asked
    assert (run.status, run.turns) == ("finished", 1)
    assert took < 2 * patience(fault) + SLACK_S
    check_record(run)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("fault", ODD)
async def test_an_answer_that_comes_in_an_odd_way_is_taken_whole_and_once(
    fault: str, backend: str, tmp_path: Path
) -> None:
    async with faults_server(fault, "ok") as server:
        run = await played(study(backend, server.address, turns=2), tmp_path)
    assert [event.text.value for event in events_of(run) if isinstance(event, Spoke)] == [TEXT, TEXT]
    assert failures_of(run) == []
    assert server.calls == 2
    check_record(run)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("fault", EMPTY)
async def test_an_answer_without_words_is_silence_and_the_record_says_why(
    fault: str, backend: str, tmp_path: Path
) -> None:
    async with faults_server(fault, always=True) as server:
        run = await played(study(backend, server.address), tmp_path)
    (answered,) = [event for event in events_of(run) if isinstance(event, Answered)]
    (silence,) = [event for event in events_of(run) if isinstance(event, FellSilent)]
    assert silence.cause == "empty"
    assert f'"empty":"{EMPTY[fault]}"' in answered.notes.value
    assert server.calls == 1
    check_record(run)


@pytest.mark.parametrize("backend", BACKENDS)
async def test_thinking_is_noted_and_never_said(backend: str, tmp_path: Path) -> None:
    async with faults_server("only_thinking") as server:
        run = await played(study(backend, server.address), tmp_path)
    (answered,) = [event for event in events_of(run) if isinstance(event, Answered)]
    assert '"thinking":"Hm."' in answered.notes.value
    assert answered.raw.value == ""
    check_record(run)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("fault", ["hang_after_first_token", "http_500", "garbage", "reset_after_first_token"])
async def test_a_study_may_stop_at_a_failure(fault: str, backend: str, tmp_path: Path) -> None:
    async with faults_server("ok", fault, always=True) as server:
        run = await played(
            study(backend, server.address, on_failure="stop", turns=3, attempts=1, answer=patience(fault)), tmp_path
        )
    assert (run.status, run.turns) == ("failed", 1)
    check_record(run)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("fault", ["hang_before_first_byte", "http_404", "not_utf8", "hundred_megabytes"])
async def test_a_study_may_put_words_in_the_place_of_a_failure(fault: str, backend: str, tmp_path: Path) -> None:
    async with faults_server(fault) as server:
        run = await played(
            study(
                backend, server.address, on_failure={"say": "No comment."}, turns=2, attempts=1, answer=patience(fault)
            ),
            tmp_path,
        )
    said = [(event.text.value, event.stand_in) for event in events_of(run) if isinstance(event, Spoke)]
    cause = EXPECTED[fault].cause
    assert said == [("No comment.", cause), (TEXT, None)]
    check_record(run)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("fault", ["http_500", "broken_json", "reset_before_first_byte", "reset_after_first_token"])
async def test_a_passing_fault_costs_one_attempt(fault: str, backend: str, tmp_path: Path) -> None:
    async with faults_server(fault) as server:
        run = await played(study(backend, server.address, turns=2), tmp_path)
    assert [event.text.value for event in events_of(run) if isinstance(event, Spoke)] == [TEXT, TEXT]
    assert len(failures_of(run)) == 1
    check_record(run)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("fault", ["http_503", "reset_before_first_byte", "garbage", "hang_before_first_byte"])
async def test_a_server_that_fails_call_after_call_is_said_to_be_down(fault: str, backend: str, tmp_path: Path) -> None:
    async with faults_server(fault, always=True, retry_after="0") as server:
        run = await played(study(backend, server.address, turns=5, attempts=1, answer=0.3), tmp_path)
    (notice,) = [event for event in events_of(run) if isinstance(event, Noticed)]
    assert notice.what == "server_down"
    assert server.address in notice.detail.value
    check_record(run)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("fault", DENIED)
async def test_a_key_that_is_revoked_stops_the_run_and_costs_no_turn(fault: str, backend: str, tmp_path: Path) -> None:
    asked = study(backend, None, turns=3)
    async with faults_server("ok", fault) as server:
        with environment(OLLAMA_HOST=server.address, OPENAI_BASE_URL=f"{server.address}/v1"):
            run = await played(asked, tmp_path)
            assert (run.status, run.turns, server.calls) == ("failed", 1, 2)
            (failure,) = failures_of(run)
            assert (failure.cause, failure.final) == ("denied", False)
            assert "the server refuses the key (HTTP 401)" in failure.detail.value
            check_record(run)
            run = await played(asked, tmp_path)
    assert [event.text.value for event in events_of(run) if isinstance(event, Spoke)] == [TEXT] * 3
    assert (run.status, server.calls) == ("finished", 4)
    check_record(run)


@pytest.mark.parametrize("backend", BACKENDS)
async def test_a_server_that_refuses_call_after_call_stops_the_run(backend: str, tmp_path: Path) -> None:
    """Such as one from which the model was deleted, or that takes another setting no more."""
    async with faults_server("ok", "http_404", always=True) as server:
        asked = study(backend, server.address, turns=40)
        with environment(FAULTS_KEY=KEY, OLLAMA_API_KEY=KEY), pytest.raises(DeniedError) as caught:
            await asked.arun(runs=tmp_path)
    assert f"{server.address}" in caught.value.problem
    assert "has refused call after call" in caught.value.problem
    run = Run(asked.record_path(runs=tmp_path))
    assert (run.status, run.turns) == ("failed", 11)
    assert {failure.cause for failure in failures_of(run)} == {"refused"}
    check_record(run)


@pytest.mark.parametrize("backend", BACKENDS)
async def test_the_first_token_has_a_deadline_of_its_own(backend: str, tmp_path: Path) -> None:
    async with faults_server("hang_after_head", always=True) as server:
        began = time.monotonic()
        run = await played(study(backend, server.address, answer=60, first_token=0.3, attempts=1), tmp_path)
    (failure,) = failures_of(run)
    assert failure.detail.value.startswith("no first token within 0.3 s")
    assert time.monotonic() - began < SLACK_S
    check_record(run)


@pytest.mark.parametrize("backend", BACKENDS)
async def test_two_runs_through_the_same_faults_have_one_digest(backend: str, tmp_path: Path) -> None:
    digests = set()
    for folder in ("one", "two"):
        async with faults_server("http_500", "ok", "garbage", "not_utf8", "empty") as server:
            with environment(OLLAMA_HOST=server.address, OPENAI_BASE_URL=f"{server.address}/v1"):
                run = await played(study(backend, None, turns=4), tmp_path / folder)
        digests.add(run.digest)
        check_record(run)
    assert len(digests) == 1
