"""The figures of a report for papers, as SVG and PNG by matplotlib: the same runs give the same files."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from math import isnan
from pathlib import Path
from typing import Any, Final

from genai_social_sim.analysis.registry import measures
from genai_social_sim.domain.visible import visible
from genai_social_sim.errors import RequestError
from genai_social_sim.report.collecting import Series, Told, all_series, conditions_or_forks
from genai_social_sim.report.comparing import Compared, compared, curves
from genai_social_sim.report.drawing import Curve, padded

_STYLES: Final = ("-", "--", ":", "-.", (0, (3, 1, 1, 1)), (0, (8, 3)))
_SALT: Final = "genai-social-sim"  # of names within an SVG, which are random otherwise
_DPI: Final = 200


class Picture:
    """A figure by matplotlib, which a notebook shows and `save` writes; `figure` is matplotlib's own object."""

    def __init__(self, name: str, figure: Any) -> None:
        self.name = name
        self.figure = figure

    def save(self, path: str | Path) -> Path:
        """Write it in the form that its ending names, such as `.svg`, `.png` or `.pdf`; the same each time."""
        about = {".svg": {"Date": None}, ".png": {"Software": None}, ".pdf": {"CreationDate": None}}
        to = Path(path)
        self.figure.savefig(to, dpi=_DPI, metadata=about.get(to.suffix.lower()))
        return to

    def __repr__(self) -> str:
        return f"<Picture {self.name}>"

    def _repr_svg_(self) -> str:
        from io import StringIO

        drawn = StringIO()
        self.figure.savefig(drawn, format="svg", metadata={"Date": None})
        return drawn.getvalue()


def draw(runs: Sequence[Told], folder: Path) -> Iterator[Path]:
    """Write each measure over rounds, and its comparison between runs or conditions; the files, in order.

    Raises:
        RequestError: If matplotlib is missing, or the folder cannot be made.
    """
    made = pictures(runs)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise RequestError(f"the folder for figures cannot be made ({fault.strerror})", where=str(folder)) from fault
    for each in made:
        for form in ("svg", "png"):
            yield each.save(folder / f"{each.name}.{form}")


def pictures(runs: Sequence[Told], wanted: Collection[str] = ()) -> list[Picture]:
    """Each measure, or those `wanted`, compared between conditions and over rounds.

    Raises:
        RequestError: If matplotlib is missing.
    """
    figure_of = _matplotlib()
    conditions = conditions_or_forks([*runs])
    units = {each.name: each.unit for each in measures()}
    beside = [
        Picture(f"compared-{_slug(each.series)}", _spreads(figure_of, each, units))
        for each in compared(conditions)
        if not wanted or each.series.measure in wanted
    ]
    over = [
        Picture(f"rounds-{_slug(series)}", _curves(figure_of, found, series, units))
        for series in all_series(runs, whole=False)
        if (not wanted or series.measure in wanted) and (found := curves(conditions, series))
    ]
    return [*beside, *over]


def _matplotlib() -> Any:
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError as fault:
        raise RequestError(
            "figures need matplotlib, which is not installed", remedy="pip install 'genai-social-sim[figures]'"
        ) from fault
    mpl.rcParams |= {"svg.hashsalt": _SALT, "svg.fonttype": "none", "text.parse_math": False}
    return Figure


def _slug(series: Series) -> str:
    words = series.measure if series.of is None else f"{series.measure}-{series.of}"
    return re.sub(r"[^A-Za-z0-9_]+", "-", words).strip("-")[:80] or "measure"


def _about(series: Series, units: Mapping[str, str]) -> str:
    unit = units[series.measure]
    return visible(f"{series.words}{f', {unit}' if unit else ''}")


def _spreads(figure_of: Any, each: Compared, units: Mapping[str, str]) -> Any:
    figure = figure_of(figsize=(6, 0.8 + 0.35 * len(each.spreads)), layout="constrained")
    axes = figure.add_subplot()
    for place, spread in enumerate(reversed(each.spreads)):
        axes.plot(spread.values, [place] * len(spread.values), "o", color="0.7", markersize=3)
        if not isnan(spread.low):
            axes.hlines(place, spread.low, spread.high, color="0.1", linewidth=1.5)
        axes.plot([spread.value], [place], "D", color="0.1", markersize=5)
    axes.set_yticks(range(len(each.spreads)), [visible(spread.name) for spread in reversed(each.spreads)])
    axes.set_xlabel(_about(each.series, units) + (f"; {each.note}" if each.note else ""))
    return figure


def _curves(figure_of: Any, found: Sequence[Curve], series: Series, units: Mapping[str, str]) -> Any:
    rows = (len(found) + 1) // 2  # of the legend, which stands above, where it hides no line
    figure = figure_of(figsize=(6, 3.3 + 0.2 * rows), layout="constrained")
    axes = figure.add_subplot()
    for place, curve in enumerate(found):
        (line,) = axes.plot(
            *zip(*curve.mean, strict=True), linestyle=_STYLES[place % len(_STYLES)], label=visible(curve.name)
        )
        if curve.band:
            axes.fill_between(*zip(*curve.band, strict=True), alpha=0.15, color=line.get_color(), linewidth=0)
    axes.set_ylim(*padded([y for curve in found for run in (curve.mean, *curve.runs) for _, y in run]))
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_xlabel("round")
    axes.set_ylabel(_about(series, units))
    figure.legend(loc="outside upper left", ncols=2, fontsize="small", frameon=False)
    return figure
