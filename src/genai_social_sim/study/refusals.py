"""What is wrong with a study -> one SpecError in words for people: the first problem in full, the others by line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from genai_social_sim.errors import SpecError
from genai_social_sim.study.base import LIST, MAPPING
from genai_social_sim.study.document import StudyDoc
from genai_social_sim.study.shape import Spot, spot_at, step
from genai_social_sim.study.source import Marks, Path

SHOWN: Final = 5
ALIKE: Final = 0.6  # difflib's ratio from which a known word is offered for an unknown one
TYPO: Final = 0.85  # from which an unknown word is taken for a misspelt one
_EXPECTED: Final = {
    "string_type": "a text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "float_parsing": "a number",
    "bool_parsing": "true or false",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "dict_type": "a mapping (lines of `key: value`)",
    "model_type": "a mapping (lines of `key: value`)",
    "model_attributes_type": "a mapping (lines of `key: value`) or the name of a kind",
}
_BOUNDS: Final = {
    "greater_than": ("gt", "more than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where (`at_key`: at the key itself), what, and what to write instead."""

    path: Path
    text: str
    remedy: str
    at_key: bool = False

    @property
    def sentence(self) -> str:
        """What is wrong and with what."""
        return f"{shown(self.path)}: {self.text}" if self.path else self.text


def refused(problems: Iterable[Problem], marks: Marks) -> SpecError:
    """One error for all `problems`, of which there is at least one, in the order of the text."""
    first, *others = sorted(problems, key=lambda problem: _order(problem, marks))
    remedy = first.remedy
    if others:
        listed = [f"\n  {_where(problem, marks)}: {problem.sentence}" for problem in others[:SHOWN]]
        unlisted = f"\n  and {len(others) - SHOWN} more" if len(others) > SHOWN else ""
        remedy = f"{remedy}\nAnd {len(others)} more:{''.join(listed)}{unlisted}"
    return SpecError(first.sentence, remedy=remedy, where=_where(first, marks))


def shown(path: Path) -> str:
    """`agents[2].persona`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def nearest(word: str, known: Iterable[str]) -> str:
    """`Did you mean ...?` with a blank after it, or nothing."""
    names = {name.casefold(): name for name in known}
    close = get_close_matches(word.casefold(), names, n=1, cutoff=ALIKE)
    return f"Did you mean `{names[close[0]]}`? " if close else ""


def listed(names: Sequence[str], *, most: int = 12) -> str:
    """Names for a message, not too many of them."""
    rest = f", ... ({len(names)} in all)" if len(names) > most else ""
    return ", ".join(names[:most]) + rest


def problems_of(error: ValidationError, values: Any, documents: tuple[Any, ...] = (StudyDoc,)) -> list[Problem]:
    """What pydantic found in `values`, in words, one problem a place; `documents` say what may stand there."""
    details = error.errors(include_url=False)
    unknown = {
        (detail["loc"][:-1], str(detail["loc"][-1])) for detail in details if detail["type"] == "extra_forbidden"
    }
    kept = [detail for detail in details if not (_is_misspelt(detail, unknown) or _is_echo(detail))]
    problems = [_problem(detail, values, documents) for detail in kept or details]
    return [*{problem.path: problem for problem in reversed(problems)}.values()]


def _is_misspelt(detail: ErrorDetails, unknown: set[tuple[Any, str]]) -> bool:
    """Whether the missing key is there under a name so similar that its own refusal says all."""
    if detail["type"] != "missing":
        return False
    beside = [key for around, key in unknown if around == detail["loc"][:-1]]
    return bool(get_close_matches(str(detail["loc"][-1]), beside, n=1, cutoff=ALIKE))


def _is_echo(detail: ErrorDetails) -> bool:
    """Whether a list is called too short only because what is in it was refused."""
    return detail["type"] == "too_short" and bool(detail["input"])


def _order(problem: Problem, marks: Marks) -> tuple[int, int]:
    mark = marks.find(problem.path, key=problem.at_key)
    return (0, 0) if mark is None else (mark.line, mark.column)


def _where(problem: Problem, marks: Marks) -> str:
    return marks.where(problem.path, key=problem.at_key)


def _problem(detail: ErrorDetails, values: Any, documents: tuple[Any, ...]) -> Problem:
    kind, loc, found = detail["type"], detail["loc"], detail["input"]
    context = detail.get("ctx", {})
    at_key = bool(loc) and loc[-1] == "[key]"
    if at_key:
        loc = loc[:-1]
    loc = tuple([part for part in loc if part not in (LIST, MAPPING)])
    if kind == "missing":
        return _missing(spot_at(loc[:-1], values, documents), str(loc[-1]))
    if kind == "extra_forbidden":
        return _unknown(spot_at(loc[:-1], values, documents), str(loc[-1]))
    spot = spot_at(loc, values, documents)
    if kind == "refused":
        return Problem(spot.path, context["problem"], context["remedy"], at_key)
    text, remedy = _in_words(kind, found, context, spot)
    return Problem(spot.path, text, remedy, at_key)


def _in_words(kind: str, found: Any, context: dict[str, Any], spot: Spot) -> tuple[str, str]:
    if found is None:
        return "no value follows this key", _such_as(spot) or "Write one, or delete the key."
    if kind in _EXPECTED:
        return _wrong_type(kind, found, spot)
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        return _wrong_kind(context, spot)
    if kind == "literal_error":
        expected = str(context["expected"])
        remedy = f"{nearest(str(found), expected.split(chr(39))[1::2])}Write {expected.replace(chr(39), '`')}."
        return f"found {described(found)}", remedy
    return _out_of_range(kind, found, context, spot)


def _out_of_range(kind: str, found: Any, context: dict[str, Any], spot: Spot) -> tuple[str, str]:
    if kind in _BOUNDS:
        key, words = _BOUNDS[kind]
        return f"{found} must be {words} {context[key]}", _such_as(spot) or f"Write {words} {context[key]}."
    if kind == "value_error":
        return str(context["error"]), _such_as(spot) or "Write another value."
    if kind in ("too_short", "string_too_short"):
        return "this is empty, but at least one is needed", _such_as(spot) or "Write at least one."
    return f"{described(found)} cannot stand here ({kind.replace('_', ' ')})", _such_as(spot) or "Write another value."


def _wrong_type(kind: str, found: Any, spot: Spot) -> tuple[str, str]:
    text = f"found {described(found)} where {_EXPECTED[kind]} is expected"
    if kind == "string_type" and isinstance(found, (bool, int, float)):
        word = str(found).lower() if isinstance(found, bool) else str(found)
        return text, f'Put it in quotes if it is meant as a text: "{word}".'
    if _EXPECTED[kind] == "a whole number" and isinstance(found, float) and found.is_integer():
        return text, f"Write it out, without a point or exponent: {int(found)}."
    return text, _such_as(spot) or f"Write {_EXPECTED[kind]}."


def _wrong_kind(context: dict[str, Any], spot: Spot) -> tuple[str, str]:
    kinds = [kind for known in spot.kinds for kind in step(Spot((), (known,)), "kind", None).kinds]
    names = [name for kind in kinds for name in kind.__args__]
    remedy = f"Write one of: {', '.join(names)}; for example `{_last(spot)}: {names[0]}`."
    if "tag" in context:
        return f"there is no kind {context['tag']!r}", nearest(str(context["tag"]), names) + remedy
    return "it lacks its `kind`", f"Add `kind:`, one of: {', '.join(names)}."


def _missing(spot: Spot, key: str) -> Problem:
    example = Spot((*spot.path, key), (), step(spot, key, None).field).example
    return Problem(
        spot.path, f"the key `{key}` is missing", f"Add it, for example `{example}`." if example else "Add it."
    )


def _unknown(spot: Spot, key: str) -> Problem:
    known = f"Known here: {', '.join(spot.keys)}."
    return Problem((*spot.path, key), "unknown key", nearest(key, spot.keys) + known, at_key=True)


def _such_as(spot: Spot) -> str:
    if spot.example:
        return f"Write for example `{spot.example}`."
    if spot.path and isinstance(spot.path[-1], str) and spot.keys:
        return f"Write `{spot.path[-1]}: {{}}`, or lines with keys from: {', '.join(spot.keys)}."
    return f"Known here: {', '.join(spot.keys)}." if spot.keys else ""


def described(value: Any) -> str:
    """A value in a message, shortened."""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, str):
        return f"the text {value[:40] + '...' if len(value) > 40 else value!r}"  # noqa: PLR2004 (a width)
    if isinstance(value, (int, float)):
        return f"the number {value}"
    return "a list" if isinstance(value, (list, tuple)) else "a mapping"


def _last(spot: Spot) -> str:
    return str(spot.path[-1]) if spot.path else ""
