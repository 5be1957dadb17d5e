"""What becomes of a turn: the logical event that follows from an answer, or from the last failure."""

from __future__ import annotations

from genai_social_sim.domain.act import PASS, Offer
from genai_social_sim.domain.events import Answered, AttemptFailed, Cause, Cut, FellSilent, Outcome, Spoke, Taken
from genai_social_sim.domain.text import EMPTY, Text
from genai_social_sim.kernel.acts import is_pass, option_in
from genai_social_sim.kernel.floor import Turn
from genai_social_sim.kernel.speech import cut_of
from genai_social_sim.kernel.stage import Stage


def outcome_of(stage: Stage, turn: Turn, taken: Taken) -> Outcome | None:
    """The event that `taken` leads to; None where the study wants a failure to stop the run."""
    if isinstance(taken, AttemptFailed):
        return _after_failure(stage, turn, taken)
    call = taken.asked.bind(
        taken.finish, taken.raw, prompt_tokens=taken.prompt_tokens, answer_tokens=taken.answer_tokens
    )
    tokens = taken.prompt_tokens + taken.answer_tokens
    offer = stage.offer(turn)
    if offer is not None:
        return _of_choice(stage, turn, taken, offer, call)
    cut = cut_of(taken.raw.value, speaker=turn.agent, names=stage.names)
    if cut is not None and cut.other:
        cut = cut._replace(other=stage.names[cut.other])
    text = taken.raw if cut is None else Text.of(taken.raw.value[cut.start : cut.end])
    if taken.finish == "passed" or not text.value:
        return _silent(turn, _why_empty(taken, cut), call=call, tokens=tokens)
    if stage.plan.channels[turn.channel_no].act.may_pass and is_pass(text.value):
        return _silent(turn, "passed", call=call, tokens=tokens)
    return Spoke(
        turn=turn.number,
        round=turn.round,
        channel=turn.channel,
        agent=turn.agent,
        text=text,
        call=call,
        tokens=tokens,
        cut=cut,
    )


def _of_choice(stage: Stage, turn: Turn, answer: Answered, offer: Offer, call: bytes) -> Outcome:
    tokens = answer.prompt_tokens + answer.answer_tokens
    option = _chosen(stage, turn, answer.raw.value, offer)
    if answer.finish == "passed" or (option == PASS and offer.may_pass):
        return _silent(turn, "passed", call=call, tokens=tokens)
    if option is None:
        return _silent(turn, "unreadable" if answer.raw.value.strip() else "empty", call=call, tokens=tokens)
    return Spoke(
        turn=turn.number,
        round=turn.round,
        channel=turn.channel,
        agent=turn.agent,
        text=Text.of(option),
        call=call,
        tokens=tokens,
        choice=option,
    )


def _chosen(stage: Stage, turn: Turn, raw: str, offer: Offer) -> str | None:
    """The option that an answer names: all of it or, as of any answer, the part that is the agent's own."""
    option = option_in(raw, offer)
    if option is None:
        cut = cut_of(raw, speaker=turn.agent, names=stage.names)
        option = option_in(raw[cut.start : cut.end], offer) if cut else None
    return option


def _why_empty(answer: Answered, cut: Cut | None) -> Cause:
    if answer.finish == "passed":
        return "passed"
    return "spoke_for" if cut is not None and cut.why == "spoke_for" else "empty"


def _after_failure(stage: Stage, turn: Turn, failure: AttemptFailed) -> Outcome | None:
    timeouts = stage.plan.timeouts
    call = failure.asked.bind(failure.cause, EMPTY, prompt_tokens=0, answer_tokens=0)
    if timeouts.on_failure == "stop":
        return None
    if timeouts.on_failure == "skip":
        return _silent(turn, failure.cause, call=call, tokens=0)
    return Spoke(
        turn=turn.number,
        round=turn.round,
        channel=turn.channel,
        agent=turn.agent,
        text=Text.of(timeouts.say),
        call=call,
        tokens=0,
        stand_in=failure.cause,
    )


def _silent(turn: Turn, cause: Cause, *, call: bytes, tokens: int) -> FellSilent:
    return FellSilent(
        turn=turn.number,
        round=turn.round,
        channel=turn.channel,
        agent=turn.agent,
        cause=cause,
        call=call,
        tokens=tokens,
    )
