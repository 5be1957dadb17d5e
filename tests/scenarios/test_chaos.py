"""What `python -m tests.scenarios.chaos` starts ends with it."""

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LONGEST_MS = 20_000


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_all_that_chaos_started_ends_with_it(number: signal.Signals, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.scenarios.chaos", "--broker", "valkey", "--runs", "1"]
    given = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, cwd=ROOT, env=given, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as chaos:
        assert chaos.stdin
        assert chaos.stdout
        assert b"over redis://" in chaos.stdout.readline()
        chaos.send_signal(number)
        assert chaos.wait(60) == 128 + number
        readers = select.poll()  # broker, workers and coordinator have its standard input
        readers.register(chaos.stdin, select.POLLERR)
        assert readers.poll(LONGEST_MS), "something still holds the standard input"
    assert not any(tmp_path.iterdir())
