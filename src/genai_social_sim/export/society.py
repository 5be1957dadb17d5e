"""The tidy tables, one function each; and those with a row for each thing that a society is made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from genai_social_sim.domain.events import (
    RunStarted,
    SessionEnded,
    SessionStarted,
)
from genai_social_sim.domain.population import as_text
from genai_social_sim.export import original
from genai_social_sim.export.asides import INTERVENTIONS, MEMORIES, PROBES
from genai_social_sim.export.facts import SAMPLING, Facts, written
from genai_social_sim.export.kinds import Fold, Kind, moment, named
from genai_social_sim.export.runs import CONDITIONS, RUNS
from genai_social_sim.export.source import Source, Step
from genai_social_sim.export.tables import Cell, Column, ColumnType, Row, Table
from genai_social_sim.export.transcript import CALLS, EVENTS, RUN, TURNS, UTTERANCES


class _Agents(Fold):
    attributes: tuple[Column, ...] = ()  # a column for each

    def take(self, step: Step) -> Iterable[Row]:
        event = step.recorded.event if step.recorded else None
        if isinstance(event, RunStarted):
            for agent in Facts(event).agents():
                who = (self.run, agent.name, agent.persona, agent.persona_template, agent.attributes)
                own = [_cell(agent.values.get(each.name.removeprefix(_OWN)), each) for each in self.attributes]
                yield (*who, agent.role, agent.authority, agent.backend, agent.options, *agent.sampling, *own)


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
    description="One row for each agent of a run, in the order of the record; at the end a column `attribute_NAME` for "
    "each attribute.",
    columns=(
        RUN,
        Column("agent", "text", "Name."),
        Column("persona", "text", "How it was described to its model."),
        Column("persona_template", "text", "The study's text for it, before names and attributes were put in."),
        Column("attributes", "json", "Facts about the agent that the study gives."),
        Column("role", "text", "What it was among the others; no value without a role."),
        Column("authority", "number", "Its own authority, or its role's; 1 without either."),
        Column("backend", "text", "What answered for it."),
        Column("model_options", "json", "The backend's own options: model, words, answers..."),
        *map(_sampling_column, SAMPLING),
    ),
    fold=_Agents,
    over=_with_attributes,
)


class _Channels(Fold):
    def take(self, step: Step) -> Iterable[Row]:
        event = step.recorded.event if step.recorded else None
        if isinstance(event, RunStarted):
            for channel in Facts(event).channels():
                members = (written(channel.members), len(channel.members))
                rules = (channel.protocol, channel.protocol_options, channel.act, channel.act_options, channel.window)
                opening = (channel.opening_from, channel.opening_text)
                yield (self.run, channel.name, *members, *rules, *opening, channel.network, channel.network_options)


CHANNELS: Final = Kind(
    name="channels",
    description="One row for each channel of a run, in the order of their names.",
    columns=(
        RUN,
        Column("channel", "text", "Name."),
        Column("members", "json", "Names of its members, in their order."),
        Column("size", "integer", "Number of its members."),
        Column("protocol", "text", "Whose turn is next: round_robin, random, simultaneous..."),
        Column("protocol_options", "json", "The protocol's further settings."),
        Column("act", "text", "What agents do with their turns: say, choose, rate."),
        Column("act_options", "json", "The act's further settings: options, scale, shuffle, labels, may_pass."),
        Column("window", "integer", "How many of the last utterances a prompt shows at least, if so many there are."),
        Column("opening_from", "text", "Whose name the study puts before the opening."),
        Column("opening_text", "text", "The opening that the study gives. What was said in fact: table `utterances`."),
        Column("network", "text", "Kind of its network; no value where everybody hears everybody."),
        Column("network_options", "json", "The network's further settings. What came of it: table `edges`."),
    ),
    fold=_Channels,
)


class _Edges(Fold):
    def take(self, step: Step) -> Iterable[Row]:
        event = step.recorded.event if step.recorded else None
        if isinstance(event, RunStarted):
            facts = Facts(event)
            for channel in facts.channels():
                for edge in facts.edges(channel.name):
                    yield (self.run, channel.name, *edge)


EDGES: Final = Kind(
    name="edges",
    description="One row for each edge of a channel's network as the run began; none where everybody hears everybody.",
    columns=(
        RUN,
        Column("channel", "text", "Name of the channel."),
        Column("speaker", "text", "Who is heard."),
        Column("listener", "text", "By whom."),
        Column(
            "weight", "number", "How much that counts for agents that follow a rule; 1 if the network has no weights."
        ),
        Column("directed", "flag", "Whether only the listener hears the speaker; else both hear each other."),
    ),
    fold=_Edges,
)


class _Sessions(Fold):
    def __init__(self, source: Source) -> None:
        super().__init__(source)
        self._number = -1
        self._open: tuple[Cell, ...] | None = None  # run, number, started_at, resumed, about

    def take(self, step: Step) -> Iterable[Row]:
        if step.recorded is None:
            return
        at = moment(step.recorded.at)
        match step.recorded.event:
            case SessionStarted(resumed=resumed, about=about):
                yield from self._closed(None, "killed", None)
                self._number += 1
                self._open = (self.run, self._number, at, resumed, about.value)
            case SessionEnded(status=status, detail=detail):
                yield from self._closed(at, status, detail.value or None)
            case _:
                pass  # only sessions matter here

    def end(self) -> Iterable[Row]:
        return self._closed(None, "running", None)

    def _closed(self, ended_at: str | None, status: str, detail: str | None) -> Iterable[Row]:
        begun, self._open = self._open, None
        return () if begun is None else ((*begun, ended_at, status, detail),)


SESSIONS: Final = Kind(
    name="sessions",
    description="One row for each process that worked on a run.",
    columns=(
        RUN,
        Column("session", "integer", "Number of the session within the run, from 0."),
        Column("started_at", "time", "When it began."),
        Column("resumed", "flag", "Whether it went on with a run begun before."),
        Column("about", "json", "Its settings, versions, machine and models."),
        Column("ended_at", "time", "When it ended in good order; no value if it did not."),
        Column(
            "status",
            "text",
            "finished, interrupted or failed; killed: it ended without a word and another followed; running: the "
            "record knows no end of it.",
        ),
        Column("detail", "text", "Why it was interrupted or failed."),
    ),
    fold=_Sessions,
)

TIDY: Final = (
    RUNS,
    CONDITIONS,
    AGENTS,
    CHANNELS,
    EDGES,
    UTTERANCES,
    TURNS,
    PROBES,
    MEMORIES,
    INTERVENTIONS,
    CALLS,
    SESSIONS,
    EVENTS,
)
ORIGINAL: Final = (original.CHAT, original.ANALYTICS)


def table(name: str, *sources: Source) -> Table:
    """A table by its name; raises RequestError if there is none of it."""
    return named((*TIDY, *ORIGINAL), name).table(*sources)


def runs(*sources: Source) -> Table:
    """One row for each run."""
    return RUNS.table(*sources)


def conditions(*sources: Source) -> Table:
    """One row for each factor of the runs' conditions."""
    return CONDITIONS.table(*sources)


def agents(*sources: Source) -> Table:
    """One row for each agent of a run."""
    return AGENTS.table(*sources)


def channels(*sources: Source) -> Table:
    """One row for each channel of a run."""
    return CHANNELS.table(*sources)


def edges(*sources: Source) -> Table:
    """One row for each edge of the networks, as the runs began."""
    return EDGES.table(*sources)


def utterances(*sources: Source) -> Table:
    """One row for each utterance, openings included."""
    return UTTERANCES.table(*sources)


def turns(*sources: Source) -> Table:
    """One row for each turn that was taken, silent ones included."""
    return TURNS.table(*sources)


def probes(*sources: Source) -> Table:
    """One row for each agent that was asked aside."""
    return PROBES.table(*sources)


def memories(*sources: Source) -> Table:
    """One row for each time an agent's memory was made up."""
    return MEMORIES.table(*sources)


def interventions(*sources: Source) -> Table:
    """One row for each planned change that took effect."""
    return INTERVENTIONS.table(*sources)


def calls(*sources: Source) -> Table:
    """One row for each attempt at a model call that reported back."""
    return CALLS.table(*sources)


def sessions(*sources: Source) -> Table:
    """One row for each process that worked on a run."""
    return SESSIONS.table(*sources)


def events(*sources: Source) -> Table:
    """One row for each recorded event."""
    return EVENTS.table(*sources)


def chat(*sources: Source) -> Table:
    """The original's `chat_export`: one row for each utterance."""
    return original.CHAT.table(*sources)


def analytics(*sources: Source) -> Table:
    """The original's `analytics_export`: one row for each agent in each of its channels."""
    return original.ANALYTICS.table(*sources)
