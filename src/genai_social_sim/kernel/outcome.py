"""What becomes of a turn, or of a question aside: the logical event that follows from an answer or the last failure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from genai_social_sim.domain.act import PASS, Offer
from genai_social_sim.domain.events import (
    NO_CALL,
    Answered,
    AttemptFailed,
    Cause,
    Cut,
    Exercised,
    FellSilent,
    Outcome,
    Probed,
    Spoke,
    Taken,
)
from genai_social_sim.domain.feed import Feed
from genai_social_sim.domain.ids import AgentId
from genai_social_sim.domain.power import POWERS_ASKED
from genai_social_sim.domain.text import EMPTY, Text
from genai_social_sim.domain.tuples import make
from genai_social_sim.kernel.acts import is_pass, option_in
from genai_social_sim.kernel.addressing import address_of
from genai_social_sim.kernel.floor import Turn
from genai_social_sim.kernel.order import deed_in
from genai_social_sim.kernel.speech import cut_of
from genai_social_sim.kernel.stage import Part, Stage


class Reading(NamedTuple):
    """What an answer comes to; `cause` tells why it comes to nothing."""

    text: Text = EMPTY
    cut: Cut | None = None
    choice: str | None = None
    cause: Cause | None = None
    to: AgentId | None = None


def outcome_of(stage: Stage, turn: Turn, taken: Taken) -> Outcome | Probed | Exercised | None:
    """The event that `taken` leads to; None where the study wants a failure to stop the run."""
    if isinstance(taken, AttemptFailed):
        return _after_failure(stage, turn, taken)
    prompt_tokens, answer_tokens = taken.prompt_tokens, taken.answer_tokens
    call = taken.asked.bind(taken.finish, taken.raw, prompt_tokens=prompt_tokens, answer_tokens=answer_tokens)
    tokens, part = prompt_tokens + answer_tokens, stage.part(turn)
    read = _words(stage, turn, taken, part) if part.offer is None else _choice(stage, turn, taken, part.offer)
    number, channel, _, round_no, _, agent, aside, _, _ = turn
    if aside:
        return _beside(turn, read, call=call, tokens=tokens)
    feed, doing = _on_page(turn)
    text, cut, choice, cause, to = read
    if cause is not None:
        return _silent(turn, cause, call=call, tokens=tokens, feed=feed)
    return make(Spoke, (number, round_no, channel, agent, text, call, tokens, cut, choice, None, to, feed, doing))


def passed_over(turn: Turn, why: Cause) -> Outcome | Probed | Exercised:
    """What becomes of the turn of an agent that is not asked."""
    if turn.aside:
        return _beside(turn, Reading(cause=why), call=NO_CALL, tokens=0)
    return _silent(turn, why, call=NO_CALL, tokens=0)


def _words(stage: Stage, turn: Turn, answer: Answered, part: Part) -> Reading:
    text = answer.raw
    cut = cut_of(text.value, speaker=turn.agent, names=stage.names)
    if cut is not None:
        text = Text.of(text.value[cut.start : cut.end])
        if cut.other:
            cut = cut._replace(other=stage.names[cut.other])
    if answer.finish == "passed" or not text.value:
        return Reading(cause=_why_empty(answer, cut))
    if part.may_pass and is_pass(text.value):
        return Reading(cause="passed")
    read, channel = make(Reading, (text, cut, None, None, None)), stage.plan.channels[turn.channel_no]
    return _directed(turn, channel.members, answer, read) if channel.direct else read


def _directed(turn: Turn, members: Sequence[AgentId], answer: Answered, read: Reading) -> Reading:
    """Without the name of the one member whom alone an utterance is for, if it begins with one."""
    address = None if turn.aside else address_of(read.text.value, speaker=turn.agent, members=members)
    if address is None:
        return read
    whole = answer.raw.value
    start, end, why, other = read.cut or Cut(0, len(whole), "address")
    words = whole[start + address.start : end].rstrip()
    text = words.lstrip()
    if not text:
        return Reading(cause="empty")
    start += address.start + len(words) - len(text)
    cut = Cut(start, start + len(text), "spoke_for" if why == "spoke_for" else "address", other)
    return Reading(Text.of(text), cut, to=address.to)


def _choice(stage: Stage, turn: Turn, answer: Answered, offer: Offer) -> Reading:
    option = chosen(stage, turn, answer.raw.value, offer)
    if answer.finish == "passed" or (option == PASS and offer.may_pass):
        return Reading(cause="passed")
    if option is None:
        return Reading(cause="unreadable" if answer.raw.value.strip() else "empty")
    return Reading(Text.of(option), choice=option)


def chosen(stage: Stage, turn: Turn, raw: str, offer: Offer) -> str | None:
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


def _after_failure(stage: Stage, turn: Turn, failure: AttemptFailed) -> Outcome | Probed | Exercised | None:
    timeouts = stage.plan.timeouts
    call = failure.asked.bind(failure.cause, EMPTY, prompt_tokens=0, answer_tokens=0)
    if timeouts.on_failure == "stop":
        return None
    if turn.aside:
        return _beside(turn, Reading(cause=failure.cause), call=call, tokens=0)
    feed, doing = _on_page(turn)
    if timeouts.on_failure == "skip":
        return _silent(turn, failure.cause, call=call, tokens=0, feed=feed)
    return Spoke(
        turn=turn.number,
        round=turn.round,
        channel=turn.channel,
        agent=turn.agent,
        text=Text.of(timeouts.say),
        call=call,
        tokens=0,
        stand_in=failure.cause,
        feed=feed,
        doing=doing,
    )


def _on_page(turn: Turn) -> tuple[Feed | None, str]:
    """Of a turn in a forum the feed that an act follows, or the act that words carry out."""
    if turn.page is None:
        return None, ""
    return (None, turn.page.doing) if turn.page.doing else (turn.page.feed, "")


def _silent(turn: Turn, cause: Cause, *, call: bytes, tokens: int, feed: Feed | None = None) -> FellSilent:
    return FellSilent(
        turn=turn.number,
        round=turn.round,
        channel=turn.channel,
        agent=turn.agent,
        cause=cause,
        call=call,
        tokens=tokens,
        feed=feed,
    )


def _beside(turn: Turn, read: Reading, *, call: bytes, tokens: int) -> Probed | Exercised:
    if turn.aside == POWERS_ASKED:
        deed, whom = deed_in(read.text.value)
        place = (turn.number, turn.round, turn.channel, turn.agent)
        return Exercised(*place, deed, call, tokens, whom, read.cause)
    return Probed(
        turn=turn.number,
        round=turn.round,
        probe=turn.aside,
        channel=turn.channel,
        agent=turn.agent,
        text=read.text,
        call=call,
        tokens=tokens,
        choice=read.choice,
        cause=read.cause,
    )
