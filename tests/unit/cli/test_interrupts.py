"""Ctrl-C and its like, sent to real processes."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from tests.unit.cli.conftest import GSS, SCRIPTED, Start

from genai_social_sim import Run, Study
from genai_social_sim.errors import RecordError

SLOW: Final = SCRIPTED.replace("words: 8", "words: 8, latency: 0.1").replace("turns: 6", "turns: 30")

STUBBORN: Final = """
import asyncio
from genai_social_sim.cli.interrupts import Interrupts

async def stubborn():
    print("ready", flush=True)
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            print("not yet", flush=True)

Interrupts("last words").run(stubborn())
"""
WRITING: Final = """
import os, signal, sys
from genai_social_sim.cli.interrupts import Interrupts

class Terminal:
    def flush(self):
        raise RuntimeError("reentrant call")

interrupts = Interrupts("last words")
interrupts.asked = True
sys.stdout = Terminal()

async def work():
    os.kill(os.getpid(), signal.SIGINT)

interrupts.run(work())
"""


@contextmanager
def child(program: str) -> Iterator["subprocess.Popen[str]"]:
    """A Python process that is gone afterwards, whatever it did."""
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def line_from(process: "subprocess.Popen[str]", beginning: str) -> None:
    """Wait until the process has printed a line that begins so."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(beginning):
            return
    raise AssertionError(f"no line {beginning!r}")


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_is_in_order_and_goes_on_to_the_same_digest(start: Start, number: signal.Signals) -> None:
    Path("slow.yaml").write_text(SLOW, encoding="utf-8")
    undisturbed = start("run", "slow.yaml", "--json", "--runs", "undisturbed")
    process = start("run", "slow.yaml")
    line_from(process, "ADA: ")
    process.send_signal(number)
    _, advice = process.communicate(timeout=60)
    (path,) = Path("runs").glob("*.sqlite")
    assert process.returncode == 130
    assert advice.splitlines()[-1] == f"remedy: gss resume {path}"
    assert "Traceback" not in advice
    verdict = json.loads(start("verify", path, "--json").communicate(timeout=60)[0])["data"]
    assert (verdict["status"], verdict["turns"] < 30) == ("interrupted", True)
    resumed = json.loads(start("resume", path, "--json").communicate(timeout=60)[0])
    assert resumed["data"][0]["digest"] == json.loads(undisturbed.communicate(timeout=60)[0])["data"][0]["digest"]


def test_a_killed_run_that_is_finished_is_one_file_again(start: Start) -> None:
    Path("slow.yaml").write_text(SLOW, encoding="utf-8")
    process = start("run", "slow.yaml")
    line_from(process, "ADA: ")
    process.kill()
    process.communicate(timeout=60)
    (path,) = Path("runs").glob("*.sqlite")
    assert len([*Path("runs").iterdir()]) > 1
    assert json.loads(start("resume", path, "--json").communicate(timeout=60)[0])["data"][0]["status"] == "finished"
    assert [*Path("runs").iterdir()] == [path]


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_an_interrupted_run_says_so_in_json(start: Start) -> None:
    Path("slow.yaml").write_text(SLOW.replace("turns: 30", "turns: 900"), encoding="utf-8")  # still going when told
    process = start("run", "slow.yaml", "--json")
    watching = start("observe", _record_of("slow.yaml", process), "--follow")
    line_from(watching, "ADA: ")
    process.send_signal(signal.SIGINT)
    told = json.loads(process.communicate(timeout=60)[0])
    assert (process.returncode, told["ok"], told["error"]["code"]) == (130, False, "interrupted")
    assert watching.wait(timeout=60) == 0


def _record_of(study: str, process: "subprocess.Popen[str]") -> Path:
    """Where a run that has just been started keeps its record, once it has begun."""
    path = Study.load(study).record_path()
    while process.poll() is None:
        try:
            Run(path).close()
        except RecordError:
            continue
        return path
    raise AssertionError("the run ended before it began")


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_second_interrupt_ends_it_at_once() -> None:
    with child(STUBBORN) as process:
        line_from(process, "ready")
        process.send_signal(signal.SIGINT)
        line_from(process, "not yet")
        process.send_signal(signal.SIGINT)
        _, advice = process.communicate(timeout=60)
    assert (process.returncode, "stopped at once. last words" in advice) == (130, True)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_second_interrupt_while_something_is_printed_ends_it_too() -> None:
    with child(WRITING) as process:
        _, advice = process.communicate(timeout=60)
    assert (process.returncode, advice) == (130, "\nstopped at once. last words\n")


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_job_in_the_background_is_not_reached_by_ctrl_c() -> None:
    Path("slow.yaml").write_text(SLOW.replace("turns: 30", "turns: 4"), encoding="utf-8")
    ignoring = f"trap '' INT; exec {' '.join(GSS)} run slow.yaml"
    with subprocess.Popen(["/bin/sh", "-c", ignoring], stdout=subprocess.PIPE, text=True) as process:
        line_from(process, "ADA: ")
        process.send_signal(signal.SIGINT)
        assert process.stdout is not None
        out = process.stdout.read()
    assert (process.returncode, "finished" in out) == (0, True)
