"""A dataset that others can load as it is: Parquet tables, a data card, Croissant metadata, the codebook.

It knows nothing of where a dataset is published.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from hashlib import file_digest
from importlib.resources import files as resources
from pathlib import Path
from typing import Any, Final

from genai_social_sim.domain.visible import visible
from genai_social_sim.errors import RequestError
from genai_social_sim.export import files
from genai_social_sim.export.kinds import Fold, Kind
from genai_social_sim.export.runs import RUNS
from genai_social_sim.export.source import Source
from genai_social_sim.export.tables import Cell, ColumnType, Row, Table

CARD: Final = "README.md"
METADATA: Final = "croissant.json"
_CONFORMS: Final = "http://mlcommons.org/croissant/1.0"
_TYPES: Final[Mapping[ColumnType, str]] = {
    "text": "sc:Text",
    "json": "sc:Text",
    "time": "sc:DateTime",
    "integer": "sc:Integer",
    "number": "sc:Float",
    "flag": "sc:Boolean",
}
_LICENCE: Final = re.compile(r"(?:[A-Za-z0-9.+-]+|https?://[A-Za-z0-9._~:/?#@!$&'*+,;=%-]+)?")
_MOST_RUNS: Final = 200  # that the data card lists
_LISTED: Final = ("run", "condition", "replicate", "seed", "status", "turns", "digest")
_UNLICENSED: Final = "No licence was stated. Without one others may not use it: export again with `--licence`."
_ABOUT: Final = """\
What agents said here was written by language models, rules or scripts (table `agents`, column `backend`; table
`calls`), not by people. It may be false, offensive or made to look like something else: treat it as text of strangers.

- **Unit.** Rows of one run depend on each other; runs with different seeds do not. Compare runs, not utterances.
- **Complete.** Failed attempts, silences and unreadable answers are in the tables; nothing was filtered.
- **Personas** stand in table `agents` as the models were given them. If the study took them from data about people, so
  do they.
- **Check it.** Each run's `digest` is that of its record: whoever has the record can verify it (`gss verify`) and
  replay it (`gss replay`).
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What whoever publishes it has to say. `licence`: an SPDX identifier or an address; empty: not stated.

    Raises:
        RequestError: If the licence is neither.
    """

    licence: str = ""
    creator: str = ""
    cite: str = ""

    def __post_init__(self) -> None:
        if not _LICENCE.fullmatch(self.licence):
            remedy = (
                "Such as CC-BY-4.0, CC0-1.0 or https://example.org/licence; all identifiers: https://spdx.org/licenses."
            )
            problem = f"{self.licence!r} is neither an SPDX identifier nor an address"
            raise RequestError(problem, where="licence", remedy=remedy)

    @property
    def address(self) -> str:
        """Where the licence can be read."""
        known = "://" in self.licence or not self.licence
        return self.licence if known else f"https://spdx.org/licenses/{self.licence}.html"


def write(
    sources: Source | Sequence[Source],
    out: Path,
    *,
    kinds: Sequence[Kind],
    terms: Terms,
    progress: files.Progress | None = None,
) -> list[Path]:
    """Write a dataset of some runs; what stands there from an earlier export is replaced.

    Args:
        sources: The runs, each with a label of its own.
        out: The folder; it is made if need be.
        kinds: Which tables; without `runs` each record is read twice.
        terms: Licence, creator, citation.
        progress: Called now and then with the number of events read so far.

    Returns:
        The files written, the codebook last.

    Raises:
        RequestError, RecordError, SocialSimError: As for `files.write`.
    """
    sources = [sources] if isinstance(sources, Source) else list(sources)
    files.check(sources)
    noted: list[Row] = []
    kinds = [_noting(kind.over(kind, sources), noted) for kind in kinds]
    names = [*[f"{kind.name}.parquet" for kind in kinds], METADATA, CARD, *files.CODEBOOK]
    with files.drafts(out, names) as paths:
        files.write_tables(sources, "parquet", kinds, paths, progress)
        rows = (Table(RUNS.name, RUNS.columns, lambda: noted) if noted else RUNS.table(*sources)).rows()
        written = dict(zip(names, paths, strict=True))
        metadata = _metadata(kinds, rows, terms, written)
        written[METADATA].write_text(json.dumps(metadata, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        written[CARD].write_text("\n".join(_card(kinds, rows, terms)), encoding="utf-8")
        files.write_codebook(kinds, *paths[-2:])
    return [out / name for name in names]


class _Noted(Fold):
    """Another fold, whose last rows are noted as well as given."""

    def __init__(self, fold: Callable[[Source], Fold], rows: list[Row], source: Source) -> None:
        super().__init__(source)
        self._fold = fold(source)
        self._rows = rows
        self.takes = self._fold.takes
        self.take = self._fold.take  # type: ignore[method-assign]  # called for each event

    def end(self) -> Iterable[Row]:
        last = [*self._fold.end()]
        self._rows.extend(last)
        return last


def _noting(kind: Kind, rows: list[Row]) -> Kind:
    """The same kind; the rows of `runs`, of which the card and the metadata tell, are noted."""
    return replace(kind, fold=partial(_Noted, kind.fold, rows)) if kind.name == RUNS.name else kind


def _metadata(
    kinds: Sequence[Kind], runs: Sequence[Mapping[str, Cell]], terms: Terms, written: Mapping[str, Path]
) -> dict[str, Any]:
    """Croissant 1.0, as JSON-LD."""
    context = json.loads((resources(__package__) / "croissant_context.json").read_text(encoding="utf-8"))
    found: dict[str, Any] = {
        "@context": context,
        "@type": "sc:Dataset",
        "name": _name(runs),
        "description": f"{_title(runs)}. {_sentence(runs)}",
        "conformsTo": _CONFORMS,
        "version": "1.0.0",
        "license": terms.address,
        "citeAs": terms.cite,
        "creator": {"@type": "sc:Organization", "name": terms.creator} if terms.creator else None,
        "datePublished": max((str(row["started_at"]) for row in runs if row["started_at"]), default=None),
        "distribution": [_file(f"{kind.name}.parquet", written[f"{kind.name}.parquet"]) for kind in kinds],
        "recordSet": [_records(kind) for kind in kinds],
    }
    return {key: value for key, value in found.items() if value}


def _file(name: str, path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()
    return {
        "@type": "cr:FileObject",
        "@id": name,
        "name": name,
        "contentUrl": name,
        "contentSize": f"{path.stat().st_size} B",
        "encodingFormat": "application/x-parquet",
        "sha256": digest,
    }


def _records(kind: Kind) -> dict[str, Any]:
    fields = [
        {
            "@type": "cr:Field",
            "@id": f"{kind.name}/{column.name}",
            "name": column.name,
            "description": column.description,
            "dataType": _TYPES[column.type],
            "source": {"fileObject": {"@id": f"{kind.name}.parquet"}, "extract": {"column": column.name}},
        }
        for column in kind.columns
    ]
    return {
        "@type": "cr:RecordSet",
        "@id": kind.name,
        "name": kind.name,
        "description": kind.description,
        "field": fields,
    }


def _card(kinds: Sequence[Kind], runs: Sequence[Mapping[str, Cell]], terms: Terms) -> Iterator[str]:
    """The data card: Markdown after a head in YAML by which Hugging Face's `datasets` finds the tables."""
    yield from ("---", f"pretty_name: {json.dumps(_title(runs))}", "tags: [social-simulation, synthetic, llm-agents]")
    if terms.licence:
        named = "other" if "://" in terms.licence else terms.licence.lower()
        yield f"license: {json.dumps(named)}"
        yield f"license_link: {json.dumps(terms.address)}"
    yield "configs:"
    for kind in kinds:
        yield f"- {{config_name: {kind.name}, data_files: {kind.name}.parquet}}"
    yield from ("---", "", f"# {_cell(_title(runs))}", "", _sentence(runs), "", _ABOUT)
    licence = f"[{_cell(terms.licence)}]({terms.address})" if terms.licence else _UNLICENSED
    yield from (f"**Licence.** {licence}", "")
    if terms.creator:
        yield from (f"**Creator.** {_cell(terms.creator)}", "")
    if terms.cite:
        yield from (f"**Cite as.** {_cell(terms.cite)}", "")
    yield from ("## Tables", "", "Every column is in [codebook.md](codebook.md).", "", "| table | a row |", "|---|---|")
    yield from [f"| `{kind.name}` | {kind.description} |" for kind in kinds]
    yield from ("", "## To load it", "", "```python", 'pandas.read_parquet("utterances.parquet")')
    yield from (
        'datasets.load_dataset(".", "utterances")',
        'mlcroissant.Dataset("croissant.json").records("utterances")',
    )
    yield from ("```", "", "## Runs", "", f"| {' | '.join(_LISTED)} |", "|" + "---|" * len(_LISTED))
    yield from [f"| {' | '.join([_cell(row[name]) for name in _LISTED])} |" for row in runs[:_MOST_RUNS]]
    if len(runs) > _MOST_RUNS:
        yield f"\nand {len(runs) - _MOST_RUNS:,} more, in table `runs`."
    yield ""


def _name(runs: Sequence[Mapping[str, Cell]]) -> str:
    studies = sorted({str(row["name"]) for row in runs if row["name"]})
    return "-".join(studies[:3]) or "runs"


def _title(runs: Sequence[Mapping[str, Cell]]) -> str:
    return f"Runs of {_cell(_name(runs))}"


def _sentence(runs: Sequence[Mapping[str, Cell]]) -> str:
    turns = sum([int(row["turns"] or 0) for row in runs])
    count = f"{len(runs):,} run{'' if len(runs) == 1 else 's'}"
    return f"{count} of a society of agents, {turns:,} turns in all, recorded by genai-social-sim."


def _cell(value: Cell) -> str:
    """Harmless in a cell of a Markdown table."""
    shown = visible("" if value is None else str(value))
    return "".join([f"\\{each}" if each in "\\`*_[]<>|#" else each for each in shown])
