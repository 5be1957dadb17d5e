"""Reading an answer that had to be one of several: what was chosen, and how much the model wanted any of them.

It knows no server; what a server is sent to constrain it stands with its backend.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple

from genai_social_sim.backends.servers import garbled

KEY: Final = "answer"  # of the JSON object, for servers that constrain objects only
MOST_ALTERNATIVES: Final = 20  # what servers show of the alternatives at one place
_OPENING: Final = re.compile(rf'\s*(?:\{{\s*"{KEY}"\s*:\s*)?"?')


class Token(NamedTuple):
    """A piece of an answer and what could have stood in its place, itself included, with log probabilities."""

    text: str
    alternatives: tuple[tuple[str, float], ...]

    @classmethod
    def of(cls, text: str, chance: float | None, others: Iterable[tuple[str, float]]) -> Token:
        """A token with its own log probability, if known, and others'."""
        shown = dict(others) if chance is None else {text: chance, **dict(others)}
        return cls(str(text), tuple([(str(each), float(value)) for each, value in shown.items() if value <= 0]))


def of_texts(choices: Sequence[str]) -> dict[str, Any]:
    """The JSON schema of one of `choices`."""
    return {"type": "string", "enum": list(choices)}


def of_objects(choices: Sequence[str]) -> dict[str, Any]:
    """The same within an object."""
    return {
        "type": "object",
        "properties": {KEY: of_texts(choices)},
        "required": [KEY],
        "additionalProperties": False,
    }


def grammar(choices: Sequence[str]) -> str:
    """The same as a GBNF grammar for llama.cpp, without quotes around the answer."""
    return "root ::= " + " | ".join(json.dumps(choice, ensure_ascii=False) for choice in choices)


def chosen(text: str, choices: Sequence[str]) -> str:
    """Which of `choices` an answer names, read once; raises CompletionError if it is none.

    It may stand in JSON or in quotes, end with a full stop, and differ in case where that leaves one choice.
    """
    said: Any = text.strip()
    with suppress(ValueError):
        said = json.loads(said)
    if isinstance(said, Mapping):
        said = said.get(KEY, text)
    if said in choices:
        return str(said)
    bare = str(said).strip().strip("\"'`").rstrip(".").strip().casefold()
    alike = [choice for choice in choices if choice.casefold() == bare]
    if len(alike) != 1:
        raise garbled(f"{text[:80]!r} is none of the {len(choices)} choices", retry=False)
    return alike[0]


def legal_mass(tokens: Iterable[Token], choices: Sequence[str]) -> float | None:
    """About how much probability the model gave to the choices before it was constrained, on [0, 1].

    The sum over the alternatives, shown by the server, of the first token of the answer that begin a choice or hold
    one. So it is an approximation: alternatives beyond those shown (20 at most) are missing, and a token that begins a
    choice might have gone on otherwise. JSON that surrounds an answer is taken as given.
    """
    before = ""
    for token in tokens:
        if _begun(before + token.text):
            shares = [math.exp(chance) for text, chance in token.alternatives if _legal(before + text, choices)]
            return min(1.0, math.fsum(shares)) if token.alternatives else None
        before += token.text
    return None


def _begun(text: str) -> str:
    found = _OPENING.match(text)
    rest = text[found.end() :] if found else ""
    return "" if rest.startswith("{") else rest  # the object that holds it has only begun


def _legal(text: str, choices: Sequence[str]) -> bool:
    rest = _begun(text)
    return bool(rest) and any(choice.startswith(rest) or _holds(rest, choice) for choice in choices)


def _holds(text: str, choice: str) -> bool:
    return text.startswith(choice) and not text[len(choice) : len(choice) + 1].isalnum()
