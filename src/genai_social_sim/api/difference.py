"""Where two runs part: the first of their logical events that is not the same, and what about it.

Events that two records have in common with their times, as forks and their parents have, are found by their chain in a
few look-ups; the others are compared one by one, and no record is ever loaded whole.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Final, NamedTuple

from genai_social_sim.api.card import card
from genai_social_sim.domain.events import Answered, AttemptFailed, Event, RunStarted
from genai_social_sim.errors import RecordError
from genai_social_sim.eventlog.codec import LOGICAL
from genai_social_sim.eventlog.reader import SqliteReader, Stored

_KINDS: Final = ",".join(sorted(LOGICAL - {"run_started"}))
_BESIDE: Final = {
    "intervened": "intervention",
    "probed": "answer",
    "exercised": "power",
    "opened": "opening",
    "run_ended": "end",
}
_CLIPPED: Final = 200  # characters of a text in a difference
_MOST_PATHS: Final = 20  # differences between two studies that are named


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The first divergence of two runs. `here` and `there` say what it is in each, in short.

    `what`: `study` or `seed`, if nothing else differs as far as both go; `prompt`, `params` or `call seed`, if an agent
    was asked something else; `answer`, if it was asked the same; `intervention`, `power`, `opening`, `end` or `event`,
    if something else happened; `length`, if one of them goes on where the other ends.
    """

    what: str
    turn: int | None
    agent: str
    here: str
    there: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two runs compared.

    `same`: whether their digests agree. `turns`: how many turns both have in common before they part. `study`: paths of
    the study that differ. `seeds`: whether they have the same one. `first`: the first divergence, if any.
    """

    same: bool
    turns: int
    study: tuple[str, ...]
    seeds: bool
    first: Difference | None

    def _repr_html_(self) -> str:
        facts: dict[str, object] = {"same": self.same, "turns in common": self.turns, "study": ", ".join(self.study)}
        if self.first is not None:
            parted = {"first divergence": self.first.what, "turn": self.first.turn, "agent": self.first.agent}
            facts |= {**parted, "here": self.first.here, "there": self.first.there}
        return card("Two runs", facts)


def compared(here: SqliteReader, there: SqliteReader) -> Comparison:
    """Find where two runs part; raises RecordError for a record that is damaged."""
    begun = _started(here), _started(there)
    study = tuple(_paths(json.loads(begun[0].study.value), json.loads(begun[1].study.value), ""))
    seeds = begun[0].seed == begun[1].seed
    first, turns = _parted(here, there, after=_common(here, there))
    if first is None and study:
        first = Difference(what="study", turn=None, agent="", here=study[0], there=study[0])
    if first is None and not seeds:
        first = Difference(what="seed", turn=None, agent="", here=str(begun[0].seed), there=str(begun[1].seed))
    return Comparison(same=first is None, turns=turns, study=study[:_MOST_PATHS], seeds=seeds, first=first)


def _started(reader: SqliteReader) -> RunStarted:
    event = next(reader.events()).event
    if isinstance(event, RunStarted):
        return event
    raise RecordError(
        "the first event of this record is missing", where=str(reader.path), remedy=f"gss verify {reader.path}"
    )


def _common(here: SqliteReader, there: SqliteReader) -> int:
    """The position of the last event up to which both chains are the same; -1 if none is."""
    low, high = -1, min(here.head().seq, there.head().seq)
    while low < high:
        middle = (low + high + 1) // 2
        if _link(here, middle) == _link(there, middle):
            low = middle
        else:
            high = middle - 1
    return low


def _link(reader: SqliteReader, seq: int) -> bytes:
    found = next(reader.query("SELECT chain FROM events WHERE seq = ?", seq), None)
    return b"" if found is None else bytes(found[0])


class _Fact(NamedTuple):
    """A logical event without what is another in each file."""

    kind: str
    turn: int | None
    body: str
    texts: tuple[bytes, ...]


def _facts(reader: SqliteReader, after: int) -> Iterator[tuple[_Fact, Stored]]:
    for row in reader.stored(after=after, kinds=_KINDS):
        try:
            texts = tuple([text.digest for text in reader.texts_of(row)])
        except ValueError as fault:
            raise RecordError(
                f"event {row.seq} cannot be read ({fault})", where=str(reader.path), remedy=f"gss verify {reader.path}"
            ) from fault
        yield _Fact(row.kind, row.turn, row.body, texts), row


def _parted(here: SqliteReader, there: SqliteReader, *, after: int) -> tuple[Difference | None, int]:
    """The first difference among logical events, and how many turns come before it."""
    turns = _turns_until(here, after)
    for mine, theirs in zip_longest(_facts(here, after), _facts(there, after)):
        if mine is None or theirs is None:
            return _longer(here, there, mine, theirs), turns
        if mine[0] != theirs[0]:
            return _between(here, there, mine[1], theirs[1]), turns
        turns += mine[0].kind in ("spoke", "fell_silent")
    return None, turns


def _turns_until(reader: SqliteReader, seq: int) -> int:
    sql = "SELECT count(*) FROM events WHERE kind IN ('spoke', 'fell_silent') AND seq <= ?"
    return int(next(reader.query(sql, seq))[0])


def _longer(
    here: SqliteReader, there: SqliteReader, mine: tuple[_Fact, Stored] | None, theirs: tuple[_Fact, Stored] | None
) -> Difference:
    on, row = (here, mine[1]) if mine is not None else (there, theirs[1] if theirs is not None else None)
    if row is None:
        raise TypeError("one of two logs of different length goes on")
    words = _words(on.recorded(row).event)
    told = (
        {"here": words, "there": "(nothing more)"} if mine is not None else {"here": "(nothing more)", "there": words}
    )
    return Difference(what="length", turn=row.turn, agent=_agent(row), **told)


def _between(here: SqliteReader, there: SqliteReader, mine: Stored, theirs: Stored) -> Difference:
    """What is not the same about two events at the same place: what was asked, or else what came of it."""
    events = here.recorded(mine).event, there.recorded(theirs).event
    agent = _agent(mine)
    same_turn = (mine.turn, agent) == (theirs.turn, _agent(theirs))
    calls = (_call(here, events[0]), _call(there, events[1])) if same_turn else (None, None)
    what, said = _BESIDE.get(mine.kind, _BESIDE.get(theirs.kind, "event")), tuple(map(_words, events))
    if what == "intervention":
        agent = ""
    if calls[0] is not None and calls[1] is not None:
        for name, part in (("prompt", "prompt"), ("params", "params"), ("call seed", "seed")):
            asked = [getattr(call.asked, part) for call in calls if call is not None]
            if asked[0] != asked[1]:
                return Difference(what=name, turn=mine.turn, agent=agent, here=_asked(asked[0]), there=_asked(asked[1]))
        what = "answer"
    return Difference(what=what, turn=mine.turn, agent=agent, here=said[0], there=said[1])


def _call(reader: SqliteReader, event: Event) -> Answered | AttemptFailed | None:
    """The last attempt at the call that an event came from."""
    key = getattr(event, "key", None)
    turn = getattr(event, "turn", None)
    if key is None or turn is None:
        return None
    calls = [each.event for each in reader.of_turn(turn)]
    return next(
        (each for each in reversed(calls) if isinstance(each, Answered | AttemptFailed) and each.key == key), None
    )


def _agent(row: Stored) -> str:
    body = json.loads(row.body)
    return str(body.get("agent", body.get("speaker", "")))


def _words(event: Event) -> str:
    """An event in short."""
    kind = type(event).__name__
    text = getattr(event, "text", None) or getattr(event, "change", None)
    words = text.value if text is not None else str(getattr(event, "cause", getattr(event, "reason", "")))
    who = getattr(event, "agent", getattr(event, "speaker", ""))
    return _clipped(": ".join([part for part in (who or kind, words) if part]))


def _asked(value: Any) -> str:
    if isinstance(value, bytes):
        return value.hex()
    return _clipped(str(getattr(value, "value", value)))


def _clipped(words: str) -> str:
    return words if len(words) <= _CLIPPED else f"{words[: _CLIPPED - 3]}..."


def _paths(mine: Any, theirs: Any, path: str) -> Iterator[str]:
    """Where two studies differ."""
    if isinstance(mine, dict) and isinstance(theirs, dict):
        for key in dict.fromkeys([*mine, *theirs]):
            yield from _paths(mine.get(key), theirs.get(key), f"{path}.{key}" if path else key)
    elif isinstance(mine, list) and isinstance(theirs, list):
        for at, pair in enumerate(zip_longest(mine, theirs)):
            yield from _paths(*pair, f"{path}[{at}]")
    elif mine != theirs:
        yield path
