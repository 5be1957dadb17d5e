"""The resolved study as canonical JSON, in the form of a study file: what a record holds and a digest covers.

It leaves out what changes nothing that happens: the description, prices, durability and how many calls are
under way at once.
"""

from __future__ import annotations

import json
from functools import reduce
from typing import Any, Final, assert_never

from genai_social_sim.domain.act import Say
from genai_social_sim.domain.memory import Window
from genai_social_sim.domain.plan import (
    Agent,
    AllOf,
    AnyOf,
    Channel,
    Consensus,
    Model,
    Role,
    Rounds,
    RunPlan,
    Silence,
    StopRule,
    Timeouts,
    Tokens,
    Turns,
)
from genai_social_sim.study.acts import act_written
from genai_social_sim.study.document import StudyDoc
from genai_social_sim.study.drawing import AT, expanded, table_of
from genai_social_sim.study.graphs import network_written
from genai_social_sim.study.loading import LoadedStudy
from genai_social_sim.study.memory import MemoryDoc, memory_of, memory_written
from genai_social_sim.study.models import SAMPLING_KEYS, heard, merged, model_of
from genai_social_sim.study.people import AgentDoc
from genai_social_sim.study.planned import agenda_written
from genai_social_sim.study.population import DrawnDoc, MembersDoc, PopulationDoc
from genai_social_sim.study.turn_taking import protocol_written

_APART: Final[Any] = {"model": True, "memory": True, "groups": {"__all__": {"model", "memory"}}, "drawn": True}


def written(loaded: LoadedStudy, plan: RunPlan, people: DrawnDoc | None, *, drawn: bool) -> str:
    """Canonical JSON of `plan`, which was made from `loaded`; personas stay the templates they were.

    With `drawn` also the networks that the plan's seed drew.
    """
    study = loaded.document
    by_hand = {agent.name: agent for agent in study.agents}
    listed = [agent for agent in plan.agents if agent.name in by_hand]
    value = {
        "name": plan.name,
        **({"agents": [_agent(agent, by_hand[agent.name]) for agent in listed]} if listed else {}),
        **({} if study.population is None else {"population": _population(loaded, study.population, people)}),
        **({"roles": {role.name: _role(role) for role in plan.roles}} if plan.roles else {}),
        "channels": {channel.name: _channel(study, channel, drawn=drawn) for channel in plan.channels},
        "prompt": {
            "layout": plan.prompt.layout,
            "frame": plan.prompt.frame,
            "cue": plan.prompt.cue,
            "lead": plan.prompt.lead,
        },
        **agenda_written(study, plan, drawn=drawn),
        "stop": _stop(plan.stop),
        "timeouts": _timeouts(plan.timeouts),
    }
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _agent(agent: Agent, doc: AgentDoc) -> dict[str, Any]:
    more = {"attributes": doc.attributes or None, "role": doc.role, "authority": doc.authority, **_memory(doc.memory)}
    written = {key: value for key, value in more.items() if value is not None}
    return {"name": agent.name, "persona": doc.persona, **written, "model": _model(agent.model)}


def _memory(memory: MemoryDoc | None) -> dict[str, Any]:
    return {} if memory is None else {"memory": memory_written(memory_of(memory))}


def _role(role: Role) -> dict[str, Any]:
    powers = {"powers": role.powers} if role.powers else {}
    return {"authority": role.authority, "told": role.told or "nothing", "brief": role.brief, **powers}


def _model(model: Model) -> dict[str, Any]:
    return {**json.loads(heard(model).options), "backend": model.backend} | {
        key: getattr(model.sampling, key) for key in SAMPLING_KEYS
    }


def _population(loaded: LoadedStudy, population: PopulationDoc, people: DrawnDoc | None) -> dict[str, Any]:
    """The population with its presets written out, its models whole, and its files told by their hashes."""
    value = expanded(population).model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude=_APART)
    for name, attribute in population.attributes.items():
        if attribute.file is not None and attribute.file.sha256 is None:
            place = (*AT, "attributes", name, "file")
            value["attributes"][name]["file"]["sha256"] = table_of(attribute.file, place, loaded.folder).sha256
    general = loaded.document.model
    for group, doc in zip(value.get("groups", ()), population.groups, strict=True):
        group["model"] = _model(model_of(reduce(merged, (population.model, doc.model), general)))
        group.update(_memory(doc.memory))
    value |= {"model": _model(model_of(merged(general, population.model))), **_memory(population.memory)}
    if people is not None:
        value["drawn"] = {"names": people.names, "attributes": people.attributes}
        if people.groups is not None:
            value["drawn"]["groups"] = people.groups
    return value


def _members(study: StudyDoc, channel: Channel) -> Any:
    """Names; where a population is described, those that are listed by hand, and the description."""
    members = study.channels[channel.name].members
    where = members.where if isinstance(members, MembersDoc) else {} if members is None else None
    if study.population is None or where is None:
        return channel.members
    known = {agent.name for agent in study.agents} | {*(members.agents if isinstance(members, MembersDoc) else ())}
    listed = [member for member in channel.members if member in known]
    described = MembersDoc(agents=tuple(listed), where=where).model_dump(mode="json", by_alias=True, exclude_none=True)
    return described if listed else {"where": described["where"]}


def _channel(study: StudyDoc, channel: Channel, *, drawn: bool) -> dict[str, Any]:
    memory = memory_written(channel.memory or Window(utterances=channel.window))
    value = {"members": _members(study, channel), "protocol": protocol_written(channel.protocol), "memory": memory}
    if channel.act != Say():
        value["act"] = act_written(channel.act)
    if channel.direct:
        value["direct"] = True
    network = study.channels[channel.name].network or study.network
    if network is not None and channel.network is not None:
        value["network"] = network_written(network, channel.network, drawn=drawn)
    if channel.opening is None:
        return value
    return {**value, "opening": {"from": channel.opening.speaker, "text": channel.opening.text}}


def _stop(rule: StopRule) -> dict[str, Any]:
    match rule:
        case Turns(count=count):
            return {"turns": count}
        case Rounds(count=count):
            return {"rounds": count}
        case Tokens(count=count):
            return {"tokens": count}
        case Silence(rounds=rounds):
            return {"silence": rounds}
        case Consensus(share=share, rounds=rounds):
            return {"consensus": {"share": share, "for_rounds": rounds}}
        case AnyOf(rules=rules):
            return {"any": [_stop(inner) for inner in rules]}
        case AllOf(rules=rules):
            return {"all": [_stop(inner) for inner in rules]}
        case _ as unknown:
            assert_never(unknown)


def _timeouts(timeouts: Timeouts) -> dict[str, Any]:
    limits = {"connect": timeouts.connect_s, "first_token": timeouts.first_token_s, "turn": timeouts.turn_s}
    return {key: limit for key, limit in limits.items() if limit is not None} | {
        "answer": timeouts.answer_s,
        "attempts": timeouts.attempts,
        "backoff": timeouts.backoff_s,
        "on_failure": {"say": timeouts.say} if timeouts.on_failure == "say" else timeouts.on_failure,
    }
