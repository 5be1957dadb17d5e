"""Runs one command until its standard input ends, then stops it and removes a folder: nothing outlives who started it.

`python -m genai_social_sim.workers.warden FOLDER COMMAND...`
"""

from __future__ import annotations

import shutil
import subprocess
import sys

_STOPS_S = 5.0


def main() -> int:
    """Wait for the end of the input or of the command, whatever comes first."""
    folder, *command = sys.argv[1:]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        sys.stdin.buffer.read()
    finally:
        process.terminate()
        try:
            process.wait(_STOPS_S)
        except subprocess.TimeoutExpired:
            process.kill()
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
