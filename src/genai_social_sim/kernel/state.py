"""Where a run stands. What moves it stands in `kernel.run`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from genai_social_sim.domain.agenda import Admit, Remove
from genai_social_sim.domain.events import Cause
from genai_social_sim.domain.ids import AgentId
from genai_social_sim.domain.plan import RunPlan
from genai_social_sim.domain.vector import Vector
from genai_social_sim.kernel.agenda import NOTHING, Key, first_point
from genai_social_sim.kernel.agreement import Views, nothing_said
from genai_social_sim.kernel.floor import Floor, goes_on
from genai_social_sim.kernel.stage import Stage
from genai_social_sim.kernel.stopping import Progress
from genai_social_sim.kernel.watch import Watch, begun


class RunState(NamedTuple):
    """A run after some of its events."""

    stage: Stage
    floors: Vector[Floor]
    progress: Progress
    openings: int = 0  # channels opened so far
    done: int = 0  # of what the agenda has at this point of the run
    silenced: Mapping[AgentId, frozenset[Cause]] = MappingProxyType({})  # agents whose turns are passed over, and why
    views: Views | None = None  # what each said last, where a stopping rule or a trigger asks
    watch: Watch | None = None  # where something waits for a trigger

    @property
    def held(self) -> frozenset[Key]:
        """Whose triggers hold at this point of the run."""
        return NOTHING if self.watch is None else self.watch.held


def start(stage: Stage) -> RunState:
    """The state before the first event."""
    floors = Vector.of([Floor()] * len(stage.plan.channels))
    absent = dict.fromkeys(_yet_to_come(stage.plan), frozenset[Cause](["absent"]))
    watch = begun(stage.plan)
    views = nothing_said(len(stage.plan.agents)) if stage.consensus or watch is not None else None
    return RunState(stage, floors, Progress(), silenced=MappingProxyType(absent), views=views, watch=watch)


def restaged(state: RunState, plan: RunPlan) -> RunState:
    """The state in which another plan is in force from now on; a wave or meeting under way goes on as it began."""
    rooms = state.stage.rooms
    under_way = [goes_on(room, state.floors[room.index]) for room in rooms]
    return state._replace(stage=Stage(plan, under_way))


def _yet_to_come(plan: RunPlan) -> list[AgentId]:
    """Agents who are admitted before they are ever removed."""
    first: dict[AgentId, tuple[float, int]] = {}
    for number, each in enumerate(plan.interventions):
        if isinstance(each.change, Admit | Remove):
            at = (first_point(plan, each.when), number)
            first |= {agent: min(at, first.get(agent, at)) for agent in each.change.agents}
    return [agent for agent, (_, number) in first.items() if isinstance(plan.interventions[number].change, Admit)]
