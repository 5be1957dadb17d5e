"""Where a run stands. What moves it stands in `kernel.run`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from genai_social_sim.domain.agenda import Admit
from genai_social_sim.domain.events import Cause
from genai_social_sim.domain.ids import AgentId
from genai_social_sim.domain.vector import Vector
from genai_social_sim.kernel.agreement import Views, nothing_said
from genai_social_sim.kernel.floor import Floor
from genai_social_sim.kernel.stage import Stage
from genai_social_sim.kernel.stopping import Progress


class RunState(NamedTuple):
    """A run after some of its events."""

    stage: Stage
    floors: Vector[Floor]
    progress: Progress
    openings: int = 0  # channels opened so far
    done: int = 0  # of what the agenda has at this point of the run
    silenced: Mapping[AgentId, Cause] = MappingProxyType({})  # agents whose turns are passed over, and why
    views: Views | None = None  # what each said last, where a stopping rule asks


def start(stage: Stage) -> RunState:
    """The state before the first event."""
    floors = Vector([Floor()] * len(stage.plan.channels))
    admissions = [each.change for each in stage.plan.interventions if isinstance(each.change, Admit)]
    absent: dict[AgentId, Cause] = {agent: "absent" for change in admissions for agent in change.agents}
    views = nothing_said(len(stage.plan.agents)) if stage.consensus else None
    return RunState(stage, floors, Progress(), silenced=MappingProxyType(absent), views=views)
