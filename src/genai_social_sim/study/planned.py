"""Probes and interventions: checked documents -> values of a plan, and back to the form of a study file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, assert_never

from genai_social_sim.domain.agenda import (
    Admit,
    After,
    AtEnd,
    Broadcast,
    Change,
    ChangePersona,
    ChangeSampling,
    ChangeTopic,
    Every,
    Intervention,
    Mute,
    Probe,
    Remove,
    Unit,
    When,
)
from genai_social_sim.domain.ids import AgentId, ChannelId
from genai_social_sim.domain.plan import Channel, RunPlan
from genai_social_sim.study.acts import act_of, act_written
from genai_social_sim.study.agenda import (
    BroadcastDoc,
    InterventionDoc,
    PersonaDoc,
    PresenceDoc,
    ProbeDoc,
    SamplingDoc,
    TimedDoc,
    TopicDoc,
)
from genai_social_sim.study.document import StudyDoc
from genai_social_sim.study.population import MembersDoc
from genai_social_sim.study.residents import Resident, members_of, rendered_persona

Whom = tuple[str, ...] | MembersDoc | None


def probes_of(study: StudyDoc, channels: Sequence[Channel], everybody: Sequence[Resident]) -> tuple[Probe, ...]:
    """The probes of a study, in its order."""
    within = {channel.name: channel.members for channel in channels}
    return tuple([_probe(doc, within, everybody) for doc in study.probes])


def interventions_of(
    study: StudyDoc, channels: Sequence[Channel], everybody: Sequence[Resident]
) -> tuple[Intervention, ...]:
    """The interventions of a study, in its order."""
    names = [channel.name for channel in channels]
    made = [(_when(doc), _change(doc, names, everybody)) for doc in study.interventions]
    return tuple([Intervention(when=when, change=change) for when, change in made])


def asked_of(
    doc: ProbeDoc, within: dict[ChannelId, tuple[AgentId, ...]], everybody: Sequence[Resident]
) -> tuple[AgentId, ...]:
    """Whom a probe is for: of those who are meant, the members of its channel, or of any."""
    channels = within if doc.channel is None else {ChannelId(doc.channel)} & within.keys()
    there = {member for channel in channels for member in within[ChannelId(channel)]}
    return tuple([agent for agent in _whom(doc.to, everybody) if agent in there])


def agenda_written(study: StudyDoc, plan: RunPlan) -> dict[str, Any]:
    """Both in the form of a study file; a key of which there is nothing is left out."""
    probes = [_probe_written(study, doc, probe) for doc, probe in zip(study.probes, plan.probes, strict=True)]
    planned = zip(study.interventions, plan.interventions, strict=True)
    changes = [_change_written(study, doc, each) for doc, each in planned]
    written = {"probes": probes, "interventions": changes}
    return {key: value for key, value in written.items() if value}


def _probe(doc: ProbeDoc, within: dict[ChannelId, tuple[AgentId, ...]], everybody: Sequence[Resident]) -> Probe:
    return Probe(
        name=doc.name,
        text=doc.text,
        when=_when(doc),
        asked=asked_of(doc, within, everybody),
        act=act_of(doc.asks_for),
        sample=doc.sample,
        channel=None if doc.channel is None else ChannelId(doc.channel),
    )


def _whom(whom: Whom, everybody: Sequence[Resident]) -> tuple[AgentId, ...]:
    return tuple(sorted(map(AgentId, members_of(whom, everybody))))


def _when(doc: TimedDoc) -> tuple[When, ...]:
    found: list[When] = [] if doc.every is None else [_every(doc.every)]
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


def _change(doc: InterventionDoc, channels: Sequence[ChannelId], everybody: Sequence[Resident]) -> Change:
    match doc:
        case BroadcastDoc(speaker=speaker, text=text, channels=chosen):
            return Broadcast(speaker=speaker, text=text, channels=_channels(chosen, channels))
        case TopicDoc(topic=topic, channels=chosen):
            return ChangeTopic(topic=topic, channels=_channels(chosen, channels))
        case PersonaDoc():
            return ChangePersona(personas=_personas(doc, everybody))
        case SamplingDoc(agents=agents):
            return ChangeSampling(agents=_whom(agents, everybody), **doc.options)  # type: ignore[arg-type]  # same names
        case PresenceDoc(kind=kind, agents=agents):
            found = _whom(agents, everybody)
            if kind in ("mute", "unmute"):
                return Mute(agents=found, lifted=kind == "unmute")
            return Admit(agents=found) if kind == "admit" else Remove(agents=found)
        case _ as unknown:
            assert_never(unknown)


def _channels(chosen: tuple[str, ...] | None, known: Sequence[ChannelId]) -> tuple[ChannelId, ...]:
    return tuple(known) if chosen is None else tuple(sorted(map(ChannelId, chosen)))


def _personas(doc: PersonaDoc, everybody: Sequence[Resident]) -> tuple[tuple[AgentId, str], ...]:
    meant = set(_whom(doc.agents, everybody))
    changed = [each._replace(persona=doc.persona) for each in everybody if each.name in meant]
    return tuple(sorted([(AgentId(each.name), rendered_persona(each)) for each in changed]))


def _probe_written(study: StudyDoc, doc: ProbeDoc, probe: Probe) -> dict[str, Any]:
    whom = _whom_written(study, doc.to, probe.asked)
    more = {"to": whom, "sample": probe.sample, "channel": probe.channel}
    return {
        "name": probe.name,
        "text": probe.text,
        **_when_written(probe.when),
        "act": act_written(probe.act),
        **{key: value for key, value in more.items() if value is not None},
    }


def _change_written(study: StudyDoc, doc: InterventionDoc, made: Intervention) -> dict[str, Any]:
    """Personas stay the templates that they were."""
    value = {"kind": doc.kind, **_when_written(made.when)}
    match made.change:
        case Broadcast(speaker=speaker, text=text, channels=channels):
            return value | {"from": speaker, "text": text, "channels": channels}
        case ChangeTopic(topic=topic, channels=channels):
            return value | {"topic": topic, "channels": channels}
        case ChangePersona(personas=personas):
            agents: tuple[AgentId, ...] = tuple([name for name, _ in personas])
        case Mute() | Remove() | Admit() | ChangeSampling():
            agents = made.change.agents
        case _ as unknown:
            assert_never(unknown)
    more: dict[str, Any] = {}
    if isinstance(doc, PersonaDoc):
        more = {"persona": doc.persona}
    elif isinstance(doc, SamplingDoc):
        more = dict(doc.options)
    whom = None if isinstance(doc, BroadcastDoc | TopicDoc) else doc.agents
    return value | {"agents": _whom_written(study, whom, agents)} | more


def _whom_written(study: StudyDoc, whom: Whom, found: Sequence[AgentId]) -> Any:
    """Names; where a population is described, the description."""
    if study.population is None:
        return list(found)
    if isinstance(whom, MembersDoc):
        return whom.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_defaults=True)
    return None if whom is None else sorted(whom)


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
