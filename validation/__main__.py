"""Runs the known answers and prints a table; exit 1 if an answer is wrong.

python -m validation [--quick] [CASE]...    all cases, or those named; --quick: with as many runs as the tests have
"""

from __future__ import annotations

import sys
from time import perf_counter

from validation.cases import CASES
from validation.findings import Finding, table


def main(words: list[str]) -> int:
    """The number to exit with."""
    findings: list[Finding] = []
    named = [word for word in words if word != "--quick"]
    if unknown := {*named} - CASES.keys():
        sys.stderr.write(f"There is no case {', '.join(sorted(unknown))}. Cases are: {', '.join(CASES)}.\n")
        return 2
    for name in named or CASES:
        began = perf_counter()
        findings += CASES[name](quick="--quick" in words)
        sys.stderr.write(f"{name}: {perf_counter() - began:.1f} s\n")
    wrong = sum(not finding.ok for finding in findings)
    sys.stdout.write(f"{table(findings)}\n\n{len(findings) - wrong} of {len(findings)} answers are right.\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
