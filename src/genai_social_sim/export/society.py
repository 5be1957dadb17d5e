"""The tidy tables, one function each; and those with a row for each thing that a society is made of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from genai_social_sim.domain.events import (
    RunStarted,
    SessionEnded,
    SessionStarted,
)
from genai_social_sim.export import original
from genai_social_sim.export.agents import AGENTS
from genai_social_sim.export.asides import INTERVENTIONS, MEMORIES, POWERS, PROBES
from genai_social_sim.export.edges import EDGES
from genai_social_sim.export.facts import Facts, written
from genai_social_sim.export.forum import ACTS, EXPOSURES, POSTS
from genai_social_sim.export.kinds import Fold, Kind, moment, named
from genai_social_sim.export.runs import CONDITIONS, RUNS
from genai_social_sim.export.source import Source, Step
from genai_social_sim.export.tables import Cell, Column, Row, Table
from genai_social_sim.export.transcript import CALLS, EVENTS, RUN, TURNS, UTTERANCES


class _Channels(Fold):
    takes = (RunStarted,)

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


class _Sessions(Fold):
    takes = (SessionStarted, SessionEnded)

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
    POSTS,
    ACTS,
    EXPOSURES,
    PROBES,
    MEMORIES,
    POWERS,
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
    """One row for each agent of a run, and one more from each change of it on."""
    return AGENTS.table(*sources)


def channels(*sources: Source) -> Table:
    """One row for each channel of a run."""
    return CHANNELS.table(*sources)


def edges(*sources: Source) -> Table:
    """One row for each edge of the networks, and the time through which it was there."""
    return EDGES.table(*sources)


def utterances(*sources: Source) -> Table:
    """One row for each utterance, openings included."""
    return UTTERANCES.table(*sources)


def turns(*sources: Source) -> Table:
    """One row for each turn that was taken, silent ones included."""
    return TURNS.table(*sources)


def posts(*sources: Source) -> Table:
    """One row for each post of a forum."""
    return POSTS.table(*sources)


def acts(*sources: Source) -> Table:
    """One row for each turn in which an agent chose what to do in a forum."""
    return ACTS.table(*sources)


def exposures(*sources: Source) -> Table:
    """One row for each post that an agent was shown in a forum."""
    return EXPOSURES.table(*sources)


def probes(*sources: Source) -> Table:
    """One row for each agent that was asked aside."""
    return PROBES.table(*sources)


def memories(*sources: Source) -> Table:
    """One row for each time an agent's memory was made up."""
    return MEMORIES.table(*sources)


def powers(*sources: Source) -> Table:
    """One row for each time an agent was asked what it does with its role's powers."""
    return POWERS.table(*sources)


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
