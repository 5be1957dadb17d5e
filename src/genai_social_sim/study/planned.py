"""Probes and interventions: checked documents -> values of a plan, and back to the form of a study file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from genai_social_sim.domain.agenda import After, AtEnd, Every, Intervention, Probe, Unit, When
from genai_social_sim.domain.ids import AgentId, ChannelId
from genai_social_sim.domain.plan import Channel, RunPlan
from genai_social_sim.study.acts import act_of, act_written
from genai_social_sim.study.document import StudyDoc
from genai_social_sim.study.loading import LoadedStudy
from genai_social_sim.study.planned_changes import Society, change_of, change_written
from genai_social_sim.study.probes import ProbeDoc
from genai_social_sim.study.residents import Resident, meant, meant_written
from genai_social_sim.study.timing import TimedDoc
from genai_social_sim.study.triggers import trigger_of


def probes_of(study: StudyDoc, channels: Sequence[Channel], everybody: Sequence[Resident]) -> tuple[Probe, ...]:
    """The probes of a study, in its order."""
    within = {channel.name: channel.members for channel in channels}
    names = [change.name for change in study.interventions]
    return tuple([_probe(doc, within, everybody, names) for doc in study.probes])


def interventions_of(loaded: LoadedStudy, society: Society) -> tuple[Intervention, ...]:
    """The interventions of a study, in its order; raises SpecError where a network cannot be drawn."""
    planned = enumerate(loaded.document.interventions)
    return tuple(
        [
            Intervention(
                when=_when(doc),
                change=change_of(loaded, at, doc, society),
                trigger=trigger_of(doc.when),
                repeat=doc.repeat,
            )
            for at, doc in planned
        ]
    )


def asked_of(
    doc: ProbeDoc, within: dict[ChannelId, tuple[AgentId, ...]], everybody: Sequence[Resident]
) -> tuple[AgentId, ...]:
    """Whom a probe is for: of those who are meant, the members of its channel, or of any."""
    channels = within if doc.channel is None else {ChannelId(doc.channel)} & within.keys()
    there = {member for channel in channels for member in within[ChannelId(channel)]}
    return tuple([agent for agent in meant(doc.to, everybody) if agent in there])


def agenda_written(study: StudyDoc, plan: RunPlan, *, drawn: bool) -> dict[str, Any]:
    """Both in the form of a study file; a key of which there is nothing is left out. `drawn`: also what seeds drew."""
    probes = [_probe_written(study, doc, probe) for doc, probe in zip(study.probes, plan.probes, strict=True)]
    planned = zip(study.interventions, plan.interventions, strict=True)
    changes = [
        {"kind": doc.kind, **_when_written(each.when), **_waiting(doc), **({"name": doc.name} if doc.name else {})}
        | change_written(study, doc, each.change, drawn=drawn)
        for doc, each in planned
    ]
    written = {"probes": probes, "interventions": changes}
    return {key: value for key, value in written.items() if value}


def _probe(
    doc: ProbeDoc,
    within: dict[ChannelId, tuple[AgentId, ...]],
    everybody: Sequence[Resident],
    names: Sequence[str | None],
) -> Probe:
    return Probe(
        name=doc.name,
        text=doc.text,
        when=_when(doc),
        asked=asked_of(doc, within, everybody),
        act=act_of(doc.asks_for),
        sample=doc.sample,
        after=tuple([at for at, name in enumerate(names) if name is not None and name in (doc.after or ())]),
        trigger=trigger_of(doc.when),
        repeat=doc.repeat,
        channel=None if doc.channel is None else ChannelId(doc.channel),
    )


def _when(doc: TimedDoc) -> tuple[When, ...]:
    found: list[When] = [] if doc.every is None else [_every(doc.every)]
    if doc.when is not None and not doc.every and not doc.at:
        found = [Every(count=1, unit="rounds")]
    return tuple(dict.fromkeys([*found, *map(_moment, doc.at or ())]))


def _every(period: str) -> When:
    count, unit = period.split(" ")
    return Every(count=int(count), unit=_unit(unit))


def _moment(moment: str) -> When:
    if moment == "end":
        return AtEnd()
    if moment == "start":
        return After(count=0, unit="turns")
    unit, count = moment.split(" ")
    return After(count=int(count), unit=_unit(unit))


def _unit(word: str) -> Unit:
    return "rounds" if word.startswith("round") else "turns"


def _probe_written(study: StudyDoc, doc: ProbeDoc, probe: Probe) -> dict[str, Any]:
    whom = meant_written(study, doc.to, probe.asked)
    more = {"to": whom, "sample": probe.sample, "channel": probe.channel}
    return {
        "name": probe.name,
        "text": probe.text,
        **_when_written(probe.when),
        **_waiting(doc),
        **({"after": doc.after} if doc.after else {}),
        "act": act_written(probe.act),
        **{key: value for key, value in more.items() if value is not None},
    }


def _waiting(doc: TimedDoc) -> dict[str, Any]:
    """What it waits for beside a time."""
    if doc.when is None:
        return {}
    when = doc.when.model_dump(mode="json", by_alias=True, exclude_none=True)
    return {"when": when, **({"repeat": True} if doc.repeat else {})}


def _when_written(when: Sequence[When]) -> dict[str, Any]:
    every = [f"{each.count} {_word(each.unit, each.count)}" for each in when if isinstance(each, Every)]
    at = [_moment_written(each) for each in when if not isinstance(each, Every)]
    return ({"every": every[0]} if every else {}) | ({"at": at} if at else {})


def _moment_written(when: After | AtEnd) -> str:
    if isinstance(when, AtEnd):
        return "end"
    return f"{when.unit[:-1]} {when.count}" if when.count else "start"


def _word(unit: Unit, count: int) -> str:
    return unit[:-1] if count == 1 else unit
