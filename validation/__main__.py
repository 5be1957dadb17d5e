"""Runs the known answers and prints a table; exit 1 if an answer is wrong, 2 if there is no such case."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from time import perf_counter

from validation.cases import CASES
from validation.findings import Finding, table


def main(words: Sequence[str]) -> int:
    """The number to exit with."""
    given = _parser().parse_args(words)
    if unknown := {*given.cases} - CASES.keys():
        sys.stderr.write(f"There is no case {', '.join(sorted(unknown))}. Cases are: {', '.join(CASES)}.\n")
        return 2
    findings: list[Finding] = []
    for name in given.cases or CASES:
        began = perf_counter()
        findings += CASES[name](quick=given.quick)
        sys.stderr.write(f"{name}: {perf_counter() - began:.1f} s\n")
    wrong = sum(not finding.ok for finding in findings)
    sys.stdout.write(f"{table(findings)}\n\n{len(findings) - wrong} of {len(findings)} answers are right.\n")
    return 1 if wrong else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m validation",
        description="Plays studies of rule-based agents whose results theory gives, and prints a table: value, "
        "expected, standard error, verdict. All of them take an hour or two. Exit 1 if an answer is wrong.",
    )
    parser.add_argument("cases", metavar="CASE", nargs="*", help=f"one or more of {', '.join(CASES)}; all if left out")
    parser.add_argument("--quick", action="store_true", help="with as many runs as the tests have, for about a minute")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
