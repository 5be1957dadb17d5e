"""The reference page of the backends for servers names all that they take and tell."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.scenarios.test_servers_faults import EXPECTED

from genai_social_sim.backends import ollama, openai, servers
from genai_social_sim.backends.registry import Surroundings, check_options
from genai_social_sim.testing.faults_server import MODEL, faults_server

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "backends.md").read_text(encoding="utf-8")


def section(heading: str) -> str:
    return PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]


@pytest.mark.parametrize("backend", [ollama, openai])
def test_every_option_has_a_row(backend: Any) -> None:
    rows = re.findall(r"^\| `(\w+)` \|", section(f"Options of `{backend.__name__.rpartition('.')[2]}`"), re.MULTILINE)
    assert rows == list(backend.Options.model_fields)


def test_every_example_is_taken() -> None:
    for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL):
        options = yaml.safe_load(text)["model"]
        check_options(options.pop("backend"), options)


async def test_what_is_recorded_is_what_the_page_says() -> None:
    told = section("What is recorded").split("\n| |")[0]
    async with faults_server() as server:
        for backend, options in ((ollama, {"host": server.address}), (openai, {"base_url": f"{server.address}/v1"})):
            model = await backend.open_backend({"model": MODEL, **options}, Surroundings())
            assert set(re.findall(r"`(\w+)`", told)) <= model.identity().keys()
            await model.close()


def test_every_cause_is_explained() -> None:
    told = section("What a failure is called")
    assert {f"`{expected.cause}`" for expected in EXPECTED.values()} <= set(re.findall(r"`\w+`", told))
    assert f"{servers.MOST_TEXT:,}" in told


@pytest.mark.parametrize(
    ("text", "thinking", "finish"),
    [("", "", "stop"), (" ", "", "stop"), ("", "h", "stop"), ("", "h", "length"), ("", "", "length")],
)
def test_every_kind_of_emptiness_is_named(text: str, thinking: str, finish: str) -> None:
    assert f"`{servers.why_empty(text, thinking, finish)}`" in section("What is recorded")
