"""What a resumed run may and may not go on with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.support.servers import study_text

from genai_social_sim import Run, Study
from genai_social_sim.backends import scripted
from genai_social_sim.domain.events import SessionStarted
from genai_social_sim.engine.budget import BudgetError
from genai_social_sim.errors import RecordError
from genai_social_sim.testing.ollama_server import ollama_server

STUDY = """
name: resumed
model: {backend: scripted, words: 9, latency: 0.001}
agents: [{name: Ada}, {name: Bo}]
channels: {hall: {}}
stop: {turns: 30}
"""


def interrupted(runs: Path, **budget: Any) -> Run:
    """The run after its budget was used up."""
    study = Study.parse(STUDY, changes=[f"budget={json.dumps(budget)}"])
    with pytest.raises(BudgetError, match="budget of"):
        study.run(runs=runs)
    return Run(study.record_path(runs=runs))


def test_a_budget_of_tokens_interrupts_the_run_and_resuming_ends_it_with_the_same_digest(tmp_path: Path) -> None:
    run = interrupted(tmp_path, tokens=100)
    assert (run.status, run.verify().ok) == ("interrupted", True)
    assert 0 < run.turns < 30
    assert run.resume().digest == Study.parse(STUDY).run(runs=tmp_path / "whole").digest


def test_a_budget_of_time_interrupts_a_run_that_waits(tmp_path: Path) -> None:
    study = Study.parse(STUDY, changes=["model.latency=600", "budget.time=50 ms"])
    with pytest.raises(BudgetError, match=r"budget of 0\.05 s"):
        study.run(runs=tmp_path)
    assert Run(study.record_path(runs=tmp_path)).status == "interrupted"


def test_other_weights_are_refused_unless_allowed_and_that_is_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = interrupted(tmp_path, tokens=100)
    turns = run.turns

    def identity(self: scripted.ScriptedModel) -> Mapping[str, Any]:
        return {"backend": "scripted", "model": "small", "weights": "sha256:another"}

    monkeypatch.setattr(scripted.ScriptedModel, "identity", identity)
    with pytest.raises(RecordError, match="sha256:another is new") as caught:
        run.resume()
    assert "--allow-other-model" in caught.value.remedy
    assert run.turns == turns
    assert run.resume(allow_other_model=True).status == "finished"
    last = [recorded.event for recorded in run.events() if isinstance(recorded.event, SessionStarted)][-1]
    assert json.loads(last.about.value)["settings"]["allow_other_model"] is True


async def test_a_model_that_was_pulled_anew_is_not_the_one_that_the_run_began_with(tmp_path: Path) -> None:
    """Also where another agent's model had the new digest all along."""
    async with ollama_server(models={"one:latest": "1" * 64, "two:latest": "2" * 64}) as server:
        agents = [{"name": "Ada"}, {"name": "Bo", "model": {"model": "two"}}]
        model = {"backend": "ollama", "model": "one", "host": server.address}
        study = Study.parse(study_text(model, agents=agents, budget={"tokens": 30}, stop={"turns": 6}))
        with pytest.raises(BudgetError):
            await study.arun(runs=tmp_path)
        run = Run(study.record_path(runs=tmp_path))
        server.models["one:latest"] = "2" * 64
        with pytest.raises(RecordError, match="the weights of one are not those"):
            await run.aresume()
        server.models["one:latest"] = "1" * 64
        assert (await run.aresume()).status == "finished"
