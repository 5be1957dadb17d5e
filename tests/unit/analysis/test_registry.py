"""The measures by name, the table that they make, and measures of one's own."""

from __future__ import annotations

import gc
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from typing import Any

import pytest
from tests.unit.analysis.runs import begun, chose, play, study_of, talk, votes
from tests.unit.export.records import opened, spoke

from genai_social_sim import measure, offer_measure
from genai_social_sim.analysis import registry
from genai_social_sim.analysis.measure import SCOPES
from genai_social_sim.analysis.reading import Reading
from genai_social_sim.analysis.table import MEASURES, known, measured
from genai_social_sim.domain.events import Event
from genai_social_sim.errors import RequestError
from genai_social_sim.export.source import Source
from genai_social_sim.ports import Recorded, Request


@measure(unit="share", source="Own")
def questions(reading: Reading) -> float | None:
    """Share of utterances that ask something."""
    asked = [event.text.value.rstrip().endswith("?") for event in reading.spoken()]
    return sum(asked) / len(asked) if asked else None


@measure(unit="utterances", scope="agent")
def said(reading: Reading) -> dict[str, float]:
    """How often each spoke."""
    return dict(Counter([str(event.agent) for event in reading.spoken()]))


@measure(unit="utterances", scope="round")
def loud(reading: Reading) -> dict[int, float]:
    return dict(Counter([event.round for event in reading.spoken()]))


def everything() -> Source:
    """A run in which all that is measured happens: talk and ratings, roles, a probe."""
    agents = [{"name": name, "persona": f"You are {name}.", "role": "member"} for name in ("ada", "bo", "cy")]
    channels = {"hall": {}, "ballot": {"act": {"kind": "rate", "scale": [1, 2, 3]}}}
    probe = {"name": "stance", "every": "1 rounds", "scale": [1, 2, 3], "text": "Where?"}

    def say(request: Request) -> str:
        if request.choices:
            return str(1 + (request.turn * 7 + len(request.agent)) % 3)
        return f"Thank you, {request.turn} times, said {request.agent}. " + "word " * (20 + len(request.agent))

    study = study_of(turns=36) | {"agents": agents, "roles": {"member": {}}, "channels": channels, "probes": [probe]}
    return play(study, say)


def test_every_measure_has_a_name_of_its_own_a_sentence_a_unit_and_a_source() -> None:
    found = registry.measures()
    assert len({each.name for each in found}) == len(found)
    for each in found:
        assert each.about.endswith(".")
        assert all([each.unit, each.source, each.scopes])
        assert {*each.scopes} <= {*SCOPES}
        assert not set("|\n") & set(each.about + each.unit + each.source)


def test_every_value_is_of_a_measure_and_a_scope_that_are_declared() -> None:
    declared = {each.name: each.scopes for each in registry.measures()}
    rows = measured(everything()).rows()
    for row in rows:
        assert row["scope"] in declared[str(row["measure"])]
        assert (row["round"] is None) == (row["scope"] != "round")
        assert (row["agent"] is None) == (row["scope"] not in ("agent", "pair"))
        assert (row["other"] is None) == (row["scope"] != "pair")
        assert isinstance(row["value"], float)


def test_each_declared_measure_has_a_value_somewhere() -> None:
    found = {(row["measure"], row["scope"]) for row in measured(everything())}
    found |= {(row["measure"], row["scope"]) for row in measured(votes([["1", "2", "2", "3", "1"]] * 2, "a b c d e"))}
    found |= {(row["measure"], row["scope"]) for row in measured(votes([["r", "r", "b"], ["r", "r", "r"]]))}
    declared = {(each.name, scope) for each in registry.measures() for scope in each.scopes}
    assert declared - found == set()


def test_a_measure_that_is_asked_for_alone_has_the_values_that_it_has_among_all() -> None:
    source = everything()
    together = [row for row in measured(source) if row["measure"] == "opinion_mean"]
    assert measured(source, wanted=["opinion_mean"]).rows() == together


def test_a_run_without_turns_has_few_values_and_no_mistakes() -> None:
    source = talk()
    assert {row["measure"] for row in measured(source)} >= {"utterances", "words"}
    assert measured(Source(run="empty", record=Nothing())).rows() == []


class Nothing:
    def events(self, *, after: int = -1) -> Iterator[Recorded]:
        return iter(())


def test_an_unknown_measure_is_told_with_near_ones() -> None:
    with pytest.raises(RequestError, match="no measure 'opinion_maen'") as told:
        measured(talk(), wanted=["opinion_maen"])
    assert "opinion_mean" in str(told.value)


def test_a_function_is_a_measure() -> None:
    source = talk(("ada", "Who is it?"), ("bo", "Me."), ("ada", "Ah."), ("bo", "Well?"))
    rows = measured(source, wanted=[questions, said, loud]).rows()
    found = [(row["measure"], row["scope"], row["round"], row["agent"], row["value"]) for row in rows]
    assert found == [
        ("questions", "run", None, None, 0.5),
        ("said", "agent", None, "ada", 2),
        ("said", "agent", None, "bo", 2),
        ("loud", "round", 0, None, 2),
        ("loud", "round", 1, None, 2),
    ]


def test_a_measure_without_a_value_has_no_row() -> None:
    assert measured(talk(), wanted=[questions]).rows() == []


def test_a_plain_function_is_a_number_about_the_run() -> None:
    rows = measured(talk(("ada", "Hm.")), wanted=[lambda reading: len(reading.agents)]).rows()
    assert [(row["scope"], row["value"]) for row in rows] == [("run", 2)]


@pytest.mark.parametrize("found", [["a"], "many", {"ada": 1}])
def test_what_does_not_fit_the_scope_is_told(found: Any) -> None:
    def wrong(reading: Reading) -> Any:
        return found

    with pytest.raises(RequestError, match=r"the measure 'wrong' with the scope 'run' returned .*Return a number"):
        measured(talk(("ada", "Hm.")), wanted=[wrong]).rows()


def test_an_offered_measure_is_among_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_OFFERED", {})
    offer_measure(questions)
    assert registry.find("questions").about == "Share of utterances that ask something."
    assert {"questions"} <= {row["measure"] for row in measured(talk(("ada", "Who?")))}
    assert {"questions"} <= {row["measure"] for row in known()}


def test_a_package_offers_measures_by_entry_points(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("questions", f"{__name__}:questions", registry.ENTRY_POINTS)
    monkeypatch.setattr(EntryPoint, "load", lambda _: questions)
    monkeypatch.setattr(registry, "entry_points", lambda group: [point])
    rows = measured(talk(("ada", "Who?")), wanted=["questions"]).rows()
    assert [row["value"] for row in rows] == [1]


def test_a_record_that_grows_is_measured_as_it_stood() -> None:
    source = votes([["red", "red", "red"], ["blue", "blue", "blue"]])
    until = Source(run=source.run, record=source.record, last=3)
    assert [row["value"] for row in measured(until, wanted=["agreement"])] == [1]


class Long:
    """A record of many turns that exist only while they are read."""

    def __init__(self, turns: int) -> None:
        self._turns = turns

    def events(self, *, after: int = -1) -> Iterator[Recorded]:
        started: list[Event] = [begun("ada bo cy", act={"kind": "say"}), opened()]
        for seq, event in enumerate(started):
            yield Recorded(seq, 0.0, event)
        for turn in range(self._turns):
            who = ("ada", "bo", "cy")[turn % 3]
            text = " ".join([f"word{(turn * 31 + at * 7) % 997}" for at in range(12)])
            said = spoke(turn, who, text, in_round=turn // 3)
            yield Recorded(turn + 2, 0.0, said if turn % 2 else chose(turn, who, str(turn % 5), in_round=turn // 3))


def peak(turns: int) -> int:
    source = Source(run="long", record=Long(turns))
    gc.collect()
    tracemalloc.start()
    try:
        for count, _ in enumerate(MEASURES.table(source).tuples()):
            if not count % 1_000:
                gc.collect()  # what waits to be collected is not remembered
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_turns() -> None:
    peak(30)  # what is made once
    assert peak(6_000) < peak(1_500) + 50_000  # before that, vocabularies and windows fill
