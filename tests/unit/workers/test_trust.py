"""A worker opens what its owner allows; a study cannot send it anywhere else."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from genai_social_sim.ports import Wanted
from genai_social_sim.workers.crew import _allowed, hired
from genai_social_sim.workers.trust import Trust


@pytest.mark.parametrize(
    ("backend", "options", "remedy"),
    [
        ("rule", {"function": "os.system"}, "--backend rule"),
        ("of-a-package", {}, "--backend of-a-package"),
        ("embedded", {"path": "secret.gguf"}, "--allow secret.gguf"),
        ("ollama", {"model": "m", "host": "http://inside.example"}, "--allow http://inside.example"),
        ("ollama", {"model": "m", "hosts": ["http://127.0.0.1:11434", "http://b"]}, "--allow http://b"),
        ("ollama", {"model": "m", "hosts": "http://b"}, "--allow http://b"),
        ("openai", {"model": "m", "base_url": "http://collects.example/v1"}, "--allow http://collects.example/v1"),
        ("openai", {"model": "m", "api_key_env": "AWS_SECRET"}, "--allow AWS_SECRET"),
    ],
)
def test_it_is_refused_with_what_its_owner_can_do(backend: str, options: dict[str, Any], remedy: str) -> None:
    assert remedy in Trust().refusal(backend, options)


@pytest.mark.parametrize(
    ("backend", "options"),
    [
        ("embedded", {"model": "smollm2-135m"}),
        ("ollama", {"model": "m", "host": "http://localhost:11434/"}),
        ("openai", {"model": "m", "api_key_env": "OPENAI_API_KEY"}),
        ("scripted", {"words": 3}),
    ],
)
def test_what_stays_on_this_machine_is_opened(backend: str, options: dict[str, Any]) -> None:
    assert Trust().refusal(backend, options) == ""


def test_an_owner_can_allow_more() -> None:
    trust = Trust(backends=["openai"], allowed=["http://lab:8000/v1/"])
    assert trust.refusal("openai", {"model": "m", "base_url": "http://lab:8000/v1"}) == ""
    assert "--backend scripted" in trust.refusal("scripted", {"words": 3})


def test_workers_of_ones_own_are_allowed_what_ones_own_study_names() -> None:
    wanted = [
        Wanted(backend="embedded", options='{"path": "mine.gguf"}'),
        Wanted(backend="openai", options='{"model": "m", "base_url": "http://lab/v1", "api_key_env": "LAB_KEY"}'),
    ]
    words = _allowed(wanted)
    pairs = list(zip(words[::2], words[1::2], strict=True))
    trust = Trust(
        backends=[value for option, value in pairs if option == "--backend"],
        allowed=[value for option, value in pairs if option == "--allow"],
    )
    assert [trust.refusal(each.backend, json.loads(each.options)) for each in wanted] == ["", ""]
    assert trust.refusal("scripted", {"words": 3})


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
async def test_a_worker_of_ones_own_does_not_show_its_brokers_password_to_all() -> None:
    before = arguments_of_children()
    async with hired(1, "redis://me:secret-word@127.0.0.1:9", [], lambda words: None), asyncio.timeout(30):
        while not (begun := arguments_of_children() - before):  # noqa: ASYNC110 (nothing tells when a process has begun)
            await asyncio.sleep(0)
    assert any("genai_social_sim.cli" in words for words in begun)
    assert not any("secret-word" in words for words in begun)


def arguments_of_children() -> set[str]:
    """What the list of processes shows of those that this one began, once they are what they were begun as."""
    listed = (Path("/proc") / str(os.getpid()) / "task").glob("*/children")
    children = {child for each in listed for child in each.read_text().split()}
    shown = {(Path("/proc") / child / "cmdline").read_bytes().decode().replace("\0", " ") for child in children}
    return {words for words in shown if "genai_social_sim" in words}
