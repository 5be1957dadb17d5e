"""Whatever is changed in a record, `verify` says so and names the first event that is not as it was written."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from tests.support.records import EVENT_COLUMNS, copied, everything, rows, spoiled, stored_as

from genai_social_sim.domain.dice import Dice
from genai_social_sim.domain.text import Text
from genai_social_sim.errors import RecordError
from genai_social_sim.eventlog.reader import SqliteReader
from genai_social_sim.eventlog.verification import Verdict, verify

Changes = Iterator[tuple[str, Any]]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return everything().record(tmp_path_factory.mktemp("record") / "whole.sqlite")


@pytest.fixture(scope="module")
def record(whole: Path) -> bytes:
    assert verify(whole).ok
    return whole.read_bytes()


def after(record: bytes, path: Path, sql: str, *values: Any) -> Verdict:
    return verify(spoiled(record, path, (sql, values)))


def different(value: Any, dice: Dice) -> Changes:
    """Other values for a column: a bit, a byte or a number away."""
    if value is None:
        yield from (("was null", 0), ("was null", ""), ("was null", "t1"))
    elif isinstance(value, int):
        yield from (("one more", value + 1), ("null", None), ("text", ""))
    elif isinstance(value, float):
        yield from (("later", math.nextafter(value, math.inf)), ("rounded", float(int(value))), ("text", "soon"))
    elif isinstance(value, bytes):
        at = dice.below(len(value))
        yield from (("bit", _flipped(value, at, dice)), ("shorter", value[:-1]), ("text", value.hex()), ("empty", b""))
    else:
        yield from _other_texts(value, dice)


def _other_texts(value: str, dice: Dice) -> Changes:
    raw = value.encode()
    yield from (
        ("longer", value + " "),
        ("bytes", raw),
        ("zeros", value + "\0"),
        ("null", None),
        ("nonsense", "[" * 5000),
    )
    for _ in range(4 if raw else 0):
        at = dice.below(len(raw))
        yield "bit", ("CAST(? AS TEXT)", _flipped(raw, at, dice))
    if raw:
        yield from (("shorter", value[:-1]), ("empty", ""))
    for old, new in (("1", "01"), (" ", "  "), ("+", "++"), (" ", "\t"), (":", ": ")):
        if old in value:
            yield f"{old!r} as {new!r}", value.replace(old, new, 1)


def _flipped(raw: bytes, at: int, dice: Dice) -> bytes:
    return raw[:at] + bytes([raw[at] ^ (1 << dice.below(8))]) + raw[at + 1 :]


def assignment(column: str, new: Any) -> tuple[str, Any]:
    return (f"{column} = {new[0]}", new[1]) if isinstance(new, tuple) else (f"{column} = ?", new)


@pytest.mark.parametrize("column", EVENT_COLUMNS)
def test_a_change_in_any_column_of_any_event_is_found_there(
    column: str, whole: Path, record: bytes, tmp_path: Path
) -> None:
    dice = Dice(1, "tampering", column)
    missed = []
    for seq, value in rows(whole, f"SELECT seq, {column} FROM events"):
        for how, new in different(value, dice):
            setting, bound = assignment(column, new)
            sql = f"UPDATE OR IGNORE events SET {setting} WHERE seq = {seq}"
            verdict = after(record, tmp_path / "x.sqlite", sql, bound)
            place = f"events WHERE seq = {seq}"
            if stored_as(tmp_path / "x.sqlite", column, place) == stored_as(whole, column, place):
                continue  # SQLite kept what was there (NOT NULL), or reads the same number
            if verdict.ok or verdict.event != seq or not verdict.problem:
                missed.append((seq, how, value, new, verdict))
    assert missed == []


@pytest.mark.parametrize("column", ["hash", "text"])
def test_a_change_in_any_text_or_its_hash_is_found_where_it_is_first_used(
    column: str, whole: Path, record: bytes, tmp_path: Path
) -> None:
    dice = Dice(2, "tampering", column)
    missed = []
    for number, value in rows(whole, f"SELECT id, {column} FROM texts"):
        for how, new in different(value, dice):
            setting, bound = assignment(column, new)
            verdict = after(
                record, tmp_path / "x.sqlite", f"UPDATE OR IGNORE texts SET {setting} WHERE id = {number}", bound
            )
            place = f"texts WHERE id = {number}"
            if stored_as(tmp_path / "x.sqlite", column, place) == stored_as(whole, column, place):
                continue
            if verdict.ok or verdict.event != first_use(whole, number):
                missed.append((number, how, value, new, verdict))
    assert missed == []


def first_use(whole: Path, number: int) -> int:
    for seq, texts, prompt in rows(whole, "SELECT seq, texts, prompt FROM events ORDER BY seq"):
        listed = (prompt or "").translate(str.maketrans("suat+", "     ")).split()
        if str(number) in texts.split() or str(number) in listed:
            return int(seq)
    raise AssertionError(f"nothing refers to text {number}")


def test_a_text_changed_together_with_its_hash_is_found(whole: Path, record: bytes, tmp_path: Path) -> None:
    for number, value in rows(whole, "SELECT id, text FROM texts"):
        new = Text.of(value + "!")
        sql = "UPDATE texts SET text = ?, hash = ? WHERE id = ?"
        verdict = after(record, tmp_path / "x.sqlite", sql, new.value, new.digest, number)
        assert (verdict.ok, verdict.event) == (False, first_use(whole, number))


def test_a_text_that_is_gone_is_found(whole: Path, record: bytes, tmp_path: Path) -> None:
    for (number,) in rows(whole, "SELECT id FROM texts"):
        verdict = after(record, tmp_path / "x.sqlite", "DELETE FROM texts WHERE id = ?", number)
        assert (verdict.ok, verdict.event) == (False, first_use(whole, number))


@pytest.mark.parametrize("column", ["seq", "chain", "digest", "turns", "status"])
def test_a_change_in_the_head_is_found(column: str, whole: Path, record: bytes, tmp_path: Path) -> None:
    ((value,),) = rows(whole, f"SELECT {column} FROM head")
    others = [new for _, new in different(value, Dice(3, "tampering", column))]
    if column == "status":
        others += ["running", "interrupted", "failed"]
    for new in others:
        setting, bound = assignment(column, new)
        verdict = after(record, tmp_path / "x.sqlite", f"UPDATE OR IGNORE head SET {setting}", bound)
        unchanged = stored_as(tmp_path / "x.sqlite", column, "head") == stored_as(whole, column, "head")
        assert verdict.ok == unchanged, (new, verdict)
        assert unchanged or verdict.event is not None


def test_a_log_without_its_head_is_found(record: bytes, tmp_path: Path) -> None:
    assert not after(record, tmp_path / "x.sqlite", "DELETE FROM head").ok


def test_any_event_that_is_removed_is_missed(whole: Path, record: bytes, tmp_path: Path) -> None:
    for (seq,) in rows(whole, "SELECT seq FROM events"):
        verdict = after(record, tmp_path / "x.sqlite", "DELETE FROM events WHERE seq = ?", seq)
        assert (verdict.ok, verdict.event) == (False, seq), verdict


def test_an_event_that_is_removed_and_the_gap_closed_is_missed(whole: Path, record: bytes, tmp_path: Path) -> None:
    last = count(whole) - 1
    for seq in range(last):
        verdict = verify(
            spoiled(
                record,
                tmp_path / "x.sqlite",
                ("DELETE FROM events WHERE seq = ?", (seq,)),
                ("UPDATE events SET seq = -seq WHERE seq > ?", (seq,)),
                ("UPDATE events SET seq = -seq - 1 WHERE seq < 0", ()),
                ("UPDATE head SET seq = seq - 1", ()),
            )
        )
        assert (verdict.ok, verdict.event) == (False, seq), verdict


def test_a_tail_that_is_cut_off_is_missed(whole: Path, record: bytes, tmp_path: Path) -> None:
    for seq in range(1, count(whole)):
        verdict = after(record, tmp_path / "x.sqlite", "DELETE FROM events WHERE seq >= ?", seq)
        assert (verdict.ok, verdict.event) == (False, seq), verdict


COPY = "INSERT INTO events SELECT ?, kind, turn, at, body, texts, prompt, chain FROM events WHERE seq = ?"


def test_an_event_added_at_the_end_is_found(whole: Path, record: bytes, tmp_path: Path) -> None:
    end = count(whole)
    for seq in range(end):
        verdict = after(record, tmp_path / "x.sqlite", COPY, end, seq)
        assert (verdict.ok, verdict.event) == (False, end), verdict
        with_head = spoiled(record, tmp_path / "x.sqlite", (COPY, (end, seq)), ("UPDATE head SET seq = ?", (end,)))
        assert (verify(with_head).ok, verify(with_head).event) == (False, end)


@pytest.mark.parametrize("seq", [-1, -7, 10**12])
def test_an_event_added_outside_is_found(seq: int, record: bytes, tmp_path: Path) -> None:
    verdict = after(record, tmp_path / "x.sqlite", COPY, seq, 3)
    assert not verdict.ok
    assert verdict.event is not None


def test_two_events_that_changed_places_are_found(whole: Path, record: bytes, tmp_path: Path) -> None:
    end = count(whole)
    for one in range(0, end - 1, 2):
        for two in (one + 1, end - 1):
            swaps = [
                f"UPDATE events SET seq = {new} WHERE seq = {old}" for old, new in ((one, -9), (two, one), (-9, two))
            ]
            verdict = verify(spoiled(record, tmp_path / "x.sqlite", *[(sql, ()) for sql in swaps]))
            assert (verdict.ok, verdict.event) == (False, one), verdict


def count(whole: Path) -> int:
    ((found,),) = rows(whole, "SELECT count(*) FROM events")
    return int(found)


def test_the_first_of_several_bad_events_is_named_also_pages_into_the_log(tmp_path: Path) -> None:
    path = everything().but(plan=long_plan()).record(tmp_path / "long.sqlite")
    assert count(path) > 2300
    record = path.read_bytes()
    bad = [
        ("UPDATE events SET body = CAST(x'ff' AS TEXT) WHERE seq IN (?, ?)", (seq, 2200))
        for seq in (7, 999, 1000, 1500)
    ]
    for statement in bad:
        verdict = verify(spoiled(record, tmp_path / "x.sqlite", statement))
        assert (verdict.ok, verdict.event) == (False, statement[1][0])


def long_plan() -> Any:
    from tests.support.scenario import scenario

    return scenario(stop=1200).plan


def test_a_byte_flipped_anywhere_in_the_file_is_found_or_changes_nothing(
    whole: Path, record: bytes, tmp_path: Path
) -> None:
    dice, path = Dice(4, "raw"), tmp_path / "x.sqlite"
    original = contents(whole)
    for _ in range(300):
        copied(_flipped(record, dice.below(len(record)), dice), path)
        with suppress(RecordError):  # it may be no record at all
            assert not verify(path).ok or contents(path) == original


def contents(path: Path) -> list[Any]:
    reader = SqliteReader(path)
    try:
        events = list(reader.events())
        return [events, [reader.prompt(turn) for turn in range(8)], reader.head()]
    finally:
        reader.close()
