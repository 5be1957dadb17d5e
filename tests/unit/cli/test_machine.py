"""`gss doctor`, `gss models`, `gss init`, `gss schema`."""

import json
from pathlib import Path

import pytest
from tests.unit.cli.conftest import Gss, document

from genai_social_sim import Study
from genai_social_sim.backends import weights
from genai_social_sim.cli.initial import TEMPLATES

ROOT = Path(__file__).resolve().parents[3]


def test_doctor_finds_that_all_that_is_needed_works(gss: Gss) -> None:
    told = document(gss("doctor", "--json"))
    states = {finding["what"]: finding["state"] for finding in told["data"]}
    assert told["ok"]
    assert "broken" not in states.values()
    assert states["model weights"] == "missing"
    assert "gss models pull" in gss("doctor").stdout


def test_doctor_says_what_is_broken_and_what_to_do(gss: Gss) -> None:
    Path("file").touch()
    result = gss("doctor", "--runs", "file/runs")
    assert result.exit_code == 1
    assert "BROKEN   runs folder" in result.stdout
    assert "--runs FOLDER" in result.stdout
    assert "runs folder" in result.stderr


def test_doctor_finds_damaged_weights(gss: Gss) -> None:
    path = weights.path_of(weights.KNOWN[weights.DEFAULT])
    path.parent.mkdir(parents=True)
    path.write_bytes(b"GGUF")
    result = gss("doctor", "--json")
    (found,) = [finding for finding in document(result)["data"] if finding["what"] == "model weights"]
    assert (result.exit_code, found["state"], "gss models pull" in found["remedy"]) == (1, "broken", True)


def test_models_are_listed_with_what_is_at_hand(gss: Gss) -> None:
    (model,) = document(gss("models", "--json"))["data"]
    assert (model["name"], model["present"]) == ("smollm2-135m", False)
    assert "gss models pull smollm2-135m" in gss("models", "list").stdout


def test_a_model_that_nobody_knows_is_refused(gss: Gss) -> None:
    result = gss("models", "pull", "frob")
    assert (result.exit_code, "smollm2-135m" in result.stderr) == (2, True)


def test_pulling_shows_where_the_weights_are(gss: Gss, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "pull", lambda name, progress: Path("cache") / f"{name}.gguf")
    assert "smollm2-135m.gguf" in gss("models", "pull").stdout


@pytest.mark.parametrize("template", TEMPLATES)
def test_each_template_is_a_study_that_says_what_can_be_changed(gss: Gss, template: str) -> None:
    written = document(gss("init", "2026", "--template", template, "--json"))["data"]["study"]
    assert Study.load(written).name == "2026"
    assert Path(written).read_text(encoding="utf-8").count("#") >= 5


def test_the_listed_templates_are_those_that_are_shipped(gss: Gss) -> None:
    shipped = {path.stem for path in (ROOT / "src/genai_social_sim/cli/templates").glob("*.yaml")}
    assert {each["template"] for each in document(gss("init", "--list", "--json"))["data"]} == shipped


def test_the_scripted_template_runs_at_once(gss: Gss) -> None:
    gss("init", "trial", "--template", "scripted")
    assert gss("run", "trial/study.yaml").exit_code == 0


def test_init_overwrites_nothing(gss: Gss) -> None:
    gss("init", "mine")
    Path("mine/study.yaml").write_text("precious", encoding="utf-8")
    result = gss("init", "mine")
    assert (result.exit_code, Path("mine/study.yaml").read_text(encoding="utf-8")) == (2, "precious")


@pytest.mark.parametrize("name", ["bad name", "-", "..", "a:b", "x" * 99])
def test_init_refuses_names_that_cannot_name_a_study(gss: Gss, name: str) -> None:
    assert gss("init", "--", name).exit_code == 2


@pytest.mark.parametrize("words", [["init"], ["init", "x", "--template", "panle"], ["models", "list", "x"]])
def test_what_is_missing_or_unknown_is_named(gss: Gss, words: list[str]) -> None:
    result = gss(*words)
    assert (result.exit_code, result.stdout, bool(result.stderr)) == (2, "", True)


def test_the_schema_is_json(gss: Gss) -> None:
    assert json.loads(gss("schema").stdout)["title"] == "Study"


def test_the_example_is_a_study() -> None:
    assert Study.load(ROOT / "examples/rare-earths/study.yaml").name == "rare-earths"
