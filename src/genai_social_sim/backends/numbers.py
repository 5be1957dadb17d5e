"""What holds an answer to numbers of a range: a grammar, or a JSON schema. Steps are checked when it is read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from genai_social_sim.domain.act import PASS, Number


def of_texts(number: Number) -> dict[str, Any]:
    """The JSON schema of a number of the range, or a pass."""
    one: dict[str, Any] = {"type": "number" if number.range.decimals else "integer"}
    one |= {"minimum": number.range.low, "maximum": number.range.high}
    return {"anyOf": [one, {"type": "string", "enum": [PASS]}]} if number.may_pass else one


def grammar(number: Number) -> str:
    """As a GBNF grammar for llama.cpp: exactly the numbers of the range with its count of decimals."""
    words = [*_signed(number), *([json.dumps(PASS)] if number.may_pass else [])]
    return f'root ::= " "? ({" | ".join(words)})'


def _signed(number: Number) -> Iterator[str]:
    decimals = number.range.decimals
    unit = Decimal(1).scaleb(-decimals)
    low, high = [int(Decimal(str(each)) / unit) for each in (number.range.low, number.range.high)]
    if high >= 0:
        yield from _widths(max(low, 0), high, decimals)
    if low < 0:
        yield f'"-" ({" | ".join(_widths(max(1, -high), -low, decimals))})'


def _widths(low: int, high: int, decimals: int) -> Iterator[str]:
    """Whole numbers of units, those of each width together."""
    for width in range(decimals + 1, len(str(high)) + 1 if len(str(high)) > decimals else decimals + 2):
        least = 0 if width == decimals + 1 else 10 ** (width - 1)
        first, last = max(low, least), min(high, 10**width - 1)
        if first <= last:
            yield _between(_written(first, width, decimals), _written(last, width, decimals))


def _written(units: int, width: int, decimals: int) -> str:
    digits = str(units).rjust(width, "0")
    return f"{digits[: width - decimals]}.{digits[width - decimals :]}" if decimals else digits


def _between(low: str, high: str) -> str:
    """All texts of one form from one to another, digit by digit."""
    if low == high:
        return json.dumps(low)
    same = next(at for at, (one, other) in enumerate(zip(low, high, strict=True)) if one != other)
    head = f"{json.dumps(low[:same])} " if same else ""
    rest_low, rest_high = low[same + 1 :], high[same + 1 :]
    if rest_low == _filled(rest_low, "0") and rest_high == _filled(rest_high, "9"):
        return f"{head}[{low[same]}-{high[same]}]{_any(rest_low)}"
    parts = [f'"{low[same]}" {_between(rest_low, _filled(rest_low, "9"))}']
    if int(high[same]) - int(low[same]) > 1:
        parts.append(f"[{int(low[same]) + 1}-{int(high[same]) - 1}]{_any(rest_low)}")
    parts.append(f'"{high[same]}" {_between(_filled(rest_high, "0"), rest_high)}')
    return f"{head}({' | '.join(parts)})"


def _filled(form: str, digit: str) -> str:
    return "".join([each if each == "." else digit for each in form])


def _any(form: str) -> str:
    return "".join([' "."' if each == "." else " [0-9]" for each in form])
