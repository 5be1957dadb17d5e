"""Powers of whole runs: read back, exported, replayed and forked; and what a study may not say of them."""

from __future__ import annotations

import pytest
from click.testing import CliRunner
from tests.unit.study.studies import loaded, refusal_of

from genai_social_sim import Request, Run, Study
from genai_social_sim.cli.app import app
from genai_social_sim.study.lowering import canonical, from_canonical, lower

STUDY = """
name: chaired
seed: 3
model: {backend: scripted, function: speak}
roles: {chair: {powers: [mute, close, choose_next, see_probes]}}
agents: [{name: ADA, role: chair}, {name: BO}, {name: CY}]
channels: {hall: {protocol: {kind: random, repeat: false}, opening: {text: "Talk."}}}
probes: [{name: stance, every: 3 turns, choose: ["yes", "no"], text: "Well?"}]
stop: {turns: 12}
"""
DEEDS = ("mute BO", "nothing", "close the conversation")


def speak(request: Request) -> str:
    if request.aside == "~powers":
        return DEEDS[0] if request.turn < 5 else DEEDS[2] if request.turn > 8 else DEEDS[1]
    return request.choices[0] if request.choices else f"{request.agent}: mute ADA"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return Study.parse(STUDY).run(runs=tmp_path_factory.mktemp("runs"), functions={"speak": speak})


def test_the_record_is_intact_and_replays(run: Run) -> None:
    assert run.verify().ok
    assert run.replay().ok


def test_each_asking_has_a_row_and_its_call_is_among_the_calls(run: Run) -> None:
    rows = [*run.table("powers")]
    assert {row["agent"] for row in rows} == {"ADA"}
    assert next((row["deed"], row["whom"]) for row in rows) == ("mute", "BO")
    assert rows[-1]["deed"] == "close"
    calls = [(row["turn"], row["agent"]) for row in run.calls if row["probe"] == "~powers"]
    assert calls == [(row["turn"], row["agent"]) for row in rows]


def test_show_tells_what_was_asked_and_done(run: Run) -> None:
    turn = next(row["turn"] for row in run.table("powers"))
    shown = CliRunner().invoke(
        app, ["show", str(run.path), "--turn", str(turn), "--probe", "~powers", "--agent", "ADA"]
    )
    assert f"its powers, before turn {turn}: ADA in hall" in shown.output
    assert "| close the conversation" in shown.output
    assert "ADA mutes BO" in shown.output
    assert "uses of powers" in CliRunner().invoke(app, ["show", str(run.path)]).output


def test_a_fork_before_a_deed_asks_again_and_one_after_it_keeps_it(run: Run) -> None:
    first = next(int(str(row["turn"])) for row in run.table("powers"))
    other = run.fork(at_turn=first - 1, functions={"speak": lambda request: "nothing" if request.aside else "word"})
    assert next(row["deed"] for row in other.table("powers")) == "nothing"
    later = run.fork(at_turn=first + 1, functions={"speak": lambda request: "nothing" if request.aside else "word"})
    assert next(row["deed"] for row in later.table("powers")) == "mute"


def test_powers_stand_in_the_record_of_a_study_that_has_some_and_come_back_from_it() -> None:
    text = canonical(loaded(STUDY))
    assert lower(from_canonical(text), seed=3).roles[0].powers == ("mute", "close", "choose_next", "see_probes")
    assert "powers" not in canonical(loaded(STUDY.replace("powers: [mute, close, choose_next, see_probes]", "")))


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("[mute, close", "[silence, close", "Write `choose_next`, `mute`, `close` or `see_probes`"),
        ("[mute, close", "[mute, mute, close", "`mute` is listed twice"),
        ("{kind: random, repeat: false}", "sequential", "none of its channels has such a protocol"),
        ("probes: [", "description: x\n# [", "there are no probes whose answers could be seen"),
    ],
)
def test_powers_that_nobody_could_use_are_refused(before: str, after: str, words: str) -> None:
    assert words in str(refusal_of(STUDY.replace(before, after)))


def test_more_to_choose_from_than_a_model_can_be_given_is_refused() -> None:
    crowd = STUDY.replace(
        "[{name: ADA, role: chair}, ",
        "[{name: ADA, role: chair}, " + "".join([f"{{name: A{at}}}, " for at in range(70)]),
    )
    assert "with 72 other members a holder would have 146 things" in str(refusal_of(crowd))
