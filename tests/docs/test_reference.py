"""The reference pages are what the code says today."""

from __future__ import annotations

from importlib import import_module

import pytest
from tools.reference import FOLDER, PAGES, REMEDY

from genai_social_sim.cli.app import COMMANDS
from genai_social_sim.study.schema import json_schema


@pytest.mark.parametrize("name", PAGES)
def test_a_reference_page_is_not_stale(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == PAGES[name](), f"It is stale. Write it again: {REMEDY}"


def test_every_part_of_a_study_is_on_the_page() -> None:
    page = PAGES["study.md"]()
    for part in json_schema()["$defs"].values():
        assert f"\n{part['description']}\n" in page


def test_every_key_of_a_study_is_on_the_page() -> None:
    schema, page = json_schema(), PAGES["study.md"]()
    for part in (schema, *schema["$defs"].values()):
        for key in part["properties"]:
            assert f"| `{key}` |" in page


def test_every_command_is_on_the_page() -> None:
    page = PAGES["commands.md"]()
    assert [name for name in COMMANDS if f"## `gss {name}`" not in page] == []


@pytest.mark.parametrize("backend", ["embedded", "scripted"])
def test_every_option_of_a_backend_is_on_the_page(backend: str) -> None:
    options = import_module(f"genai_social_sim.backends.{backend}").Options.model_fields
    page = PAGES["study.md"]()
    assert [name for name in options if f"{name}: " not in page] == []
