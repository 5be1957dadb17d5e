"""The resolved study as canonical JSON, in the form of a study file: what a record holds and a digest covers.

It leaves out what changes nothing that happens: the description, prices, durability and how many calls are
under way at once.
"""

from __future__ import annotations

import json
from typing import Any, Final, assert_never

from genai_social_sim.domain.act import Act, Choose, Rate, Say
from genai_social_sim.domain.plan import (
    Agent,
    AllOf,
    AnyOf,
    Channel,
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
from genai_social_sim.study.document import StudyDoc
from genai_social_sim.study.models import SAMPLING_KEYS
from genai_social_sim.study.people import AgentDoc
from genai_social_sim.study.turn_taking import protocol_written

UNHEARD_OPTIONS: Final = frozenset({"parallel", "slots"})  # of a backend: they change how fast it answers, never what


def written(study: StudyDoc, plan: RunPlan) -> str:
    """Canonical JSON of `plan`, which was made from `study`; personas stay the templates they were."""
    written_agents = {agent.name: agent for agent in study.agents}
    value = {
        "name": plan.name,
        "agents": [_agent(agent, written_agents[agent.name]) for agent in plan.agents],
        **({"roles": {role.name: _role(role) for role in plan.roles}} if plan.roles else {}),
        "channels": {channel.name: _channel(channel) for channel in plan.channels},
        "prompt": {
            "layout": plan.prompt.layout,
            "frame": plan.prompt.frame,
            "cue": plan.prompt.cue,
            "lead": plan.prompt.lead,
        },
        "stop": _stop(plan.stop),
        "timeouts": _timeouts(plan.timeouts),
    }
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _agent(agent: Agent, doc: AgentDoc) -> dict[str, Any]:
    more = {"attributes": doc.attributes or None, "role": doc.role, "authority": doc.authority}
    written = {key: value for key, value in more.items() if value is not None}
    return {"name": agent.name, "persona": doc.persona, **written, "model": _model(agent.model)}


def _role(role: Role) -> dict[str, Any]:
    return {"authority": role.authority, "told": role.told or "nothing", "brief": role.brief}


def _model(model: Model) -> dict[str, Any]:
    options = {key: value for key, value in json.loads(model.options).items() if key not in UNHEARD_OPTIONS}
    return {**options, "backend": model.backend} | {key: getattr(model.sampling, key) for key in SAMPLING_KEYS}


def _channel(channel: Channel) -> dict[str, Any]:
    memory = {"kind": "window", "utterances": channel.window} if channel.window else {"kind": "none"}
    value = {"members": channel.members, "protocol": protocol_written(channel.protocol), "memory": memory}
    if channel.act != Say():
        value["act"] = _act(channel.act)
    if channel.opening is None:
        return value
    return {**value, "opening": {"from": channel.opening.speaker, "text": channel.opening.text}}


def _act(act: Act) -> dict[str, Any]:
    match act:
        case Say(may_pass=may_pass):
            return {"kind": "say", "may_pass": may_pass}
        case Choose(options=options, shuffle=shuffle, labels=labels, may_pass=may_pass):
            drawn = {"shuffle": shuffle, "labels": labels}
            return {"kind": "choose", "options": options, **drawn, "may_pass": may_pass}
        case Rate(scale=scale, may_pass=may_pass):
            return {"kind": "rate", "scale": scale, "may_pass": may_pass}
        case _ as unknown:
            assert_never(unknown)


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
