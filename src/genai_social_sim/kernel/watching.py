"""Conditions for which something planned waits: looked at when the run comes to a point at which it could be done.

Those of probes are looked at once the run is there, those of interventions after the probes of that point.
"""

from __future__ import annotations

from typing import Literal

from genai_social_sim.domain.agenda import Intervention, Probe
from genai_social_sim.domain.events import Probed
from genai_social_sim.kernel.agenda import NOTHING
from genai_social_sim.kernel.agreement import nothing_said, with_view
from genai_social_sim.kernel.state import RunState
from genai_social_sim.kernel.watch import Look, Watch, holds

Kind = Literal["probe", "change"]


def arrived(state: RunState, watch: Watch, *, spoke: bool) -> RunState:
    """The state after one more turn, before anything is done between it and the next; `watch` is its own."""
    watch = watch._replace(messages=watch.messages + spoke, held=NOTHING)
    return _after_probes(state, _looked(state, watch, "probe"))


def answered(state: RunState, event: Probed) -> RunState:
    """The state after an answer to a probe."""
    watch = state.watch
    if watch is None:
        return state
    views = watch.answers.get(event.probe)
    if views is not None and event.cause is None:
        after = with_view(views, state.stage.agent_index[event.agent], event.text.value)
        watch = watch._replace(answers={**watch.answers, event.probe: after})
    return _after_probes(state, watch)


def _after_probes(state: RunState, watch: Watch) -> RunState:
    """With the changes that `watch` finds due, once all that is asked before them has been answered."""
    progress = state.progress
    if state.done == state.stage.agenda.asked(progress.turns, closing=bool(progress.closing), held=watch.held):
        watch = _looked(state, watch, "change")
    return state._replace(watch=watch)


def _looked(state: RunState, watch: Watch, kind: Kind) -> Watch:
    """With the triggers of one kind that hold now."""
    plan, progress = state.stage.plan, state.progress
    planned: tuple[Probe | Intervention, ...] = plan.probes if kind == "probe" else plan.interventions
    views = state.views or nothing_said(len(plan.agents))
    look = Look(plan, progress, views, watch)
    found = [
        (kind, number)
        for number, each in enumerate(planned)
        if each.trigger is not None
        and (each.repeat or (kind, number) not in watch.fired)
        and state.stage.agenda.comes(each.when, progress.turns, closing=bool(progress.closing))
        and holds(each.trigger, look)
    ]
    return watch._replace(held=watch.held.union(found), fired=watch.fired.union(found))
