"""What is made visible in the browser is what is made visible everywhere else."""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import Page
from tests.support.pages import Watched, served

from genai_social_sim.domain.visible import visible


def shown(page: Page, texts: list[str]) -> list[str]:
    found: list[str] = page.evaluate(
        "async (texts) => { const { visible } = await import('/static/visible.js'); return texts.map(visible); }", texts
    )
    return found


def test_every_character_is_shown_as_in_the_terminal(tmp_path: Path, tab: Watched) -> None:
    characters = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code <= 0xDFFF]
    blocks = ["a".join(characters[at : at + 4096]) for at in range(0, len(characters), 4096)]
    joined = ["a\u200db", "\u0915\u094d\u200d\u0937", "👩\u200d💻", "\u200d", "x\u200c\u0627"]
    with served(tmp_path) as site:
        tab.page.goto(site.url)
        assert shown(tab.page, blocks + joined) == [visible(text, keep="\n\t") for text in blocks + joined]
