"""Tables over any number of run files: which there are, and the runs that they are made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from genai_social_sim.analysis.table import MEASURES
from genai_social_sim.eventlog.reader import SqliteReader
from genai_social_sim.export.kinds import Kind
from genai_social_sim.export.society import ORIGINAL, TIDY
from genai_social_sim.export.source import Source, distinct_labels

KINDS: Final[tuple[Kind, ...]] = (*TIDY, MEASURES)
ALL: Final[tuple[Kind, ...]] = (*KINDS, *ORIGINAL)


def source_of(reader: SqliteReader, label: str) -> Source:
    """A run as it stands now, to be made tables of."""
    head = reader.head()
    return Source(
        run=label,
        record=reader,
        status=reader.standing(),
        digest=head.digest.hex(),
        last=head.seq,
        origin=reader.origin(),
    )


@contextmanager
def sources_of(paths: Sequence[Path]) -> Iterator[list[Source]]:
    """Run files, each with a label of its own, open for as long as the context lasts; one named twice comes once.

    They stand in the order of their design, as far as they tell, else in the order in which they are named.

    Raises:
        RecordError: If one of them is no record.
    """
    once = list({path.resolve(): path for path in paths}.values())
    with ExitStack() as stack:
        sources = []
        for path, label in zip(once, distinct_labels(once), strict=True):
            reader = SqliteReader(path)
            stack.callback(reader.close)
            sources.append(source_of(reader, label))
        yield sorted(sources, key=lambda source: source.origin.assignment.order)
