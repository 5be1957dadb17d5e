"""What the models of a study cost: the price of each agent's, and what is wrong with prices and a budget on cost."""

from __future__ import annotations

from collections.abc import Iterator

from genai_social_sim.domain.ids import AgentId
from genai_social_sim.domain.price import Price, Prices
from genai_social_sim.study.document import StudyDoc
from genai_social_sim.study.models import SAMPLING_KEYS, ModelDoc, PriceDoc
from genai_social_sim.study.refusals import Problem, listed
from genai_social_sim.study.source import Path

_KEEPS_PRICE = frozenset(SAMPLING_KEYS)


def prices_of(study: StudyDoc) -> Prices:
    """The price of each agent's model, for those that have one."""
    docs = {agent.name: _price(study.model, agent.model) for agent in study.agents}
    of = {AgentId(name): Price(prompt=doc.prompt, answer=doc.answer) for name, doc in docs.items() if doc is not None}
    currencies = [doc.currency for doc in docs.values() if doc is not None and doc.currency]
    return Prices(of=of, currency=currencies[0] if currencies else "")


def problems_of_prices(study: StudyDoc) -> Iterator[Problem]:
    """Prices that cannot be added up, and a budget that could not be kept."""
    first = ""
    for path, price in _written(study):
        if price.currency and first and price.currency != first:
            text = f"prices in {price.currency} and in {first} cannot be added up"
            yield Problem((*path, "currency"), text, "Give all prices in one currency.")
        first = first or price.currency or ""
    unpriced = [agent.name for agent in study.agents if _price(study.model, agent.model) is None]
    if study.budget.cost is not None and unpriced:
        text = f"what the calls of {listed(unpriced)} cost is not known: their model has no price"
        remedy = "Give it one, for a million tokens: `price: {prompt: 0.15, answer: 0.60}`; 0 for what costs nothing."
        yield Problem(("budget", "cost"), text, remedy)


def _price(study: ModelDoc, agent: ModelDoc | None) -> PriceDoc | None:
    """The agent's own price; or the study's, if what answers is the same."""
    if agent is None or agent.price is not None:
        return (agent or study).price
    return study.price if agent.model_fields_set | agent.options.keys() <= _KEEPS_PRICE else None


def _written(study: StudyDoc) -> Iterator[tuple[Path, PriceDoc]]:
    if study.model.price is not None:
        yield ("model", "price"), study.model.price
    for index, agent in enumerate(study.agents):
        if agent.model is not None and agent.model.price is not None:
            yield ("agents", index, "model", "price"), agent.model.price
