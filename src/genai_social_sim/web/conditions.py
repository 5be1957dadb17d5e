"""Conditions of a study side by side: measures over time, a mean and an interval over the runs of each.

A run is one observation. Forks are left out: a fork is no replicate.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import fmean, pvariance
from threading import Lock
from typing import Final, NamedTuple, TypeVar

from typing_extensions import TypedDict  # pydantic knows it on every Python

from genai_social_sim.errors import RequestError
from genai_social_sim.web.folder import Folder
from genai_social_sim.web.interval import interval
from genai_social_sim.web.sources import Measured, Sources
from genai_social_sim.web.states import SAID, About, Course, Statements, probed
from genai_social_sim.web.summary import RunRow
from genai_social_sim.web.trend import trend

GOING: Final = ("characters", "tokens", "seconds", "silent", "failed")  # of a trend
_PATIENCE_S: Final = 0.3  # spent on reading before what is known is shown
_KEPT: Final = 20_000  # curves and measured runs
_POINTS: Final = 80
_MOST_LINES: Final = 60  # single runs of a condition that are drawn
_TIME, _REACHED = "consensus_time", "consensus_reached"  # measures
_Value = TypeVar("_Value")
_Kept = tuple[str, str, int]  # a record, what of it, and the position up to which it was read


class NoSuchStudyError(RequestError):
    """The folder has no run of a study of this name."""

    code = "no-such-study"


class ConditionCourse(TypedDict):
    """A condition over time: at each of the turns the mean over its runs, the 95 % interval (t), and their number.

    A run counts up to its last turn. `lines` are single runs, in the order of `runs`, the first 60 of them.
    """

    condition: str
    levels: dict[str, str]
    runs: list[str]
    mean: list[float | None]
    low: list[float | None]
    high: list[float | None]
    count: list[int]
    lines: list[list[float | None]]


class Conditions(TypedDict):
    """`shown` is what can be asked for as `of`; with `categories` it is the share of agents that state `category`.

    `unread` runs are not in it yet and will be when it is asked for again.
    """

    study: str
    of: str
    shown: list[str]
    category: str
    categories: list[str]
    turns: list[int]
    conditions: list[ConditionCourse]
    unread: int


class ConditionValue(TypedDict):
    """A measure of one condition: mean and 95 % interval (t) over `count` runs; null without any."""

    mean: float | None
    low: float | None
    high: float | None
    count: int


class ComparedMeasure(TypedDict):
    """A measure by condition; `apart` is the largest difference of means in standard deviations within conditions."""

    measure: str
    of: str | None
    unit: str
    about: str
    apart: float | None
    values: list[ConditionValue]


class ComparedMeasures(TypedDict):
    """What `gss measure` says of each run, by condition; what differs most comes first."""

    study: str
    conditions: list[str]
    measures: list[ComparedMeasure]
    left_out: int  # runs that are too long to be measured while somebody waits
    unread: int


class _Curve(NamedTuple):
    """Of one run. With `categories` values are shares of each of them, else `values[0]` is all."""

    turns: Sequence[int]
    values: Sequence[Sequence[float | None]]
    categories: Sequence[str] = ()

    def at(self, turn: int, last: int, category: str) -> float | None:
        """What it was at a turn; None before anything was stated and after the run's last turn."""
        place = bisect_right(self.turns, turn) - 1
        if place < 0 or turn > last:
            return None
        if not self.categories:
            return self.values[0][place]
        return self.values[self.categories.index(category)][place] if category in self.categories else 0.0


class Conditioned:
    """Curves and measured values of runs, each read once for as long as the run stays as it is."""

    def __init__(self, folder: Folder, statements: Statements, sources: Sources) -> None:
        self._folder = folder
        self._statements = statements
        self._sources = sources
        self._curves: OrderedDict[_Kept, _Curve] = OrderedDict()
        self._measured: OrderedDict[_Kept, Measured] = OrderedDict()
        self._lock = Lock()

    def courses(self, rows: Sequence[RunRow], study: str, of: str, category: str) -> Conditions:
        """A study's conditions over time; raises NoSuchStudyError."""
        groups = grouped(rows, study)
        shown = self._shown(groups)
        of = of if of in shown else (shown[0] if shown else SAID)
        with self._lock:
            known, unread = self._known(groups, self._curves, of, lambda row: self._curve(row, of))
        curves = {row["run"]: known[row["run"]] for group in groups.values() for row in group if row["run"] in known}
        categories = sorted({each for curve in curves.values() for each in curve.categories})
        category = category if category in categories else _most(curves.values(), categories)
        last = max(row["turns"] for group in groups.values() for row in group)
        turns = sorted({round(at * last / _POINTS) for at in range(_POINTS + 1)})
        return {
            "study": study,
            "of": of,
            "shown": shown,
            "category": category,
            "categories": categories,
            "turns": turns,
            "conditions": [_course(group, curves, turns, category) for group in groups.values()],
            "unread": unread,
        }

    def measures(self, rows: Sequence[RunRow], study: str) -> ComparedMeasures:
        """Measures of whole runs by condition; raises NoSuchStudyError."""
        groups = grouped(rows, study)
        with self._lock:
            known, unread = self._known(groups, self._measured, "", self._values)
        left_out = sum(bool(each["left_out"]) for each in known.values())
        found: dict[tuple[str, str | None], dict[str, list[float]]] = {}
        documents = {name: about for each in known.values() for name, about in each["known"].items()}
        for condition, group in groups.items():
            for row in group:
                for value in known[row["run"]]["values"] if row["run"] in known else ():
                    key = (value["measure"], value["of"])
                    found.setdefault(key, {}).setdefault(condition, []).append(value["value"])
        compared: list[ComparedMeasure] = [
            {
                "measure": measure,
                "of": of,
                "unit": documents[measure]["unit"] if measure in documents else "",
                "about": documents[measure]["about"] if measure in documents else "",
                "apart": _apart(list(by.values())),
                "values": [_value(by.get(condition, [])) for condition in groups],
            }
            for (measure, of), by in found.items()
            if measure != _TIME or _is_whole(found.get((_REACHED, of), {}))
        ]
        compared.sort(key=lambda each: -1.0 if each["apart"] is None else each["apart"], reverse=True)
        return {
            "study": study,
            "conditions": list(groups),
            "measures": compared,
            "left_out": left_out,
            "unread": unread,
        }

    def _known(
        self,
        groups: Mapping[str, Sequence[RunRow]],
        kept: OrderedDict[_Kept, _Value],
        of: str,
        read: Callable[[RunRow], _Value],
    ) -> tuple[dict[str, _Value], int]:
        """What is known of each run, by its name, after some time of reading; and of how many nothing is yet."""
        until = self._sources.clock.elapsed() + _PATIENCE_S
        found: dict[str, _Value] = {}
        unread = 0
        for row in _in_turn(list(groups.values())):
            key = (row["run"] + row["id"], of, row["seq"])
            if key not in kept and self._sources.clock.elapsed() >= until:
                unread += 1
                continue
            if key not in kept:
                kept[key] = read(row)
            kept.move_to_end(key)
            found[row["run"]] = kept[key]
        while len(kept) > _KEPT:
            kept.popitem(last=False)
        return found, unread

    def _shown(self, groups: Mapping[str, Sequence[RunRow]]) -> list[str]:
        """What agents state, as far as one run of each condition shows, and how runs went along."""
        stated: dict[str, bool] = {}
        for group in groups.values():
            with self._lock:
                if self._curve_of(group[0], SAID).turns:
                    stated[SAID] = True
            with self._folder.record(group[0]["run"]) as record:
                stated.update(dict.fromkeys(probed(record), True))
        return [*stated, *GOING]

    def _curve_of(self, row: RunRow, of: str) -> _Curve:
        key = (row["run"] + row["id"], of, row["seq"])
        if key not in self._curves:
            self._curves[key] = self._curve(row, of)
        return self._curves[key]

    def _curve(self, row: RunRow, of: str) -> _Curve:
        with self._folder.record(row["run"]) as record:
            if of in GOING:
                found = trend(record)
                return _Curve([turn - 1 for turn in found["turns"]], [found[of]])  # type: ignore[literal-required]
            return _stated(self._statements.course(row["run"], record, About(of, "")))

    def _values(self, row: RunRow) -> Measured:
        return self._sources.measures(self._folder.path(row["run"]))


def grouped(rows: Sequence[RunRow], study: str) -> dict[str, list[RunRow]]:
    """Runs of a study by condition, in the order of its design or else of their names; raises NoSuchStudyError."""
    own = [row for row in rows if row["study"] == study and row["turns"] and row["parent"] is None]
    if not own:
        raise NoSuchStudyError(f"there is no run of a study {study!r}", remedy="The list of runs names the studies.")
    groups: dict[str, list[RunRow]] = {}
    for row in sorted(own, key=_designed):
        groups.setdefault(row["condition"], []).append(row)
    return groups


def _is_whole(reached: Mapping[str, Sequence[float]]) -> bool:
    """Whether every run came to consensus: times that some did not come to have no mean."""
    return all(value for values in reached.values() for value in values)


def _designed(row: RunRow) -> tuple[int, str, int, str]:
    position = row["position"]
    return (-1 if position is None else position, row["condition"], row["replicate"], row["file"])


def _in_turn(groups: Sequence[Sequence[RunRow]]) -> list[RunRow]:
    """First one of each condition, then the next of each, so that a part of them is a fair one."""
    longest = max(map(len, groups), default=0)
    return [group[at] for at in range(longest) for group in groups if at < len(group)]


def _stated(course: Course) -> _Curve:
    if course["categories"]:
        shares = [[each[at] for each in course["shares"]] for at in range(len(course["categories"]))]
        return _Curve(course["turns"], shares, course["categories"])
    return _Curve(course["turns"], [course["mean"]])


def _most(curves: Iterable[_Curve], categories: Sequence[str]) -> str:
    """The category that most state at the end."""
    sums = dict.fromkeys(categories, 0.0)
    for curve in curves:
        for name, values in zip(curve.categories, curve.values, strict=False):
            sums[name] += values[-1] or 0.0
    return max(sums, key=sums.__getitem__, default="")


def _course(
    group: Sequence[RunRow], curves: Mapping[str, _Curve], turns: Sequence[int], category: str
) -> ConditionCourse:
    known = [row for row in group if row["run"] in curves]
    lines = [[curves[row["run"]].at(turn, row["turns"], category) for turn in turns] for row in known]
    observed = [[value for line in lines if (value := line[at]) is not None] for at in range(len(turns))]
    found = [interval(values) if values else None for values in observed]
    return {
        "condition": group[0]["condition"],
        "levels": group[0]["levels"],
        "runs": [row["run"] for row in known],
        "mean": [each.mean if each else None for each in found],
        "low": [each.low if each else None for each in found],
        "high": [each.high if each else None for each in found],
        "count": [len(values) for values in observed],
        "lines": lines[:_MOST_LINES],
    }


def _value(values: Sequence[float]) -> ConditionValue:
    if not values:
        return {"mean": None, "low": None, "high": None, "count": 0}
    mean, low, high = interval(values)
    return {"mean": mean, "low": low, "high": high, "count": len(values)}


def _apart(groups: Sequence[Sequence[float]]) -> float | None:
    """Largest less smallest mean, in pooled standard deviations; None if that is not known."""
    freedom = sum(len(values) - 1 for values in groups)
    if len(groups) < 2 or not freedom:  # noqa: PLR2004 (a difference)
        return None
    within = sum(pvariance(values) * len(values) for values in groups) / freedom
    means = [fmean(values) for values in groups]
    return (max(means) - min(means)) / within**0.5 if within else None
