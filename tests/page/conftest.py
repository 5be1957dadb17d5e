"""The system's Chromium, for the tests of the page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright
from tests.support.pages import FLAGS, Watched, executable, watched

expect.set_options(timeout=30_000)  # a busy machine is not a failing test


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser for the tests of a module: while it is there, its event loop runs, and no other one can."""
    path = executable()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def tab(chromium: Browser) -> Iterator[Watched]:
    """A tab of a browser that remembers nothing."""
    context = chromium.new_context(viewport={"width": 1200, "height": 800})
    yield watched(context)
    context.close()
