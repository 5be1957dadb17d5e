"""Which files are served, and that no others are."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

import pytest
from tests.support.pages import play, served
from tests.support.records import spoiled

from genai_social_sim.domain.visible import visible

SMALL = """
name: small
model: {backend: scripted, words: 3}
agents: [{name: a}, {name: b}]
channels: {c: {}}
stop: {turns: 2}
"""


@pytest.fixture
def record(tmp_path: Path) -> Path:
    return play(tmp_path / "runs", SMALL)


def test_folders_within_are_looked_through(record: Path) -> None:
    inner = record.parent / "study" / "condition"
    inner.mkdir(parents=True)
    record.rename(inner / "one.sqlite")
    with served(record.parent) as site:
        (row,) = site.api("/runs")["runs"]
        assert (row["run"], row["file"]) == ("study~condition~one", "study/condition/one.sqlite")
        assert site.api(f"/runs/{row['run']}/history")["turns"] == 2


def test_links_are_not_followed(record: Path, tmp_path: Path) -> None:
    served_folder = tmp_path / "served"
    served_folder.mkdir()
    (served_folder / "file.sqlite").symlink_to(record)
    (served_folder / "folder").symlink_to(record.parent)
    with served(served_folder) as site:
        assert site.api("/runs")["runs"] == []


def test_a_file_that_becomes_a_link_is_served_no_longer(record: Path, tmp_path: Path) -> None:
    with served(record.parent) as site:
        (row,) = site.api("/runs")["runs"]
        moved = tmp_path / "elsewhere.sqlite"
        record.rename(moved)
        record.symlink_to(moved)
        assert site.ask(f"/api/runs/{row['run']}/history").status == 404


@pytest.mark.parametrize(
    "name",
    [
        "..%2F..%2Fetc%2Fpasswd",
        "%2Fetc%2Fpasswd",
        "..",
        ".",
        "..~..~secret",
        "a%00b",
        "%2e%2e%2fsecret",
    ],
)
def test_nothing_outside_can_be_named(record: Path, name: str) -> None:
    record.rename(record.parent.parent / "secret.sqlite")
    with served(record.parent) as site:
        assert site.ask(f"/api/runs/{name}/history").status == 404
        assert site.ask(f"/static/{name}").status == 404


def test_what_is_no_record_is_a_row_that_says_so(record: Path) -> None:
    folder = record.parent
    (folder / "text.sqlite").write_text("not a database at all, but long enough to have a header" * 3)
    (folder / "empty.sqlite").touch()
    whole = record.read_bytes()
    (folder / "cut.sqlite").write_bytes(whole[: len(whole) // 3])
    spoiled(whole, folder / "headless.sqlite", ("DELETE FROM head", ()))
    with served(folder) as site:
        rows = {row["file"]: row for row in site.api("/runs")["runs"]}
        good = rows.pop(record.name)
        assert (good["problem"], good["status"], good["turns"]) == ("", "finished", 2)
        assert {name: bool(row["problem"]) for name, row in rows.items()} == dict.fromkeys(rows, True)
        for name in rows:
            assert site.ask(f"/api/runs/{name.removesuffix('.sqlite')}/history").status == 409


def test_an_event_that_cannot_be_read_does_not_hide_the_others(record: Path) -> None:
    broken = ("UPDATE events SET body = '{' WHERE seq = (SELECT min(seq) FROM events WHERE kind = 'spoke')", ())
    spoiled(record.read_bytes(), record, broken)
    with served(record.parent) as site:
        items = site.api(f"/runs/{record.stem}/history")["items"]
    assert [item["kind"] for item in items].count("unreadable") == 1
    assert [item["kind"] for item in items].count("spoke") == 1


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
@pytest.mark.parametrize("name", ["<img src=x onerror=alert(1)>", "a\nb", "a\u202eb", "%2e", "a&b?c#d", "ä 🙂", "'\""])
def test_any_name_can_be_asked_for(record: Path, name: str) -> None:
    record.rename(record.parent / f"{name}.sqlite")
    with served(record.parent) as site:
        (row,) = site.api("/runs")["runs"]
        assert site.api(f"/runs/{quote(row['run'], safe='')}")["file"] == f"{name}.sqlite"
    assert visible(name).isprintable() or "\n" in name


def test_names_that_fall_together_are_told_apart(record: Path) -> None:
    (record.parent / "a").mkdir()
    (record.parent / "a" / "b.sqlite").write_bytes(record.read_bytes())
    record.rename(record.parent / "a~b.sqlite")
    with served(record.parent) as site:
        rows = site.api("/runs")["runs"]
    assert len({row["run"] for row in rows}) == 2


def test_one_run_file_can_be_served_alone(record: Path) -> None:
    (record.parent / "other.sqlite").write_bytes(record.read_bytes())
    with served(record) as site:
        assert [row["file"] for row in site.api("/runs")["runs"]] == [record.name]
