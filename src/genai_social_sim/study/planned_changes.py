"""Interventions: checked documents -> the changes of a plan, and back to the form of a study file."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any, NamedTuple, assert_never

from genai_social_sim.domain.agenda import (
    AddEdges,
    Admit,
    Broadcast,
    ChangeChance,
    ChangeModel,
    ChangeNetwork,
    ChangePersona,
    ChangeRole,
    ChangeSampling,
    ChangeTopic,
    EdgesBetween,
    Inject,
    Mute,
    Planned,
    Remove,
    RemoveEdges,
)
from genai_social_sim.domain.ids import AgentId, ChannelId, RoleId
from genai_social_sim.domain.network import Edge, complete
from genai_social_sim.domain.plan import Agent, Channel, Model
from genai_social_sim.study.changes import (
    BroadcastDoc,
    ChanceDoc,
    EdgesChangeDoc,
    EdgesWhereDoc,
    InjectDoc,
    InterventionDoc,
    ModelChangeDoc,
    NetworkChangeDoc,
    PersonaDoc,
    PresenceDoc,
    RoleChangeDoc,
    SamplingDoc,
    TopicDoc,
)
from genai_social_sim.study.document import StudyDoc
from genai_social_sim.study.graphs import Place, Unfit, network_of, network_written
from genai_social_sim.study.groups import grouped
from genai_social_sim.study.loading import LoadedStudy
from genai_social_sim.study.models import heard, merged, model_of
from genai_social_sim.study.networks import NetworkDoc
from genai_social_sim.study.refusals import Problem, refused
from genai_social_sim.study.residents import Resident, meant, meant_written, rendered_persona


class Society(NamedTuple):
    """Who and what a study's interventions can change."""

    channels: tuple[Channel, ...]
    everybody: tuple[Resident, ...]
    agents: tuple[Agent, ...]
    seed: int


def change_of(loaded: LoadedStudy, at: int, doc: InterventionDoc, society: Society) -> Planned:  # noqa: C901, PLR0912 (one case for each kind)
    """The change that an intervention is; `at` is its position in the study. Raises SpecError."""
    study, everybody = loaded.document, society.everybody
    match doc:
        case BroadcastDoc(speaker=speaker, text=text, channels=chosen):
            return Broadcast(speaker=speaker, text=text, channels=_channels(chosen, society))
        case InjectDoc(agent=agent, text=text, channel=channel):
            return Inject(speaker=AgentId(agent), text=text, channel=_own_channel(agent, channel, society))
        case TopicDoc(topic=topic, channels=chosen):
            return ChangeTopic(topic=topic, channels=_channels(chosen, society))
        case PersonaDoc():
            return ChangePersona(personas=_personas(doc, everybody))
        case SamplingDoc(agents=agents):
            return ChangeSampling(agents=meant(agents, everybody), **doc.options)  # type: ignore[arg-type]  # same names
        case PresenceDoc():
            return _presence(doc, everybody)
        case RoleChangeDoc(agents=agents, role=role, authority=authority):
            if authority is None and role is not None:
                authority = study.roles[role].authority
            return ChangeRole(agents=meant(agents, everybody), role=_role(role), authority=authority)
        case ModelChangeDoc():
            return ChangeModel(models=_models(study, doc, everybody))
        case EdgesChangeDoc():
            return _edges(doc, society)
        case NetworkChangeDoc():
            return _network(loaded, at, doc, society)
        case ChanceDoc(draw=draw):
            return ChangeChance(draw=draw)
        case _ as unknown:
            assert_never(unknown)


def gives_roles(study: StudyDoc) -> bool:
    """Whether an intervention gives somebody a role."""
    return any(isinstance(change, RoleChangeDoc) and change.role is not None for change in study.interventions)


def change_written(study: StudyDoc, doc: InterventionDoc, change: Planned, *, drawn: bool) -> dict[str, Any]:
    """What it takes beside kind and time, in the form of a study file; personas stay the templates that they were."""
    match doc:
        case BroadcastDoc(speaker=speaker, text=text):
            return {"from": speaker, "text": text, "channels": _concerned(change)}
        case InjectDoc(agent=agent, text=text, channel=channel):
            return {"agent": agent, "text": text, **({} if channel is None else {"channel": channel})}
        case TopicDoc(topic=topic):
            return {"topic": topic, "channels": _concerned(change)}
        case EdgesChangeDoc():
            return _edges_written(doc, change)
        case NetworkChangeDoc(network=network):
            return _network_written(network, change, drawn=drawn)
        case ChanceDoc(draw=draw):
            return {"draw": draw}
        case PersonaDoc() | SamplingDoc() | RoleChangeDoc() | ModelChangeDoc() | PresenceDoc():
            return {"agents": meant_written(study, doc.agents, _whom(change)), **_more(doc)}
        case _ as unknown:
            assert_never(unknown)


def _more(doc: PersonaDoc | SamplingDoc | RoleChangeDoc | ModelChangeDoc | PresenceDoc) -> dict[str, Any]:
    """What it takes beside agents."""
    match doc:
        case PersonaDoc(persona=persona):
            return {"persona": persona}
        case SamplingDoc():
            return dict(doc.options)
        case RoleChangeDoc():
            return doc.model_dump(mode="json", include={"role", "authority"}, exclude_none=True)
        case ModelChangeDoc(model=model):
            return {"model": model.model_dump(mode="json", exclude_unset=True, exclude={"price"})}
        case PresenceDoc():
            return {}
        case _ as unknown:
            assert_never(unknown)


def _channels(chosen: tuple[str, ...] | None, society: Society) -> tuple[ChannelId, ...]:
    if chosen is None:
        return tuple([channel.name for channel in society.channels])
    return tuple(sorted(map(ChannelId, chosen)))


def _own_channel(agent: str, channel: str | None, society: Society) -> ChannelId:
    if channel is not None:
        return ChannelId(channel)
    return next(each.name for each in society.channels if agent in each.members)


def _role(role: str | None) -> RoleId | None:
    return None if role is None else RoleId(role)


def _presence(doc: PresenceDoc, everybody: Sequence[Resident]) -> Mute | Admit | Remove:
    found = meant(doc.agents, everybody)
    match doc.kind:
        case "mute" | "unmute":
            return Mute(agents=found, lifted=doc.kind == "unmute")
        case "admit":
            return Admit(agents=found)
        case "remove":
            return Remove(agents=found)
        case _ as unknown:
            assert_never(unknown)


def _personas(doc: PersonaDoc, everybody: Sequence[Resident]) -> tuple[tuple[AgentId, str], ...]:
    whom = set(meant(doc.agents, everybody))
    changed = [each._replace(persona=doc.persona) for each in everybody if each.name in whom]
    return tuple(sorted([(AgentId(each.name), rendered_persona(each)) for each in changed]))


def _models(study: StudyDoc, doc: ModelChangeDoc, everybody: Sequence[Resident]) -> tuple[tuple[AgentId, Model], ...]:
    """For each agent its own model, with what is said of the new one over it."""
    whom, made = set(meant(doc.agents, everybody)), dict[tuple[int, ...], Model]()
    found = []
    for each in sorted(everybody, key=lambda each: each.name):
        if each.name in whom:
            key = tuple(map(id, each.models))
            if key not in made:
                made[key] = heard(model_of(reduce(merged, (*each.models, doc.model), study.model)))
            found.append((AgentId(each.name), made[key]))
    return tuple(found)


def _edges(doc: EdgesChangeDoc, society: Society) -> AddEdges | RemoveEdges | EdgesBetween:
    channels, added = _channels(doc.channels, society), doc.kind == "add_edges"
    if doc.where is not None:
        one, other = _groups(doc.where, society.everybody)
        return EdgesBetween(
            channels=channels,
            one=one,
            other=other,
            share=1.0 if doc.share is None else doc.share,
            added=added,
            weight=1.0 if doc.weight is None else doc.weight,
        )
    rows = [(AgentId(row[0]), AgentId(row[1]), row[2]) for row in doc.edges or ()]
    members = {channel.name: {*channel.members} for channel in society.channels}
    there = [(name, [row for row in rows if {*row[:2]} <= members[name]]) for name in channels]
    if added:
        edges = [(name, tuple([Edge(one, other, 1.0 if weight is None else weight) for one, other, weight in found]))
                 for name, found in there]  # fmt: skip
        return AddEdges(edges=tuple(edges))
    return RemoveEdges(edges=tuple([(name, tuple([row[:2] for row in found])) for name, found in there]))


def _groups(where: EdgesWhereDoc, everybody: Sequence[Resident]) -> tuple[tuple[AgentId, ...], tuple[AgentId, ...]]:
    if where.between is not None:
        return grouped(where.between[0], everybody), grouped(where.between[1], everybody)
    if where.within is not None:
        return (group := grouped(where.within, everybody)), group
    return grouped(where.of or (), everybody), meant(None, everybody)


def _network(loaded: LoadedStudy, at: int, doc: NetworkChangeDoc, society: Society) -> ChangeNetwork:
    channel = next(each for each in society.channels if doc.channel in (None, each.name))
    place = Place(
        channel=channel.name,
        members=channel.members,
        attributes={agent.name: agent.attributes for agent in society.agents},
        own=True,
        folder=loaded.folder,
        draw=str(at),
    )
    try:
        network = network_of(doc.network, place, society.seed) or complete(channel.members)
    except Unfit as fault:
        path = ("interventions", at, "network", fault.key)
        raise refused([Problem(path, fault.text, fault.remedy)], loaded.marks) from None
    return ChangeNetwork(
        channel=channel.name, edges=tuple(network.edges), directed=network.directed, weighted=network.weighted
    )


def _concerned(change: Planned) -> tuple[ChannelId, ...]:
    if not isinstance(change, Broadcast | ChangeTopic | EdgesBetween):
        raise TypeError(f"{type(change).__name__} names no channels")
    return change.channels


def _whom(change: Planned) -> tuple[AgentId, ...]:
    match change:
        case Mute() | Remove() | Admit() | ChangeSampling() | ChangeRole():
            return change.agents
        case ChangePersona(personas=pairs):
            return tuple([name for name, _ in pairs])
        case ChangeModel(models=rows):
            return tuple([name for name, _ in rows])
        case _:
            raise TypeError(f"{type(change).__name__} names no agents")


def _edges_written(doc: EdgesChangeDoc, change: Planned) -> dict[str, Any]:
    if isinstance(change, AddEdges | RemoveEdges):
        rows = [row[:2] if row[2] is None else row for row in doc.edges or ()]
        return {"edges": rows, "channels": tuple([name for name, _ in change.edges])}
    more = {"share": doc.share, "weight": doc.weight, "channels": _concerned(change)}
    where = doc.model_dump(mode="json", by_alias=True, include={"where"}, exclude_none=True, exclude_defaults=True)
    return where | {key: value for key, value in more.items() if value is not None}


def _network_written(doc: NetworkDoc, change: Planned, *, drawn: bool) -> dict[str, Any]:
    if not isinstance(change, ChangeNetwork):
        raise TypeError("this intervention changes a network")
    return {"channel": change.channel, "network": network_written(doc, change, drawn=drawn)}
