"""Numbers of a range, as they are told, written and checked: exactly, in decimals."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

_PARTS = 3  # digits by which one of a range without a step is told from another


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Numbers from `low` to `high`; with a `step` those alone that are so many steps from `low`."""

    low: int | float
    high: int | float  # > `low`
    step: int | float | None = None  # > 0

    @property
    def decimals(self) -> int:
        """Digits after the point in an answer: those of bounds and step; without one, for 1,000 parts or more."""
        written = [Decimal(str(each)) for each in (self.low, self.high, 1 if self.step is None else self.step)]
        needed = [max(0, -_exponent(each)) for each in written]
        if self.step is None:
            needed.append(_PARTS - (written[1] - written[0]).adjusted())
        return max(needed)

    @property
    def told(self) -> str:
        """The range in words."""
        words = f"from {self.low} to {self.high}"
        if self.step is None:
            return f"a number {words}" + (f", with {self.decimals} decimals" if self.decimals > 1 else "")
        if self.step == 1 and self.decimals == 0:
            return f"a whole number {words}"
        return f"a number {words}, in steps of {self.step}"

    def holds(self, number: Decimal) -> bool:
        """Whether a number is one of these."""
        low, high = Decimal(str(self.low)), Decimal(str(self.high))
        if not low <= number <= high:
            return False
        if self.step is None:
            return True
        return -_exponent(number) <= self.decimals and (number - low) % Decimal(str(self.step)) == 0


def plain(number: Decimal) -> str:
    """A number without exponent or further zeros, as it is recorded."""
    text = format(number, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def _exponent(number: Decimal) -> int:
    exponent = number.normalize().as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0
