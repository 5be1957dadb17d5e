"""Model servers for tests: llama.cpp's own, and studies that ask servers."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from genai_social_sim import Run
from genai_social_sim.domain.events import AttemptFailed, Event

KEY = "sk-a-key-that-no-record-may-hold"


@contextmanager
def llama_server(weights: Path, *, context: int = 2048, slots: int = 2, key: str = KEY) -> Iterator[str]:
    """llama.cpp's own HTTP server on loopback; gives its address. Calls must have ended before it is left."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(weights)
    params.n_ctx = context * slots
    params.n_parallel = slots
    params.cpuparams.n_threads = 1
    params.cpuparams_batch.n_threads = 1
    params.kv_unified = False
    params.cache_ram_mib = 0
    params.verbosity = -1
    params.n_gpu_layers = 0
    params.api_keys = [key]
    server = xllamacpp.Server(params)
    yield server.listening_address
    del server


@contextmanager
def environment(**values: str) -> Iterator[None]:
    """Environment variables for as long as the context lasts."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def study_text(model: dict[str, Any], **changes: Any) -> str:
    """A study of two agents whose model is the one line that differs between backends."""
    study = {
        "name": "talk",
        "seed": 5,
        "model": {"temperature": 0.7, "max_tokens": 24, **model},
        "agents": [
            {"name": "Ada", "persona": "A cautious geologist."},
            {"name": "Bo", "persona": "A trade negotiator."},
        ],
        "channels": {"hall": {"opening": {"text": "Should the old mine be opened again?"}}},
        "prompt": {"layout": "transcript_first"},
        "stop": {"turns": 4},
        **changes,
    }
    return yaml.safe_dump(study, allow_unicode=True)


def events_of(run: Run) -> list[Event]:
    return [recorded.event for recorded in run.events()]


def failures_of(run: Run) -> list[AttemptFailed]:
    return [event for event in events_of(run) if isinstance(event, AttemptFailed)]


def bytes_of(path: Path) -> bytes:
    """All that a record left on the disk."""
    return b"".join(each.read_bytes() for each in sorted(path.parent.glob(path.name + "*")))


@contextmanager
def ollama_proxy(upstream: str, *, model: str, folder: Path, key: str = KEY) -> Iterator[str]:
    """`ollama-proxy-plus` in a process of its own: it speaks Ollama's native API before an OpenAI-style server."""
    variables = {"PROVIDERS_LLAMA_BASE_URL": f"{upstream}/v1", "PROVIDERS_LLAMA_API_KEY": key}
    process = subprocess.Popen(
        [sys.executable, "-m", "ollama_proxy", "serve", "--host", "127.0.0.1", "--port", "0"],
        env={**os.environ, **variables, "EXTRA_MODELS": f"llama/{model}"},
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield _address_of(process)
    finally:
        process.terminate()
        process.communicate(timeout=20)


def _address_of(process: subprocess.Popen[str]) -> str:
    """Where a server says that it listens; what it says after that fits the pipe."""
    said: list[str] = []
    for line in process.stdout or ():
        said.append(line)
        if found := re.search(r"running on (http://127\.0\.0\.1:\d+)", line):
            return found[1]
    raise RuntimeError(f"the server did not start: {''.join(said)}")
