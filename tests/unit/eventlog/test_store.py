"""Which files are opened, how an older one is brought up to date, and how the file explains itself."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from textwrap import dedent

import apsw
import pytest
from tests.support.records import everything, rows, spoiled

from genai_social_sim.errors import RecordError
from genai_social_sim.eventlog import store
from genai_social_sim.eventlog.described import ABOUT, APPLICATION_ID, DESCRIBED
from genai_social_sim.eventlog.reader import SqliteReader
from genai_social_sim.eventlog.verification import verify
from genai_social_sim.eventlog.writer import SqliteLog
from genai_social_sim.testing.event_logs import StoppedClock, small_log

NEXT = store.migrations()[-1][0] + 1


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return everything().record(tmp_path_factory.mktemp("record") / "run.sqlite").read_bytes()


@pytest.fixture
def path(record: bytes, tmp_path: Path) -> Path:
    made = tmp_path / "run.sqlite"
    made.write_bytes(record)
    return made


def reopened(path: Path) -> SqliteLog:
    return SqliteLog(path, durability="full", clock=StoppedClock())


def test_a_record_of_a_newer_release_is_refused_with_the_remedy(record: bytes, tmp_path: Path) -> None:
    path = spoiled(record, tmp_path / "run.sqlite", ("PRAGMA user_version = 99", ()))
    for opener in (SqliteReader, reopened, verify):
        with pytest.raises(RecordError, match=r"a newer release wrote this record \(format 99.*pip install --upgrade"):
            opener(path)


def test_a_record_of_an_older_release_is_read_as_it_is_and_migrated_by_its_next_writer(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = [*store.migrations(), (NEXT, "ALTER TABLE head ADD COLUMN mood TEXT NOT NULL DEFAULT 'calm'")]
    monkeypatch.setattr(store, "migrations", lambda: newer)
    assert verify(path).ok
    before = path.read_bytes()
    with closing(SqliteReader(path)) as reader:
        assert reader.head().status == "finished"
    assert path.read_bytes() == before
    with pytest.raises(RecordError), closing(reopened(path)) as log:
        log.append(small_log()[:1])  # this writer knows no mood: the test's migration is ahead of it
    assert list(rows(path, "SELECT mood FROM head")) == [("calm",)]
    assert list(rows(path, "PRAGMA user_version")) == [(NEXT,)]


def test_a_record_of_the_first_release_is_sound_and_gets_its_index_when_it_is_gone_on_with(
    record: bytes, tmp_path: Path
) -> None:
    path = spoiled(
        record,
        tmp_path / "run.sqlite",
        ("DROP INDEX sessions", ()),
        ("DROP TABLE past", ()),
        ("PRAGMA user_version = 1", ()),
    )
    assert verify(path).ok
    with closing(SqliteReader(path)) as reader:
        before = reader.origin()
    assert len(before.id) == 16
    reopened(path).close()
    assert verify(path).ok
    with closing(SqliteReader(path)) as reader:
        assert reader.origin() == before
        plan = list(
            reader.query("EXPLAIN QUERY PLAN SELECT seq FROM events WHERE kind = 'session_started' ORDER BY seq")
        )
    assert "INDEX sessions" in str(plan)


def test_a_migration_that_fails_leaves_the_record_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = [*store.migrations(), (NEXT, "ALTER TABLE head ADD COLUMN mood TEXT; DROP TABLE none_such")]
    monkeypatch.setattr(store, "migrations", lambda: broken)
    with pytest.raises(RecordError, match="no such table: none_such"):
        reopened(path)
    monkeypatch.undo()
    assert verify(path).ok
    assert list(rows(path, "PRAGMA user_version")) == [(NEXT - 1,)]


def test_migrations_are_numbered_without_a_gap() -> None:
    assert [number for number, _ in store.migrations()] == list(range(1, len(store.migrations()) + 1))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "it is not an SQLite database"),
        (b"SQLite format 3\0", "this is no run file"),
        (b"Discuss rare earths.\n" * 20, "this is no run file"),
        (b"\0" * 5000, "this is no run file"),
    ],
    ids=["empty", "cut off", "text", "zeros"],
)
def test_what_is_no_run_file_is_refused_untouched(content: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "other.sqlite"
    path.write_bytes(content)
    for opener in (SqliteReader, reopened, verify):
        with pytest.raises(RecordError, match=words):
            opener(path)
    assert path.read_bytes() == content
    assert [each.name for each in tmp_path.iterdir()] == ["other.sqlite"]


def test_a_database_of_somebody_else_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "other.sqlite"
    with closing(apsw.Connection(str(path))) as db:
        db.execute("CREATE TABLE events (seq)")
    content = path.read_bytes()
    for opener in (SqliteReader, reopened):
        with pytest.raises(RecordError, match="this is no run file of genai-social-sim"):
            opener(path)
    assert path.read_bytes() == content


def test_a_folder_and_a_missing_file_are_refused_each_in_its_words(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="this is a folder, not a run file"):
        SqliteReader(tmp_path)
    with pytest.raises(RecordError, match="there is no such run file"):
        reopened(tmp_path / "none.sqlite")
    assert list(tmp_path.iterdir()) == []


def test_a_run_file_cut_in_half_is_one_clear_error(record: bytes, tmp_path: Path) -> None:
    for share in range(1, 10):
        path = tmp_path / f"{share}.sqlite"
        path.write_bytes(record[: len(record) * share // 10])
        with suppress(RecordError):
            assert not verify(path).ok


def test_a_file_killed_while_it_was_made_holds_no_events_and_can_be_begun(tmp_path: Path) -> None:
    path = tmp_path / "run.sqlite"
    with closing(apsw.Connection(str(path))) as db:
        db.pragma("application_id", APPLICATION_ID)
    with closing(SqliteReader(path)) as reader, pytest.raises(RecordError, match="holds no events"):
        reader.head()
    with closing(SqliteLog(path, durability="full", clock=StoppedClock(), create=True)) as log:
        log.append(small_log())
    assert verify(path).ok


def test_a_run_that_was_killed_is_read_from_its_write_ahead_log(tmp_path: Path) -> None:
    path = tmp_path / "run.sqlite"
    killed = dedent(f"""
        import os
        from pathlib import Path
        from genai_social_sim.eventlog.writer import SqliteLog
        from genai_social_sim.testing.event_logs import StoppedClock, small_log
        log = SqliteLog(Path({str(path)!r}), durability="full", clock=StoppedClock(), create=True)
        log.append(small_log())
        os._exit(9)
    """)
    assert subprocess.run([sys.executable, "-c", killed], check=False, env=os.environ).returncode == 9
    verdict = verify(path)
    assert (verdict.ok, verdict.events) == (True, len(small_log()))
    with closing(reopened(path)) as log:
        log.append(small_log()[1:2])
    assert verify(path).events == len(small_log()) + 1


def test_on_a_medium_that_cannot_be_written_to_a_finished_record_can_be_read(path: Path) -> None:
    with closing(store._open_immutable(path)) as db:
        ((events,),) = db.execute("SELECT count(*) FROM events").fetchall()
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    assert events == verify(path).events


def test_there_it_is_refused_if_its_last_events_could_not_be_read(path: Path) -> None:
    path.with_name(f"{path.name}-wal").write_bytes(b"x" * 100)
    with pytest.raises(RecordError, match=f"was not closed.*Copy it together with {path.name}-wal"):
        store._open_immutable(path)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs to become another user")
def test_who_may_only_read_can_read_and_verify(path: Path, record: bytes) -> None:
    path.parent.joinpath("own.sqlite").write_bytes(record)
    stranger = dedent(f"""
        import os, sys
        from pathlib import Path
        from genai_social_sim.eventlog.verification import verify
        verify(Path({str(path.parent / "own.sqlite")!r}))  # loads what the stranger may not be able to read
        os.setgid(65534)
        os.setuid(65534)
        sys.exit(0 if verify(Path({str(path)!r})).ok else 1)
    """)
    folder = path.parent
    for each in (folder, *folder.parents):
        if each.stat().st_uid == os.geteuid() and not each.stat().st_mode & 0o001:
            each.chmod(each.stat().st_mode | 0o055)
    folder.chmod(0o555)
    assert subprocess.run([sys.executable, "-c", stranger], check=False, env=os.environ).returncode == 0


def test_every_table_and_column_is_described_in_the_file_itself(path: Path) -> None:
    described = set(rows(path, "SELECT name, column_name FROM described"))
    tables = list(rows(path, "SELECT name, type FROM sqlite_schema WHERE type IN ('table', 'view')"))
    for name, kind in tables:
        assert (name, "") in described
        for (column,) in rows(path, f"SELECT name FROM pragma_table_info('{name}')") if kind == "table" else ():
            assert (name, column) in described
    assert {name for name, _ in described} == {name for name, _ in tables}
    assert len(described) == sum(map(len, DESCRIBED.values()))
    assert dict(rows(path, "SELECT key, value FROM about")) == ABOUT
    assert all(words for (words,) in rows(path, "SELECT description FROM described"))


def test_the_views_can_be_read_with_sqlite_alone(path: Path) -> None:
    said = list(rows(path, "SELECT turn, speaker, text FROM utterances ORDER BY seq"))
    assert said[:3] == [(None, "system", "Begin."), (0, "ada", "Größe \0 🙂"), (2, "cy", "Turn 2.")]
    failed = list(rows(path, "SELECT turn, attempt, cause FROM calls WHERE kind = 'attempt_failed'"))
    assert failed == [(2, 1, "unreachable"), (4, 1, "garbled"), (4, 2, "garbled")]


@pytest.mark.parametrize("broken", [ValueError("a row could not be made"), KeyboardInterrupt()])
def test_a_transaction_that_failed_half_way_leaves_nothing_and_the_next_one_goes_through(
    broken: BaseException, path: Path
) -> None:
    def halfway() -> Iterator[tuple[int, bytes, str]]:
        yield 9001, b"a", "one"
        raise broken

    with closing(store.open_to_write(path, durability="process", create=False)) as db:
        transaction = store.Transaction(db)
        with pytest.raises(type(broken)), transaction as cursor:
            cursor.executemany(store.TEXT, halfway())
        assert not db.in_transaction
        with transaction as cursor:
            cursor.execute(store.TEXT, (9002, b"b", "two"))
        assert db.execute("SELECT id FROM texts WHERE id > 9000").fetchall() == [(9002,)]


def test_a_transaction_whose_commit_is_refused_is_rolled_back(path: Path) -> None:
    with closing(store.open_to_write(path, durability="process", create=False)) as db:
        transaction = store.Transaction(db)
        db.set_commit_hook(lambda: True)  # refuse
        with pytest.raises(apsw.ConstraintError), transaction as cursor:
            cursor.execute(store.TEXT, (9001, b"a", "one"))
        assert not db.in_transaction
        db.set_commit_hook(None)
        with transaction as cursor:
            cursor.execute(store.TEXT, (9001, b"a", "one"))
