"""Settles order: answers come in as they like, go to their channels in turn, and leave as events in logical order.

It does no I/O, so that a live run, a resumed one and a replay go through the same code.
"""

from __future__ import annotations

from genai_social_sim.domain.events import Logical, Outcome
from genai_social_sim.kernel.floor import Turn, wave_begins
from genai_social_sim.kernel.run import RunState, apply, decide, ending, hear, next_turn
from genai_social_sim.kernel.stopping import counted


class Conductor:
    """The state of a run in progress and the outcomes that wait for their place."""

    def __init__(self, state: RunState) -> None:
        self.state = state
        self._outcomes: dict[int, Outcome] = {}
        self._open: set[int] = set(range(len(state.floors)))  # channels whose turns have to be looked for
        self._parked: set[int] = set()  # channels that have to wait for others
        self._taken: list[Turn] = []

    @property
    def ended(self) -> bool:
        """Whether a stopping rule ended the run."""
        return bool(self.state.progress.ended)

    @property
    def restless(self) -> bool:
        """Whether `due` may have something to give out."""
        return bool(self._open)

    def due(self) -> list[Turn]:
        """The turns that have become due since it was asked last."""
        turns: list[Turn] = []
        for index in sorted(self._open) if len(self._open) > 1 else self._open:
            found = decide(self.state, index)
            if found:
                turns.extend(found)
            else:
                self._parked.add(index)
        self._open.clear()
        return turns

    def left_out(self) -> list[Logical]:
        """The end, if a stopping rule holds already and the log was cut off before it said so."""
        end = ending(self.state.stage.plan, self.state.progress)
        if end is None:
            return []
        self.state = apply(self.state, end)
        return [end]

    def take(self, turn: Turn, outcome: Outcome) -> None:
        """What became of a turn that was given out."""
        self._outcomes[turn.number] = outcome
        self._taken.append(turn)

    def settle(self) -> list[Logical]:
        """The events that follow from what was taken, in logical order; append them before anything else is asked."""
        if not self._taken:
            return []
        plan = self.state.stage.plan
        for channel_no in dict.fromkeys([turn.channel_no for turn in self._taken]):
            self._hear(channel_no)
        self._taken.clear()
        round_before = self.state.progress.turns // plan.round_size
        events = self._tally()
        if self._parked and self.state.progress.turns // plan.round_size > round_before:
            self._open |= self._parked
            self._parked.clear()
        return events

    def _hear(self, index: int) -> None:
        """Tell a channel what was taken of its wave, as far as nothing is missing."""
        stage, floor = self.state.stage, self.state.floors[index]
        number, outcomes = next_turn(stage, index, floor), []
        for at in range(number, number + stage.rooms[index].turns - floor.position):
            if at not in self._outcomes:
                break
            outcomes.append(self._outcomes[at])
        if outcomes:
            self.state = hear(self.state, *outcomes)
            if wave_begins(stage.rooms[index], self.state.floors[index]):
                self._open.add(index)

    def _tally(self) -> list[Logical]:
        """Count what has its place in the run now."""
        events: list[Logical] = []
        plan, progress = self.state.stage.plan, self.state.progress
        while not progress.ended and (outcome := self._outcomes.pop(progress.turns, None)):
            events.append(outcome)
            progress = counted(progress, outcome)
            if end := ending(plan, progress):
                events.append(end)
                progress = progress._replace(ended=end.reason)
        self.state = self.state._replace(progress=progress)
        return events
