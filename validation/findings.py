"""What a case came to, beside what theory says, and the verdict. It knows no case."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from statistics import fmean, stdev
from typing import Final, NamedTuple

ERRORS: Final = 4  # standard errors that chance is allowed
EXACT: Final = 1e-12
_HEADER: Final = ("case", "what", "runs", "value", "expected", "standard error", "allowed", "verdict")


class Finding(NamedTuple):
    """One value of a case, over `runs` runs; it may be `allowed` away from what theory says."""

    case: str
    what: str
    runs: int
    value: float
    expected: float
    error: float
    allowed: float

    @property
    def ok(self) -> bool:
        """Whether it is near enough."""
        return abs(self.value - self.expected) <= self.allowed

    @property
    def row(self) -> tuple[str, ...]:
        """As the table shows it."""
        return (
            self.case,
            self.what,
            str(self.runs),
            f"{self.value:.6g}",
            f"{self.expected:.6g}",
            f"{self.error:.3g}" if self.error else "-",
            f"{self.allowed:.3g}",
            "ok" if self.ok else "WRONG",
        )


def exact(case: str, what: str, value: float, expected: float, *, allowed: float = EXACT) -> Finding:
    """A value that chance has no part in."""
    return Finding(case, what, 1, value, expected, 0.0, allowed)


def mean(case: str, what: str, values: Sequence[float], expected: float, *, tolerance: float = 0.0) -> Finding:
    """The mean over runs; it may be 4 standard errors away, or `tolerance` where that is more."""
    error = stdev(values) / sqrt(len(values))
    return Finding(case, what, len(values), fmean(values), expected, error, max(tolerance, ERRORS * error))


def share(case: str, what: str, hits: Sequence[bool], expected: float, *, tolerance: float = 0.0) -> Finding:
    """How often something happened; the standard error is that of a coin of the expected chance."""
    error = sqrt(expected * (1 - expected) / len(hits))
    return Finding(case, what, len(hits), fmean(hits), expected, error, max(tolerance, ERRORS * error))


def table(findings: Sequence[Finding]) -> str:
    """All of them, as Markdown."""
    lines = [_HEADER, ("---",) * len(_HEADER), *[finding.row for finding in findings]]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
