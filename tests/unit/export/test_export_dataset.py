"""The dataset folder: what Croissant's own checker and the readers of its tables say of it."""

from __future__ import annotations

import json
import logging
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
import yaml
from tests.unit.export.records import play, study_of

from genai_social_sim.api.tables import KINDS
from genai_social_sim.errors import RequestError
from genai_social_sim.export.dataset import Terms, write
from genai_social_sim.export.source import Source

pytestmark = [  # of mlcroissant's own
    pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:The inplace keyword"),
]
HOSTILE = '"], "license": "none" | <script>\n# \u202e=1+1'


@pytest.fixture(scope="module")
def source() -> Source:
    probe = {"name": "stance", "every": "1 rounds", "scale": [1, 2], "text": "Where?"}
    agents = [{"name": name, "attributes": {"age": age}} for name, age in (("ada", 40), ("bo", 50))]
    study = study_of(turns=4, probes=[probe]) | {"agents": agents}
    return play(study, lambda request: "1" if request.choices else HOSTILE)


@pytest.fixture(scope="module")
def folder(source: Source, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dataset")
    write(source, out, kinds=KINDS, terms=Terms(licence="CC-BY-4.0", creator="A lab", cite="Lab (2026). Runs."))
    return out


def test_croissants_checker_has_nothing_to_say(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    import mlcroissant

    with caplog.at_level(logging.WARNING):
        dataset = mlcroissant.Dataset(str(folder / "croissant.json"))
    assert dataset.metadata.license == ["https://spdx.org/licenses/CC-BY-4.0.html"]
    assert [record.message for record in caplog.records if "url" not in record.message] == []


def test_its_reader_gives_the_rows_of_the_tables(folder: Path, source: Source) -> None:
    import mlcroissant

    dataset = mlcroissant.Dataset(str(folder / "croissant.json"))
    rows = list(dataset.records("utterances"))
    assert rows[1]["utterances/text"] in (HOSTILE.strip(), HOSTILE.strip().encode())
    kind = next(kind for kind in KINDS if kind.name == "utterances")
    assert len(rows) == len(kind.table(source))


def test_every_table_and_column_is_in_the_metadata(folder: Path) -> None:
    told = json.loads((folder / "croissant.json").read_text(encoding="utf-8"))
    fields = {records["name"]: [field["name"] for field in records["field"]] for records in told["recordSet"]}
    found = {path.stem: pyarrow.parquet.read_schema(path).names for path in folder.glob("*.parquet")}
    assert fields == found
    assert "attribute_age" in fields["agents"]


def test_the_files_are_those_that_the_metadata_name(folder: Path) -> None:
    told = json.loads((folder / "croissant.json").read_text(encoding="utf-8"))
    for file in told["distribution"]:
        assert file["sha256"] == sha256((folder / file["contentUrl"]).read_bytes()).hexdigest()


def test_the_card_names_licence_tables_and_digests(folder: Path, source: Source) -> None:
    _, head, body = (folder / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    told: dict[str, Any] = yaml.safe_load(head)
    assert told["license"] == "cc-by-4.0"
    assert {each["data_files"] for each in told["configs"]} == {path.name for path in folder.glob("*.parquet")}
    assert str(source.digest) in body
    assert "A lab" in body


def test_without_a_licence_the_card_says_so_and_the_metadata_have_none(source: Source, tmp_path: Path) -> None:
    write(source, tmp_path, kinds=KINDS, terms=Terms())
    assert "No licence was stated" in (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "license" not in json.loads((tmp_path / "croissant.json").read_text(encoding="utf-8"))


def test_terms_are_words_and_nothing_else(source: Source, tmp_path: Path) -> None:
    write(source, tmp_path, kinds=KINDS, terms=Terms(creator=HOSTILE, cite=HOSTILE))
    told = json.loads((tmp_path / "croissant.json").read_text(encoding="utf-8"))
    assert told["creator"]["name"] == HOSTILE
    assert "<script>" not in (tmp_path / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("licence", [HOSTILE, "CC BY 4.0", "javascript:alert(1)", "https://a b"])
def test_a_licence_is_an_identifier_or_an_address(licence: str) -> None:
    with pytest.raises(RequestError, match="neither an SPDX identifier nor an address"):
        Terms(licence=licence)


def test_a_readme_that_no_export_wrote_is_left_alone(source: Source, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("Mine.", encoding="utf-8")
    with pytest.raises(RequestError, match=r"README\.md is there already"):
        write(source, tmp_path, kinds=KINDS, terms=Terms())
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == "Mine."
