"""A run within a notebook, as a browser shows it."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from tests.support.pages import Watched, play

from genai_social_sim import Run, SocialSimError


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    with Run(play(tmp_path)) as run:
        yield run


class _Notebook(http.server.BaseHTTPRequestHandler):
    html = ""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(self.html.encode())

    def log_message(self, *_: object) -> None:
        return


@contextmanager
def notebook(html: Callable[[int], str]) -> Iterator[int]:
    """A document that holds what a notebook shows; its port."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Notebook) as server:
        _Notebook.html = f"<title>n</title>{html(server.server_port)}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.server_port
        finally:
            server.shutdown()


def test_a_notebook_on_this_machine_shows_a_run(run: Run, tab: Watched) -> None:
    with closing(run.page(height=400)) as frame, notebook(lambda _: frame._repr_html_()) as port:
        tab.page.goto(f"http://127.0.0.1:{port}/")
        inside = tab.page.frame_locator("iframe")
        expect(inside.locator("article.said").first).to_be_visible()
        expect(inside.get_by_role("heading", name="harbour")).to_be_visible()


def test_a_notebook_elsewhere_shows_a_run_only_where_it_is_allowed(run: Run, tab: Watched) -> None:
    frames: list[Any] = []

    def shown(port: int) -> str:
        frames.extend([run.page(embed=f"http://hub.localhost:{port}"), run.page()])
        return "".join(frame._repr_html_() for frame in frames)

    try:
        with notebook(shown) as port:  # a browser takes every name under localhost for this machine
            tab.page.goto(f"http://hub.localhost:{port}/")
            allowed, refused = (tab.page.frame_locator(f"iframe >> nth={place}") for place in (0, 1))
            expect(allowed.locator("article.said").first).to_be_visible()
            allowed.locator("article.spoke").first.click()
            expect(allowed.get_by_label("A turn", exact=True)).to_be_visible()
            assert refused.locator("article.said").count() == 0
            assert any("frame-ancestors" in words for words in tab.complaints)
    finally:
        for frame in frames:
            frame.close()


def test_a_frame_that_is_closed_is_served_no_longer(run: Run, tab: Watched) -> None:
    frame = run.page()
    tab.page.goto(frame.url)
    expect(tab.page.locator("article.said").first).to_be_visible()
    frame.close()
    with pytest.raises(Exception, match="ERR_CONNECTION_REFUSED"):
        tab.page.goto(frame.url)


def test_what_is_no_origin_is_refused(run: Run) -> None:
    with pytest.raises(SocialSimError, match="is no origin"):
        run.page(embed="https://hub.example; script-src *")
