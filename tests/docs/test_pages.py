"""What the pages print is run; where their links lead there is something."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Final

import pytest
from tests.docs.console import ROOT, alike, blocks, play

PAGES: Final = sorted(
    [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "examples").rglob("*.md"),
        *(ROOT / "changelog.d").glob("*.md"),
    ]
)
PLAYED: Final = [page for page in PAGES if any(block.language == "console" for block in blocks(page))]
_LINK: Final = re.compile(r"\]\(([^)\s]+)\)")
needs_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="the pages are written for Linux and macOS")


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


@needs_bash
@pytest.mark.timeout(300)
@pytest.mark.parametrize("page", PLAYED, ids=named)
def test_the_commands_of_a_page_print_what_it_says(page: Path, tmp_path: Path) -> None:
    remedy = f"If it is meant to: python -m tests.docs.console {named(page)}"
    for step, printed in play(page, tmp_path):
        assert alike(printed) == alike("\n".join(step.printed)), f"$ {step.command}\n{remedy}"


def test_the_tutorial_and_the_how_to_pages_are_among_them() -> None:
    assert {"tutorial.md", "record.md", "several-channels.md", "votes.md", "write-a-backend.md"} <= {
        page.name for page in PLAYED
    }


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for link in _LINK.findall(text):
        path, _, anchor = link.partition("#")
        if link.startswith(("https://", "http://", "mailto:")):
            continue
        target = page.parent / path if path else page
        assert target.exists(), f"{named(page)} links to {link}"
        if anchor:
            assert anchor in anchors(target), f"{named(page)} links to {link}"


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives to a page's headings."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    heads = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize(
    ("name", "file"), [("write-a-backend.md", "gss_echo.py"), ("write-a-protocol.md", "gss_baton.py")]
)
def test_the_module_of_a_page_about_writing_one_has_at_most_40_lines(name: str, file: str) -> None:
    page = ROOT / "docs" / "how-to" / name
    (module,) = [block.text for block in blocks(page) if block.text.startswith(f"# {file}\n")]
    assert len(module.splitlines()) <= 40
