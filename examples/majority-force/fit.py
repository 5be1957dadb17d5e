"""Fits the pull of the majority: python fit.py RUN... (needs the extra `statistics`).

P(up) = (1 + tanh(beta (m + h))) / 2, with m the voters who say "up" less those who say "down", over their number. That
is logistic regression on m: slope 2 beta, intercept 2 beta h. Consensus needs beta > 1. Source: arXiv:2409.02822.
"""

from __future__ import annotations

import sys
from collections import defaultdict

from genai_social_sim import Run

ASKED = "ADA"
VOTERS = 9


def answers(paths: list[str]) -> dict[str, list[tuple[float, bool]]]:
    """For each source: how far the majority was up, and whether the one who was asked followed it."""
    found: dict[str, list[tuple[float, bool]]] = defaultdict(list)
    for path in paths:
        with Run(path) as run:
            up = run.levels["up"]
            for row in run.utterances:
                if row["speaker"] == ASKED and row["round"]:  # in round 0 it has heard nobody
                    found[run.levels["source"]].append((float(run.levels["majority"]) / VOTERS, row["choice"] == up))
    return found


def main(paths: list[str]) -> None:
    """Print a line for each source."""
    from statsmodels.api import Logit, add_constant

    for source, seen in answers(paths).items():
        m, followed = zip(*seen, strict=True)
        fitted = Logit(followed, add_constant(m)).fit(disp=0)
        (intercept, slope), (_, error) = fitted.params, fitted.bse
        h = f"{intercept / slope:6.2f}" if abs(slope) > error / 10 else "    --"  # without a slope there is none
        force = "can come to a consensus" if slope / 2 > 1 else "no consensus by majority force"
        print(f"{source:<12} beta {slope / 2:6.2f} (standard error {error / 2:.2f})  h {h}  n {len(seen)}: {force}")


if __name__ == "__main__":
    main(sys.argv[1:])
