"""Exports: every table of some runs as files in a folder, written in one pass over each record."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from genai_social_sim.errors import RequestError, SocialSimError
from genai_social_sim.export import codebook
from genai_social_sim.export.formats import FORMATS, Format, Sink, open_sink
from genai_social_sim.export.kinds import Kind, Sorting
from genai_social_sim.export.society import ORIGINAL, TIDY
from genai_social_sim.export.source import Source, steps
from genai_social_sim.export.tables import Column

Progress = Callable[[int], None]
CODEBOOK: Final = ("codebook.csv", "codebook.md")
_PROGRESS_EVENTS: Final = 1000


def write(
    sources: Source | Sequence[Source],
    to: Format,
    out: Path,
    *,
    kinds: Sequence[Kind] | None = None,
    progress: Progress | None = None,
) -> list[Path]:
    """Write all tables of some runs and their codebook; what stands there from an earlier export is replaced.

    Each file appears under its name only when all of them are complete.

    Args:
        sources: The runs, each with a label of its own.
        to: `csv`, `jsonl` or `parquet`.
        out: The folder; it is made if need be.
        kinds: Which tables; by default all that `export` knows, as CSV with the original's two.
        progress: Called now and then with the number of events read so far.

    Returns:
        The files written, the codebook last.

    Raises:
        RequestError: If the folder cannot be used, or holds files of these names that no export wrote.
        RecordError: If a record cannot be read.
        SocialSimError: If a file cannot be written.
    """
    sources = [sources] if isinstance(sources, Source) else list(sources)
    if to not in FORMATS:
        raise RequestError(f"there is no format {to!r}", remedy=f"The formats are: {', '.join(FORMATS)}.")
    check(sources)
    if kinds is None:
        kinds = (*TIDY, *ORIGINAL) if to == "csv" else TIDY
    kinds = [kind.over(kind, sources) for kind in kinds]
    names = [f"{kind.name}.{to}" for kind in kinds] + [*CODEBOOK]
    with drafts(out, names) as paths:
        write_tables(sources, to, kinds, paths, progress)
        write_codebook(kinds, *paths[-2:])
    return [out / name for name in names]


@contextmanager
def drafts(out: Path, names: Sequence[str]) -> Iterator[list[Path]]:
    """Paths to write to within the context; at its end each appears in the folder `out` under its name, or none does.

    The last one, by which an earlier export is known, appears first.

    Raises:
        RequestError: If the folder cannot be used, or holds files of these names that no export wrote.
        SocialSimError: If a file cannot be written.
    """
    _prepare(out, names)
    paths = [out / f".{name}.{os.getpid()}.part" for name in names]
    try:
        yield paths
        for draft, name in reversed([*zip(paths, names, strict=True)]):
            draft.replace(out / name)
    except OSError as fault:
        reason = fault.strerror or str(fault)
        problem = f"the export cannot be written ({reason})"
        raise SocialSimError(problem, where=str(out), remedy="Make room, then try again.") from fault
    finally:
        for draft in paths:
            with suppress(OSError):
                draft.unlink(missing_ok=True)


def check(sources: Sequence[Source]) -> None:
    """Raises RequestError unless there are runs, each with a label of its own."""
    if not sources:
        raise RequestError("there is no run to export", remedy="Name at least one.")
    labels = [source.run for source in sources]
    for label in labels:
        if labels.count(label) > 1:
            raise RequestError(f"two runs have the label {label!r}", remedy="Give each a label of its own.")


def _prepare(out: Path, names: Iterable[str]) -> None:
    """Make the folder; refuse to replace what no export wrote."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise RequestError("this is a file, not a folder", where=str(out), remedy="Name another folder.") from None
    except OSError as fault:
        reason = fault.strerror or str(fault)
        problem = f"the folder cannot be made ({reason})"
        raise RequestError(problem, where=str(out), remedy="Name another one.") from fault
    present = [name for name in names if (out / name).exists()]
    if present and not _is_export(out):
        raise RequestError(
            f"{present[0]} is there already, and no export wrote it",
            where=str(out),
            remedy="Name another folder, or move the file away.",
        )


def _is_export(out: Path) -> bool:
    try:
        with (out / "codebook.md").open(encoding="utf-8", errors="replace") as file:
            return file.readline(200).rstrip("\n") == codebook.MARK
    except OSError:
        return False


def write_tables(
    sources: Sequence[Source], to: Format, kinds: Sequence[Kind], paths: Sequence[Path], progress: Progress | None
) -> None:
    """Fill a file for each kind, in one pass over each record; further paths are left alone."""
    sinks: list[Sink] = []
    try:
        for kind, path in zip(kinds, paths, strict=False):
            sinks.append(open_sink(to, path, kind.columns, description=kind.description))
        done = 0
        for source in sources:
            done = _write_run(source, kinds, sinks, progress=progress, done=done)
        for sink in sinks:
            sink.close()
    except BaseException:
        for sink in sinks:
            sink.abandon()
        raise


def _write_run(
    source: Source, kinds: Sequence[Kind], sinks: Sequence[Sink], *, progress: Progress | None, done: int
) -> int:
    """One run into all tables; how many events have been read in all."""
    folds = [kind.fold(source) for kind in kinds]
    takers = Sorting([(fold, sink.put) for fold, sink in zip(folds, sinks, strict=True)])
    for step in steps(source):
        for take, put in takers(step):
            for row in take(step):
                put(row)
        done += step.recorded is not None
        if progress is not None and step.recorded is not None and done % _PROGRESS_EVENTS == 0:
            progress(done)
    for fold, sink in zip(folds, sinks, strict=True):
        for row in fold.end():
            sink.put(row)
    if progress is not None:
        progress(done)
    return done


def write_codebook(kinds: Sequence[Kind], table: Path, page: Path) -> None:
    """The codebook of these tables as a table and as a page."""
    columns: tuple[Column, ...] = codebook.COLUMNS
    sink = open_sink("csv", table, columns, description="")
    try:
        for row in codebook.described(kinds).tuples():
            sink.put(row)
        sink.close()
    except BaseException:
        sink.abandon()
        raise
    page.write_text(codebook.page(kinds), encoding="utf-8")
