"""What each agent stated last, at any turn of a run: by what it said in its turns, or by its answers to a probe."""

from __future__ import annotations

from array import array
from collections import Counter, OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isfinite
from threading import Lock
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from typing_extensions import TypedDict  # pydantic knows it on every Python

from genai_social_sim.web.sources import Record

SAID: Final = "said"
_KEPT: Final = 16
_POINTS: Final = 160  # of a course
_CATEGORIES: Final = 12
_LONGEST: Final = 60  # characters of a text that can be a state
_TURNS: Final = """
    SELECT e.turn + 1, e.body ->> 'agent', coalesce(e.body ->> 'choice', substr(
        (SELECT text FROM texts WHERE id = CAST(e.texts AS INTEGER)), 1, 61)), e.body ->> 'channel', e.seq
    FROM events AS e
    WHERE e.kind = 'spoke' AND e.seq > ? AND e.seq <= ? ORDER BY e.seq
"""
_PROBES: Final = """
    SELECT e.turn, e.body ->> 'agent', coalesce(e.body ->> 'choice', substr(
        (SELECT text FROM texts WHERE id = CAST(e.texts AS INTEGER)), 1, 61)), e.body ->> 'channel', e.seq
    FROM events AS e
    WHERE e.kind = 'probed' AND e.seq > ? AND e.seq <= ? AND e.body ->> 'probe' = ? AND e.body ->> 'cause' IS NULL
    ORDER BY e.seq
"""
_NAMES: Final = "SELECT DISTINCT body ->> 'probe' FROM events WHERE kind = 'probed' ORDER BY 1"


class About(NamedTuple):
    """`said`, or a probe by its name; in one channel, if that is not empty."""

    of: str
    channel: str


class Stated(TypedDict):
    """`said`, and the names of probes that were answered."""

    stated: list[str]


class States(TypedDict):
    """What each agent stated last before a turn; null if nothing. Numbers, or with `categories` positions in them."""

    of: str
    turn: int
    values: list[float | int | None]
    categories: list[str]
    low: float  # of all that was stated in the run so far
    high: float


class Course(TypedDict):
    """How what is stated changes: at each of `turns`, of numbers the mean and how far they lie apart, else shares.

    `count` is by how many agents something had been stated; `spread` is the sample standard deviation.
    """

    of: str
    turns: list[int]
    count: list[int]
    mean: list[float | None]
    spread: list[float | None]
    categories: list[str]
    shares: list[list[float]]  # of each category, at each of the turns


@dataclass(slots=True)
class _Statements:
    """Everything that was stated, in order: when, by whom, what."""

    seq: int = -1
    turns: array[int] = field(default_factory=lambda: array("q"))
    agents: array[int] = field(default_factory=lambda: array("q"))
    numbers: array[float] = field(default_factory=lambda: array("d"))
    words: list[str] = field(default_factory=list)
    seats: dict[str, int] = field(default_factory=dict)
    numeric: int = 0  # of them


class Statements:
    """Of the runs that were asked for last."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, str, str, str], _Statements] = OrderedDict()
        self._lock = Lock()

    def states(self, run: str, record: Record, about: About, *, turn: int, agents: Sequence[str]) -> States:
        """What each of `agents` stated last before `turn`."""
        with self._lock:
            stated = self._of(run, record, about)
            turns = np.frombuffer(stated.turns, dtype=np.int64)
            until = int(np.searchsorted(turns, turn, side="right"))
            values, categories = _last(stated, until)
        found = [values.get(stated.seats.get(agent, -1)) for agent in agents]
        low, high = _range(stated) if values and not categories else (0.0, float(max(1, len(categories) - 1)))
        return {"of": about.of, "turn": turn, "values": found, "categories": categories, "low": low, "high": high}

    def course(self, run: str, record: Record, about: About) -> Course:
        """How it changed from the beginning to now."""
        with self._lock:
            return _course(about.of, self._of(run, record, about), record.head().turns)

    def _of(self, run: str, record: Record, about: About) -> _Statements:
        origin, head, (of, channel) = record.origin(), record.head(), about
        key = (run, origin.id, of, channel)
        stated = self._known.setdefault(key, _Statements())
        self._known.move_to_end(key)
        while len(self._known) > _KEPT:
            self._known.popitem(last=False)
        asked = (_TURNS, stated.seq, head.seq) if of == SAID else (_PROBES, stated.seq, head.seq, of)
        for turn, agent, said, where, _ in record.query(*asked):
            if channel and where != channel:
                continue
            _add(stated, int(turn), str(agent), str(said))
        stated.seq = head.seq
        return stated


def probed(record: Record) -> list[str]:
    """Names of the probes that have been asked so far."""
    return [str(name) for (name,) in record.query(_NAMES)]


def _add(stated: _Statements, turn: int, agent: str, said: str) -> None:
    if len(said) > _LONGEST:
        return  # talk, which is no state
    number = _number(said)
    stated.turns.append(turn)
    stated.agents.append(stated.seats.setdefault(agent, len(stated.seats)))
    stated.numbers.append(number)
    stated.words.append(said)
    stated.numeric += isfinite(number)


def _number(said: str) -> float:
    try:
        number = float(said)
    except ValueError:
        return float("nan")
    return number if isfinite(number) else float("nan")


def _is_numeric(stated: _Statements) -> bool:
    return stated.numeric * 10 >= 9 * len(stated.words) > 0  # some answers may be none of a scale


def _categories(stated: _Statements) -> list[str]:
    """The most frequent ones, if what is stated are a few words again and again."""
    counts = Counter(stated.words)
    if len(counts) > max(_CATEGORIES, len(stated.words) // 4):
        return []
    return sorted([word for word, _ in counts.most_common(_CATEGORIES)])


def _last(stated: _Statements, until: int) -> tuple[dict[int, float | int], list[str]]:
    """What each stated last among the first `until`, and the categories that it is given in."""
    if _is_numeric(stated):
        pairs = zip(stated.agents[:until], stated.numbers[:until], strict=True)
        return {agent: number for agent, number in pairs if isfinite(number)}, []
    categories = _categories(stated)
    places = {word: at for at, word in enumerate(categories)}
    words = zip(stated.agents[:until], stated.words[:until], strict=True)
    return {agent: places[word] for agent, word in words if word in places}, categories


def _range(stated: _Statements) -> tuple[float, float]:
    numbers = np.frombuffer(stated.numbers, dtype=np.float64)
    return float(np.nanmin(numbers)), float(np.nanmax(numbers))


def _course(of: str, stated: _Statements, turns: int) -> Course:
    found: Course = {"of": of, "turns": [], "count": [], "mean": [], "spread": [], "categories": [], "shares": []}
    numeric = _is_numeric(stated)
    if not numeric:
        found["categories"] = _categories(stated)
        if not found["categories"]:
            return found
    places = {word: at for at, word in enumerate(found["categories"])}
    codes = np.array([places.get(word, -1) for word in stated.words]) if not numeric else np.empty(0)
    numbers = np.frombuffer(stated.numbers, dtype=np.float64) if numeric else codes.astype(np.float64)
    agents, when = np.frombuffer(stated.agents, dtype=np.int64), np.frombuffer(stated.turns, dtype=np.int64)
    last = np.full(len(stated.seats), np.nan)
    done = 0
    for turn in _points(turns):
        until = int(np.searchsorted(when, turn, side="right"))
        kept = np.isfinite(numbers[done:until]) & (numbers[done:until] > -1 if not numeric else True)
        last[agents[done:until][kept]] = numbers[done:until][kept]  # the last one counts where several are by one
        done = until
        _add_point(found, turn, last[np.isfinite(last)], numeric=numeric)
    return found


def _points(turns: int) -> list[int]:
    return sorted({round(at * turns / _POINTS) for at in range(_POINTS + 1)})


def _add_point(found: Course, turn: int, values: npt.NDArray[np.float64], *, numeric: bool) -> None:
    count = len(values)
    if not count:
        return
    found["turns"].append(turn)
    found["count"].append(count)
    if numeric:
        found["mean"].append(float(values.mean()))
        found["spread"].append(float(values.std(ddof=1)) if count > 1 else None)
    else:
        sums = np.bincount(values.astype(np.int64), minlength=len(found["categories"]))
        found["shares"].append([round(float(each) / count, 6) for each in sums])
