"""What the calls of a run cost, counted by SQLite from what each of them is recorded to have cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from genai_social_sim.eventlog.reader import SqliteReader
from genai_social_sim.export.population import written_out

_OF_ALL: Final = """
    SELECT count(*), coalesce(sum(body ->> '$.tokens[0]'), 0), coalesce(sum(body ->> '$.tokens[1]'), 0),
           sum(body ->> 'cost'), coalesce(sum(body ->> 'cost' IS NULL), 0)
    FROM events WHERE kind = 'answered'
"""
_BY_AGENT: Final = """
    SELECT coalesce((SELECT body ->> 'agent' FROM events WHERE turn = a.turn AND kind IN ('spoke', 'fell_silent')), ''),
           count(*), sum(a.body ->> '$.tokens[0]'), sum(a.body ->> '$.tokens[1]'), coalesce(sum(a.body ->> 'cost'), 0.0)
    FROM events AS a WHERE a.kind = 'answered' GROUP BY 1 ORDER BY 1
"""
_CURRENCY: Final = """
    SELECT (SELECT text ->> '$.settings.currency' FROM texts WHERE id = CAST(e.texts AS INTEGER)) AS currency
    FROM events AS e
    WHERE kind = 'session_started' AND currency IS NOT NULL ORDER BY currency = '', seq DESC LIMIT 1
"""
_DIGITS: Final = 9
_UNDER_WAY: Final = "(turns without an outcome)"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCost:
    """The share of one model, as the study names it."""

    backend: str
    model: str
    calls: int
    prompt_tokens: int
    answer_tokens: int
    cost: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What the answers of a run cost at the study's prices, in `currency`, which is empty if the study names none.

    `uncounted`: answers that are not in the sum, because they had no price or came without a count of tokens.
    """

    sum: float
    currency: str
    uncounted: int
    models: tuple[ModelCost, ...]

    def __str__(self) -> str:
        return in_words(self.sum, self.currency)


def in_words(cost: float, currency: str) -> str:
    """Such as `0.0123 USD`: to cents, or to four digits where it is less than a unit."""
    number = f"{cost:,.2f}" if cost >= 1 or not cost else f"{cost:.4g}"
    return f"{number} {currency}".strip()


def cost_of(reader: SqliteReader, study: Mapping[str, Any]) -> Cost | None:
    """What a run cost so far; None if none of its answers has a cost."""
    priced = next(reader.query(_CURRENCY), None)
    calls, prompts, answers, total, uncounted = next(reader.query(_OF_ALL)) if priced else (0, 0, 0, None, 0)
    if priced is None or total is None:
        return None
    models = {agent["name"]: _named(agent.get("model", {})) for agent in written_out(study)["agents"]}
    if len(names := {*models.values()}) == 1:
        shares = {names.pop(): [calls, prompts, answers, total]}
    else:
        shares = _summed(models, reader)
    return Cost(
        sum=round(total, _DIGITS),
        currency=str(priced[0]),
        uncounted=uncounted,
        models=tuple([_share(*name, *counts) for name, counts in shares.items()]),
    )


def _summed(models: Mapping[str, tuple[str, str]], reader: SqliteReader) -> dict[tuple[str, str], list[Any]]:
    shares: dict[tuple[str, str], list[Any]] = {}
    for agent, *counts in reader.query(_BY_AGENT):
        name = models.get(agent, (_UNDER_WAY, ""))
        shares[name] = [sum(pair) for pair in zip(shares.get(name, [0] * len(counts)), counts, strict=True)]
    return shares


def _share(backend: str, model: str, *counts: Any) -> ModelCost:
    calls, prompts, answers, cost = counts
    return ModelCost(
        backend=backend,
        model=model,
        calls=calls,
        prompt_tokens=prompts,
        answer_tokens=answers,
        cost=round(cost, _DIGITS),
    )


def _named(model: Mapping[str, Any]) -> tuple[str, str]:
    return str(model.get("backend", "")), str(model.get("model", model.get("path", "")))
