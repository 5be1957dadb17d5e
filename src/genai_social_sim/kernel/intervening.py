"""Interventions: what a planned change does to the state of a run. It knows nothing of when one is due."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, replace
from types import MappingProxyType
from typing import Final, assert_never

from genai_social_sim.domain.agenda import (
    AddEdges,
    Admit,
    Broadcast,
    Change,
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
    Remove,
    RemoveEdges,
)
from genai_social_sim.domain.changes import read, written
from genai_social_sim.domain.dice import Dice
from genai_social_sim.domain.events import Cause, Intervened, Opened
from genai_social_sim.domain.ids import AgentId
from genai_social_sim.domain.plan import Agent, RunPlan
from genai_social_sim.domain.text import Text
from genai_social_sim.kernel.floor import opened, put_in
from genai_social_sim.kernel.rewiring import anew, between, rewired, with_edges, without_edges
from genai_social_sim.kernel.state import RunState, restaged

_SEEDS: Final = 2**53  # whole numbers below are exact in every program that reads them


def intervening(state: RunState, number: int) -> Intervened:
    """The event of an intervention of the plan that is due now."""
    planned = state.stage.plan.interventions[number].change
    change = between(state, planned, number) if isinstance(planned, EdgesBetween) else planned
    return Intervened(turn=state.progress.turns, number=number, change=Text.of(written(change)))


def intervened(state: RunState, event: Intervened) -> RunState:
    """The state after an intervention, which is what its event says."""
    return _changed(state, read(event.change.value))._replace(done=state.done + 1)


def _changed(state: RunState, change: Change) -> RunState:  # noqa: C901 (one case for each kind)
    plan = state.stage.plan
    match change:
        case Broadcast() as said:
            return _heard(state, said)
        case Inject() as said:
            return _injected(state, said)
        case Mute(agents=agents, lifted=lifted):
            return _voiced(state, agents, only="muted") if lifted else _silenced(state, agents, "muted")
        case Remove(agents=agents):
            return _silenced(state, agents, "absent")
        case Admit(agents=agents):
            return _voiced(state, agents, only="absent")
        case ChangePersona() | ChangeSampling() | ChangeRole() | ChangeModel():
            new = _described(plan, change)
            agents_now = tuple([new.get(agent.name, agent) for agent in plan.agents])
            return restaged(state, replace(plan, agents=agents_now))
        case ChangeTopic(channels=channels, topic=topic):
            changed = [replace(each, topic=topic) if each.name in channels else each for each in plan.channels]
            return restaged(state, replace(plan, channels=tuple(changed)))
        case AddEdges(edges=edges):
            return rewired(state, {channel: with_edges(rows) for channel, rows in edges})
        case RemoveEdges(edges=pairs):
            return rewired(state, {channel: without_edges(rows) for channel, rows in pairs})
        case ChangeNetwork(channel=channel):
            return rewired(state, {channel: anew(change)})
        case ChangeChance(draw=draw):
            return restaged(state, _drawn_anew(plan, draw, turns=state.progress.turns))
        case _ as unknown:
            assert_never(unknown)


def _drawn_anew(plan: RunPlan, draw: int, *, turns: int) -> RunPlan:
    """With another seed; a round that has begun keeps its own."""
    seed = Dice(plan.seed, "chance", draw, turns).below(_SEEDS)
    before = plan.seeds_of_rounds or ((0, plan.seed),)
    return replace(plan, seed=seed, seeds_of_rounds=(*before, (-(-turns // plan.round_size), seed)))


def _described(
    plan: RunPlan, change: ChangePersona | ChangeSampling | ChangeRole | ChangeModel
) -> dict[AgentId, Agent]:
    """The agents of which something else is to be said, as they are from now on."""
    match change:
        case ChangePersona(personas=personas):
            texts = dict(personas)
            return {who.name: replace(who, persona=texts[who.name]) for who in _of(plan, texts)}
        case ChangeModel(models=pairs):
            models = dict(pairs)
            return {who.name: replace(who, model=models[who.name]) for who in _of(plan, models)}
        case ChangeSampling(agents=agents):
            return {who.name: _asked(who, change) for who in _of(plan, agents)}
        case ChangeRole(agents=agents, role=role, authority=authority):
            new = {"role": role, "authority": authority}
            given = {key: value for key, value in new.items() if value is not None}
            return {who.name: replace(who, **given) for who in _of(plan, agents)}  # type: ignore[arg-type]  # same names
        case _ as unknown:
            assert_never(unknown)


def _heard(state: RunState, said: Broadcast) -> RunState:
    floors = state.floors
    for channel in said.channels:
        index = state.stage.channel_index[channel]
        line = state.stage.line(Opened(channel=channel, speaker=said.speaker, text=Text.of(said.text)))
        floors = floors.replaced(index, opened(state.stage.rooms[index], floors[index], line))
    return state._replace(floors=floors)


def _injected(state: RunState, said: Inject) -> RunState:
    index = state.stage.channel_index[said.channel]
    line = state.stage.line(Opened(channel=said.channel, speaker=said.speaker, text=Text.of(said.text)))
    floor = put_in(state.stage.rooms[index], state.floors[index], line)
    return state._replace(floors=state.floors.replaced(index, floor))


def _silenced(state: RunState, agents: Collection[AgentId], why: Cause) -> RunState:
    both = {agent: state.silenced.get(agent, frozenset()) | {why} for agent in agents}
    return state._replace(silenced=MappingProxyType({**state.silenced, **both}))


def _voiced(state: RunState, agents: Collection[AgentId], *, only: Cause) -> RunState:
    left = {agent: why - {only} if agent in agents else why for agent, why in state.silenced.items()}
    return state._replace(silenced=MappingProxyType({agent: why for agent, why in left.items() if why}))


def _of(plan: RunPlan, names: Collection[AgentId]) -> list[Agent]:
    among = frozenset(names)
    return [agent for agent in plan.agents if agent.name in among]


def _asked(agent: Agent, change: ChangeSampling) -> Agent:
    options = {key: value for key, value in asdict(change).items() if key != "agents" and value is not None}
    return replace(agent, model=replace(agent.model, sampling=replace(agent.model.sampling, **options)))
