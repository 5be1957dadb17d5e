"""Personas by what an encoder tells; the lexical one, which goes by spelling, needs nothing installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from genai_social_sim import Study
from genai_social_sim.api.meaning import persona_drift_by_meaning, persona_fit_by_meaning
from genai_social_sim.backends.recall import encoder
from genai_social_sim.errors import RequestError

STUDY = """
name: drift
durability: process
agents:
  - {name: ADA, persona: "geology", model: {answers: ["geology", "geology", "harbour"]}}
  - {name: BO, persona: "harbour", model: {answers: ["harbour", "geologist", "geology"]}}
model: {backend: scripted}
channels: {hall: {opening: {text: "Begin."}}}
protocol: round_robin
stop: {rounds: 3}
"""


def test_agents_that_end_as_one_another_lose_their_personas(tmp_path: Path) -> None:
    run = Study.parse(STUDY).run(runs=tmp_path)
    rows = run.measure(persona_fit_by_meaning("lexical"), persona_drift_by_meaning("lexical")).rows()
    # Each says its own persona word, then one of them nearly the other's, then each the other's.
    (near,) = encoder("lexical").likeness("geologist", ["geology"])
    fits = [[1.0, 1.0], [1.0, -near], [-1.0, -1.0]]
    rounds = {row["round"]: row["value"] for row in rows if row["measure"] == "persona_fit_by_meaning"}
    assert rounds == {number: pytest.approx(sum(each) / 2) for number, each in enumerate(fits)}
    (drift,) = [row["value"] for row in rows if row["measure"] == "persona_drift_by_meaning"]
    assert drift == pytest.approx((sum(fits[2]) - sum(fits[0])) / 4)


def test_an_encoder_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(RequestError, match=r"no embedding 'sense'.*lexical"):
        persona_fit_by_meaning("sense")
