"""Settles order: answers come in as they like, go to their channels in turn, and leave as events in logical order.

It does no I/O, so that a live run, a resumed one and a replay go through the same code.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from itertools import takewhile

from genai_social_sim.domain.events import CallKey, Consequence, Exercised, Logical, Outcome, Probed, Remembered
from genai_social_sim.kernel.agenda import Intervening, Item
from genai_social_sim.kernel.errands import made_up, paid
from genai_social_sim.kernel.floor import Turn, next_turn, wave_begins
from genai_social_sim.kernel.intervening import intervening
from genai_social_sim.kernel.outcome import passed_over
from genai_social_sim.kernel.powers import petition, why_silent
from genai_social_sim.kernel.run import after, apply, decide, ending, taken_alone, tallied, with_floor
from genai_social_sim.kernel.state import RunState


class Conductor:
    """The state of a run in progress and the outcomes that wait for their place."""

    def __init__(self, state: RunState) -> None:
        self.state = state
        self._outcomes: dict[int, Outcome] = {}
        self._open: set[int] = set(range(len(state.floors)))  # channels whose turns have to be looked for
        self._parked: set[int] = set()  # channels that have to wait for others
        self._taken: dict[int, None] = {}  # the channels of turns that were taken, in their order
        self._told: dict[CallKey, Probed] = {}
        self._held: dict[int, Turn] = {}  # turns whose agents' memories are being made up
        self._ready: list[Turn] = []  # and those for which that is done
        self._remembered: dict[int, list[Remembered]] = {}  # of turns that have no outcome yet
        self._agenda: deque[Item] = deque()  # what is left of it at this point of the run
        self._unasked = False  # whether its probes are still to be given out
        self._petition: Turn | None = None  # by which a holder of powers is asked at this point of the run
        self._unpetitioned = False  # whether that is still to be given out
        self._exercised: Exercised | None = None  # what came of it
        self._given: dict[int, int] = {}  # by channel, where there are powers: up to which number turns were given out
        self._look_at_powers(range(len(state.floors)))
        self._look_at_agenda()

    @property
    def ended(self) -> bool:
        """Whether a stopping rule ended the run."""
        return bool(self.state.progress.ended)

    @property
    def restless(self) -> bool:
        """Whether `due` may have something to give out."""
        return bool(self._open) or self._unasked or self._unpetitioned or bool(self._ready)

    @property
    def unsettled(self) -> bool:
        """Whether `settle` has something to do."""
        return bool(self._taken or self._exercised or self._agenda or self.state.progress.closing)

    def due(self) -> list[Turn]:
        """The turns that have become due since it was asked last, and what is to be asked aside."""
        turns: list[Turn] = []
        for index in sorted(self._open) if len(self._open) > 1 else self._open:
            found = decide(self.state, index)
            if found:
                turns.extend(self._not_under_way(index, found) if self.state.stage.powers else found)
            else:
                self._parked.add(index)
        self._open.clear()
        if self._unasked:
            self._unasked = False
            turns.extend([item for item in takewhile(_is_aside, self._agenda) if isinstance(item, Turn)])
        if self._unpetitioned and self._petition is not None:
            self._unpetitioned = False
            turns.append(self._petition)
        if self.state.silenced or self.state.stage.powers or self.state.stage.has_forum:
            turns = self._without_silenced(turns)
        return self._with_errands(turns) if self.state.stage.minding else turns

    def left_out(self) -> list[Logical]:
        """What follows at once from where the run stands: its log may have been cut off before it said so."""
        return self._keep_agenda()

    def take(self, turn: Turn, outcome: Consequence) -> None:
        """What became of a turn, or of a call aside, that was given out."""
        if isinstance(outcome, Probed):
            self._told[turn.key] = outcome
        elif isinstance(outcome, Exercised):
            self._exercised = outcome
        elif isinstance(outcome, Remembered):
            self.state = made_up(self.state, outcome)
            self._remembered.setdefault(turn.number, []).append(outcome)
            self._ready.append(self._held.pop(turn.number))
        else:
            self._outcomes[turn.number] = outcome
            self._taken[turn.channel_no] = None

    def settle(self) -> list[Logical]:
        """The events that follow from what was taken, in logical order; append them before anything else is asked."""
        if self._taken and len(self._outcomes) == 1 and (events := self._settle_one()):
            return events
        events = []
        if self._taken:
            for channel_no in self._taken:
                self._hear(channel_no)
            self._taken.clear()
            events = self._tally()
        while self._exercised is not None:
            events += self._exercise(self._exercised)
        if self._agenda or self.state.progress.closing:
            events += self._keep_agenda()
        return events

    def _settle_one(self) -> list[Logical]:
        """The event of the only turn that was taken, if it has its place and nothing but the next turn follows."""
        (index,), (outcome,) = self._taken, self._outcomes.values()
        state = taken_alone(self.state, index, outcome)
        if state is None:
            return []
        self.state = state
        self._taken.clear()
        self._outcomes.clear()
        self._open.add(index)
        if state.progress.turns % state.stage.plan.round_size == 0:
            self._look_again()
        return [outcome]

    def _not_under_way(self, index: int, found: Sequence[Turn]) -> list[Turn]:
        """Without turns that were given out while a holder of powers was asked, before the run went on from there."""
        first = self._given.get(index, 0)
        self._given[index] = max(first, found[-1].number + 1)
        return [turn for turn in found if turn.number >= first]

    def _look_again(self) -> None:
        """A round is over: channels that had to wait for others may go on."""
        self._open |= self._parked
        self._parked.clear()

    def _with_errands(self, turns: list[Turn]) -> list[Turn]:
        """Before turns whose agents' memories have to be made up first, what makes them up: one call after another."""
        given: list[Turn] = []
        ready, self._ready = self._ready, []
        for turn in (*ready, *turns):
            errand = self.state.stage.errand(turn, self.state.floors[turn.channel_no])
            if errand is not None:
                self._held[turn.number] = turn
            given.append(errand or turn)
        return given

    def _without_silenced(self, turns: list[Turn]) -> list[Turn]:
        """Pass over agents that have no voice, or nothing to say; those that are muted can still be asked aside."""
        voiced = []
        for turn in turns:
            why = why_silent(self.state, turn)
            if why is not None:
                self.take(turn, passed_over(turn, why))
            elif self.state.stage.is_wordless(turn):
                self.take(turn, passed_over(turn, "wordless"))
            else:
                voiced.append(turn)
        return voiced

    def _hear(self, index: int) -> None:
        """Tell a channel what was taken of its wave, as far as nothing is missing."""
        stage, floor = self.state.stage, self.state.floors[index]
        room, outcomes = stage.rooms[index], []
        number = next_turn(room, floor)
        for at in range(number, number + room.turns - floor.position):
            outcome = self._outcomes.get(at)
            if outcome is None:
                break
            outcomes.append(outcome)
        if outcomes:
            floor = after(stage, index, floor, outcomes)
            self.state = with_floor(self.state, index, floor)
            if wave_begins(room, floor):
                self._open.add(index)

    def _tally(self) -> list[Logical]:
        """Count what has its place in the run now."""
        events: list[Logical] = []
        plan, state = self.state.stage.plan, self.state
        round_before = state.progress.turns // plan.round_size
        while not state.progress.closing and self._petition is None and (outcomes := self._next_in_line()):
            for remembered in self._remembered.pop(outcomes[0].turn, ()) if self._remembered else ():
                events.append(remembered)
                self.state = paid(self.state, remembered)
            events += outcomes
            state = self.state = tallied(self.state, *outcomes)
            if state.stage.powers:
                self._look_at_powers([state.stage.channel_index[outcomes[-1].channel]])
        if events:
            self._look_at_agenda()
        if state.progress.turns // plan.round_size > round_before:
            self._look_again()
        return events

    def _next_in_line(self) -> list[Outcome]:
        """What is counted next: all that follows without a gap; one, if rules or memories have to look at each."""
        stage, at = self.state.stage, self.state.progress.turns
        each = stage.minding or stage.powers or self.state.watch
        last, outcomes = stage.bound if stage.counts_alone and not each else at + 1, []
        while at < last and (outcome := self._outcomes.pop(at, None)) is not None:
            outcomes.append(outcome)
            at += 1
        return outcomes

    def _look_at_powers(self, channels: Iterable[int]) -> bool:
        """Whether a holder of powers in one of `channels` is to be asked at this point of the run."""
        if self.state.stage.powers:
            self._petition = next((asked for index in channels if (asked := petition(self.state, index))), None)
            self._unpetitioned = self._petition is not None
        return self._petition is not None

    def _exercise(self, event: Exercised) -> list[Logical]:
        """What a holder of powers does, and what follows: the next one is asked, or the run goes on."""
        events: list[Logical] = []
        index = self.state.stage.channel_index[event.channel]
        self._exercised = self._petition = None
        self._take_effect(event, events)
        if not self._look_at_powers([index]):
            self._open.add(index)
            self._look_at_agenda()
            events += self._tally()
        return events

    def _look_at_agenda(self) -> None:
        """What it has at this point of the run, once no holder of powers is to be asked any more."""
        agenda, progress = self.state.stage.agenda, self.state.progress
        if agenda.empty or self._petition is not None:
            return
        items = agenda.items(progress.turns, closing=bool(progress.closing), held=self.state.held)
        self._agenda = deque(items[self.state.done :])
        self._unasked = bool(self._agenda) and _is_aside(self._agenda[0])
        if not items and agenda.next(progress.turns - 1) == progress.turns:
            self._go_on()  # nothing of what waits for a trigger is due here after all

    def _keep_agenda(self) -> list[Logical]:
        """What the agenda has at this point of the run, as far as nothing is missing; and the end."""
        events: list[Logical] = []
        while self._agenda:
            item, held = self._agenda[0], self.state.held
            if isinstance(item, Intervening):
                self._take_effect(intervening(self.state, item.number), events)
                self._unasked = len(self._agenda) > 1 and _is_aside(self._agenda[1])
            elif (told := self._told.pop(item.key, None)) is not None:
                self._take_effect(told, events)
            else:
                return events
            self._agenda.popleft()
            if self.state.held != held:  # what waited for the answers to probes is due now
                self._look_at_agenda()
        if end := ending(self.state):
            self._take_effect(end, events)
        elif events:
            self._go_on()
        return events

    def _go_on(self) -> None:
        """After a point: all that was given out before has come in, perhaps a part of a simultaneous round."""
        self._open.update(range(len(self.state.floors)))
        self._parked.clear()

    def _take_effect(self, event: Logical, events: list[Logical]) -> None:
        self.state = apply(self.state, event)
        events.append(event)


def _is_aside(item: Item) -> bool:
    """Whether somebody is to be asked."""
    return isinstance(item, Turn)
