"""The one writer: alone, cut off, out of room, and what it stores once."""

from __future__ import annotations

import resource
from contextlib import closing
from pathlib import Path

import apsw
import pytest
from tests.support.records import rows
from tests.support.scenario import scenario

from genai_social_sim.domain.events import Answered, SessionEnded
from genai_social_sim.domain.text import Text
from genai_social_sim.errors import RecordError
from genai_social_sim.eventlog import lock, store, writer
from genai_social_sim.eventlog.memory import MemoryLog
from genai_social_sim.eventlog.reader import SqliteReader
from genai_social_sim.eventlog.verification import verify
from genai_social_sim.eventlog.writer import SqliteLog
from genai_social_sim.ports import Entry
from genai_social_sim.testing.event_logs import StoppedClock, small_log


def opened(path: Path, *, create: bool = True) -> SqliteLog:
    return SqliteLog(path, durability="full", clock=StoppedClock(), create=create)


def seqs(path: Path) -> list[int]:
    with closing(SqliteReader(path)) as reader:
        return [recorded.seq for recorded in reader.events()]


def test_a_second_writer_is_refused_while_the_first_one_is_at_work(tmp_path: Path) -> None:
    path = tmp_path / "run.sqlite"
    with closing(opened(path)) as log:
        log.append(small_log()[:2])
        with pytest.raises(RecordError, match=f"another process is working on this run.*gss observe {path} --follow"):
            opened(path, create=False)
        log.append(small_log()[2:])
    assert verify(path).ok


def test_a_file_that_somebody_reads_is_complete_by_itself_once_its_writer_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "run.sqlite"
    with closing(opened(path)) as log:
        log.append(small_log())
        reader = SqliteReader(path)
        head = reader.head()
    moved = tmp_path / "copy.sqlite"
    moved.write_bytes(path.read_bytes())
    with closing(SqliteReader(moved)) as copy:
        assert copy.head() == head
    assert verify(moved).ok
    reader.close()


def test_the_lock_knows_a_file_by_whatever_path(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    with closing(opened(tmp_path / "run.sqlite")) as log:
        log.append(small_log()[:1])
        with pytest.raises(RecordError, match="another process is working on this run"):
            opened(tmp_path / "link" / "run.sqlite", create=False)


def test_a_lock_that_cannot_be_taken_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "gettempdir", lambda: str(tmp_path / "file"))
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(RecordError, match="the lock of this run cannot be taken"):
        opened(tmp_path / "run.sqlite")


def test_a_writer_that_comes_past_the_lock_is_stopped_by_the_log_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, entries = tmp_path / "run.sqlite", small_log()
    with closing(opened(path)) as old:
        old.append(entries[:4])
        monkeypatch.setattr(lock, "gettempdir", lambda: str(tmp_path))  # another machine has other locks
        with closing(opened(path, create=False)) as new:
            new.append(entries[4:6])
            for _ in range(2):  # it does not take up where the other one stands
                with pytest.raises(RecordError, match="another process has appended to this run; this one stops here"):
                    old.append(entries[4:])
            new.append(entries[6:])
    assert verify(path).ok
    assert seqs(path) == list(range(len(entries)))


def test_a_full_disk_is_one_clear_error_and_the_log_works_again_once_there_is_room(tmp_path: Path) -> None:
    path = tmp_path / "run.sqlite"
    with closing(opened(path)) as log:
        log.append(small_log()[:3])
        room = log._db.pragma("page_count")
        log._db.pragma("max_page_count", room)
        long = Entry(SessionEnded(status="failed", detail=Text.of("long " * 20_000)))
        for _ in range(2):
            with pytest.raises(RecordError, match=r"the disk is full.*Make room, then run or resume it again"):
                log.append([*small_log()[3:5], long])
            assert seqs(path) == [0, 1, 2]
        log._db.pragma("max_page_count", 1_000_000)
        log.append(small_log()[3:])
        digest = log.digest
    assert verify(path).ok
    memory = MemoryLog(StoppedClock())
    memory.append(small_log())
    assert memory.digest == digest


def test_texts_are_stored_once(tmp_path: Path) -> None:
    path = scenario(answers={"ada": ["The same."], "bo": ["The same."], "cy": ["The same."]}, stop=60).record(
        tmp_path / "run.sqlite"
    )
    texts = [text for (text,) in rows(path, "SELECT text FROM texts")]
    assert len(texts) == len(set(texts))
    assert texts.count("The same.") == 1
    assert len(texts) < 25


def test_prompts_are_rebuilt_byte_for_byte(tmp_path: Path) -> None:
    run = scenario(window=3, stop=30, layout="persona_first")
    path, played = run.record(tmp_path / "run.sqlite"), run.play()
    with closing(SqliteReader(path)) as reader:
        for turn in range(30):
            rebuilt, sent = reader.prompt(turn), played.prompt(turn)
            assert rebuilt is not None
            assert rebuilt.chat() == sent.chat()
            assert rebuilt.digest == sent.digest
        answers = [recorded.event for recorded in reader.events() if isinstance(recorded.event, Answered)]
    assert [answer.asked.prompt for answer in answers] == [played.prompt(turn).digest for turn in range(30)]


@pytest.mark.parametrize("limit", ["_MOST_IDS", "_MOST_FORMS"])
def test_what_a_writer_forgets_it_looks_up(limit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, limit, 5)
    run = scenario(window=4, stop=40, layout="persona_first")
    path = run.record(tmp_path / "run.sqlite")
    assert verify(path).ok
    assert verify(path).digest == run.play().digest
    assert list(rows(path, "SELECT count(*) - count(DISTINCT text) FROM texts")) == [(0,)]


def test_a_run_that_has_ended_stays_finished_however_its_session_ends(tmp_path: Path) -> None:
    path, entries = tmp_path / "run.sqlite", small_log()
    with closing(opened(path)) as log:
        log.append([*entries[:-1], Entry(SessionEnded(status="interrupted", detail=Text.of("too late")))])
    assert verify(path).ok
    assert verify(path).status == "finished"


def test_an_append_of_nothing_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "run.sqlite"
    with closing(opened(path)) as log:
        log.append([])
        assert list(rows(path, "SELECT count(*) FROM head")) == [(0,)]
        assert (log.seq, log.digest) == (-1, MemoryLog(StoppedClock()).digest)


def test_closing_leaves_one_file_that_is_complete_by_itself(tmp_path: Path) -> None:
    path = scenario().record(tmp_path / "run.sqlite")
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
    copy = tmp_path / "copy.sqlite"
    copy.write_bytes(path.read_bytes())
    assert verify(copy).ok


@pytest.mark.parametrize(("durability", "synchronous"), [("full", 2), ("process", 1)])
def test_durability_is_what_sqlite_is_told(durability: str, synchronous: int, tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / "run.sqlite", durability=durability, clock=StoppedClock(), create=True)  # type: ignore[arg-type]
    with closing(log):
        assert (log._db.pragma("synchronous"), log._db.pragma("journal_mode")) == (synchronous, "wal")


def commits(log: SqliteLog, number: int) -> list[int]:
    """How long the write-ahead log is after each of some commits."""
    size = Path(f"{log._path}-wal").stat
    sizes = []
    for _ in range(number):
        log.append(small_log()[:1])
        sizes.append(size().st_size)
    return sizes


def test_with_full_durability_the_write_ahead_log_soon_has_its_length(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that a sync has no new length to bring to the disk. Here it has room for some thirty commits."""
    monkeypatch.setattr(store, "_CHECKPOINT", 120)
    monkeypatch.setattr(store, "_LAID_OUT", 1 << 19)
    path = tmp_path / "run.sqlite"
    with closing(opened(path)) as log:
        *short, last = commits(log, writer._MANY + 1)
        assert max(short) < 1 << 19 <= last
        assert set(commits(log, 60)) == {last}
    assert verify(path).ok


def test_a_process_that_syncs_no_commit_writes_no_zeros(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / "run.sqlite", durability="process", clock=StoppedClock(), create=True)
    with closing(log):
        assert commits(log, 2 * writer._MANY)[-1] < 1 << 20


def test_where_there_is_no_room_for_zeros_the_log_goes_on_without(tmp_path: Path) -> None:
    path = tmp_path / "run.sqlite"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with closing(opened(path)) as log:
        commits(log, writer._MANY)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, before[1]))
        try:
            sizes = commits(log, 20)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert sizes == sorted(set(sizes))
        assert sizes[-1] < 1 << 20
    assert verify(path).ok


def test_a_killed_run_whose_log_is_mostly_zeros_is_read_and_goes_on(tmp_path: Path) -> None:
    path, copy = tmp_path / "run.sqlite", tmp_path / "killed.sqlite"
    with closing(opened(path)) as log:
        commits(log, writer._MANY + 3)
        for ending in ("", "-wal"):  # as a kill leaves them
            Path(f"{copy}{ending}").write_bytes(Path(f"{path}{ending}").read_bytes())
    assert seqs(copy) == list(range(writer._MANY + 3))
    with closing(opened(copy, create=False)) as log:
        commits(log, writer._MANY + 3)
    assert seqs(copy) == list(range(2 * writer._MANY + 6))
    assert verify(copy).ok


def test_a_reader_keeps_no_writer_waiting(tmp_path: Path) -> None:
    path = tmp_path / "run.sqlite"
    with closing(opened(path)) as log:
        log.append(small_log())
        with closing(SqliteReader(path)) as reader:
            half_way = reader.events()
            next(half_way)
            log._db.set_busy_timeout(0)
            log.append(small_log()[:1])
            log._db.pragma("wal_checkpoint(TRUNCATE)")
            assert len(list(half_way)) == len(small_log()) - 1 + 1


def test_sqlite_is_new_enough_to_be_trusted_with_a_write_ahead_log() -> None:
    assert tuple(map(int, apsw.sqlite_lib_version().split("."))) >= (3, 51, 3)
