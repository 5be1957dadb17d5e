"""A report in a real browser, from a file and without a network."""

from __future__ import annotations

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from tests.support.pages import Watched, play

from genai_social_sim import write_report

HOSTILE = r'<img src=x onerror="document.title=1"><script>document.title = 2</script>'
STUDY = f"""
name: told
seed: 2
model: {{backend: scripted, answers: ['{HOSTILE}', "Yes."]}}
population: {{size: 12, attributes: {{party: {{choice: [left, right]}}}}}}
network: {{kind: watts_strogatz, k: 4, p: 0.1}}
protocol: simultaneous
channels: {{square: {{opening: {{text: "Begin."}}}}}}
stop: {{rounds: 4}}
"""


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_a_report_opens_without_a_complaint_and_asks_for_nothing(tmp_path: Path, tab: Watched, colours: str) -> None:
    runs = [play(tmp_path, STUDY), play(tmp_path, STUDY.replace("seed: 2", "seed: 3"))]
    report = write_report(runs, tmp_path / "report.html").path
    tab.page.emulate_media(color_scheme=colours)  # type: ignore[arg-type]
    tab.page.goto(report.as_uri())
    assert tab.page.title() == "told: report"
    assert tab.page.locator(".said p").nth(1).inner_text() == HOSTILE
    assert tab.page.locator("figure svg").count() > 5
    found = Axe().run(tab.page)
    assert found.violations_count == 0, found.generate_report()
    assert (tab.complaints, tab.requests) == ([], [report.as_uri()])


def test_it_fits_a_phone(tmp_path: Path, tab: Watched) -> None:
    report = write_report([play(tmp_path, STUDY)], tmp_path / "report.html").path
    tab.page.set_viewport_size({"width": 360, "height": 700})
    tab.page.goto(report.as_uri())
    assert tab.page.evaluate("document.documentElement.scrollWidth") <= 360
