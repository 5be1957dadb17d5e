"""Small runs to be measured: played from a study by scripts, or written statement by statement."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from tests.unit.export.records import HALL, opened, play, spoke, study_of, written

from genai_social_sim.analysis.table import measured
from genai_social_sim.domain.events import Event, RunStarted, Spoke
from genai_social_sim.domain.ids import AgentId
from genai_social_sim.domain.text import Text
from genai_social_sim.export.source import Source


def begun(members: str = "ada bo", **channel: Any) -> RunStarted:
    """The first event of a run with one channel, the hall, in which agents choose."""
    names = members.split()
    hall = {"members": names, "protocol": {"kind": "round_robin"}, "act": {"kind": "choose"}, **channel}
    study = {"name": "small", "agents": [{"name": name} for name in names], "channels": {"hall": hall}}
    return RunStarted(study=Text.of(json.dumps(study)), seed=7)


def chose(turn: int, agent: str, view: str, *, in_round: int) -> Spoke:
    return spoke(turn, agent, view, in_round=in_round)._replace(agent=AgentId(agent), channel=HALL, choice=view)


def votes(rounds: Sequence[Sequence[str]], members: str = "ada bo cy", **channel: Any) -> Source:
    """A run in which all members state something in each round, in their order; "" is a turn that is left out."""
    names, events = members.split(), list[Event]([begun(members, **channel)])
    for number, views in enumerate(rounds):
        for at, (name, view) in enumerate(zip(names, views, strict=True)):
            if view:
                events.append(chose(number * len(names) + at, name, view, in_round=number))
    return written(*events)


def talk(*said: tuple[str, str], members: str = "ada bo") -> Source:
    """A conversation, a round for as many utterances as there are members."""
    size = len(members.split())
    spoken = [spoke(at, who, text, in_round=at // size) for at, (who, text) in enumerate(said)]
    return written(begun(members, act={"kind": "say"}), opened(), *spoken)


def values(source: Source, measure: str, scope: str = "run") -> list[Any]:
    """The values of a measure in one scope: numbers, by round or agent in their order."""
    return [row["value"] for row in measured(source, wanted=[measure]) if row["scope"] == scope]


def by_agent(source: Source, measure: str) -> dict[str, float]:
    return _keyed(source, measure, "agent", ("agent",))


def by_pair(source: Source, measure: str) -> dict[str, float]:
    return _keyed(source, measure, "pair", ("agent", "other"))


def by_role(source: Source, measure: str) -> dict[str, float]:
    return _keyed(source, measure, "role", ("of",))


def _keyed(source: Source, measure: str, scope: str, columns: Iterable[str]) -> dict[str, Any]:
    rows = [row for row in measured(source, wanted=[measure]) if row["scope"] == scope]
    return {" ".join([str(row[column]) for column in columns]): row["value"] for row in rows}


__all__ = ["play", "study_of"]
