"""Who may ask for what, and what each answer brings along."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.support.pages import Site, served

TOKEN = "a-token-that-nobody-guesses"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with served(tmp_path) as site:
        yield site


@pytest.fixture
def abroad(tmp_path: Path) -> Iterator[Site]:
    """As bound to all addresses."""
    with served(tmp_path, host="0.0.0.0", token=TOKEN) as site:
        yield site


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:1", "LOCALHOST", "[::1]:8420", "127.9.9.9"])
def test_it_answers_under_names_of_this_machine(site: Site, host: str) -> None:
    assert site.ask("/api/runs", Host=host).status == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "10.1.2.3", "a@127.0.0.1", "[", "0"],
)
def test_a_name_made_to_point_here_is_refused(site: Site, host: str) -> None:
    reply = site.ask("/api/runs", Host=host)
    assert (reply.status, reply.document["error"]["code"]) == (400, "bad-host")


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://localhost", "http://127.0.0.1:1"])
def test_another_site_may_not_ask(site: Site, origin: str) -> None:
    assert site.ask("/api/runs", Origin=origin).status == 403


def test_the_page_itself_may_ask(site: Site) -> None:
    assert site.ask("/api/runs", Origin=site.url, Sec_Fetch_Site="same-origin").status == 200


def test_a_script_elsewhere_may_not_ask_but_a_link_leads_here(site: Site) -> None:
    assert site.ask("/api/runs", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="no-cors").status == 403
    assert site.ask("/", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate").status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_it_only_reads(site: Site, method: str) -> None:
    reply = site.ask("/api/runs", method=method)
    assert (reply.status, reply.headers["Allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("path", ["/", "/api/runs", "/api/runs/none", "/static/page.js", "/nowhere"])
def test_every_answer_forbids_what_the_page_does_not_need(site: Site, path: str) -> None:
    headers = site.ask(path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "require-trusted-types-for 'script'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", ["/", "/api/runs", "/api/openapi.json", "/static/page.js", "/runs/a"])
def test_elsewhere_nothing_is_read_without_the_token(abroad: Site, path: str) -> None:
    assert abroad.ask(path).status == 401
    assert abroad.ask(path, Authorization="Bearer wrong").status == 401
    assert abroad.ask(path, Cookie="gss-page=wrong").status == 401


def test_a_program_sends_the_token(abroad: Site) -> None:
    assert abroad.ask("/api/runs", Authorization=f"Bearer {TOKEN}").status == 200


def test_the_address_with_the_token_is_left_for_one_without_it(abroad: Site) -> None:
    reply = abroad.ask(f"/runs/a?token={TOKEN}&at=3")
    assert (reply.status, reply.headers["Location"]) == (303, "/runs/a?at=3")
    cookie = reply.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert abroad.ask("/api/runs", Cookie=cookie.partition(";")[0]).status == 200


def test_the_address_with_the_token_leads_nowhere_else(abroad: Site) -> None:
    location = abroad.ask(f"//evil.example/?token={TOKEN}").headers.get("Location", "/")
    assert urlsplit(location).netloc == ""


def test_elsewhere_it_answers_under_addresses_and_no_foreign_name(abroad: Site) -> None:
    assert abroad.ask("/api/runs", Host="10.1.2.3:80", Authorization=f"Bearer {TOKEN}").status == 200
    assert abroad.ask("/api/runs", Host="evil.example", Authorization=f"Bearer {TOKEN}").status == 400


def test_a_name_can_be_allowed(tmp_path: Path) -> None:
    with served(tmp_path, names=["lab.example"]) as site:
        assert site.ask("/api/runs", Host="Lab.example:80").status == 200


def test_a_notebook_can_be_allowed_to_show_it(tmp_path: Path) -> None:
    with served(tmp_path, embed="http://localhost:8888") as site:
        assert "frame-ancestors http://localhost:8888;" in site.ask("/").headers["Content-Security-Policy"]
