"""The kind of table with a row for each agent, and one more for each change of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from genai_social_sim.domain.events import Intervened, RunStarted
from genai_social_sim.domain.population import as_text
from genai_social_sim.export.facts import SAMPLING, AgentFacts, Facts
from genai_social_sim.export.kinds import Fold, Kind
from genai_social_sim.export.source import Source, Step
from genai_social_sim.export.tables import Cell, Column, ColumnType, Row
from genai_social_sim.export.transcript import RUN


class _Agents(Fold):
    takes = (RunStarted, Intervened)
    attributes: tuple[Column, ...] = ()  # a column for each

    def __init__(self, source: Source) -> None:
        super().__init__(source)
        self._began: RunStarted | None = None
        self._now: dict[str, AgentFacts] = {}  # once somebody has changed

    def take(self, step: Step) -> Iterable[Row]:
        event = step.recorded.event if step.recorded else None
        if isinstance(event, RunStarted):
            self._began = event
            for agent in Facts(event).agents():
                yield self._row(agent, 0)
        elif isinstance(event, Intervened) and self._began is not None:
            change = json.loads(event.change.value)
            if change.get("kind") in _DESCRIBED:
                self._now = self._now or {agent.name: agent for agent in Facts(self._began).agents()}
                for agent in changed_agents(change, self._now):
                    self._now[agent.name] = agent
                    yield self._row(agent, event.turn)

    def _row(self, agent: AgentFacts, turn: int) -> Row:
        who = (self.run, agent.name, agent.persona, agent.persona_template, agent.attributes)
        own = [_cell(agent.values.get(each.name.removeprefix(_OWN)), each) for each in self.attributes]
        return (*who, agent.role, agent.authority, agent.backend, agent.options, *agent.sampling, turn, *own)


_DESCRIBED: Final = ("change_persona", "change_role", "change_sampling", "change_model")


def changed_agents(change: Mapping[str, Any], now: Mapping[str, AgentFacts]) -> Iterator[AgentFacts]:
    """Those of whom something else is so after a change that a record holds."""
    for name, new in _new_facts(change):
        if name in now:
            agent = now[name]
            sampling = zip(SAMPLING, agent.sampling, strict=True)
            asked = tuple([new.get(key, value) for key, value in sampling])
            kept = {key: value for key, value in new.items() if key not in SAMPLING}
            yield replace(agent, **kept, sampling=asked)


def _new_facts(change: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """What is new of each."""
    match change["kind"]:
        case "change_persona":
            yield from [(name, {"persona": text, "persona_template": None}) for name, text in change["personas"]]
        case "change_model":
            for name, model in change["models"]:
                yield name, {"backend": model["backend"], "options": model["options"], **model["sampling"]}
        case _:
            new = {key: value for key, value in change.items() if key not in ("kind", "agents")}
            yield from [(name, new) for name in change["agents"]]


_OWN: Final = "attribute_"


def _with_attributes(kind: Kind, sources: Sequence[Source]) -> Kind:
    """With a column for each attribute that an agent of any of the runs has."""
    types: dict[str, set[type]] = {}
    for source in sources:
        started = next(iter(source.record.events()), None)
        if started is not None and isinstance(started.event, RunStarted):
            for agent in Facts(started.event).agents():
                for name, value in agent.values.items():
                    types.setdefault(name, set()).add(type(value))
    columns = tuple([Column(_OWN + name, _type(types[name]), f"The attribute `{name}`.") for name in sorted(types)])
    fold = type("_Agents", (_Agents,), {"attributes": columns})
    return replace(kind, columns=(*kind.columns, *columns), fold=fold)


def _type(types: set[type]) -> ColumnType:
    """The narrowest type of a column that holds values of all these."""
    narrow: tuple[tuple[set[type], ColumnType], ...] = (({bool}, "flag"), ({int}, "integer"), ({int, float}, "number"))
    return next((name for known, name in narrow if types <= known), "text")


def _cell(value: Any, column: Column) -> Cell:
    if value is None or column.type in ("flag", "integer"):
        return value  # type: ignore[no-any-return]
    return float(value) if column.type == "number" else as_text(value)


_SAMPLING_WORDS: Final[Mapping[str, str]] = {
    "temperature": "How freely words are drawn: 0 takes the likeliest.",
    "top_p": "Words are drawn from the likeliest that make up this share.",
    "top_k": "Words are drawn from this many at most; 0 is off.",
    "min_p": "Words less likely than this share of the likeliest are left out.",
    "repeat_penalty": "Above 1, words already used are less likely.",
    "max_tokens": "The longest answer, in the model's tokens.",
}


def _sampling_column(name: str) -> Column:
    words = _SAMPLING_WORDS[name] + ("" if name == "max_tokens" else " No value: the backend's own default.")
    return Column(name, "integer" if name in ("top_k", "max_tokens") else "number", words)


AGENTS: Final = Kind(
    name="agents",
    description="One row for each agent as a run began, in the order of the record, and one more for each "
    "intervention that made it another; at the end a column `attribute_NAME` for each attribute.",
    columns=(
        RUN,
        Column("agent", "text", "Name."),
        Column("persona", "text", "How it was described to its model."),
        Column(
            "persona_template",
            "text",
            "The study's text for it, before names and attributes were put in; no value after a change.",
        ),
        Column("attributes", "json", "Facts about the agent that the study gives."),
        Column("role", "text", "What it was among the others; no value without a role."),
        Column("authority", "number", "Its own authority, or its role's; 1 without either."),
        Column("backend", "text", "What answered for it."),
        Column("model_options", "json", "The backend's own options: model, words, answers..."),
        *map(_sampling_column, SAMPLING),
        Column("from_turn", "integer", "Turns that had been taken when this became so; 0 as the run began."),
    ),
    fold=_Agents,
    over=_with_attributes,
)
