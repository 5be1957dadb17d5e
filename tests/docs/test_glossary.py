"""Every word that the record, the study file and the commands use has an entry."""

from __future__ import annotations

import re
from typing import Final, get_args

import pytest
from tests.docs.console import ROOT

from genai_social_sim.backends.registry import BACKENDS
from genai_social_sim.cli.app import COMMANDS
from genai_social_sim.domain import events, plan, prompt
from genai_social_sim.eventlog.described import DESCRIBED

GLOSSARY: Final = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
STUDY: Final = (ROOT / "docs" / "reference" / "study.md").read_text(encoding="utf-8")


def snake(kind: type) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind.__name__).lower()


KINDS: Final = [snake(kind) for kind in get_args(events.Event)]
KINDS_OF_SETTINGS: Final = re.findall(r"^## `(?:protocol|act|memory), kind (\w+)`", STUDY, re.MULTILINE)
WORDS: Final = [
    *KINDS,
    *KINDS_OF_SETTINGS,
    *BACKENDS,
    *get_args(events.Notice),
    *get_args(events.Cause),
    *get_args(events.Finish),
    *get_args(events.Status),
    *get_args(plan.Layout),
    *get_args(prompt.Role),
    *(f"gss {name}" for name in COMMANDS),
]
DEFINED: Final = (
    "study run agent persona channel protocol turn round utterance transcript opening event log observer backend "
    "prompt message session attempt call answer cut cause digest chain record resume replay seed memory act option"
)


@pytest.mark.parametrize("word", sorted({*WORDS}))
def test_it_is_explained(word: str) -> None:
    assert f"`{word}`" in GLOSSARY


@pytest.mark.parametrize("word", DEFINED.split())
def test_it_is_defined(word: str) -> None:
    assert re.search(rf"^\| (?:[\w, -]+, )?{word}(?:, [\w ,-]+)? \| \S", GLOSSARY, re.MULTILINE)


def test_the_record_names_the_same_kinds() -> None:
    assert [kind for kind in KINDS if kind not in DESCRIBED["events"]["kind"]] == []


def test_no_word_is_defined_twice() -> None:
    words = [word.strip() for cell in re.findall(r"^\| ([^|]+) \|", GLOSSARY, re.MULTILINE) for word in cell.split(",")]
    heads = {"word", "kind", "cause", "command", "setting"}
    assert sorted(word for word in {*words} - heads if words.count(word) > 1) == []


def test_settings_in_the_environment_are_explained() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))
    assert [name for name in {*re.findall(r"\bGSS_[A-Z]+\b", source)} if f"`{name}`" not in GLOSSARY] == []
