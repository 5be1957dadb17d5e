"""Interventions: what a planned change does to the state of a run. It knows nothing of when one is due."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import asdict, replace
from types import MappingProxyType
from typing import assert_never

from genai_social_sim.domain.agenda import (
    Admit,
    Broadcast,
    ChangePersona,
    ChangeSampling,
    ChangeTopic,
    Mute,
    Remove,
)
from genai_social_sim.domain.events import Cause, Intervened, Opened
from genai_social_sim.domain.ids import AgentId
from genai_social_sim.domain.plan import Agent, RunPlan
from genai_social_sim.domain.text import Text
from genai_social_sim.kernel.floor import opened
from genai_social_sim.kernel.stage import Stage
from genai_social_sim.kernel.state import RunState


def intervening(state: RunState, number: int) -> Intervened:
    """The event of an intervention of the plan that is due now."""
    change = state.stage.plan.interventions[number].change
    kind = re.sub(r"(?<!^)(?=[A-Z])", "_", type(change).__name__).lower()
    told = {key: value for key, value in asdict(change).items() if value is not None}
    words = json.dumps({"kind": kind, **told}, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return Intervened(turn=state.progress.turns, number=number, change=Text.of(words))


def intervened(state: RunState, event: Intervened) -> RunState:
    """The state after an intervention."""
    return _changed(state, event.number)._replace(done=state.done + 1)


def _changed(state: RunState, number: int) -> RunState:
    plan = state.stage.plan
    match plan.interventions[number].change:
        case Broadcast() as said:
            return _heard(state, said)
        case Mute(agents=agents, lifted=lifted):
            return _voiced(state, agents, only="muted") if lifted else _silenced(state, agents, "muted")
        case Remove(agents=agents):
            return _silenced(state, agents, "absent")
        case Admit(agents=agents):
            return _voiced(state, agents, only="absent")
        case ChangePersona(personas=personas):
            new = dict(personas)
            return _with_agents(state, {who.name: replace(who, persona=new[who.name]) for who in _of(plan, new)})
        case ChangeSampling(agents=agents) as asked:
            return _with_agents(state, {agent.name: _asked(agent, asked) for agent in _of(plan, agents)})
        case ChangeTopic(channels=channels, topic=topic):
            changed = [replace(each, topic=topic) if each.name in channels else each for each in plan.channels]
            return state._replace(stage=Stage(replace(plan, channels=tuple(changed))))
        case _ as unknown:
            assert_never(unknown)


def _heard(state: RunState, said: Broadcast) -> RunState:
    floors = state.floors
    for channel in said.channels:
        index = state.stage.channel_index[channel]
        line = state.stage.line(Opened(channel=channel, speaker=said.speaker, text=Text.of(said.text)))
        floors = floors.replaced(index, opened(state.stage.rooms[index], floors[index], line))
    return state._replace(floors=floors)


def _silenced(state: RunState, agents: Collection[AgentId], why: Cause) -> RunState:
    both = {agent: state.silenced.get(agent, frozenset()) | {why} for agent in agents}
    return state._replace(silenced=MappingProxyType({**state.silenced, **both}))


def _voiced(state: RunState, agents: Collection[AgentId], *, only: Cause) -> RunState:
    left = {agent: why - {only} if agent in agents else why for agent, why in state.silenced.items()}
    return state._replace(silenced=MappingProxyType({agent: why for agent, why in left.items() if why}))


def _of(plan: RunPlan, names: Collection[AgentId]) -> list[Agent]:
    return [agent for agent in plan.agents if agent.name in names]


def _asked(agent: Agent, change: ChangeSampling) -> Agent:
    options = {key: value for key, value in asdict(change).items() if key != "agents" and value is not None}
    return replace(agent, model=replace(agent.model, sampling=replace(agent.model.sampling, **options)))


def _with_agents(state: RunState, new: dict[AgentId, Agent]) -> RunState:
    plan = state.stage.plan
    agents = tuple([new.get(agent.name, agent) for agent in plan.agents])
    return state._replace(stage=Stage(replace(plan, agents=agents)))
