"""What refers to what in a study: names, members, speakers, templates. Shapes were checked before."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from difflib import get_close_matches
from typing import Any

from genai_social_sim.kernel import templates
from genai_social_sim.kernel.acts import is_drawn
from genai_social_sim.kernel.templates import TemplateProblem
from genai_social_sim.study.acting import problems_of_acting
from genai_social_sim.study.acts import act_of
from genai_social_sim.study.agenda_problems import problems_of_agenda, wheres_of_agenda
from genai_social_sim.study.base import Doc
from genai_social_sim.study.design_problems import problems_of_design
from genai_social_sim.study.document import (
    StopDoc,
    StudyDoc,
)
from genai_social_sim.study.drawing import AT
from genai_social_sim.study.memory_problems import problems_of_memories
from genai_social_sim.study.mentions import (
    SAMPLE,
    TEMPLATE_REMEDY,
    no_role,
    of_template,
    problems_of_members,
    problems_of_speaker,
)
from genai_social_sim.study.models import ModelDoc
from genai_social_sim.study.people import AgentDoc
from genai_social_sim.study.population import DrawnDoc, MembersDoc, WhereDoc
from genai_social_sim.study.power_problems import problems_of_powers
from genai_social_sim.study.prices import problems_of_prices
from genai_social_sim.study.protocols import ModeratedDoc, ProtocolDoc
from genai_social_sim.study.refusals import TYPO, Problem, listed, nearest
from genai_social_sim.study.residents import (
    Resident,
    listed_agent,
    members_of,
    rendered_persona,
    written_models,
)
from genai_social_sim.study.source import Path
from genai_social_sim.study.turn_taking import problems_of_protocol
from genai_social_sim.study.words import folded


def problems_in(study: StudyDoc, *, backends: Collection[str] | None) -> list[Problem]:
    """All that is wrong; `backends` are the known ones, None for any."""
    return [
        *_blanks(study, ()),
        *_models(study, backends),
        *_agents(study),
        *_roles(study),
        *(() if study.population is not None else _society(study, [listed_agent(agent) for agent in study.agents])),
        *_stops(study.stop, ("stop",)),
        *_prompt(study),
        *problems_of_memories(study),
        *problems_of_acting(study),
        *problems_of_prices(study),
        *problems_of_design(study),
    ]


def problems_among(study: StudyDoc, everybody: Sequence[Resident]) -> list[Problem]:
    """What is wrong with a study that has a population, once it is known who that is."""
    return [*_society(study, everybody), *_wheres(study, everybody)]


def _society(study: StudyDoc, everybody: Sequence[Resident]) -> Iterator[Problem]:
    """What depends on who there is."""
    yield from _channels(study, everybody)
    yield from problems_of_powers(study, everybody)
    yield from problems_of_agenda(study, everybody)


def _blanks(value: Any, path: Path) -> Iterator[Problem]:
    """Keys without a value, where `null` means nothing."""
    if isinstance(value, Doc) and not isinstance(value, DrawnDoc):  # in which an empty cell is no value
        for name in value.model_fields_set & type(value).model_fields.keys():
            field, inner = type(value).model_fields[name], getattr(value, name)
            here = (*path, field.alias or name)
            if inner is None and name not in value.may_be_null:
                yield Problem(here, "no value follows this key", "Write one, or delete the key.")
            yield from _blanks(inner, here)
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _blanks(inner, (*path, key))
    elif isinstance(value, tuple):
        for index, inner in enumerate(value):
            yield from _blanks(inner, (*path, index))


def _models(study: StudyDoc, backends: Collection[str] | None) -> Iterator[Problem]:
    for path, model, _ in written_models(study):
        yield from _misspelt(model, path)
        if backends is not None and model.backend not in backends:
            remedy = f"{nearest(model.backend, backends)}Known: {', '.join(sorted(backends))}."
            yield Problem((*path, "backend"), f"there is no backend {model.backend!r}", remedy)


def _misspelt(model: ModelDoc, path: Path) -> Iterator[Problem]:
    """Options that no backend is meant to have, since they read like a key of every model."""
    known = tuple(ModelDoc.model_fields)
    for option in model.options:
        if get_close_matches(option.casefold(), known, n=1, cutoff=TYPO):
            yield Problem((*path, option), "unknown key", f"{nearest(option, known)}".strip(), at_key=True)


def _agents(study: StudyDoc) -> Iterator[Problem]:
    agents = study.agents
    if not agents and study.population is None:
        place: Path = ("agents",) if "agents" in study.model_fields_set else ()
        remedy = "List some, as in `agents: [{name: BOT1}]`, or add `population: {size: 100}`."
        yield Problem(place, "there are no agents: the list of them is empty or missing", remedy)
    seen: dict[str, int] = {}
    for index, agent in enumerate(agents):
        first = seen.setdefault(folded(agent.name), index)
        if first != index:
            other = agents[first].name
            text = f"the name {agent.name!r} is taken" + ("" if other == agent.name else f" (it reads like {other!r})")
            yield Problem(("agents", index, "name"), text, f"agents[{first}] has it; give each agent its own name.")
        yield from _persona(agent, ("agents", index, "persona"))


def _persona(agent: AgentDoc, path: Path) -> Iterator[Problem]:
    try:
        rendered_persona(agent)
    except TemplateProblem as fault:
        known = ", ".join(["name", *agent.attributes])
        yield Problem(path, of_template(fault), f"{TEMPLATE_REMEDY} Known in this one: {known}.")


def _roles(study: StudyDoc) -> Iterator[Problem]:
    given: list[tuple[Path, str | None]] = [
        (("agents", index, "role"), agent.role) for index, agent in enumerate(study.agents)
    ]
    if study.population is not None:
        given.append(((*AT, "role"), study.population.role))
        given += [((*AT, "groups", at, "role"), group.role) for at, group in enumerate(study.population.groups)]
    for path, wanted in given:
        if wanted is not None and wanted not in study.roles:
            yield no_role(wanted, study.roles, path)
    known = ("name", "role", "authority")
    for name, role in study.roles.items():
        for key, template in (("told", role.told), ("brief", role.brief)):
            try:
                templates.render(template, **{word: SAMPLE[word] for word in known})
            except TemplateProblem as fault:
                remedy = f"{TEMPLATE_REMEDY} Known in this one: {', '.join(known)}."
                yield Problem(("roles", name, key), of_template(fault), remedy)


def _channels(study: StudyDoc, everybody: Sequence[Resident]) -> Iterator[Problem]:
    names = {each.name: folded(each.name) for each in everybody}
    spoken = {text: name for name, text in names.items()}
    seen: dict[str, str] = {}
    for name, channel in study.channels.items():
        path: Path = ("channels", name)
        other = seen.setdefault(folded(name), name)
        if other != name:
            text = f"the name reads like that of the channel {other!r}"
            yield Problem(path, text, "Give each channel its own name.", at_key=True)
        yield from problems_of_members(channel.members, names, (*path, "members"))
        members = members_of(channel.members, everybody)
        if not members and everybody:
            yield Problem((*path, "members"), "nobody is meant by this", "Change `where`, or name `agents` too.")
        if channel.protocol is not None:
            yield from problems_of_protocol(channel.protocol, members, name, (*path, "protocol"))
        else:
            yield from problems_of_protocol(study.protocol, members, name, ("protocol",))
        speaker = "system" if channel.opening is None else channel.opening.speaker
        yield from problems_of_speaker(speaker, spoken, (*path, "opening", "from"))


def _wheres(study: StudyDoc, everybody: Sequence[Resident]) -> Iterator[Problem]:
    """Descriptions by attributes that nobody has."""
    wheres: list[tuple[Path, WhereDoc]] = [
        (("channels", name, "members", "where"), channel.members.where)
        for name, channel in study.channels.items()
        if isinstance(channel.members, MembersDoc) and channel.members.where
    ]
    wheres += wheres_of_agenda(study)
    if study.population is not None:
        wheres += [((*AT, "groups", at, "where"), group.where) for at, group in enumerate(study.population.groups)]
    if not wheres:
        return
    known = {name for each in everybody for name in each.attributes}
    for path, where in wheres:
        for name in where:
            if name not in known:
                remedy = f"{nearest(name, known)}There are: {listed(sorted(known))}."
                yield Problem((*path, name), f"nobody has an attribute {name!r}", remedy, at_key=True)


def _stops(stop: StopDoc, path: Path) -> Iterator[Problem]:
    if not stop.model_fields_set:
        yield Problem(path, "there is no rule here", "Write one, for example `{turns: 12}` or `{rounds: 5}`.")
    for name, rules in (("any", stop.any_of), ("all", stop.all_of)):
        for index, rule in enumerate(rules or ()):
            yield from _stops(rule, (*path, name, index))


def _prompt(study: StudyDoc) -> Iterator[Problem]:
    own: dict[Path, str | None] = {("prompt", name): getattr(study.prompt, name) for name in ("frame", "cue", "lead")}
    protocols: dict[Path, ProtocolDoc | None] = {("protocol",): study.protocol}
    protocols |= {("channels", name, "protocol"): channel.protocol for name, channel in study.channels.items()}
    own |= {(*path, "cue"): each.cue for path, each in protocols.items() if isinstance(each, ModeratedDoc)}
    for path, template in own.items():
        try:
            templates.render(template or "", **SAMPLE)
        except TemplateProblem as fault:
            known = ", ".join(SAMPLE)
            yield Problem(path, of_template(fault), f"{TEMPLATE_REMEDY} Known in this one: {known}.")
            return
    yield from _unshown(study)


def _unshown(study: StudyDoc) -> Iterator[Problem]:
    """Options of which an order or letters are drawn, and which no prompt shows."""
    cue = study.prompt.cue
    if cue is None or templates.render(cue, **SAMPLE) != templates.render(cue, **SAMPLE | {"options": ["2"]}):
        return
    for name, channel in study.channels.items():
        act = channel.act or study.act
        if is_drawn(act_of(act)):
            text = f"the channel {name!r} draws how options are shown, and this cue does not show them"
            yield Problem(("prompt", "cue"), text, "Put `{{ options | join(', ') }}` into it.")
            return
