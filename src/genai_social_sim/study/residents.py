"""Who lives in a study: the agents listed by hand and the people of its population, alike, before they are agents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pydantic_core import PydanticCustomError

from genai_social_sim.domain.distribution import Scalar
from genai_social_sim.domain.ids import AgentId
from genai_social_sim.domain.population import Condition, People, Where, as_text
from genai_social_sim.kernel.templates import TemplateProblem, render
from genai_social_sim.study.changes import ModelChangeDoc
from genai_social_sim.study.document import StudyDoc
from genai_social_sim.study.drawing import AT, PopulationProblem, drawn_people, expanded
from genai_social_sim.study.memory import MemoryDoc
from genai_social_sim.study.models import ModelDoc
from genai_social_sim.study.people import AgentDoc
from genai_social_sim.study.population import BetweenDoc, DrawnDoc, MembersDoc, PopulationDoc, WhereDoc
from genai_social_sim.study.refusals import Problem, refused
from genai_social_sim.study.source import Path
from genai_social_sim.study.words import agent_name, folded

if TYPE_CHECKING:
    from genai_social_sim.study.loading import LoadedStudy

Whom = tuple[str, ...] | MembersDoc | None
MAX_PERSONA: Final = 100_000
MAX_DRAWS: Final = 2  # kept of one study, by seed


class Resident(NamedTuple):
    """One of a study, as it is written: `models` from the most general to its own, each over those before it."""

    name: str
    persona: str
    attributes: Mapping[str, Scalar]
    role: str | None
    authority: float | None
    models: tuple[ModelDoc | None, ...]
    memory: MemoryDoc | None = None


def residents(loaded: LoadedStudy, seed: int) -> tuple[Resident, ...]:
    """All of a study: those listed by hand in their order, then its population; raises SpecError."""
    study = loaded.document
    listed = tuple([listed_agent(agent) for agent in study.agents])
    if study.population is None:
        return listed
    return listed + tuple(_populating(study.population, drawn(loaded, seed)))


def drawn(loaded: LoadedStudy, seed: int) -> DrawnDoc:
    """The population of a study that has one, as `seed` draws it or as it was drawn; raises SpecError."""
    population = loaded.document.population
    if population is None:
        raise ValueError("this study has no population")
    if population.drawn is not None:
        return population.drawn
    if seed not in loaded.draws:
        try:
            found = _checked(loaded.document, drawn_people(expanded(population), seed, loaded.folder))
        except PopulationProblem as fault:
            raise refused([fault.problem], loaded.marks) from None
        for other in list(loaded.draws)[: 1 - MAX_DRAWS]:
            del loaded.draws[other]
        loaded.draws[seed] = DrawnDoc.model_construct(
            names=tuple(found.names),
            attributes={name: tuple(values) for name, values in found.columns.items()},
            groups=_groups(population, found) if population.groups else None,
        )
    return loaded.draws[seed]


def where_of(where: WhereDoc) -> Where:
    """Who is meant."""
    return Where(conditions=tuple([_condition(name, value) for name, value in sorted(where.items())]))


def members_of(members: Whom, everybody: Sequence[Resident]) -> tuple[str, ...]:
    """Those that are named, and then whoever fits; all if nothing is said."""
    if members is None:
        return tuple([each.name for each in everybody])
    if not isinstance(members, MembersDoc):
        return members
    found = dict.fromkeys(members.agents)
    if members.where is not None:
        where = where_of(members.where)
        found |= dict.fromkeys([each.name for each in everybody if where.fits(each.attributes)])
    return tuple(found)


def meant(whom: Whom, everybody: Sequence[Resident]) -> tuple[AgentId, ...]:
    """The same, in the order of their names."""
    return tuple(sorted(map(AgentId, members_of(whom, everybody))))


def meant_written(study: StudyDoc, whom: Whom, found: Sequence[AgentId]) -> Any:
    """Those `found`, in the form of a study file: names; where a population is described, the description."""
    if study.population is None:
        return list(found)
    if isinstance(whom, MembersDoc):
        return whom.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_defaults=True)
    return None if whom is None else sorted(whom)


def written_models(study: StudyDoc) -> Iterator[tuple[Path, ModelDoc, tuple[ModelDoc | None, ...]]]:
    """Each model that is written, where, and the models that it stands over."""
    yield ("model",), study.model, ()
    for index, agent in enumerate(study.agents):
        if agent.model is not None:
            yield ("agents", index, "model"), agent.model, (study.model,)
    planned = enumerate(study.interventions)
    changes = [(index, change.model) for index, change in planned if isinstance(change, ModelChangeDoc)]
    yield from [(("interventions", index, "model"), model, (study.model,)) for index, model in changes]
    population = study.population
    if population is None:
        return
    if population.model is not None:
        yield (*AT, "model"), population.model, (study.model,)
    for index, group in enumerate(population.groups):
        if group.model is not None:
            yield (*AT, "groups", index, "model"), group.model, (study.model, population.model)


def written_memories(study: StudyDoc) -> Iterator[tuple[Path, MemoryDoc]]:
    """Each memory that is written, and where."""
    places: list[tuple[Path, MemoryDoc | None]] = [((), study.memory)]
    places += [(("channels", name), channel.memory) for name, channel in study.channels.items()]
    places += [(("agents", index), agent.memory) for index, agent in enumerate(study.agents)]
    if (population := study.population) is not None:
        places.append((AT, population.memory))
        places += [((*AT, "groups", index), group.memory) for index, group in enumerate(population.groups)]
    return (((*place, "memory"), memory) for place, memory in places if memory is not None)


def rendered_persona(resident: AgentDoc | Resident, **more: Scalar) -> str:
    """The persona over name and attributes, without white space around it; raises TemplateProblem."""
    text = render(resident.persona, **resident.attributes, **more, name=resident.name).strip()
    if len(text) > MAX_PERSONA:
        raise TemplateProblem(f"it renders to {len(text):,} characters; at most {MAX_PERSONA:,} are taken")
    return text


def listed_agent(agent: AgentDoc) -> Resident:
    """An agent that the study lists by hand."""
    return Resident(
        agent.name, agent.persona, agent.attributes, agent.role, agent.authority, (agent.model,), agent.memory
    )


def _populating(population: PopulationDoc, people: DrawnDoc) -> Iterator[Resident]:
    persona, groups = expanded(population).persona or "", population.groups
    columns = People(people.names, people.attributes)
    for at, name in enumerate(people.names):
        group = groups[people.groups[at]] if people.groups and people.groups[at] >= 0 else None
        role = population.role if group is None or group.role is None else group.role
        models = (population.model,) if group is None else (population.model, group.model)
        memory = population.memory if group is None or group.memory is None else group.memory
        yield Resident(name, persona, columns.attributes(at), role, None, models, memory)


def _groups(population: PopulationDoc, people: People) -> tuple[int, ...]:
    wheres = [where_of(group.where) for group in population.groups]

    def first(at: int) -> int:
        attributes = people.attributes(at)
        return next((index for index, where in enumerate(wheres) if where.fits(attributes)), -1)

    return tuple([first(at) for at in range(len(people.names))])


def _checked(study: StudyDoc, people: People) -> People:
    """Names that are none, or that two would have; raises PopulationProblem."""
    taken = {folded(agent.name): agent.name for agent in study.agents}
    for at, name in enumerate(people.names):
        try:
            agent_name(name)
        except PydanticCustomError as fault:
            said = fault.context or {}
            raise PopulationProblem(Problem((*AT, "name"), str(said["problem"]), str(said["remedy"]))) from None
        other = taken.get(folded(name))
        taken[folded(name)] = name
        if other is not None:
            words = f"two agents would have the name {other!r}, agent {at + 1} of the population among them"
            raise PopulationProblem(Problem((*AT, "name"), words, "Put `{{ number }}` into the template of names."))
    return people


def _condition(name: str, value: BetweenDoc | tuple[Scalar, ...]) -> Condition:
    if isinstance(value, BetweenDoc):
        return Condition(attribute=name, low=value.low, high=value.high)
    return Condition(attribute=name, values=tuple(map(as_text, value)))
