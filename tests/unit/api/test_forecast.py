"""What a study would cost, told beforehand."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from genai_social_sim import Study
from genai_social_sim.cli.app import app
from genai_social_sim.observers.progress import in_words
from genai_social_sim.ports import Answer, Request

STUDY = """
name: planned
model: {backend: scripted, words: 9, latency: 0.02, max_tokens: 10, slots: 4}
agents: [{name: Ada}, {name: Bo}, {name: Cy}, {name: Di}]
channels: {hall: {protocol: simultaneous, opening: {text: "Hello."}}}
stop: {rounds: 5}
"""


def test_calls_and_tokens_are_counted_on_the_real_protocol() -> None:
    found = Study.parse(STUDY).forecast(measure=False)
    assert (found.turns, found.walked, found.at_once) == (20, 20, 4.0)
    assert found.answer_tokens == 20 * 7  # 70 % of max_tokens
    assert found.seconds is None


def test_each_time_that_a_holder_of_powers_is_asked_counts_as_a_call() -> None:
    chaired = STUDY.replace("{name: Ada}", "{name: Ada, role: chair}") + "roles: {chair: {powers: [mute]}}"
    found = Study.parse(chaired).forecast(measure=False)
    assert (found.turns, found.calls) == (20, 20 + 4)  # after each of five rounds but the last


def test_the_time_is_that_of_calls_side_by_side_at_the_speed_they_have_now() -> None:
    found = Study.parse(STUDY).forecast()
    assert found.seconds is not None
    assert 5 * 0.02 <= found.seconds < 20 * 0.02  # five rounds of four calls at once, 20 ms each


def counting(request: Request) -> Answer:
    """A tokeniser of its own: a prompt's token is a word or a sign; answers grow with the round."""
    tokens = len(re.findall(r"\w+|[^\w\s]", request.prompt.text))
    said = " ".join(["word"] * (10 + request.turn % 5))
    return Answer(text=said, prompt_tokens=tokens, answer_tokens=10 + request.turn % 5)


@pytest.mark.parametrize("turns", [12, 60, 3000])
def test_tokens_come_near_to_what_a_run_then_takes(tmp_path: Path, turns: int) -> None:
    changes = ["model={backend: scripted, function: count}", f"stop={{turns: {turns}}}", "durability=process"]
    study, functions = Study.parse(STUDY, changes=changes), {"count": counting}
    found = study.forecast(functions=functions)
    calls = study.run(runs=tmp_path, functions=functions).calls
    assert found.prompt_tokens == pytest.approx(sum(int(call["prompt_tokens"] or 0) for call in calls), rel=0.25)
    assert found.answer_tokens == pytest.approx(sum(int(call["answer_tokens"] or 0) for call in calls), rel=0.25)


def test_a_backend_that_counts_no_prompt_tokens_is_taken_at_its_word() -> None:
    assert Study.parse(STUDY).forecast().prompt_tokens == 0


def test_the_cost_is_told_at_the_prices_of_the_study(tmp_path: Path) -> None:
    changes = ["model.latency=0", "model.price={prompt: 5, answer: 2000, currency: EUR}"]
    found = Study.parse(STUDY, changes=changes).forecast()
    assert found.cost == pytest.approx(20 * 9 * 2000 / 1e6)  # nine words, a token each
    assert found.currency == "EUR"
    assert Study.parse(STUDY).forecast(measure=False).cost is None


def test_a_long_run_is_not_walked_to_its_end() -> None:
    found = Study.parse(STUDY, changes=["stop.rounds=1000000"]).forecast(measure=False)
    assert (found.turns, found.walked) == (4_000_000, 2000)
    assert found.answer_tokens == 4_000_000 * 7


def test_a_run_that_only_words_can_end_has_no_number_of_calls() -> None:
    assert Study.parse(STUDY, changes=["stop={silence: 2}"]).forecast(measure=False).turns is None


def test_dry_run_records_nothing(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text(STUDY)
    options = ["run", str(tmp_path / "study.yaml"), "--dry-run", "--runs", str(tmp_path / "runs")]
    done = CliRunner().invoke(app, options)
    assert done.exit_code == 0
    assert "20, without further attempts; on average 4.0 at once" in done.output
    told = json.loads(CliRunner().invoke(app, [*options, "--json"]).stdout)
    assert told["data"][0]["turns"] == 20
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "less than a second"), (1.5, "1.5 seconds"), (90, "1.5 minutes"), (9000, "2.5 hours")]
)
def test_times_are_told_in_words(seconds: float, words: str) -> None:
    assert in_words(seconds) == words


def test_probes_are_counted_as_calls_and_not_as_turns() -> None:
    probes = "probes=[{name: stance, at: [start, end], every: 2 rounds, text: Well?}]"
    found = Study.parse(STUDY, changes=["stop={rounds: 5}", probes]).forecast(measure=False)
    asked = 4 * 4  # at the start, after rounds 2 and 4, and at the end
    assert (found.turns, found.calls, found.probes) == (20, 20 + asked, asked)


@pytest.mark.parametrize(
    "memory",
    ["{kind: summary, utterances: 4, every: 8}", "{kind: retrieval, utterances: 4, k: 2, embedding: lexical}"],
)
def test_as_many_calls_are_foreseen_with_a_memory_as_a_run_makes(tmp_path: Path, memory: str) -> None:
    study = Study.parse(STUDY, changes=["model.latency=0", f"memory={memory}", "stop.rounds=12"])
    found = study.forecast(measure=False)
    calls = study.run(runs=tmp_path).calls
    assert (found.turns, found.calls) == (48, sum(call["answered_by"] != "encoder" for call in calls))


def test_a_turn_that_is_passed_over_is_no_call() -> None:
    muted = "interventions=[{at: round 1, kind: mute, agents: [Ada]}]"
    found = Study.parse(STUDY, changes=["stop={rounds: 5}", muted]).forecast(measure=False)
    assert (found.turns, found.calls) == (20, 16)
