"""Prices in a record: each session holds those that its calls were counted with, so that a run can go on with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from genai_social_sim.domain.ids import AgentId
from genai_social_sim.domain.plan import RunPlan
from genai_social_sim.domain.price import Price, Prices
from genai_social_sim.engine.budget import Budget
from genai_social_sim.errors import RequestError


def written(prices: Prices, plan: RunPlan) -> dict[str, Any]:
    """For the settings of a session: each price once, with the agents that it is for unless that is all of them."""
    if not prices:
        return {}
    everybody = [agent.name for agent in plan.agents]
    found = []
    for price in dict.fromkeys(prices.of.values()):
        agents = [name for name in everybody if prices.of.get(name) == price]
        whose = {} if agents == everybody else {"agents": agents}
        found.append({"prompt": price.prompt, "answer": price.answer, **whose})
    return {"prices": found, "currency": prices.currency}


def recorded(settings: Mapping[str, Any], plan: RunPlan) -> Prices:
    """The prices that `written` wrote."""
    of: dict[AgentId, Price] = {}
    for each in settings.get("prices", ()):
        price = Price(prompt=each["prompt"], answer=each["answer"])
        of |= dict.fromkeys(map(AgentId, each.get("agents") or [agent.name for agent in plan.agents]), price)
    return Prices(of=of, currency=str(settings.get("currency", "")))


def told(prices: Prices, budget: Budget, plan: RunPlan) -> dict[str, Any]:
    """For the settings of a session: its prices; and its budget, in the words of a study, if it has one."""
    given = {"tokens": budget.tokens, "time": budget.seconds, "cost": budget.cost}
    kept = {name: limit for name, limit in given.items() if limit is not None}
    return written(prices, plan) | ({"budget": kept} if kept else {})


def check(prices: Prices, budget: Budget, plan: RunPlan, sessions: Sequence[Mapping[str, Any]]) -> None:
    """Raises RequestError if costs could not be added up, or a budget on them not be kept."""
    if budget.cost is not None and not all(agent.name in prices.of for agent in plan.agents):
        raise RequestError(
            "a budget on cost needs the price of every model",
            remedy="Give it in the study: model: {price: {prompt: 0.15, answer: 0.60}}; 0 for what costs nothing.",
        )
    for session in sessions:
        before = recorded(session.get("settings", {}), plan)
        if before and prices and before.currency != prices.currency:
            raise RequestError(
                f"the calls of this run so far were counted in {before.currency or 'no currency'}, and what "
                f"{prices.currency or 'has none'} comes to cannot be added to that",
                remedy="Give the prices in the currency that the run began with.",
            )
