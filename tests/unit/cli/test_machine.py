"""`gss doctor`, `gss models`, `gss init`, `gss schema`."""

import json
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from tests.unit.cli.conftest import GSS, Gss, document

from genai_social_sim import Study
from genai_social_sim.backends import weights
from genai_social_sim.cli import backend_health
from genai_social_sim.cli.initial import TEMPLATES
from genai_social_sim.engine.shape import is_compiled

ROOT = Path(__file__).resolve().parents[3]


def test_doctor_finds_that_all_that_is_needed_works(gss: Gss) -> None:
    told = document(gss("doctor", "--json"))
    states = {finding["what"]: finding["state"] for finding in told["data"]}
    assert told["ok"]
    assert "broken" not in states.values()
    assert states["model weights"] == "missing"
    assert "gss models pull" in gss("doctor").stdout


def test_doctor_says_in_which_shape_the_package_runs(gss: Gss) -> None:
    found = {finding["what"]: finding["found"] for finding in document(gss("doctor", "--json"))["data"]}
    assert found["genai-social-sim"].split(", ")[1] == ("compiled" if is_compiled() else "pure Python")


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
    assert (result.exit_code, "smollm2-135m" in result.stderr, "no Ollama" in result.stderr) == (2, True, True)


def test_pulling_shows_where_the_weights_are(gss: Gss, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "pull", lambda name, progress: Path("cache") / f"{name}.gguf")
    assert "smollm2-135m.gguf" in gss("models", "pull").stdout


@pytest.fixture(scope="module")
def ollama() -> Iterator[str]:
    """The address of a stand-in for Ollama in a process of its own."""
    words = [sys.executable, "-m", "genai_social_sim.testing.ollama_server"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.terminate()


@pytest.fixture(autouse=True)
def no_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    """No server is there, unless a test names one: nothing listens on port 9."""
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:9")
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)


def finding(gss: Gss, what: str) -> tuple[str, str, str]:
    (found,) = [each for each in document(gss("doctor", "--json"))["data"] if each["what"] == what]
    return found["state"], found["found"], found["remedy"]


def test_models_of_a_server_are_listed_with_what_it_says_of_them(gss: Gss, ollama: str) -> None:
    (model, *_) = [each for each in document(gss("models", "--host", ollama, "--json"))["data"] if each["at"]]
    assert (model["backend"], model["at"], model["name"]) == ("ollama", ollama, "tiny:latest")
    assert (model["quantisation"], model["family"], model["bytes"] > 0, len(model["digest"])) == (
        "Q4_1",
        "llama",
        True,
        64,
    )
    assert "llama, 135M, Q4_1" in gss("models", "--host", ollama).stdout


def test_a_server_that_is_not_there_is_a_line_and_no_failure_unless_it_was_asked_for(gss: Gss) -> None:
    assert "-- ollama: no Ollama server answers at http://127.0.0.1:9" in gss("models").stdout
    assert gss("models").exit_code == 0
    assert gss("models", "--host", "127.0.0.1:9").exit_code == 1
    assert gss("models", "--base-url", "http://127.0.0.1:9/v1").exit_code == 1


def test_a_name_that_is_none_of_ours_is_fetched_by_ollama(
    gss: Gss, ollama: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", ollama)
    (model,) = document(gss("models", "pull", "big", "--json"))["data"]
    assert (model["backend"], model["name"]) == ("ollama", "big:latest")
    assert "smollm2-135m:latest" in gss("models", "pull", "smollm2-135m", "--backend", "ollama").stdout
    assert gss("models", "pull", "missing").exit_code == 1


def test_the_remedy_for_a_missing_model_can_be_pasted(gss: Gss, ollama: str) -> None:
    text = f'name: s\nmodel: {{backend: ollama, model: pasted, host: "{ollama}"}}\nagents: [{{name: A}}]\n'
    Path("s.yaml").write_text(text + "channels: {h: {}}\nstop: {turns: 1}\n", encoding="utf-8")
    remedy = gss("run", "s.yaml").stderr.splitlines()[-1].removeprefix("remedy: ")
    pulled = subprocess.run([*GSS, *remedy.split()[1:]], check=False)
    assert (pulled.returncode, gss("run", "s.yaml").exit_code) == (0, 0)


def test_doctor_tells_for_each_backend_whether_it_works(gss: Gss, ollama: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert finding(gss, "ollama")[0] == finding(gss, "openai")[0] == "missing"
    assert "ollama serve" in finding(gss, "ollama")[2]
    assert finding(gss, "scripted")[0] == finding(gss, "rule")[0] == finding(gss, "locks folder")[0] == "ok"
    monkeypatch.setenv("OLLAMA_HOST", ollama)
    state, found, _ = finding(gss, "ollama")
    assert (state, found.startswith(f"Ollama 0.13.0 at {ollama}, ")) == ("ok", True)


@pytest.mark.parametrize("address", ["http://[", "::::", "127.0.0.1:99999"])
def test_an_address_that_is_none_is_told_as_that(gss: Gss, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_HOST", address)
    assert finding(gss, "ollama") == ("missing", "what was named is no address of a server", "Write http://HOST:PORT.")
    assert gss("models", "--host", address).exit_code == 2


@pytest.mark.parametrize(
    ("module", "words"), [("no_such_module", "cannot be imported"), ("json", "no function open_b")]
)
def test_doctor_finds_a_plug_in_that_does_not_work(
    gss: Gss, monkeypatch: pytest.MonkeyPatch, module: str, words: str
) -> None:
    point = EntryPoint(name="strange", value=module, group="genai_social_sim.backends")
    monkeypatch.setattr(backend_health, "entry_points", lambda group: [point])
    assert words in finding(gss, "strange")[1]


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
