"""What the models of a study cost: the price of each agent's, and what is wrong with prices and a budget on cost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from genai_social_sim.domain.ids import AgentId
from genai_social_sim.domain.price import Price, Prices
from genai_social_sim.study.changes import ModelChangeDoc
from genai_social_sim.study.document import StudyDoc
from genai_social_sim.study.models import SAMPLING_KEYS, ModelDoc, PriceDoc
from genai_social_sim.study.refusals import Problem, listed
from genai_social_sim.study.residents import Resident, written_models
from genai_social_sim.study.source import Path

_KEEPS_PRICE = frozenset(SAMPLING_KEYS)


def prices_of(study: StudyDoc, everybody: Iterable[Resident]) -> Prices:
    """The price of each agent's model, for those that have one."""
    if not any(_written(study)):
        return Prices()
    docs = {each.name: _price(study.model, *each.models) for each in everybody}
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
    yield from _changes(study)
    unpriced = list(_unpriced(study))
    if study.budget.cost is not None and unpriced:
        text = f"what the calls of {listed(unpriced)} cost is not known: their model has no price"
        remedy = "Give it one, for a million tokens: `price: {prompt: 0.15, answer: 0.60}`; 0 for what costs nothing."
        yield Problem(("budget", "cost"), text, remedy)


def _changes(study: StudyDoc) -> Iterator[Problem]:
    """Models that answer from some point on: costs are counted by the price that an agent began with."""
    priced = any(_written(study))
    for index, change in enumerate(study.interventions):
        if not isinstance(change, ModelChangeDoc):
            continue
        path: Path = ("interventions", index, "model")
        if change.model.price is not None:
            remedy = "Delete it; a study whose models change can be counted in tokens (`budget: {tokens: ...}`)."
            yield Problem((*path, "price"), "an intervention has no price of its own", remedy)
        elif priced and not change.model.model_fields_set | change.model.options.keys() <= _KEEPS_PRICE:
            text = "another model answers then, and costs are counted at the price that its agents begin with"
            yield Problem(path, text, "Change sampling keys alone, or delete the prices of the study.")


def _unpriced(study: StudyDoc) -> Iterator[str]:
    """Who has a model without a price; of a population it does not matter who that will be."""
    for agent in study.agents:
        if _price(study.model, agent.model) is None:
            yield agent.name
    if study.population is not None:
        own = study.population.model
        groups = [(f"groups[{at}]", group.model) for at, group in enumerate(study.population.groups)]
        for name, model in [("the population", None), *groups]:
            if _price(study.model, own, model) is None:
                yield name


def _price(study: ModelDoc, *models: ModelDoc | None) -> PriceDoc | None:
    """The price of the last of some models that stand over one another; that of one before, if what answers is it."""
    price = study.price
    for model in models:
        if model is None:
            continue
        if model.price is not None:
            price = model.price
        elif not model.model_fields_set | model.options.keys() <= _KEEPS_PRICE:
            price = None
    return price


def _written(study: StudyDoc) -> Iterator[tuple[Path, PriceDoc]]:
    for path, model, _ in written_models(study):
        if model.price is not None:
            yield (*path, "price"), model.price
