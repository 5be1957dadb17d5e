"""A run within a notebook, as a browser shows it."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

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


def test_a_notebook_on_this_machine_shows_a_run(run: Run, tab: Watched) -> None:
    frame = run.page(height=400)
    page = type("Page", (_Notebook,), {"html": f"<title>n</title>{frame._repr_html_()}"})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), page) as notebook:
        threading.Thread(target=notebook.serve_forever, daemon=True).start()
        try:
            tab.page.goto(f"http://127.0.0.1:{notebook.server_port}/")
            inside = tab.page.frame_locator("iframe")
            expect(inside.locator("article.said").first).to_be_visible()
            expect(inside.get_by_role("heading", name="harbour")).to_be_visible()
        finally:
            notebook.shutdown()
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
