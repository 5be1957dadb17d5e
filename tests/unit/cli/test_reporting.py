"""`gss report`."""

import json
from pathlib import Path

from tests.unit.cli.conftest import Gss


def test_it_writes_a_page_and_says_where(gss: Gss, record: Path) -> None:
    result = gss("report", record, "--out", "page.html")
    assert result.exit_code == 0
    assert result.stdout.startswith("page.html  ")
    assert record.stem in Path("page.html").read_text(encoding="utf-8")


def test_json_is_one_document(gss: Gss, record: Path) -> None:
    told = json.loads(gss("report", record, "--figures", "figures", "--json").stdout)
    assert told["ok"]
    assert (told["data"]["out"], told["data"]["runs"], told["data"]["conditions"]) == ("report.html", 1, 1)
    assert all(Path(path).stat().st_size for path in told["data"]["figures"])


def test_a_name_that_is_no_page_is_refused_with_one_that_is(gss: Gss, record: Path) -> None:
    result = gss("report", record, "--out", "table.csv")
    assert (result.exit_code, "remedy: Give it such a name: --out table.html" in result.stderr) == (2, True)


def test_a_run_that_is_not_there_is_told(gss: Gss, record: Path) -> None:
    result = gss("report", record.with_name("other.sqlite"))
    assert (result.exit_code, "there is no such run file" in result.stderr) == (2, True)


def test_a_frozen_design_that_is_none_is_told(gss: Gss, record: Path) -> None:
    Path("frozen.json").write_text("{}", encoding="utf-8")
    result = gss("report", record, "--frozen", "frozen.json")
    assert (result.exit_code, "this is no frozen design" in result.stderr) == (1, True)
