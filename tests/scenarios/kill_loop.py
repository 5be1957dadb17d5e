"""The long version of the kill test: python -m tests.scenarios.kill_loop [--kills N] [--seed S]. Prints its seed."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.scenarios.killed_run import disturbed, study_text, undisturbed


def main() -> int:
    """Runs of 50 kills each, until as many as were asked for are done; 1 if one of them went wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=int(time.monotonic_ns() % 10**6))
    options = parser.parse_args()
    sys.stdout.write(f"seed {options.seed}\n")
    rng, done = random.Random(options.seed), 0
    while done < options.kills:
        text = study_text(seed=rng.randrange(10**6), durability=rng.choice(["full", "process"]))
        with tempfile.TemporaryDirectory() as folder:
            outcome = disturbed(Path(folder), text, kills=min(50, options.kills - done), rng=rng)
            same = outcome.digests == {undisturbed(Path(folder), text)}
        done += outcome.kills
        fine = same and outcome.verified and outcome.replayed
        sys.stdout.write(f"{done} kills: {'same digest' if same else 'ANOTHER DIGEST'}; {outcome}\n")
        sys.stdout.flush()
        if not fine or outcome.asked_again or outcome.broken_after_kill:
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
