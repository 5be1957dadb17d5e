"""What is wrong with a text that is not YAML, in a beginner's words."""

from __future__ import annotations

from typing import Final

import yaml

Advice = tuple[str, str, int, int]  # problem, remedy, line, column
_HINTS: Final = (
    (
        "mapping values are not allowed",
        "a `: ` stands where no key can be, or the line before it lacks its own `:`",
        'Put a text that holds a colon in quotes ("..."), and check how far the line is indented.',
    ),
    (
        "found unexpected end of stream",
        "a quote that begins here is never closed",
        "Close it with the same kind of quote.",
    ),
    (
        "',' or ']'",
        "a list that begins here with [ is not closed, or a comma is missing in it",
        "Write it as [one, two], and put texts with commas or brackets in quotes.",
    ),
    (
        "',' or '}'",
        "a mapping that begins here with { is not closed, or a comma is missing in it",
        'Write it as {key: value, key: "text, with a comma"}.',
    ),
    (
        "expected key",
        "this does not fit the lines above: it is neither a key nor a part of the value before it",
        "Give all keys of one mapping the same indentation, and write nothing after a closing quote.",
    ),
    (
        "expected '-' indicator",
        "this does not fit the list above: it does not begin with `- `",
        "Begin each item of the list with `- `, all at the same indentation.",
    ),
    (
        "expected <block end>",  # PyYAML without its C part tells less
        "this does not fit the lines above: it is no key, no item of a list and no part of the value before it",
        "Give all keys of one mapping the same indentation, and begin each item of a list with `- `.",
    ),
    ("tab character", "a tab stands where YAML allows only blanks", "Indent with blanks."),
    ("unknown escape character", "a backslash in double quotes begins no escape", "Write \\\\ for a backslash."),
    (
        "expected ':'",
        "a key without its `:`",
        "Write `key: value`, with a blank after the colon.",
    ),
)
_AT_THE_START: Final = ("found unexpected end of stream", "',' or ']'", "',' or '}'")


def advice(fault: yaml.YAMLError, text: str) -> Advice:
    """Problem, remedy, line and column (from 1) for what PyYAML found."""
    said = str(getattr(fault, "problem", None) or "it cannot be read")
    mark = getattr(fault, "problem_mark", None)
    if any(sign in said for sign in _AT_THE_START):
        mark = getattr(fault, "context_mark", None) or mark
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
    problem, remedy = _explained(said, _character(text, line, column))
    return problem, remedy, line, column


def _explained(said: str, character: str) -> tuple[str, str]:
    if "cannot start any token" in said:
        return _strange_start(character)
    for sign, problem, remedy in _HINTS:
        if sign in said or sign.replace("did not find ", "") in said:
            return problem, remedy
    return f"this is not YAML: {said}", "Check brackets, quotes and indentation here and on the line before."


def _strange_start(character: str) -> tuple[str, str]:
    if character == "\t":
        return "a tab stands where YAML allows only blanks", "Indent with blanks."
    return f"a text may not begin with {character or 'this character'}", 'Put it in quotes: "...".'


def _character(text: str, line: int, column: int) -> str:
    lines = text.split("\n")
    row = lines[line - 1] if line <= len(lines) else ""
    return row[column - 1 : column]
