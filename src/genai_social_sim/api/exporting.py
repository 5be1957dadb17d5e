"""Tables of runs as files in a folder, or a dataset for others, from one call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from genai_social_sim.api.card import card
from genai_social_sim.api.run import Run
from genai_social_sim.api.tables import ALL, KINDS, sources_of
from genai_social_sim.export import dataset, files, graphml
from genai_social_sim.export.dataset import Terms
from genai_social_sim.export.kinds import named


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What was written of how many runs."""

    path: Path
    files: tuple[Path, ...]
    runs: int

    def _repr_html_(self) -> str:
        sizes = {file.name: f"{file.stat().st_size:,} bytes" for file in self.files if file.exists()}
        return card(f"Export {self.path}", {"runs": self.runs, **sizes})


def export_runs(
    runs: Sequence[Run | str | Path],
    to: str = "csv",
    out: str | Path = "export",
    *,
    tables: Sequence[str] = (),
    terms: Terms | None = None,
    progress: Callable[[int], None] = lambda events: None,
) -> Exported:
    """Write what runs hold as tables, with a codebook; a run named twice is written once.

    Args:
        runs: Runs, or the paths of their records.
        to: `csv`, `jsonl`, `parquet`, `dataset` (Parquet with a data card and Croissant metadata) or `graphml`.
        out: The folder; what an export wrote there before is replaced.
        tables: Names of tables; all if there are none.
        terms: Of a dataset: licence, creator and how to cite it.
        progress: Told how many events were read.

    Raises:
        RequestError: If there is no such form or table, or the folder holds something else.
        RecordError: If one of the runs is no record.
    """
    paths = [run.path if isinstance(run, Run) else Path(run) for run in runs]
    folder = Path(out)
    with sources_of(paths) as sources:
        kinds = [named(ALL, name) for name in tables] or (ALL if to == "csv" else KINDS)
        if to == "graphml":
            found = graphml.write(sources, folder)
        elif to == "dataset":
            found = dataset.write(sources, folder, kinds=kinds, terms=terms or Terms(), progress=progress)
        else:
            found = files.write(sources, to, folder, kinds=kinds, progress=progress)  # type: ignore[arg-type]  # checked
        return Exported(path=folder, files=tuple(found), runs=len(sources))
