"""What calls cost at a study's prices, and the budget that holds it down."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from genai_social_sim import Run, Study
from genai_social_sim.engine.budget import Budget, BudgetError
from genai_social_sim.errors import RequestError, SpecError
from genai_social_sim.ports import Answer, Request

STUDY = """
name: priced
model: {backend: scripted, function: say, price: {prompt: 10, answer: 100, currency: EUR}}
agents: [{name: Ada}, {name: Bo, model: {price: {prompt: 0, answer: 50}}}]
channels: {hall: {}}
stop: {turns: 10}
"""
ADA, BO = (1000 * 10 + 20 * 100) / 1e6, 20 * 50 / 1e6  # of one call each, by hand


def say(request: Request) -> Answer:
    return Answer(text="Hm.", prompt_tokens=1000, answer_tokens=20)


def silent_on_tokens(request: Request) -> Answer:
    return Answer(text="Hm.")


def played(runs: Path, *changes: str, function: Any = say, **settings: Any) -> Run:
    return Study.parse(STUDY, changes=changes).run(runs=runs, functions={"say": function}, **settings)


def stopped(runs: Path, *changes: str) -> Run:
    """The run after its budget on cost was used up."""
    study = Study.parse(STUDY, changes=changes)
    with pytest.raises(BudgetError, match="budget of"):
        study.run(runs=runs, functions={"say": say})
    return Run(study.record_path(runs=runs))


def test_each_call_and_the_run_have_a_cost(tmp_path: Path) -> None:
    run = played(tmp_path)
    assert {call["agent"]: call["cost"] for call in run.calls} == {"Ada": pytest.approx(ADA), "Bo": pytest.approx(BO)}
    (row,) = run.table("runs").rows()
    assert row["cost"] == pytest.approx(5 * (ADA + BO))
    assert row["currency"] == "EUR"
    assert run.cost is not None
    assert str(run.cost) == "0.065 EUR"


def test_prices_change_nothing_that_happens(tmp_path: Path) -> None:
    free = played(tmp_path / "free", "model.price={prompt: 0, answer: 0}")
    priced = played(tmp_path)
    assert (free.digest, free.path.name) == (priced.digest, priced.path.name)
    assert "'price'" not in str(priced.study)


def test_a_budget_on_cost_interrupts_the_run_and_counts_over_sessions(tmp_path: Path) -> None:
    run = stopped(tmp_path, "budget.cost=0.03")
    assert (run.status, run.turns) == ("interrupted", 5)  # Ada, Bo, Ada, Bo, Ada: 0.038
    assert stopped(tmp_path, "budget.cost=0.04").turns == 7  # 0.051; what was paid before counts
    assert run.resume(functions={"say": say}).digest == played(tmp_path / "whole").digest


def test_a_run_that_is_resumed_goes_on_with_its_prices(tmp_path: Path) -> None:
    run = stopped(tmp_path, "budget.cost=0.03").resume(functions={"say": say})
    assert run.cost is not None
    assert run.cost.sum == pytest.approx(5 * (ADA + BO))


def test_a_budget_that_cannot_be_kept_stops_the_run(tmp_path: Path) -> None:
    with pytest.raises(BudgetError, match="does not say how many tokens"):
        played(tmp_path, "budget.cost=1", function=silent_on_tokens)


def test_answers_without_a_count_of_tokens_are_not_taken_for_free(tmp_path: Path) -> None:
    (call, *_) = played(tmp_path, function=silent_on_tokens).calls.rows()
    assert call["cost"] is None


def test_a_sum_in_two_currencies_is_refused(tmp_path: Path) -> None:
    stopped(tmp_path, "budget.cost=0.03")
    with pytest.raises(RequestError, match="counted in EUR"):
        played(tmp_path, "model.price.currency=USD")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("agents.Bo.model={words: 5, price: null}", "no value follows this key"),
        ("agents.Bo.model={backend: scripted, words: 5}", "calls of Bo cost is not known"),
        ("agents.Bo.model.price.currency=USD", "USD and in EUR cannot be added up"),
        ("model.price.prompt=-1", "must be at least 0"),
    ],
)
def test_what_cannot_be_counted_is_refused(change: str, words: str) -> None:
    with pytest.raises(SpecError, match=words):
        Study.parse(STUDY, changes=["budget.cost=1", change])


def test_a_budget_on_cost_from_python_needs_prices_too(tmp_path: Path) -> None:
    study = Study.parse(STUDY.replace(", price: {prompt: 10, answer: 100, currency: EUR}", ""))
    with pytest.raises(RequestError, match="needs the price of every model"):
        study.run(runs=tmp_path, functions={"say": say}, budget=Budget(cost=1.0))
