"""Study files and recorded studies -> checked documents."""

from __future__ import annotations

import json
import math
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NoReturn

from pydantic import ValidationError

from genai_social_sim.errors import SpecError
from genai_social_sim.study.document import StudyDoc
from genai_social_sim.study.files import read_text
from genai_social_sim.study.population import DrawnDoc
from genai_social_sim.study.references import problems_in
from genai_social_sim.study.refusals import described, problems_of, refused
from genai_social_sim.study.response_tables import with_tables
from genai_social_sim.study.source import Marks, parse_yaml

KNOWN_BACKENDS: Final = ("embedded", "response_table", "rule", "scripted")
RECORDED: Final = "the recorded study"


@dataclass(frozen=True, slots=True)
class LoadedStudy:
    """A checked document that remembers where it stood. `path`: None if it came from no file."""

    document: StudyDoc
    marks: Marks
    path: Path | None
    values: dict[str, Any]  # what was written, for `override`
    backends: Collection[str] | None  # the known ones; None for any
    draws: dict[int, DrawnDoc] = field(default_factory=dict, compare=False, repr=False)  # made of it, by seed

    @property
    def folder(self) -> Path | None:
        """Where files that the study names may lie; None for nowhere."""
        return None if self.path is None else self.path.parent


def load(path: str | Path, *, backends: Collection[str] | None = KNOWN_BACKENDS) -> LoadedStudy:
    """Read a study file; raises SpecError saying where it is wrong and what to write instead."""
    path = Path(path)
    source = parse_yaml(read_text(path), name=str(path))
    return checked(source.values, source.marks, path=path, backends=backends)


def parse(text: str, *, source: str, backends: Collection[str] | None = KNOWN_BACKENDS) -> LoadedStudy:
    """Read a study from YAML text; `source` stands for the file in refusals. Raises SpecError."""
    taken = parse_yaml(text.removeprefix("\ufeff"), name=source)
    return checked(taken.values, taken.marks, path=None, backends=backends)


def from_canonical(text: str, *, backends: Collection[str] | None = None) -> LoadedStudy:
    """Read what `canonical` wrote; raises SpecError. Any backend will do: a record can be read where none is."""
    try:
        values = json.loads(text, parse_constant=_refuse_number, parse_float=_finite)
    except (ValueError, RecursionError):
        remedy = "The record was changed or is damaged; `gss verify` says where."
        raise SpecError("it is not JSON", remedy=remedy, where=RECORDED) from None
    return checked(values, Marks(RECORDED), path=None, backends=backends)


def checked(values: Any, marks: Marks, *, path: Path | None, backends: Collection[str] | None) -> LoadedStudy:
    """Check plain values; raises SpecError with all that is wrong."""
    if not isinstance(values, dict):
        found = "nothing" if values is None else described(values)
        raise SpecError(
            f"a study is a mapping (lines of `key: value`), but this is {found}",
            remedy="Begin with `name: my-study`; `gss init NAME` writes a study file to start from.",
            where=marks.where(()),
        )
    if path is not None:
        values = with_tables(values, path.parent, marks)
    try:
        document = StudyDoc.model_validate(values)
    except ValidationError as error:
        problems = problems_of(error, values)
    else:
        problems = problems_in(document, backends=backends)
        if not problems:
            return LoadedStudy(document, marks, path, values, backends)
    raise refused(problems, marks)


def _refuse_number(word: str) -> NoReturn:
    raise ValueError(word)


def _finite(word: str) -> float:
    value = float(word)
    if not math.isfinite(value):
        raise ValueError(word)
    return value
