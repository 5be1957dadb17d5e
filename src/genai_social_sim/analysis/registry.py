"""All measures by name: those that ship, those offered in this process, and those of installed packages."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from importlib.metadata import entry_points
from typing import Final, NamedTuple

from genai_social_sim.analysis.drift_meter import DriftMeter
from genai_social_sim.analysis.influence_meter import InfluenceMeter
from genai_social_sim.analysis.measure import Measure, Meter, OwnMeasure, described
from genai_social_sim.analysis.opinion_meter import OpinionMeter
from genai_social_sim.analysis.participation import ParticipationMeter
from genai_social_sim.analysis.text_meter import TextMeter
from genai_social_sim.errors import RequestError

METERS: Final[tuple[type[Meter], ...]] = (ParticipationMeter, OpinionMeter, InfluenceMeter, TextMeter, DriftMeter)
ENTRY_POINTS: Final = "genai_social_sim.measures"
_OFFERED: Final[dict[str, OwnMeasure]] = {}


class Chosen(NamedTuple):
    """What has to read a run so that some measures have values; `names` are all that was asked for."""

    names: frozenset[str]
    meters: tuple[type[Meter], ...]
    own: tuple[OwnMeasure, ...]


def offer_measure(function: OwnMeasure) -> None:
    """Let this process know a measure by the name of its function, as `gss measure` and tables do."""
    _OFFERED[described(function).name] = function


def measures() -> tuple[Measure, ...]:
    """All measures that can be used here, ours first."""
    return (*(measure for meter in METERS for measure in meter.measures), *map(described, _own().values()))


def find(name: str) -> Measure:
    """A measure by its name; raises RequestError naming near ones if there is none."""
    known = {measure.name: measure for measure in measures()}
    if name not in known:
        close = get_close_matches(name, known, n=3, cutoff=0.4)
        remedy = f"Did you mean {' or '.join(close)}? " if close else ""
        raise RequestError(f"there is no measure {name!r}", remedy=f"{remedy}`gss measure --list` names all.")
    return known[name]


def chosen(wanted: Sequence[str | OwnMeasure] = ()) -> Chosen:
    """What gives these measures, by name or as functions; all that are known if none is named."""
    own = _own()
    if not wanted:
        return Chosen(frozenset([measure.name for measure in measures()]), METERS, tuple(own.values()))
    functions = {described(each).name: each for each in wanted if not isinstance(each, str)}
    names = [find(each).name for each in wanted if isinstance(each, str)]
    meters = tuple([meter for meter in METERS if any(each.name in names for each in meter.measures)])
    functions |= {name: own[name] for name in names if name in own}
    return Chosen(frozenset([*names, *functions]), meters, tuple(functions.values()))


def _own() -> dict[str, OwnMeasure]:
    """Those that do not ship; one offered in this process goes before one of a package."""
    found: dict[str, OwnMeasure] = {}
    for point in entry_points(group=ENTRY_POINTS):
        function: OwnMeasure = point.load()
        found[described(function).name] = function
    return found | _OFFERED
