"""Kinds of tables about forums: what was written, what was done, and what was shown to whom."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final, NamedTuple

from genai_social_sim.domain.events import FellSilent, Intervened, Opened, RunStarted, Spoke
from genai_social_sim.domain.feed import Feed
from genai_social_sim.export.facts import Facts
from genai_social_sim.export.kinds import Fold, Kind, moment
from genai_social_sim.export.source import Source, Step
from genai_social_sim.export.tables import Cell, Column, Row
from genai_social_sim.export.transcript import RUN, SEQ, legal_mass

_TURN: Final = Column("turn", "integer", "Number of the turn in the run's logical order, from 0.")
_ROUND: Final = Column("round", "integer", "Round of the channel, from 0.")
_CHANNEL: Final = Column("channel", "text", "Name of the channel.")
_POST: Final = "Number of the post in its channel, from 1 in the order in which posts were written"


class _Votes(NamedTuple):
    """On one post, to the record's end."""

    ups: int = 0
    downs: int = 0


def _votes(source: Source) -> dict[tuple[str, int], _Votes]:
    """By channel and post. Of several votes of an agent on one post the last one counts."""
    last: dict[tuple[str, int, str], str] = {}
    for recorded in source.record.events():
        event = recorded.event
        if source.last is not None and recorded.seq > source.last:
            break
        if isinstance(event, Spoke) and event.feed is not None:
            verb, post = _act_in(event.text.value)
            if verb.endswith("vote") and post is not None:
                last[event.channel, post, event.agent] = verb
    counted = Counter([(channel, post, verb) for (channel, post, _), verb in last.items()])
    found: dict[tuple[str, int], _Votes] = {}
    for (channel, post, verb), count in counted.items():
        votes = found.get((channel, post), _Votes())
        found[channel, post] = votes._replace(ups=count) if verb == "upvote" else votes._replace(downs=count)
    return found


def _act_in(words: str) -> tuple[str, int | None]:
    """An act as tables name it, and the post that it is on."""
    verb, _, post = words.rpartition(" ")
    return (verb.removesuffix(" to"), int(post)) if post.isascii() and post.isdecimal() else (words, None)


class _Posts(Fold):
    takes = (RunStarted, Opened, Intervened, Spoke)

    def __init__(self, source: Source) -> None:
        super().__init__(source)
        self._threads: dict[str, list[int]] = {}  # of each post of a forum, its thread
        self._votes: dict[tuple[str, int], _Votes] = {}

    def take(self, step: Step) -> Iterable[Row]:
        if step.recorded is None:
            return
        at = (moment(step.recorded.at), step.recorded.seq)
        match step.recorded.event:
            case RunStarted() as event:
                found = [channel.name for channel in Facts(event).channels() if channel.protocol == "forum"]
                self._threads = {name: [] for name in found}
                self._votes = _votes(self.source) if found else {}
            case Opened() as event:
                yield from self._put_in([event], at)
            case Intervened() as event:
                yield from self._put_in(event.said, at)
            case Spoke() as event if event.doing:
                _, parent = _act_in(event.doing)
                what = (event.agent, event.turn, event.round, event.text.value, event.stand_in)
                yield self._row(event.channel, parent, what, at)
            case _:
                pass  # wrote no post

    def _put_in(self, said: Iterable[Opened], at: tuple[Cell, ...]) -> Iterable[Row]:
        for each in said:
            if each.channel in self._threads:
                yield self._row(each.channel, None, (each.speaker, None, None, each.text.value, None), at)

    def _row(self, channel: str, parent: int | None, what: tuple[Cell, ...], at: tuple[Cell, ...]) -> Row:
        threads = self._threads.setdefault(channel, [])
        number = len(threads) + 1
        threads.append(number if parent is None else threads[parent - 1])
        ups, downs = self._votes.get((channel, number), _Votes())
        author, turn, round_no, text, stand_in = what
        where = (self.run, channel, number, threads[-1], parent, author, turn, round_no)
        return (*where, text, ups, downs, ups - downs, stand_in, *at)


POSTS: Final = Kind(
    name="posts",
    description="One row for each post of a forum, openings and broadcasts included, in the order of the log.",
    columns=(
        RUN,
        _CHANNEL,
        Column("id", "integer", f"{_POST}."),
        Column("thread", "integer", "The first post of its thread: its own `id`, if it is one."),
        Column("parent", "integer", "The post that it replies to; no value for the first post of a thread."),
        Column("author", "text", "Who wrote it: an agent, or the name before an opening or a broadcast."),
        Column(
            "turn", "integer", "Number of the turn in which it was written; no value for an opening or a broadcast."
        ),
        Column("round", "integer", "Round of the channel, from 0; no value for an opening or a broadcast."),
        Column("text", "text", "What it says."),
        Column("ups", "integer", "Agents whose last vote on it, to the record's end, was for it."),
        Column("downs", "integer", "Agents whose last vote on it was against it."),
        Column("votes", "integer", "`ups` less `downs`."),
        Column(
            "stand_in", "text", "The failure in whose place these are the study's words; no value if there was none."
        ),
        Column("at", "time", "When it was written to the record."),
        SEQ,
    ),
    fold=_Posts,
)


class _Acts(Fold):
    takes = (Spoke, FellSilent)

    def take(self, step: Step) -> Iterable[Row]:
        event = step.recorded.event if step.recorded else None
        if step.recorded is None or not isinstance(event, Spoke | FellSilent) or event.feed is None:
            return ()
        cause = event.cause if isinstance(event, FellSilent) else event.stand_in
        chosen = event.choice if isinstance(event, Spoke) else "pass" if cause == "passed" else None
        act, post = (None, None) if chosen is None else _act_in(chosen)
        mass = legal_mass(step.answer.notes.value) if step.answer else None
        where = (self.run, event.turn, event.round, event.channel, event.agent)
        why = None if cause == "passed" else cause
        return ((*where, act, post, why, mass, moment(step.recorded.at), step.recorded.seq),)


ACTS: Final = Kind(
    name="acts",
    description="One row for each turn in which an agent chose what to do in a forum, in logical order.",
    columns=(
        RUN,
        _TURN,
        _ROUND,
        _CHANNEL,
        Column("agent", "text", "Who chose."),
        Column("act", "text", "post, reply, upvote, downvote or pass; no value if `cause` says why not."),
        Column("post", "integer", "The post that it is on, as in table `posts`; no value for post and pass."),
        Column("cause", "text", "Why there is no act: unreadable, empty or the failure of its last attempt."),
        Column("legal_mass", "number", "As in table `calls`."),
        Column("at", "time", "When it was written to the record."),
        SEQ,
    ),
    fold=_Acts,
)


class _Exposures(Fold):
    takes = (Spoke, FellSilent)

    def take(self, step: Step) -> Iterable[Row]:
        event = step.recorded.event if step.recorded else None
        if not isinstance(event, Spoke | FellSilent) or event.feed is None:
            return ()
        where = (self.run, event.turn, event.round, event.channel, event.agent)
        return [(*where, *shown) for shown in _shown(event.feed)]


def _shown(feed: Feed) -> Iterable[tuple[Cell, ...]]:
    place = 0
    for rank, thread in enumerate(feed, start=1):
        for post in (thread.post, *thread.replies):
            place += 1
            yield (post, thread.post, rank, thread.score, place)


EXPOSURES: Final = Kind(
    name="exposures",
    description="One row for each post that an agent was shown in a forum before it chose what to do, as they stood.",
    columns=(
        RUN,
        _TURN,
        _ROUND,
        _CHANNEL,
        Column("agent", "text", "Who was shown it. What it then wrote was written before the same feed."),
        Column("post", "integer", "The post that it was shown, as in table `posts`."),
        Column("thread", "integer", "The first post of its thread."),
        Column("rank", "integer", "Of its thread in the feed, from 1, the first."),
        Column("score", "number", "What its thread was ranked by; no value where the order is drawn."),
        Column("place", "integer", "Of the post itself, from 1, threads and replies counted through."),
    ),
    fold=_Exposures,
)
