"""How a run fares, in a real browser."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect
from tests.support.pages import CREWED, STUDY, Watched, number_in, play, playing, served

from genai_social_sim import Run


@pytest.mark.slow
def test_a_run_over_workers_shows_its_queue_its_broker_its_workers_and_how_fast_it_goes(
    tmp_path: Path, tab: Watched
) -> None:
    with playing(tmp_path, CREWED, "--workers", "2") as folder, served(folder) as site:
        page = tab.page
        page.goto(site.url)
        page.locator("td.study a").click()
        page.get_by_role("link", name="Health", exact=True).click()

        def tile(words: str) -> str:
            return page.locator(".tile").filter(has=page.locator(f"span:text-is('{words}')")).inner_text()

        workers = page.get_by_role("row").filter(has_text="Worker")
        expect(workers).to_have_count(2)
        expect(workers.first).to_contain_text("✓ joined")
        broker = page.get_by_role("row").filter(has_text="Broker")
        expect(broker).to_contain_text("a broker of its own")
        expect(broker).to_contain_text("✓ there")
        expect(page.locator(".tile").filter(has_text="At the broker")).to_contain_text(
            re.compile(r"0 items wait\s*2 in workers' hands")
        )
        answers = page.get_by_role("region", name="Answers")
        expect(answers.locator("tbody tr").first).to_contain_text("local-")  # one may be quick enough for both channels
        expect(page.get_by_role("heading", name="Waiting for 2 calls")).to_be_visible()
        expect(page.locator(".tile").filter(has_text="Time left")).to_be_visible()
        assert number_in(tile("Turns a minute")) > 0
        assert number_in(tile("Tokens a minute")) > 0
        assert "/ 10,000" in tile("Turns")
        before = number_in(tile("Turns"))
        page.wait_for_function(
            "(before) => Number(document.querySelector('.tile b').textContent.match(/\\d+/)[0]) > before", arg=before
        )  # it goes on by itself
        tab.clean(site)


def test_a_finished_run_says_what_went_wrong_and_who_answered(tmp_path: Path, tab: Watched) -> None:
    with Run(play(tmp_path, STUDY)) as run, served(tmp_path) as site:
        page = tab.page
        page.goto(f"{site.url}/runs/{run.path.stem}/health")
        failed = sum(row["outcome"] == "failed" for row in run.calls)
        answered = sum(row["outcome"] == "answered" for row in run.calls)
        expect(page.locator("article.retry")).to_have_count(failed)
        (row,) = page.get_by_role("region", name="Answers").locator("tbody tr").all()
        assert number_in(row.locator("td").first.inner_text()) == answered
        expect(page.locator(".tile").filter(has_text="Queue")).to_have_count(0)
        tab.clean(site)
