"""Choices put to a model: how it is held to them, and how much it wanted each of them. It knows no server.

What was chosen is read by `kernel.acts`, from the raw answer.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from genai_social_sim.kernel.acts import KEY
from genai_social_sim.ports import Request

MOST_ALTERNATIVES: Final = 20  # what servers show of the alternatives at one place
_DIGITS: Final = 6  # significant ones, of a probability that is recorded
_OPENING: Final = re.compile(rf'\s*(?:\{{\s*"{KEY}"\s*:\s*)?"?')


class Token(NamedTuple):
    """A piece of an answer and what could have stood in its place, itself included, with log probabilities."""

    text: str
    alternatives: tuple[tuple[str, float], ...]

    @classmethod
    def of_json(cls, each: Mapping[str, Any]) -> Token:
        """A token as OpenAI's chats tell of it, and llama.cpp everywhere."""
        others = [(other["token"], other["logprob"]) for other in each.get("top_logprobs") or ()]
        return cls.of(each["token"], each.get("logprob"), others)

    @classmethod
    def of(cls, text: str, chance: float | None, others: Iterable[tuple[str, float]]) -> Token:
        """A token with its own log probability, if known, and others'."""
        shown = dict(others) if chance is None else {text: chance, **dict(others)}
        return cls(str(text), tuple([(str(each), float(value)) for each, value in shown.items() if value <= 0]))


def of_texts(choices: Sequence[str]) -> dict[str, Any]:
    """The JSON schema of one of `choices`."""
    return {"type": "string", "enum": list(choices)}


def within_object(answer: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON schema of an answer within an object."""
    return {
        "type": "object",
        "properties": {KEY: answer},
        "required": [KEY],
        "additionalProperties": False,
    }


def grammar(choices: Sequence[str]) -> str:
    """The same as a GBNF grammar for llama.cpp, without quotes; a blank before it is how many models begin a word."""
    return f'root ::= " "? ({" | ".join(json.dumps(choice, ensure_ascii=False) for choice in choices)})'


class Wanted(NamedTuple):
    """How much probability a model gave to choices before it was constrained, in all and to each, on [0, 1].

    The sum over the alternatives, shown by the server, of the first token of the answer that begin a choice or hold
    one. So it is an approximation: alternatives beyond those shown are missing, and a token that begins a choice might
    have gone on otherwise. A choice that shares such a token with others has None of its own. JSON that surrounds an
    answer is taken as given; a blank before it counts with its own probability.
    """

    mass: float
    each: tuple[float | None, ...]


def wanted(tokens: Iterable[Token], choices: Sequence[str]) -> Wanted | None:
    """What the tokens of an answer tell; None where they show no alternatives."""
    before, weight = "", 1.0
    found: list[tuple[float, list[int]]] = []  # probability of a token that could stand first, and what it begins
    for token in tokens:
        chances = {text: math.exp(chance) for text, chance in token.alternatives}
        found += [(weight * chance, _meant(before + text, choices)) for text, chance in chances.items()]
        before += token.text
        if _begun(before):
            return _summed(found, len(choices)) if chances else None
        weight *= chances.get(token.text, 1.0)
        if before.strip():
            weight, found = 1.0, []
    return None


def _summed(found: Iterable[tuple[float, list[int]]], count: int) -> Wanted:
    mass, each, shared = 0.0, [0.0] * count, set[int]()
    for chance, meant in found:
        mass += chance if meant else 0.0
        if len(meant) == 1:
            each[meant[0]] += chance
        else:
            shared |= {*meant}
    own = [None if number in shared else _share(chance) for number, chance in enumerate(each)]
    return Wanted(_share(mass), tuple(own))


def _share(mass: float) -> float:
    return float(f"{min(1.0, mass):.{_DIGITS}g}")


def told(tokens: Iterable[Token], request: Request) -> tuple[float | None, dict[str, Any]]:
    """The probability on the choices of a call in all, and as a note on what each of them stands for."""
    found = wanted(tokens, request.choices)
    if found is None:
        return None, {}
    return found.mass, {"option_mass": dict(zip(request.meanings or request.choices, found.each, strict=True))}


def _begun(text: str) -> str:
    found = _OPENING.match(text)
    rest = text[found.end() :] if found else ""
    return "" if rest.startswith("{") else rest  # the object that holds it has only begun


def _meant(text: str, choices: Sequence[str]) -> list[int]:
    """Which of `choices` are begun or held by `text`."""
    rest = _begun(text)
    return [number for number, each in enumerate(choices) if rest and (each.startswith(rest) or _holds(rest, each))]


def _holds(text: str, choice: str) -> bool:
    return text.startswith(choice) and not text[len(choice) : len(choice) + 1].isalnum()
