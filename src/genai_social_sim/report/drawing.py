"""Small charts and network pictures as SVG, which print, scale and need no script. It knows nothing of runs.

Series are told apart by dash and by name at their end, not by colour alone. Every text is escaped and made visible.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import Final, NamedTuple

from genai_social_sim.domain.visible import visible

WIDTH: Final = 640
_HEIGHT: Final = 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 200, 18, 34
_DASHES: Final = ("", "7 3", "2 3", "9 3 2 3", "4 2", "12 4")
_TICKS: Final = 4
_ROW: Final = 24  # of a chart of intervals
_NAMES: Final = 210
_LINE: Final = 13  # of text
_LETTER: Final = 6.2  # its width, about
_SPILL: Final = 100  # what it costs if a name leaves the picture, in covered names


class Curve(NamedTuple):
    """A series over rounds: its name, the mean with its interval at each x, and the single runs behind it."""

    name: str
    mean: Sequence[tuple[float, float]]
    band: Sequence[tuple[float, float, float]]  # x, low, high; empty without an interval
    runs: Sequence[Sequence[tuple[float, float]]]


class Spread(NamedTuple):
    """A named estimate with its interval (NaN ends: none) and the single values that it is made of."""

    name: str
    value: float
    low: float
    high: float
    values: Sequence[float]


class Scale(NamedTuple):
    """From numbers to pixels."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Where a number lies."""
        width = self.high - self.low
        share = (value - self.low) / width if width else 0.5
        return self.start + share * (self.end - self.start)

    @property
    def ticks(self) -> list[float]:
        """Round numbers within, a few."""
        width = self.high - self.low
        if not width:
            return [self.low]
        step = 10 ** math.floor(math.log10(width / _TICKS))
        step *= next(factor for factor in (1, 2, 5, 10) if width / (step * factor) <= _TICKS + 1)
        first = math.ceil(self.low / step - 1e-9)
        return [round(each * step, 12) for each in range(first, math.floor(self.high / step + 1e-9) + 1)]


def text(words: str) -> str:
    """Words as they may stand in a page."""
    return escape(visible(words))


def number(value: float) -> str:
    """A number as people read it: four digits at most."""
    return "\u2013" if math.isnan(value) else f"{value:.4g}".replace("-", "\u2212")


def lines(curves: Sequence[Curve], *, title: str, unit: str, over: str = "round") -> str:
    """Curves over rounds, with bands and single runs; these set the scale, a wider band is cut off."""
    xs = [x for curve in curves for x, _ in curve.mean]
    ys = [y for curve in curves for run in (curve.mean, *curve.runs) for _, y in run]
    across = Scale(min(xs), max(xs), _LEFT, WIDTH - _RIGHT)
    up = Scale(*padded(ys), _HEIGHT - _BOTTOM, _TOP)
    parts = [_axes(across, up, over=over, unit=unit)]
    parts += [_path(run, across, up, "run") for curve in curves for run in curve.runs]
    for place, curve in enumerate(curves):
        shade = f"s{place % len(_DASHES)}"
        if curve.band:
            there = [(x, min(high, up.high)) for x, _, high in curve.band]
            there += [(x, max(low, up.low)) for x, low, _ in reversed(curve.band)]
            points = " ".join([f"{across.at(x):.1f},{up.at(y):.1f}" for x, y in there])
            parts.append(f'<polygon class="band {shade}" points="{points}"/>')
        parts.append(_path(curve.mean, across, up, f"mean {shade}", dash=_DASHES[place % len(_DASHES)]))
    height = max(_HEIGHT, _LINE * len(curves) + _TOP)
    parts += _ends(curves, up, height - 4)
    return _svg(WIDTH, height, title, parts)


def intervals(spreads: Sequence[Spread], *, title: str, unit: str) -> str:
    """Estimates below each other, each with its interval and the single values."""
    seen = [value for each in spreads for value in (each.value, each.low, each.high, *each.values)]
    seen = [value for value in seen if not math.isnan(value)]
    height = _TOP + _ROW * len(spreads) + _BOTTOM
    across = Scale(*padded(seen), _NAMES, WIDTH - 90)
    parts = [_foot(across, height - _BOTTOM + 4, unit)]
    for place, each in enumerate(spreads):
        y = _TOP + _ROW * (place + 0.5)
        parts.append(f'<text class="name" x="{_NAMES - 10}" y="{y + 4:.1f}">{text(_short(each.name))}</text>')
        if not math.isnan(each.low):
            ends = f'x1="{across.at(each.low):.1f}" x2="{across.at(each.high):.1f}"'
            parts.append(f'<line class="reach" {ends} y1="{y:.1f}" y2="{y:.1f}"/>')
        parts += [f'<circle class="one" cx="{across.at(value):.1f}" cy="{y:.1f}" r="3"/>' for value in each.values]
        parts.append(f'<path class="dot" d="M{across.at(each.value):.1f},{y - 6:.1f} l5,6 l-5,6 l-5,-6 z"/>')
        parts.append(f'<text class="end" x="{WIDTH - 82}" y="{y + 4:.1f}">{number(each.value)}</text>')
    return _svg(WIDTH, height, title, parts)


def bars(counts: Mapping[str, int], *, title: str) -> str:
    """How often each answer was given, below each other."""
    whole, most = sum(counts.values()), max(counts.values())
    across = Scale(0, most, _NAMES, WIDTH - 110)
    parts = []
    for place, (name, count) in enumerate(counts.items()):
        y = _TOP + _ROW * place
        width = across.at(count) - _NAMES
        parts.append(f'<text class="name" x="{_NAMES - 10}" y="{y + 15}">{text(_short(name))}</text>')
        parts.append(f'<rect class="bar" x="{_NAMES}" y="{y + 4}" width="{width:.1f}" height="{_ROW - 9}"/>')
        words = f"{count:,} ({100 * count / whole:.0f} %)"
        parts.append(f'<text class="end" x="{_NAMES + width + 6:.1f}" y="{y + 15}">{words}</text>')
    return _svg(WIDTH, _TOP * 2 + _ROW * len(counts), title, parts)


def network(
    places: Mapping[str, tuple[float, float]], edges: Iterable[tuple[str, str]], *, title: str, named: bool
) -> str:
    """Nodes at places on [-1, 1] and the edges between them; names beside them where there is room."""
    size = 360.0
    at = {name: (size / 2 + x * size * 0.42, size / 2 + y * size * 0.42) for name, (x, y) in places.items()}
    drawn = " ".join(
        [f"M{at[a][0]:.1f},{at[a][1]:.1f}L{at[b][0]:.1f},{at[b][1]:.1f}" for a, b in edges if a in at and b in at]
    )
    parts = [f'<path class="edges" d="{drawn}"/>'] if drawn else []
    radius = max(1.5, min(6.0, 60 / math.sqrt(len(at) + 1)))
    for name, (x, y) in at.items():
        label = f"<title>{text(name)}</title>"
        parts.append(f'<circle class="node" cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}">{label}</circle>')
    parts += _labels(at, radius, size) if named else []
    return _svg(size, size, title, parts)


def _labels(at: Mapping[str, tuple[float, float]], radius: float, size: float) -> Iterator[str]:
    """Names beside nodes, on that side on which they cover the fewest nodes and names."""
    taken = [(x - radius, y - radius, x + radius, y + radius) for x, y in at.values()]
    for name, (x, y) in at.items():
        words = _short(name, 18)
        away, width = radius + 3, _LETTER * len(words)
        sides = [
            (x + away, y + 4, x + away, ""),
            (x - away, y + 4, x - away - width, ' text-anchor="end"'),
            (x, y - away, x - width / 2, ' text-anchor="middle"'),
            (x, y + away + 9, x - width / 2, ' text-anchor="middle"'),
        ]
        boxes = [(left, down - 9, left + width, down + 2) for _, down, left, _ in sides]
        costs = [
            sum([_meet(box, other) for other in taken]) + (_SPILL if box[0] < 0 or box[2] > size else 0)
            for box in boxes
        ]
        best = costs.index(min(costs))
        across, down, _, anchor = sides[best]
        taken.append(boxes[best])
        yield f'<text class="label" x="{across:.1f}" y="{down:.1f}"{anchor}>{text(words)}</text>'


def _meet(one: Sequence[float], other: Sequence[float]) -> bool:
    """Whether two boxes (left, top, right, bottom) cover each other."""
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _svg(width: float, height: float, title: str, parts: Iterable[str]) -> str:
    told = f"<title>{text(title)}</title>"
    box = f'viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}"'
    return f'<svg role="img" aria-label="{text(title)}" {box}>{told}{"".join(parts)}</svg>'


def padded(values: Sequence[float]) -> tuple[float, float]:
    """The ends of a scale on which these numbers lie, with some room."""
    low, high = min(values), max(values)
    room = (high - low) * 0.05 or abs(high) * 0.05 or 0.5
    return low - room, high + room


def _short(words: str, most: int = 30) -> str:
    return words if len(words) <= most else words[: most - 1] + "…"


def _path(points: Sequence[tuple[float, float]], across: Scale, up: Scale, kind: str, dash: str = "") -> str:
    drawn = "L".join([f"{across.at(x):.1f},{up.at(y):.1f}" for x, y in points])
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    if len(points) == 1:
        x, y = points[0]
        return f'<circle class="{kind} alone" cx="{across.at(x):.1f}" cy="{up.at(y):.1f}" r="3"/>'
    return f'<path class="{kind}" d="M{drawn}"{dashed}/>'


def _axes(across: Scale, up: Scale, *, over: str, unit: str) -> str:
    parts = [_foot(across, _HEIGHT - _BOTTOM, over)]
    for tick in up.ticks:
        y = up.at(tick)
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="name" x="{_LEFT - 6}" y="{y + 4:.1f}">{number(tick)}</text>')
    parts.append(f'<text class="unit" x="{_LEFT}" y="{_TOP - 8}">{text(unit)}</text>')
    return "".join(parts)


def _foot(across: Scale, y: float, words: str) -> str:
    parts = [f'<line class="axis" x1="{across.start}" x2="{across.end}" y1="{y}" y2="{y}"/>']
    parts += [f'<text class="tick" x="{across.at(at):.1f}" y="{y + 14}">{number(at)}</text>' for at in across.ticks]
    middle = (across.start + across.end) / 2
    return "".join(parts) + f'<text class="tick" x="{middle:.1f}" y="{y + 28}">{text(words)}</text>'


def _ends(curves: Sequence[Curve], up: Scale, lowest: float) -> list[str]:
    """Names at the ends of curves, moved apart, none of them below `lowest`."""
    wanted = sorted([(up.at(curve.mean[-1][1]), place) for place, curve in enumerate(curves)])
    parts, free = [], -math.inf
    for left, (y, place) in zip(range(len(wanted) - 1, -1, -1), wanted, strict=True):
        free = min(max(y + 4, free + _LINE), lowest - _LINE * left)
        dash = _DASHES[place % len(_DASHES)]
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        x = WIDTH - _RIGHT + 6
        shade = f"s{place % len(_DASHES)}"
        parts.append(f'<path class="mean {shade}" d="M{x},{free - 4:.1f}h18"{dashed}/>')
        parts.append(f'<text class="end" x="{x + 22}" y="{free:.1f}">{text(_short(curves[place].name, 28))}</text>')
    return parts
