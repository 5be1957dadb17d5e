"""What comes of the calls that make up memories: the event, and the state after it.

Such a call is made when its turn falls due; the event stands in the log right before what became of that turn. Knows
nothing of how lines are chosen or shown.
"""

from __future__ import annotations

from typing import NamedTuple

from genai_social_sim.domain.events import Answered, AttemptFailed, Cause, Consequence, Remembered, Taken
from genai_social_sim.domain.memory import Retrieval
from genai_social_sim.domain.text import EMPTY, Text
from genai_social_sim.domain.vector import Vector
from genai_social_sim.kernel.floor import Turn
from genai_social_sim.kernel.memory import (
    ERRANDS,
    RECALL,
    Mind,
    errand,
    likeness_in,
    ranked,
    scored_lines,
    scores_written,
    summed_up,
)
from genai_social_sim.kernel.outcome import outcome_of, passed_over
from genai_social_sim.kernel.state import RunState


class _Reading(NamedTuple):
    text: Text = EMPTY
    cause: Cause | None = None


def came_of(state: RunState, turn: Turn, taken: Taken) -> Consequence | None:
    """The event that `taken` leads to; None where the study wants a failure to stop the run."""
    if turn.aside not in ERRANDS:
        return outcome_of(state.stage, turn, taken)
    if isinstance(taken, AttemptFailed):
        if state.stage.plan.timeouts.on_failure == "stop":
            return None
        call = taken.asked.bind(taken.cause, EMPTY, prompt_tokens=0, answer_tokens=0)
        return _remembered(turn, _Reading(cause=taken.cause), call=call, tokens=0)
    counts = {"prompt_tokens": taken.prompt_tokens, "answer_tokens": taken.answer_tokens}
    read = _read(state, turn, taken)
    return _remembered(
        turn, read, call=taken.asked.bind(taken.finish, taken.raw, **counts), tokens=sum(counts.values())
    )


def without_asking(turn: Turn) -> Consequence:
    """What becomes of a call aside that is not made."""
    if turn.aside in ERRANDS:
        return _remembered(turn, _Reading(cause="passed"), call=b"", tokens=0)
    return passed_over(turn, "passed")


def made_up(state: RunState, event: Remembered) -> RunState:
    """With what an agent remembers from now on; the run's own count is not moved."""
    stage = state.stage
    index = stage.channel_index[event.channel]
    room, floor = stage.rooms[index], state.floors[index]
    position = event.turn - event.round * stage.plan.round_size - stage.plan.offsets[index]
    turn = Turn(event.turn, event.channel, index, event.round, position, event.agent)
    before, heard = stage.mind(turn, floor), stage.heard(turn, floor)
    name, lines = errand(stage.memory(turn), before, heard, event.agent)
    after = before._replace(turn=event.turn)
    if name == event.aside and event.cause is None:
        if name == RECALL:
            after = after._replace(recalled=scored_lines(event.text.value, lines))
        else:
            after = summed_up(before, event.turn, event.text, lines, heard)
    elif name == RECALL:
        after = after._replace(recalled=())
    minds = floor.minds or Vector([Mind()] * len(room.members))
    floor = floor._replace(minds=minds.replaced(room.seats[event.agent], after))
    return state._replace(floors=state.floors.replaced(index, floor))


def paid(state: RunState, event: Remembered) -> RunState:
    """The run's own count after what a memory took."""
    return state._replace(progress=state.progress._replace(tokens=state.progress.tokens + event.tokens))


def _read(state: RunState, turn: Turn, answer: Answered) -> _Reading:
    if answer.finish == "passed":
        return _Reading(cause="passed")
    memory = state.stage.memory(turn)
    if turn.aside != RECALL or not isinstance(memory, Retrieval):
        summary = answer.raw.value.strip()
        return _Reading(Text.of(summary)) if summary else _Reading(cause="empty")
    floor = state.floors[turn.channel_no]
    _, lines = errand(memory, state.stage.mind(turn, floor), state.stage.heard(turn, floor), turn.agent)
    likeness = likeness_in(answer.raw.value, len(lines) - 1)
    if likeness is None:
        return _Reading(cause="garbled")
    authority = {str(agent.name): agent.authority for agent in state.stage.plan.agents} if _minds(memory) else {}
    best = ranked(memory, lines[:-1], memory.utterances, likeness, authority)
    return _Reading(Text.of(scores_written(best, lines)))


def _minds(memory: Retrieval) -> bool:
    return memory.importance == "authority" and memory.weight > 0


def _remembered(turn: Turn, read: _Reading, *, call: bytes, tokens: int) -> Remembered:
    return Remembered(
        turn=turn.number,
        round=turn.round,
        channel=turn.channel,
        agent=turn.agent,
        aside=turn.aside,
        text=read.text,
        call=call,
        tokens=tokens,
        cause=read.cause,
    )
