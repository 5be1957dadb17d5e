"""What comes of the calls that make up memories: the event, and the state after it.

Such a call is made when its turn falls due; the event stands in the log right before what became of that turn. Knows
nothing of how lines are chosen or shown.
"""

from __future__ import annotations

from typing import NamedTuple

from genai_social_sim.domain.events import Answered, AttemptFailed, Cause, Consequence, Remembered, Taken
from genai_social_sim.domain.line import Line
from genai_social_sim.domain.memory import Retrieval
from genai_social_sim.domain.text import EMPTY, Text
from genai_social_sim.domain.vector import Vector
from genai_social_sim.kernel.feeds import page_of
from genai_social_sim.kernel.floor import Turn, board_of
from genai_social_sim.kernel.memory import (
    RECALL,
    Mind,
    errand,
    importance_of,
    is_errand,
    is_rating,
    likeness_in,
    ranked,
    rated,
    rating_in,
    rating_written,
    scored_lines,
    scores_written,
    summed_up,
)
from genai_social_sim.kernel.outcome import chosen, outcome_of, passed_over
from genai_social_sim.kernel.state import RunState


class _Reading(NamedTuple):
    text: Text = EMPTY
    cause: Cause | None = None


def came_of(state: RunState, turn: Turn, taken: Taken) -> Consequence | None:
    """The event that `taken` leads to; None where the study wants a failure to stop the run."""
    if not (turn.aside and is_errand(turn.aside)):
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
    if is_errand(turn.aside):
        return _remembered(turn, _Reading(cause="passed"), call=b"", tokens=0)
    return passed_over(turn, "passed")


def made_up(state: RunState, event: Remembered) -> RunState:
    """With what an agent remembers from now on; the run's own count is not moved."""
    stage = state.stage
    index = stage.channel_index[event.channel]
    room, floor = stage.rooms[index], state.floors[index]
    position = event.turn - event.round * stage.plan.round_size - stage.plan.offsets[index]
    where, page = (event.round, position), None
    if room.forum is not None:
        page = page_of(room, room.forum, board_of(room, floor), event.agent, where)
    turn = Turn(event.turn, event.channel, index, event.round, position, event.agent, page=page)
    before, past = stage.mind(turn, floor), stage.past(turn, floor)
    name, lines = errand(stage.memory(turn), before, past, event.agent)
    after = _with(event, before, lines, past.heard) if name == event.aside else before._replace(turn=event.turn)
    minds = floor.minds or Vector.of([Mind()] * len(room.members))
    floor = floor._replace(minds=minds.replaced(room.seats[event.agent], after))
    return state._replace(floors=state.floors.replaced(index, floor))


def _with(event: Remembered, mind: Mind, lines: tuple[Line, ...], heard: tuple[Line, ...]) -> Mind:
    """`mind` after what came of the call that was due, about `lines`."""
    if is_rating(event.aside):  # there may be more to do before the turn
        return rated(mind, lines[0], rating_in(event.text.value), heard)
    if event.aside == RECALL:
        recalled = () if event.cause else scored_lines(event.text.value, lines)
        return mind._replace(turn=event.turn, recalled=recalled)
    return mind._replace(turn=event.turn) if event.cause else summed_up(mind, event.turn, event.text, lines, heard)


def paid(state: RunState, event: Remembered) -> RunState:
    """The run's own count after what a memory took."""
    return state._replace(progress=state.progress._replace(tokens=state.progress.tokens + event.tokens))


def _read(state: RunState, turn: Turn, answer: Answered) -> _Reading:
    if answer.finish == "passed":
        return _Reading(cause="passed")
    memory, floor = state.stage.memory(turn), state.floors[turn.channel_no]
    if not isinstance(memory, Retrieval):
        summary = answer.raw.value.strip()
        return _Reading(Text.of(summary)) if summary else _Reading(cause="empty")
    mind, past = state.stage.mind(turn, floor), state.stage.past(turn, floor)
    _, lines = errand(memory, mind, past, turn.agent)
    if is_rating(turn.aside):
        option = _option(state, turn, answer.raw.value)
        if option is None:
            return _Reading(cause="unreadable" if answer.raw.value.strip() else "empty")
        return _Reading(Text.of(rating_written(turn.aside, lines[0], option, past)))
    likeness = likeness_in(answer.raw.value, len(lines) - 1)
    if likeness is None:
        return _Reading(cause="garbled")
    authority = {str(agent.name): agent.authority for agent in state.stage.plan.agents} if _minds(memory) else {}
    importance = importance_of(memory, mind, lines[:-1], authority)
    best = ranked(memory, lines[:-1], memory.utterances, likeness, importance)
    return _Reading(Text.of(scores_written(best, lines, past)))


def _option(state: RunState, turn: Turn, raw: str) -> str | None:
    offer = state.stage.offer(turn)
    return chosen(state.stage, turn, raw, offer) if offer else None


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
