"""`gss import-config`."""

from pathlib import Path

import pytest
from tests.unit.cli.conftest import Gss, document
from tests.unit.study.test_study_original import APP, SEED

from genai_social_sim import Study


@pytest.fixture
def app(folder: Path) -> Path:
    (folder / "app.yaml").write_text(APP, encoding="utf-8")
    (folder / "seed.yaml").write_text(SEED, encoding="utf-8")
    return Path("app.yaml")


def test_the_study_is_written_and_can_be_loaded(gss: Gss, app: Path) -> None:
    result = gss("import-config", app, "seed.yaml")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "gss run study.yaml" in result.stdout
    assert Study.load("study.yaml").plan().channels[0].opening is not None


def test_without_a_seed_the_next_step_is_to_wait_for_one(gss: Gss, app: Path) -> None:
    assert "gss run study.yaml --wait" in gss("import-config", app).stdout


def test_what_is_left_out_is_told(gss: Gss, app: Path) -> None:
    app.write_text(APP + "cli: {prompt_prefix: x}\n", encoding="utf-8")
    assert "warning: app.yaml:21:7: cli.prompt_prefix: left out" in gss("import-config", app).stderr
    told = document(gss("import-config", app, "--out", "other/study.yaml", "--json"))
    assert told["data"] == {"study": "other/study.yaml", "broker": "redis://redis:6379", "opening": False}
    assert told["warnings"] == ["app.yaml:21:7: cli.prompt_prefix: left out: it was for the original's terminal"]


def test_a_file_that_is_there_is_left_as_it_is(gss: Gss, app: Path) -> None:
    Path("study.yaml").write_text("mine", encoding="utf-8")
    result = gss("import-config", app)
    assert (result.exit_code, Path("study.yaml").read_text(encoding="utf-8")) == (2, "mine")
    assert "--out" in result.stderr


@pytest.mark.parametrize("words", [("nothing.yaml",), ("app.yaml", "nothing.yaml")])
def test_a_file_that_is_not_there_is_named(gss: Gss, app: Path, words: tuple[str, ...]) -> None:
    result = gss("import-config", *words)
    assert result.exit_code == 2
    assert "nothing.yaml" in result.stderr
    assert not Path("study.yaml").exists()


def test_bots_whose_names_read_alike_are_refused(gss: Gss, app: Path) -> None:
    app.write_text(APP.replace("BOT2", "bot1"), encoding="utf-8")
    result = gss("import-config", app)
    assert result.exit_code == 2
    assert "is taken" in result.stderr
    assert not Path("study.yaml").exists()
