"""Memories at work: what an agent is shown of what it has heard, and what has to be made of it before its turn.

A summary is made, a line rated, and likeness told, outside: by a call that is recorded like a turn's. What follows from
its answer is reckoned here. Knows nothing of calls.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal, NamedTuple, assert_never

from genai_social_sim.domain.arithmetic import exp, ln
from genai_social_sim.domain.line import Line
from genai_social_sim.domain.memory import (
    ALL_OWN,
    RATINGS,
    Interactions,
    Memory,
    Retrieval,
    Summary,
    Window,
    rates,
)
from genai_social_sim.domain.text import EMPTY, Text
from genai_social_sim.kernel.speech import shown

SUMMARY: Final = "~summary"  # names of the calls, where those of probes have the probe's; no probe is called so
RECALL: Final = "~recall"
RATING: Final = "~rating-"  # with the line's position among those looked through
ENCODER: Final = "~encoder"  # the backend that tells likeness; no study can name it
_LN2: Final = ln(2.0)
_DIGITS: Final = 6  # of scores that are compared


class Mind(NamedTuple):
    """What a member holds of a channel beside what it has heard."""

    turn: int = -1  # its turn before which this was made up
    summary: Text = EMPTY
    told: tuple[Line, ...] = ()  # lines that the summary tells of, as far as they are still kept
    recalled: tuple[Line, ...] = ()
    rated: tuple[tuple[Line, int], ...] = ()  # lines that are still kept, with their ratings: 0 where none came


class Past(NamedTuple):
    """What an agent has behind it in a channel; and in a forum, what it has before it."""

    heard: tuple[Line, ...]  # oldest first, as far as it is kept
    now: tuple[Line, ...] = ()  # what its feed shows, which needs no memory
    cue: Line | None = None  # what is compared to; None: what others said last
    posts: tuple[int, ...] = ()  # the numbers of `heard`, where they are posts

    def number_of(self, line: Line) -> int | None:
        """Which post a line is."""
        return next((number for number, each in zip(self.posts, self.heard, strict=False) if each is line), None)


class View(NamedTuple):
    """What one prompt shows of the past: the lines at its end, before them what came to mind, before that a note."""

    lines: tuple[Line, ...]
    recalled: tuple[Line, ...] = ()
    note: Text = EMPTY  # whole lines, ready to be shown
    noted: tuple[Line, ...] = ()  # the lines of which it tells, where an agent that follows a rule needs them
    elsewhere: tuple[tuple[str, tuple[Line, ...]], ...] = ()  # of other channels by name; they stand before all else

    @property
    def heard(self) -> tuple[Line, ...]:
        """All its lines, in the order in which they are shown or told of."""
        if not (self.recalled or self.noted or self.elsewhere):
            return self.lines
        others = tuple([line for _, lines in self.elsewhere for line in lines])
        return others + self.noted + self.recalled + self.lines


class Score(NamedTuple):
    """How much one of several lines comes to mind: its position among them, and the sum of the three terms."""

    at: int
    score: float


def view(memory: Window | Summary | Retrieval, mind: Mind, past: Past, agent: str) -> View:
    """What `agent` is shown in its turn, and when it is asked aside; of meetings `kernel.interactions` tells."""
    heard, now = past.heard, past.now
    match memory:
        case Window(utterances=utterances, own=own):
            mine = [] if own is ALL_OWN else [line for line in heard if line.speaker == agent]
            if own is ALL_OWN or not mine:
                return View(_without(last(heard, utterances), now))
            others = last([line for line in heard if line.speaker != agent], utterances)
            return View(_without(_among(heard, (*others, *last(mine, own))), now))
        case Summary():
            lines = _without(_apart(heard, memory.own, agent), mind.told)
            return View(_without(lines, now), note=remembered(mind.summary))
        case Retrieval(utterances=utterances):
            older, lately = _parted(_apart(heard, memory.own, agent), utterances, now)
            if len(older) <= memory.k:
                return View(older + lately)
            return View(lately, _among(older, mind.recalled))
        case _ as unknown:
            assert_never(unknown)


def remembered(summary: Text) -> Text:
    """A summary as a prompt shows it: no speaker's line can begin like it, and nothing in it begins a line."""
    if not summary.value:
        return EMPTY
    return Text.of(f"(What is remembered of what was said before: {shown(summary, inline=True).value})\n")


def is_errand(aside: str) -> bool:
    """Whether a call aside makes up a memory."""
    return aside in (SUMMARY, RECALL) or is_rating(aside)


def is_rating(aside: str) -> bool:
    """Whether it asks how important one line is."""
    return aside.startswith(RATING)


def kind_of(aside: str) -> Literal["summary", "recall", "rating"]:
    """What such a call is for, in a word."""
    if is_rating(aside):
        return "rating"
    return "summary" if aside == SUMMARY else "recall"


def errand(memory: Memory, mind: Mind, past: Past, agent: str) -> tuple[str, tuple[Line, ...]]:
    """What has to be made of which lines before a turn of `agent`: the name of a call aside, or empty for nothing.

    For `RECALL` the last line is that to which the others are compared. Before it come the ratings, line by line.
    """
    match memory:
        case Window() | Interactions():
            return "", ()
        case Summary(utterances=utterances, every=every):
            lines = _without(_apart(past.heard, memory.own, agent), mind.told)
            older, _ = _parted(lines, utterances, past.now)
            return (SUMMARY, older) if len(older) >= every else ("", ())
        case Retrieval(utterances=utterances, k=k):
            lines = _apart(past.heard, memory.own, agent)
            older, _ = _parted(lines, utterances, past.now)
            if len(older) <= k:
                return "", ()
            if rates(memory) and (unrated := _unrated(mind, older)) is not None:
                return f"{RATING}{unrated}", (older[unrated],)
            return RECALL, (*older, past.cue or _cue(lines, agent))
        case _ as unknown:
            assert_never(unknown)


def summed_up(mind: Mind, turn: int, summary: Text, lines: tuple[Line, ...], heard: tuple[Line, ...]) -> Mind:
    """After a new summary, which tells of `lines` too."""
    return Mind(turn, summary, _among(heard, (*mind.told, *lines)))


def rated(mind: Mind, line: Line, rating: int, heard: tuple[Line, ...]) -> Mind:
    """After one more line was rated, or could not be: 0. What is kept no more is forgotten."""
    kept = {id(each) for each in heard}
    return mind._replace(rated=(*[each for each in mind.rated if id(each[0]) in kept], (line, rating)))


def ranked(
    memory: Retrieval, lines: Sequence[Line], after: int, likeness: Sequence[float], importance: Sequence[float]
) -> tuple[Score, ...]:
    """Which of `lines` come to mind, in their order: the `k` with the greatest sum of the three terms.

    Each term is brought to [0, 1] over `lines` before it is weighed. Between equal sums the later line goes first.

    Args:
        memory: Weights, half-life, how many.
        lines: Oldest first.
        after: How many lines were heard after the last of them.
        likeness: Of each of `lines` to what was said last, as an encoder told.
        importance: Of each of `lines`, as `importance_of` tells.

    Source: Park et al. (2023), Generative agents, section 4.1: relevance, recency, importance, each min-max scaled.
    Here recency counts utterances since it was said, not hours since it was last recalled.
    """
    ages = range(after + len(lines) - 1, after - 1, -1)
    recency = [exp(-_LN2 * age / memory.half_life) for age in ages]
    terms = [
        (memory.relevance, _scaled(likeness)),
        (memory.recency, _scaled(recency)),
        (memory.weight, _scaled(importance)),
    ]
    sums = [round(sum(weight * term[at] for weight, term in terms), _DIGITS) for at in range(len(lines))]
    best = sorted(range(len(lines)), key=lambda at: (-sums[at], -at))[: memory.k]
    return tuple([Score(at, sums[at]) for at in sorted(best)])


def importance_of(memory: Retrieval, mind: Mind, lines: Sequence[Line], authority: Mapping[str, float]) -> list[float]:
    """How important each of `lines` is, before it is scaled.

    Args:
        memory: Says what makes a line important.
        mind: Holds the ratings; a line without one has the least.
        lines: Oldest first.
        authority: By speaker; 0 for who has none.
    """
    match memory.importance:
        case "none":
            return [0.0 for _ in lines]
        case "length":
            return [float(len(line.text.value.split())) for line in lines]
        case "authority":
            return [authority.get(line.speaker, 0.0) for line in lines]
        case "rating":
            ratings = {id(line): rating for line, rating in mind.rated}
            return [float(ratings.get(id(line)) or RATINGS[0]) for line in lines]
        case _ as unknown:
            assert_never(unknown)


def likeness_in(raw: str, count: int) -> list[float] | None:
    """The numbers that an encoder told of `count` lines; None if these are no such numbers."""
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, list) or len(found) != count:
        return None
    numbers = [float(each) for each in found if isinstance(each, int | float) and not isinstance(each, bool)]
    return numbers if len(numbers) == count and all(map(math.isfinite, numbers)) else None


def scores_written(scores: Iterable[Score], lines: Sequence[Line], past: Past) -> str:
    """What came to mind, as JSON: the position among `lines`, whose words of which turn, and the sum of its terms."""
    return _written([{**_which(each.at, lines[each.at], past), "score": each.score} for each in scores])


def rating_written(aside: str, line: Line, rating: str, past: Past) -> str:
    """How a line was rated, as JSON: its position among those looked through, whose words of which turn, the number."""
    return _written({**_which(int(aside.removeprefix(RATING)), line, past), "rating": int(rating)})


def rating_in(written: str) -> int:
    """The number that `rating_written` wrote; 0 if nothing came of it."""
    return int(json.loads(written)["rating"]) if written else 0


def scored_lines(written: str, lines: Sequence[Line]) -> tuple[Line, ...]:
    """The lines that `scores_written` wrote of."""
    return tuple([lines[each["at"]] for each in json.loads(written or "[]")])


def _which(at: int, line: Line, past: Past) -> dict[str, object]:
    number = past.number_of(line)
    return {"at": at, **({} if number is None else {"post": number}), "turn": line.turn, "speaker": line.speaker}


def _written(found: object) -> str:
    return json.dumps(found, ensure_ascii=False, separators=(",", ":"))


def _unrated(mind: Mind, lines: Sequence[Line]) -> int | None:
    """The position of the first line that was not rated yet."""
    known = {id(line) for line, _ in mind.rated}
    return next((at for at, line in enumerate(lines) if id(line) not in known), None)


def _scaled(values: Sequence[float]) -> list[float]:
    low, high = min(values), max(values)
    return [(value - low) / (high - low) if high > low else 0.0 for value in values]


def _cue(lines: tuple[Line, ...], agent: str) -> Line:
    """What others said last; what was said last, if nobody else said anything."""
    return next((line for line in reversed(lines) if line.speaker != agent), lines[-1])


def _apart(heard: tuple[Line, ...], own: int | None, agent: str) -> tuple[Line, ...]:
    """`heard` with the last `own` of one's own lines only."""
    if own is ALL_OWN:
        return heard
    mine = [line for line in heard if line.speaker == agent]
    return _without(heard, mine[: max(0, len(mine) - own)])


def _parted(
    lines: tuple[Line, ...], utterances: int, now: tuple[Line, ...]
) -> tuple[tuple[Line, ...], tuple[Line, ...]]:
    """What is older than the last `utterances`, and these; without what is shown `now` anyway."""
    lately = last(lines, utterances)
    return _without(lines[: len(lines) - len(lately)], now), _without(lately, now)


def _among(lines: Iterable[Line], some: Iterable[Line]) -> tuple[Line, ...]:
    """Those of `lines` that are among `some`: these very ones, since the same words may be said twice."""
    wanted = {id(line) for line in some}
    return tuple([line for line in lines if id(line) in wanted])


def _without(lines: tuple[Line, ...], some: Sequence[Line]) -> tuple[Line, ...]:
    if not some:
        return lines
    gone = {id(line) for line in some}
    return tuple([line for line in lines if id(line) not in gone])


def last(lines: Sequence[Line], count: int) -> tuple[Line, ...]:
    return tuple(lines[len(lines) - count :]) if len(lines) > count else tuple(lines)
