"""A coordinator as a process of its own, to be killed: python -m tests.scenarios.coordinator FOLDER STUDY URL LEASE."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tests.support.crews import over

from genai_social_sim import Study


def main() -> None:
    """Play or resume; with a further argument N, kill this process once N answers are in the record."""
    folder, text, url, lease, *rest = sys.argv[1:]
    study = Study.parse(text)
    observers = [_Dies(int(rest[0]))] if rest else []
    study.run(runs=Path(folder), broker=over(url, lease_s=float(lease)), observers=observers)


class _Dies:
    def __init__(self, answers: int) -> None:
        self._left = answers

    def saw(self, events: object) -> None:
        self._left -= str(events).count("Answered(")
        if self._left <= 0:
            os.kill(os.getpid(), 9)


if __name__ == "__main__":
    main()
