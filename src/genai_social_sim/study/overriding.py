"""`path.in.the.study=value`: changes to a loaded study from the command line, in the order they are given."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any, Final

from yaml.events import MappingStartEvent, ScalarEvent, SequenceStartEvent

from genai_social_sim.errors import RequestError, SpecError
from genai_social_sim.study.document import StudyDoc
from genai_social_sim.study.loading import LoadedStudy, checked
from genai_social_sim.study.refusals import TYPO, described, listed, nearest, shown
from genai_social_sim.study.shape import Spot, step
from genai_social_sim.study.source import Marks, Path, first_value, parse_yaml

_SHOWN: Final = 80  # characters of a change in a message
_SAME_PEOPLE: Final = ("persona", "role", "model", "drawn")  # keys of a population with which it is drawn as it was


def overridden(loaded: LoadedStudy, changes: Iterable[str]) -> LoadedStudy:
    """`loaded` with `changes`; raises RequestError or SpecError."""
    values, replaced = loaded.values, dict(loaded.marks.replaced)
    for change in changes:
        written, equals, text = change.partition("=")
        if not equals or not written.strip():
            remedy = "Write PATH=VALUE, for example `model.temperature=0.2`."
            raise RequestError(f"{described(change)} is no change to a study", remedy=remedy)
        path = path_of(written.strip(), values)
        values = with_value(values, path, value_of(text))
        replaced[path] = f"--set {change if len(change) <= _SHOWN else change[:_SHOWN] + '...'}"
        values = _undrawn(values, path)
    marks = Marks(loaded.marks.name, loaded.marks.root, replaced)
    return checked(values, marks, path=loaded.path, backends=loaded.backends)


def _undrawn(values: Any, path: Path) -> Any:
    """Without the people that a record holds, if what is changed at `path` could change who they are."""
    population = values.get("population")
    if path[0] != "population" or not isinstance(population, dict) or (len(path) > 1 and path[1] in _SAME_PEOPLE):
        return values
    return {**values, "population": {key: value for key, value in population.items() if key != "drawn"}}


def value_of(text: str) -> Any:
    """A YAML scalar, [list] or {mapping}; anything else is the text as it stands."""
    text = text.strip()
    try:
        event = first_value(text)
        if isinstance(event, ScalarEvent):
            value = parse_yaml(text, name="value").values
            return value if event.style or not isinstance(value, str) else text
        if isinstance(event, (MappingStartEvent, SequenceStartEvent)) and event.flow_style:
            return parse_yaml(text, name="value").values
    except SpecError:
        pass
    return text


def path_of(written: str, values: Any) -> Path:
    """The parts of a path; agents may be named as well as numbered, and names may hold dots; raises RequestError."""
    spot, rest = Spot((), (StudyDoc,)), written
    while rest:
        values = _as_mapping(spot, values)
        part, rest = _next(spot, rest, values, written)
        spot = step(spot, part, values)
        values = _inner(values, part)
    return spot.path


def _next(spot: Spot, rest: str, values: Any, written: str) -> tuple[str | int, str]:
    """The next part of a path and what is left of it."""
    if isinstance(values, list):
        return _next_item(spot, rest, values, written)
    fitting = [name for name in _names(spot, values) if _begins(rest, name)]
    if fitting:
        name = max(fitting, key=len)
        return name, _left(rest[len(name) :])
    name = rest.partition(".")[0].partition("[")[0]
    known = _names(spot, values)
    if not name or not spot.takes_new_key or get_close_matches(name, spot.keys, cutoff=TYPO):
        raise _leads_nowhere(written, name, spot, known)
    return name, _left(rest[len(name) :])


def _next_item(spot: Spot, rest: str, values: list[Any], written: str) -> tuple[int, str]:
    number, closed, left = rest.removeprefix("[").partition("]")
    if rest.startswith("[") and closed and number.isdecimal():
        if int(number) < len(values):
            return int(number), _left(left)
        raise _leads_nowhere(written, f"[{number}]", spot, [f"[{index}]" for index in range(len(values))])
    names = [item.get("name", "") if isinstance(item, dict) else "" for item in values]
    fitting = [name for name in names if name and _begins(rest, name)]
    if fitting:
        name = max(fitting, key=len)
        return names.index(name), _left(rest[len(name) :])
    known = [name for name in names if name] or [f"[{index}]" for index in range(len(values))]
    raise _leads_nowhere(written, rest.partition(".")[0], spot, known)


def _leads_nowhere(written: str, name: str, spot: Spot, known: list[str]) -> RequestError:
    place = f"under `{shown(spot.path)}`" if spot.path else "in a study"
    remedy = f"{nearest(name, known)}Known there: {listed(known)}." if known else f"`{shown(spot.path)}` has no parts."
    return RequestError(f"the path `{written}` leads nowhere: there is no {name!r} {place}", remedy=remedy)


def _names(spot: Spot, values: Any) -> list[str]:
    return list(dict.fromkeys([*spot.keys, *(values if isinstance(values, dict) else ())]))


def _begins(rest: str, name: str) -> bool:
    return rest.startswith(name) and rest[len(name) : len(name) + 1] in ("", ".", "[")


def _left(rest: str) -> str:
    return rest.removeprefix(".")


def _as_mapping(spot: Spot, values: Any) -> Any:
    """`protocol: random` is short for `protocol: {kind: random}`."""
    return {"kind": values} if isinstance(values, str) and "kind" in spot.keys else values


def _inner(values: Any, part: str | int) -> Any:
    if isinstance(values, list) and isinstance(part, int):
        return values[part]
    return values.get(part) if isinstance(values, dict) else None


def with_value(values: Any, path: Path, value: Any) -> Any:
    """A copy of `values` with `value` at `path`; mappings on the way are made where they are missing."""
    if not path:
        return value
    part, rest = path[0], path[1:]
    if isinstance(values, list) and isinstance(part, int):
        return [*values[:part], with_value(values[part], rest, value), *values[part + 1 :]]
    if isinstance(values, str):
        values = {"kind": values}
    values = values if isinstance(values, dict) else {}
    return {**values, part: with_value(values.get(part), rest, value)}


def without_key(values: Any, path: Path) -> Any:
    """A copy of `values` without the key at `path`, if it is there."""
    part, rest = path[0], path[1:]
    if not isinstance(values, dict) or part not in values:
        return values
    if not rest:
        return {key: inner for key, inner in values.items() if key != part}
    return {**values, part: without_key(values[part], rest)}
