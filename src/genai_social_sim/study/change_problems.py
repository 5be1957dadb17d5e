"""What interventions refer to: agents, groups, channels, roles, names, templates. Shapes were checked before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from genai_social_sim.kernel.templates import TemplateProblem
from genai_social_sim.study.changes import (
    BroadcastDoc,
    ChanceDoc,
    EdgesChangeDoc,
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
from genai_social_sim.study.groups import problems_of_group
from genai_social_sim.study.mentions import (
    TEMPLATE_REMEDY,
    no_channel,
    no_role,
    of_template,
    problems_of_speaker,
    problems_of_whom,
)
from genai_social_sim.study.population import MembersDoc
from genai_social_sim.study.refusals import Problem, listed, nearest
from genai_social_sim.study.residents import Resident, members_of, rendered_persona
from genai_social_sim.study.source import Path
from genai_social_sim.study.words import folded

_MOST_COMPLETE = 2_000  # members of a channel without a network whose edges can change: they are all written out


def problems_of_changes(study: StudyDoc, everybody: Sequence[Resident]) -> Iterator[Problem]:
    """All that is wrong with what is planned to change."""
    named: dict[str, int] = {}
    for index, change in enumerate(study.interventions):
        if change.name is not None and (first := named.setdefault(folded(change.name), index)) != index:
            remedy = f"interventions[{first}] has it; give each its own name."
            yield Problem(("interventions", index, "name"), f"the name {change.name!r} is taken", remedy)
        yield from _problems(change, study, everybody, ("interventions", index))


def groups_in(change: InterventionDoc, path: Path) -> list[tuple[Path, tuple[str, ...] | MembersDoc]]:
    """Whom a change describes, and where."""
    match change:
        case EdgesChangeDoc(where=where):
            if where is None:
                return []
            pair = [((*path, "where", "between", at), each) for at, each in enumerate(where.between or ())]
            one = [((*path, "where", name), getattr(where, name)) for name in ("within", "of")]
            return [*pair, *[(at, group) for at, group in one if group is not None]]
        case BroadcastDoc() | InjectDoc() | TopicDoc() | NetworkChangeDoc() | ChanceDoc():
            return []
        case PresenceDoc() | PersonaDoc() | SamplingDoc() | RoleChangeDoc() | ModelChangeDoc():
            return [((*path, "agents"), change.agents)]


def _problems(change: InterventionDoc, study: StudyDoc, everybody: Sequence[Resident], path: Path) -> Iterator[Problem]:
    match change:
        case BroadcastDoc(speaker=speaker, channels=channels):
            yield from _channels(channels or (), study, path)
            spoken = {folded(each.name): each.name for each in everybody}
            yield from problems_of_speaker(speaker, spoken, (*path, "from"))
        case TopicDoc(channels=channels):
            yield from _channels(channels or (), study, path)
        case InjectDoc(agent=agent, channel=channel):
            yield from _injected(agent, channel, study, everybody, path)
        case EdgesChangeDoc():
            yield from _edges(change, study, everybody, path)
        case NetworkChangeDoc():
            yield from _network(change, study, path)
        case ChanceDoc():
            return
        case PresenceDoc() | PersonaDoc() | SamplingDoc() | RoleChangeDoc() | ModelChangeDoc():
            yield from problems_of_whom(change.agents, everybody, (*path, "agents"))
            yield from _described(change, study, everybody, path)


def _described(
    change: PresenceDoc | PersonaDoc | SamplingDoc | RoleChangeDoc | ModelChangeDoc,
    study: StudyDoc,
    everybody: Sequence[Resident],
    path: Path,
) -> Iterator[Problem]:
    if isinstance(change, PersonaDoc):
        yield from _persona(change, everybody, (*path, "persona"))
    if isinstance(change, RoleChangeDoc) and change.role is not None and change.role not in study.roles:
        yield no_role(change.role, study.roles, (*path, "role"))


def _persona(change: PersonaDoc, everybody: Sequence[Resident], path: Path) -> Iterator[Problem]:
    meant = {*members_of(change.agents, everybody)}
    for each in everybody:
        if each.name in meant:
            try:
                rendered_persona(each._replace(persona=change.persona))
            except TemplateProblem as fault:
                known = ", ".join(["name", *each.attributes])
                text = f"{of_template(fault)} (for {each.name})"
                yield Problem(path, text, f"{TEMPLATE_REMEDY} Known in this one: {known}.")
                return


def _channels(chosen: Sequence[str], study: StudyDoc, path: Path) -> Iterator[Problem]:
    for index, name in enumerate(chosen):
        if name not in study.channels:
            yield no_channel(name, study.channels, (*path, "channels", index))
        elif name in chosen[:index]:
            yield Problem((*path, "channels", index), f"{name!r} is listed twice", "Delete one of the two.")


def _edges(change: EdgesChangeDoc, study: StudyDoc, everybody: Sequence[Resident], path: Path) -> Iterator[Problem]:
    unknown = [*_channels(change.channels or (), study, path)]
    if unknown:
        yield from unknown
        return
    within = {name: members_of(channel.members, everybody) for name, channel in study.channels.items()}
    chosen = {name: {*within[name]} for name in change.channels or study.channels}
    for name in chosen:
        network = study.channels[name].network or study.network
        if (network is None or network.kind == "complete") and len(within[name]) > _MOST_COMPLETE:
            text = (
                f"in the channel {name!r} {len(within[name]):,} members all hear each other: too many edges to change"
            )
            yield Problem((*path, "kind"), text, "Give the channel a network, or name other `channels`.")
    for at, (one, other, _) in enumerate(change.edges or ()):
        if not any({one, other} <= members for members in chosen.values()):
            text = f"{one!r} and {other!r} are together in none of its channels"
            known = sorted({member for members in chosen.values() for member in members})
            missing = next((end for end in (one, other) if end not in known), one)
            yield Problem((*path, "edges", at), text, f"{nearest(missing, known)}Members are: {listed(known)}.")
    for place, group in groups_in(change, path):
        yield from problems_of_group(group, everybody, place)


def _injected(
    agent: str, channel: str | None, study: StudyDoc, everybody: Sequence[Resident], path: Path
) -> Iterator[Problem]:
    known = {each.name: folded(each.name) for each in everybody}
    if agent not in known:
        remedy = f"{nearest(agent, known)}The agents are: {listed(tuple(known))}."
        yield Problem((*path, "agent"), f"there is no agent {agent!r}", remedy)
    elif channel is not None and channel not in study.channels:
        yield no_channel(channel, study.channels, (*path, "channel"))
    else:
        chosen = study.channels if channel is None else [channel]
        own = [name for name in study.channels if agent in members_of(study.channels[name].members, everybody)]
        if not {*own} & {*chosen}:
            words = "is in no channel" if channel is None else f"is not in the channel {channel!r}"
            remedy = f"It is in: {listed(own)}." if own else "Make it a member."
            yield Problem((*path, "agent" if channel is None else "channel"), f"{agent!r} {words}", remedy)


def _network(change: NetworkChangeDoc, study: StudyDoc, path: Path) -> Iterator[Problem]:
    if change.channel is None and len(study.channels) > 1:
        remedy = f"Write `channel:` with one of them: {listed(sorted(study.channels))}."
        yield Problem(path, "it is not said in which channel", remedy)
    elif change.channel is not None and change.channel not in study.channels:
        yield no_channel(change.channel, study.channels, (*path, "channel"))
