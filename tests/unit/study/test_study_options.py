"""Wrong options of a backend are told like wrong keys of a study: file, line, what, and what to write instead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

from genai_social_sim.backends import registry
from genai_social_sim.errors import SpecError
from genai_social_sim.study.lowering import lower, parse

STUDY = """\
name: s
model: {%s}
agents: [{name: A}, {name: B, model: {%s}}]
channels: {h: {}}
stop: {turns: 2}
"""

# (the study's model, Bo's own, line:column, words of the problem, words of the remedy)
MISTAKES = {
    "an unknown option": ("backend: embedded, contxt: 1", "", "2:28", "contxt: unknown key", "mean `context`"),
    "another type": ("backend: embedded, context: many", "", "2:37", "the text 'many'", "context: 4096"),
    "a missing one": ("backend: ollama", "", "2:8", "the key `model` is missing", 'model: "llama3.2:3b"'),
    "out of range": ("backend: ollama, model: x, context: 5", "", "2:45", "5 must be at least 128", "context: 4096"),
    "an unknown word": ("backend: ollama, model: x, on_too_long: cut", "", "2:49", "the text 'cut'", "`drop_oldest`"),
    "an empty text": ("backend: openai, model: ''", "", "2:33", "this is empty", "model: gpt"),
    "one of two types": ("backend: scripted, words: 3, latency: slow", "", "2:47", "the text 'slow'", "latency: 0.5"),
    "deep within": ("backend: scripted, words: 3, faults: {eror: 1}", "", "2:47", "faults.eror: unknown", "`error`"),
    "together": ("backend: scripted, words: 3, latency: [3, 1]", "", "2:47", "the lower bound first", "latency: 0.5"),
    "a rule without one": ("backend: rule", "", "2:8", "backend rule is not told which rule", "`rule: NAME`"),
    "an agent's own": ("backend: embedded", "context: 1", "3:48", "agents[1].model.context: 1 must", "context: 4096"),
    "the study's own": ("backend: scripted, words: 0", "temperature: 1", "2:35", "model.words: 0", "least 1"),
}  # fmt: skip


def refusal(study: str, own: str = "") -> SpecError:
    loaded = parse(STUDY % (study, own), source="study.yaml", backends=None)
    with pytest.raises(SpecError) as caught:
        lower(loaded, check_options=registry.check_options)
    return caught.value


@pytest.mark.parametrize(("study", "own", "at", "problem", "remedy"), MISTAKES.values(), ids=MISTAKES)
def test_it_is_told_in_the_study_s_own_words(study: str, own: str, at: str, problem: str, remedy: str) -> None:
    told = refusal(study, own)
    assert told.where == f"study.yaml:{at}"
    assert problem in told.problem
    assert remedy in told.remedy


def test_a_key_that_was_put_in_the_wrong_place_is_not_repeated() -> None:
    assert "sk-very-secret" not in str(refusal("backend: openai, model: x, api_key_env: sk-very-secret"))


class Strange(BaseModel):
    model_config = ConfigDict(extra="forbid")
    mark: int = 1


def test_a_backend_of_others_may_let_pydantic_speak(monkeypatch: pytest.MonkeyPatch) -> None:
    def check(name: str, options: Mapping[str, Any]) -> None:
        Strange.model_validate(options)

    monkeypatch.setattr(registry, "check_options", check)
    told = refusal("backend: strange, mark: high")
    assert (told.where, "the text 'high' where a whole number" in told.problem) == ("study.yaml:2:33", True)
