"""Checked documents -> the plan of a run. The gate's public functions can all be had from here."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any, Final

from pydantic import ValidationError

from genai_social_sim.domain.act import Number, Rate, Say
from genai_social_sim.domain.ids import AgentId, ChannelId, RoleId
from genai_social_sim.domain.network import Network
from genai_social_sim.domain.plan import (
    Agent,
    AllOf,
    AnyOf,
    Channel,
    Consensus,
    Layout,
    Model,
    Opening,
    PromptStyle,
    Protocol,
    Role,
    Rounds,
    RunPlan,
    Silence,
    StopRule,
    Timeouts,
    Tokens,
    Turns,
)
from genai_social_sim.errors import OptionsError, RequestError
from genai_social_sim.kernel.memory import ENCODER
from genai_social_sim.kernel.roles import TOLD
from genai_social_sim.kernel.templates import TemplateProblem
from genai_social_sim.study.acts import act_of
from genai_social_sim.study.document import (
    PromptDoc,
    SayDoc,
    StopDoc,
    StudyDoc,
    TimeoutsDoc,
)
from genai_social_sim.study.drawing import AT
from genai_social_sim.study.graphs import Place, Unfit, network_of
from genai_social_sim.study.loading import KNOWN_BACKENDS, LoadedStudy, from_canonical, load, parse
from genai_social_sim.study.memory import RetrievalDoc, is_plain, memory_of, reach_of
from genai_social_sim.study.models import SAMPLING_KEYS, ModelDoc, merged, model_of
from genai_social_sim.study.openings import unopened, with_openings
from genai_social_sim.study.people import RoleDoc
from genai_social_sim.study.planned import interventions_of, probes_of
from genai_social_sim.study.planned_changes import Society, gives_roles
from genai_social_sim.study.protocols import RoundRobinDoc
from genai_social_sim.study.references import problems_among
from genai_social_sim.study.refusals import Problem, nearest, problems_of, refused
from genai_social_sim.study.residents import (
    Resident,
    drawn,
    members_of,
    rendered_persona,
    residents,
    written_memories,
    written_models,
)
from genai_social_sim.study.source import Path
from genai_social_sim.study.turn_taking import protocol_of

__all__ = [
    "KNOWN_BACKENDS",
    "LoadedStudy",
    "canonical",
    "from_canonical",
    "load",
    "lower",
    "override",
    "parse",
    "unopened",
    "with_openings",
]

CheckOptions = Callable[[str, dict[str, Any]], None]
DEFAULT_MODEL: Final = "smollm2-135m"  # what the embedded backend takes without a `model` option


def lower(loaded: LoadedStudy, *, seed: int | None = None, check_options: CheckOptions | None = None) -> RunPlan:
    """Everything that determines one run; `seed` in place of the study's own.

    Args:
        loaded: The checked study.
        seed: On [0, 2^63).
        check_options: Called with a backend's name and its options; its ValueError or RequestError becomes a SpecError.

    Raises:
        SpecError: If a backend refuses its options.
        RequestError: If `seed` is out of range.
    """
    study = loaded.document
    if seed is not None and not 0 <= seed < 2**63:
        raise RequestError(f"the seed {seed} is out of range", remedy="Take a whole number from 0 to 2^63 - 1.")
    if check_options is not None:
        _check_options(loaded, check_options)
    chance = study.seed if seed is None else seed
    everybody = _everybody(loaded, chance)
    agents = _agents(loaded, everybody)
    layout = _layout(study.prompt, agents)
    channels = tuple(
        _channel(loaded, name, layout, everybody, agents=agents, seed=chance) for name in sorted(study.channels)
    )
    return RunPlan(
        name=study.name,
        seed=chance,
        agents=agents,
        channels=channels,
        prompt=_prompt(study.prompt, layout, agents, channels, has_roles=gives_roles(study)),
        stop=_stop(study.stop),
        timeouts=_timeouts(study.timeouts),
        roles=tuple([_role(name, study.roles[name]) for name in sorted(study.roles)]),
        probes=probes_of(study, channels, everybody),
        interventions=interventions_of(loaded, Society(channels, everybody, agents, chance)),
    )


def canonical(loaded: LoadedStudy, *, seed: int | None = None) -> str:
    """The resolved study as JSON: all that decides what happens but the seed, every default filled in.

    With a `seed` also what it draws before the first turn, people and networks: this is what a record holds.
    """
    from genai_social_sim.study.canonical import written

    population = loaded.document.population
    people = None if population is None else population.drawn if seed is None else drawn(loaded, seed)
    return written(loaded, lower(loaded, seed=seed), people, drawn=seed is not None)


def override(loaded: LoadedStudy, *changes: str) -> LoadedStudy:
    """The study with `changes` of the form `path.in.the.study=value`, checked again after the last of them.

    Raises:
        RequestError: If a path leads nowhere; it names the nearest keys.
        SpecError: If the changed study is wrong.
    """
    from genai_social_sim.study.overriding import overridden

    return overridden(loaded, changes)


def _everybody(loaded: LoadedStudy, seed: int) -> tuple[Resident, ...]:
    """All residents; what a population's names and attributes make wrong is refused here, once they are drawn."""
    everybody = residents(loaded, seed)
    if loaded.document.population is not None and (problems := problems_among(loaded.document, everybody)):
        raise refused(problems, loaded.marks)
    return everybody


def _agents(loaded: LoadedStudy, everybody: Sequence[Resident]) -> tuple[Agent, ...]:
    models: dict[tuple[int, ...], Model] = {}  # one value for all whose models are written in the same places
    made, study = [], loaded.document
    for resident in everybody:
        key = tuple(map(id, resident.models))
        if key not in models:
            models[key] = model_of(reduce(merged, resident.models, study.model))
        try:
            made.append(_agent(study, resident, models[key]))
        except TemplateProblem as fault:  # of the population: others were looked at before
            words = f"the template does not work for {resident.name}: {fault.reason}"
            remedy = "Values that may be missing need `| default(...)`."
            raise refused([Problem((*AT, "persona"), words, remedy)], loaded.marks) from None
    return tuple(sorted(made, key=lambda agent: agent.name))


def _agent(study: StudyDoc, resident: Resident, model: Model) -> Agent:
    authority = resident.authority
    if authority is None:
        authority = 1.0 if resident.role is None else study.roles[resident.role].authority
    return Agent(
        name=AgentId(resident.name),
        persona=rendered_persona(resident),
        model=model,
        role=None if resident.role is None else RoleId(resident.role),
        authority=authority,
        attributes=tuple(sorted(resident.attributes.items())),
        memory=None if resident.memory is None else memory_of(resident.memory),
    )


def _role(name: str, role: RoleDoc) -> Role:
    told = TOLD.get(role.told, role.told)
    return Role(name=RoleId(name), authority=role.authority, told=told, brief=role.brief, powers=role.powers)


def _channel(
    loaded: LoadedStudy,
    name: str,
    layout: Layout,
    everybody: Sequence[Resident],
    *,
    agents: Sequence[Agent],
    seed: int,
) -> Channel:
    study, channel = loaded.document, loaded.document.channels[name]
    protocol = channel.protocol or study.protocol
    members = members_of(channel.members, everybody)
    if not isinstance(protocol, RoundRobinDoc):  # their order means nothing, so that it changes nothing
        members = tuple(sorted(members))
    opening, memory = channel.opening, memory_of(channel.memory or study.memory)
    own = {agent.name: agent.memory for agent in agents if agent.memory is not None}
    memories = {own.get(AgentId(member), memory) for member in members} if own else {memory}
    return Channel(
        name=ChannelId(name),
        members=tuple(map(AgentId, members)),
        protocol=_protocol(loaded, name, layout),
        opening=None if opening is None else Opening(speaker=opening.speaker, text=opening.text),
        window=reach_of(memories),
        act=act_of(channel.act or study.act),
        direct=channel.direct,
        network=_network(loaded, name, tuple(map(AgentId, members)), agents, seed=seed),
        memory=None if is_plain(memory) and not own else memory,
    )


def _protocol(loaded: LoadedStudy, name: str, layout: Layout) -> Protocol:
    own = loaded.document.channels[name].protocol
    try:
        return protocol_of(own or loaded.document.protocol, layout)
    except RequestError as fault:
        path: Path = ("channels", name, "protocol") if own else ("protocol",)
        raise refused([Problem(path, fault.problem, fault.remedy)], loaded.marks) from None


def _network(
    loaded: LoadedStudy, name: str, members: tuple[AgentId, ...], agents: Sequence[Agent], *, seed: int
) -> Network | None:
    own = loaded.document.channels[name].network
    doc = own or loaded.document.network
    if doc is None:
        return None
    place = Place(
        channel=name,
        members=members,
        attributes={agent.name: agent.attributes for agent in agents},
        own=own is not None,
        folder=loaded.folder,
    )
    try:
        return network_of(doc, place, seed)
    except Unfit as fault:
        path: Path = ("channels", name, "network") if own else ("network",)
        raise refused([Problem((*path, fault.key), fault.text, fault.remedy)], loaded.marks) from None


def _layout(prompt: PromptDoc, agents: Collection[Agent]) -> Layout:
    return prompt.layout or ("transcript_first" if _all_shipped(agents) else "persona_first")


def _prompt(
    prompt: PromptDoc,
    layout: Layout,
    agents: Collection[Agent],
    channels: Collection[Channel],
    *,
    has_roles: bool,
) -> PromptStyle:
    from genai_social_sim.kernel.prompts import (
        CUES_WITH_OPTIONS,
        DEFAULT_CUES,
        DEFAULT_FRAMES,
        FRAMES_WITH_ROLES,
        SMALL_MODEL_LEAD,
    )

    frames = FRAMES_WITH_ROLES if has_roles or any(agent.role is not None for agent in agents) else DEFAULT_FRAMES
    frame = frames[layout] if prompt.frame is None else prompt.frame
    cues = DEFAULT_CUES if all(channel.act == Say() for channel in channels) else CUES_WITH_OPTIONS
    cue = _told(cues[layout], layout, channels) if prompt.cue is None else prompt.cue
    lead = prompt.lead
    if lead is None:
        lead = SMALL_MODEL_LEAD if _all_shipped(agents) and layout == "transcript_first" else ""
    return PromptStyle(layout=layout, frame=frame, cue=cue, lead=lead)


def _told(cue: str, layout: Layout, channels: Collection[Channel]) -> str:
    """The cue, which tells what is rated and how words are addressed, if that can be done anywhere."""
    from genai_social_sim.kernel.prompts import ADDRESSES, RATED

    if any(isinstance(channel.act, Rate | Number) and channel.act.about for channel in channels):
        cue = cue.replace(*RATED[layout])
    if any(channel.direct for channel in channels):
        cue = ADDRESSES[layout] + cue if layout == "script" else cue + ADDRESSES[layout]
    return cue


def _all_shipped(agents: Collection[Agent]) -> bool:
    return all(_is_shipped(agent.model) for agent in agents)


def _is_shipped(model: Model) -> bool:
    """Whether this is the small model that comes with the package."""
    options: Mapping[str, Any] = json.loads(model.options)
    return (
        model.backend == "embedded" and "path" not in options and options.get("model", DEFAULT_MODEL) == DEFAULT_MODEL
    )


def _stop(stop: StopDoc) -> StopRule:
    rules: list[StopRule] = []
    if stop.turns is not None:
        rules.append(Turns(count=stop.turns))
    if stop.rounds is not None:
        rules.append(Rounds(count=stop.rounds))
    if stop.tokens is not None:
        rules.append(Tokens(count=stop.tokens))
    if stop.silence is not None:
        rules.append(Silence(rounds=stop.silence))
    if stop.consensus is not None:
        rules.append(Consensus(share=stop.consensus.share, rounds=stop.consensus.for_rounds))
    if stop.any_of is not None:
        rules.append(AnyOf(rules=tuple(map(_stop, stop.any_of))))
    if stop.all_of is not None:
        rules.append(AllOf(rules=tuple(map(_stop, stop.all_of))))
    return rules[0] if len(rules) == 1 else AnyOf(rules=tuple(rules))


def _timeouts(timeouts: TimeoutsDoc) -> Timeouts:
    after = timeouts.on_failure
    return Timeouts(
        answer_s=timeouts.answer,
        connect_s=timeouts.connect,
        first_token_s=timeouts.first_token,
        turn_s=timeouts.turn,
        attempts=timeouts.attempts,
        backoff_s=timeouts.backoff,
        on_failure="say" if isinstance(after, SayDoc) else after,
        say=after.say if isinstance(after, SayDoc) else "",
    )


def _check_options(loaded: LoadedStudy, check: CheckOptions) -> None:
    study, seen = loaded.document, set()
    _check_encoders(loaded, check)
    for path, own, general in written_models(study):
        if path == ("model",) and study.population is None and all(agent.model for agent in study.agents):
            continue  # nobody's
        model = reduce(merged, (*general, own), study.model)
        key = (model.backend, model_of(model).options)
        if key in seen:
            continue
        seen.add(key)
        try:
            check(model.backend, dict(model.options))
        except (ValueError, RequestError) as fault:
            here: Path = path if own.model_fields_set else ("model",)
            where = {key: path if key in own.model_fields_set else ("model",) for key in model.options}
            problems = [
                replace(problem, path=(*where.get(str(problem.path[0]) if problem.path else "", here), *problem.path))
                for problem in _of_backend(fault, model)
            ]
            raise refused(problems, loaded.marks) from None


def _check_encoders(loaded: LoadedStudy, check: CheckOptions) -> None:
    for path, memory in written_memories(loaded.document):
        if isinstance(memory, RetrievalDoc):
            try:
                check(ENCODER, {"embedding": memory.embedding})
            except RequestError as fault:
                raise refused([Problem((*path, "embedding"), fault.problem, fault.remedy)], loaded.marks) from None


def _of_backend(fault: Exception, model: ModelDoc) -> list[Problem]:
    """A backend's refusal, by paths within its options: what pydantic found, or words at the option that they name."""
    found = fault if isinstance(fault, ValidationError) else fault.__cause__
    if isinstance(found, ValidationError):
        documents = (fault.document, ModelDoc) if isinstance(fault, OptionsError) else (ModelDoc,)
        return problems_of(found, dict(model.options), documents)
    words = getattr(fault, "problem", str(fault))
    remedy = getattr(fault, "remedy", "") or f"Check the options of the backend {model.backend}."
    named = [name for name in sorted(model.options, key=len, reverse=True) if name in words]
    if not named:
        return [Problem((), words, remedy)]
    return [Problem((named[0],), words, nearest(named[0], (*SAMPLING_KEYS, "backend")) + remedy, at_key=True)]
