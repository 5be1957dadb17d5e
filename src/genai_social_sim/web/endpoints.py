"""The API: each address with what it takes and gives. Routes and the OpenAPI document both follow from this list."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, NamedTuple

from pydantic import BaseModel, BeforeValidator, Field

from genai_social_sim.domain.events import RunStarted
from genai_social_sim.errors import RecordError
from genai_social_sim.web.comparison import Comparison, compare
from genai_social_sim.web.folder import Folder
from genai_social_sim.web.health import Health, health
from genai_social_sim.web.history import History, Place, history, place
from genai_social_sim.web.network import Network, Networks
from genai_social_sim.web.search import Found, search
from genai_social_sim.web.society import AgentDocument, Society, agent_of, society
from genai_social_sim.web.sources import Facts, Measured, Sources
from genai_social_sim.web.states import About, Course, Stated, Statements, States, probed
from genai_social_sim.web.summary import LIVELY, RunRow, Runs, Summaries
from genai_social_sim.web.tally import Tallies, Tally
from genai_social_sim.web.trend import Trend, trend

_WHOLE: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,18})")
_LARGEST: Final = 2**62  # positions and turns


def _whole(value: object) -> object:
    """Numbers as people write them, and in no other form."""
    if isinstance(value, str) and not _WHOLE.fullmatch(value):
        raise ValueError("not a whole number")
    return value


_AS_WRITTEN: Final = BeforeValidator(_whole)
After = Annotated[
    int, Field(ge=-1, le=_LARGEST, description="A position of the log; -1: from the beginning."), _AS_WRITTEN
]
Words = Annotated[str, Field(max_length=500)]
Name = Annotated[str, Field(min_length=1, max_length=1000)]


class OfNetwork(BaseModel, extra="forbid"):
    """A channel's network."""

    run: Annotated[Name, Field(description="Name of the run, as the list of runs has it.")]
    channel: Annotated[Words, Field(description="Name of the channel; empty: the first one.")] = ""


class Nothing(BaseModel, extra="forbid"):
    """No parameters."""


class OfRun(BaseModel, extra="forbid"):
    """A run, as the list names it."""

    run: Annotated[Name, Field(description="Name of the run, as the list of runs has it.")]


class OfHistory(OfRun):
    """Which part of a log."""

    after: After = -1
    limit: Annotated[int, Field(ge=1, le=5000, description="Positions of the log to look at."), _AS_WRITTEN] = 500
    channel: Annotated[Words, Field(description="Leave out what happened in other channels.")] = ""


class OfSearch(OfRun):
    """What is looked for."""

    q: Annotated[Words, Field(min_length=1, description="Words to find, whatever their case.")]
    after: After = -1
    limit: Annotated[int, Field(ge=1, le=500, description="Most items to give."), _AS_WRITTEN] = 50


class OfTurn(OfRun):
    """A turn, or a question aside before it."""

    turn: Annotated[int, Field(ge=0, le=_LARGEST, description="Number of the turn, from 0."), _AS_WRITTEN]
    probe: Annotated[Words, Field(description="Name of a probe: what was asked aside before that turn.")] = ""
    agent: Annotated[Words, Field(description="With probe: who was asked.")] = ""


class OfPlace(OfRun):
    """A turn."""

    turn: Annotated[int, Field(ge=0, le=_LARGEST, description="Number of the turn, from 0."), _AS_WRITTEN]


class OfCourse(OfRun):
    """What agents state."""

    of: Annotated[Words, Field(min_length=1, description="`said`: in their turns; else the name of a probe.")] = "said"
    channel: Annotated[Words, Field(description="Leave out what was stated in other channels.")] = ""


class OfStates(OfCourse):
    """What agents of a channel stated last."""

    turn: Annotated[int, Field(ge=0, le=_LARGEST, description="Before which turn.", examples=[0]), _AS_WRITTEN]


class OfTwo(BaseModel, extra="forbid"):
    """Two runs."""

    a: Annotated[Name, Field(description="Name of one run.")]
    b: Annotated[Name, Field(description="Name of the other one.")]


class OfAgent(OfRun):
    """An agent of a run."""

    agent: Annotated[Name, Field(description="Name of the agent.")]


class Site(NamedTuple):
    """What the endpoints answer from."""

    folder: Folder
    sources: Sources
    summaries: Summaries
    tallies: Tallies
    networks: Networks
    statements: Statements

    def facts(self, run: str) -> Facts:
        """The study of a run; raises RecordError."""
        return self.sources.facts(self.started(run))

    def started(self, run: str) -> RunStarted:
        """The first event of a run; raises RecordError."""
        with self.folder.record(run) as record:
            first = next(iter(record.events()), None)
        if first is None or not isinstance(first.event, RunStarted):
            raise RecordError("the first event of this record is missing")
        return first.event


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """An address. `query` has its parameters, those in `path` included; `gives` is the type of what it answers."""

    path: str
    name: str
    about: str
    query: type[BaseModel]
    gives: Any
    call: Callable[[Site, Any], Any]


def _runs(site: Site, query: Nothing) -> Runs:
    return site.summaries.all()


def _run(site: Site, query: OfRun) -> RunRow:
    return site.summaries.one(query.run)


def _history(site: Site, query: OfHistory) -> History:
    with site.folder.record(query.run) as record:
        return history(
            record, after=query.after, limit=query.limit, channel=query.channel, now=site.sources.clock.now()
        )


def _place(site: Site, query: OfPlace) -> Place:
    with site.folder.record(query.run) as record:
        return place(record, query.turn)


def _search(site: Site, query: OfSearch) -> Found:
    with site.folder.record(query.run) as record:
        return search(record, query.q, after=query.after, limit=query.limit)


def _tally(site: Site, query: OfRun) -> Tally:
    with site.folder.record(query.run) as record:
        return site.tallies.of(query.run, record, site.sources.clock.now())


def _turn(site: Site, query: OfTurn) -> Mapping[str, Any]:
    return site.sources.turn(site.folder.path(query.run), query.turn, query.probe, query.agent)


def _health(site: Site, query: OfRun) -> Health:
    row = site.summaries.one(query.run)
    path = site.folder.path(query.run)
    due = site.sources.due(path) if row["status"] in LIVELY else ()
    with site.folder.record(query.run) as record:
        return health(record, due, most=row["most"], now=site.sources.clock.now())


def _network(site: Site, query: OfNetwork) -> Network:
    with site.folder.record(query.run) as record:
        probes, mark = probed(record), record.origin().id
    return site.networks.of(query.run, mark, site.facts(query.run), query.channel, probes)


def _states(site: Site, query: OfStates) -> States:
    nodes = _network(site, OfNetwork(run=query.run, channel=query.channel))["nodes"]
    with site.folder.record(query.run) as record:
        about = About(query.of, query.channel)
        return site.statements.states(query.run, record, about, turn=query.turn, agents=nodes)


def _stated(site: Site, query: OfRun) -> Stated:
    with site.folder.record(query.run) as record:
        return {"stated": ["said", *probed(record)]}


def _course(site: Site, query: OfCourse) -> Course:
    with site.folder.record(query.run) as record:
        return site.statements.course(query.run, record, About(query.of, query.channel))


def _trend(site: Site, query: OfRun) -> Trend:
    with site.folder.record(query.run) as record:
        return trend(record)


def _measures(site: Site, query: OfRun) -> Measured:
    return site.sources.measures(site.folder.path(query.run))


def _compare(site: Site, query: OfTwo) -> Comparison:
    with site.folder.record(query.a) as a, site.folder.record(query.b) as b:
        return compare(a, b)


def _society(site: Site, query: OfRun) -> Society:
    return society(site.facts(query.run))


def _agent(site: Site, query: OfAgent) -> AgentDocument:
    return agent_of(site.facts(query.run), query.agent)


ENDPOINTS: Final = (
    Endpoint(
        path="/api/runs",
        name="runs",
        about="All run files of the folder.",
        query=Nothing,
        gives=Runs,
        call=_runs,
    ),
    Endpoint(path="/api/runs/{run}", name="run", about="One run at a glance.", query=OfRun, gives=RunRow, call=_run),
    Endpoint(
        path="/api/runs/{run}/history",
        name="history",
        about="What happened after a position of the log. Asked again `after` its `next`, it follows a run as it is "
        "played.",
        query=OfHistory,
        gives=History,
        call=_history,
    ),
    Endpoint(
        path="/api/runs/{run}/place",
        name="place",
        about="Where a turn lies in the log.",
        query=OfPlace,
        gives=Place,
        call=_place,
    ),
    Endpoint(
        path="/api/runs/{run}/search",
        name="search",
        about="What was said that holds some words.",
        query=OfSearch,
        gives=Found,
        call=_search,
    ),
    Endpoint(
        path="/api/runs/{run}/tally",
        name="tally",
        about="Counts of turns, silences, failures, tokens and cost, up to a position of the log.",
        query=OfRun,
        gives=Tally,
        call=_tally,
    ),
    Endpoint(
        path="/api/runs/{run}/turns/{turn}",
        name="turn",
        about="All of a turn: exactly what the model was sent and answered, parameters, seed, attempts and timings.",
        query=OfTurn,
        gives=dict[str, Any],
        call=_turn,
    ),
    Endpoint(
        path="/api/runs/{run}/health",
        name="health",
        about="What is waited for and since when, the processes that worked on it, and what went wrong lately.",
        query=OfRun,
        gives=Health,
        call=_health,
    ),
    Endpoint(
        path="/api/runs/{run}/network",
        name="network",
        about="Who hears whom in a channel as the run began, laid out from a seed.",
        query=OfNetwork,
        gives=Network,
        call=_network,
    ),
    Endpoint(
        path="/api/runs/{run}/states",
        name="states",
        about="What each agent of a channel stated last before a turn.",
        query=OfStates,
        gives=States,
        call=_states,
    ),
    Endpoint(
        path="/api/runs/{run}/stated",
        name="stated",
        about="By what agents state something: in their turns, and asked aside by probes.",
        query=OfRun,
        gives=Stated,
        call=_stated,
    ),
    Endpoint(
        path="/api/runs/{run}/course",
        name="course",
        about="How what agents state changes over the run.",
        query=OfCourse,
        gives=Course,
        call=_course,
    ),
    Endpoint(
        path="/api/runs/{run}/trend",
        name="trend",
        about="How much was said, how long it took and how much it used, over the run's turns.",
        query=OfRun,
        gives=Trend,
        call=_trend,
    ),
    Endpoint(
        path="/api/runs/{run}/measures",
        name="measures",
        about="What `gss measure` says of the whole run.",
        query=OfRun,
        gives=Measured,
        call=_measures,
    ),
    Endpoint(
        path="/api/compare",
        name="compare",
        about="Two runs: what was set differently, and the first thing that happened differently.",
        query=OfTwo,
        gives=Comparison,
        call=_compare,
    ),
    Endpoint(
        path="/api/runs/{run}/society",
        name="society",
        about="Who takes part, and in which channels.",
        query=OfRun,
        gives=Society,
        call=_society,
    ),
    Endpoint(
        path="/api/runs/{run}/agents/{agent}",
        name="agent",
        about="An agent with its persona and attributes.",
        query=OfAgent,
        gives=AgentDocument,
        call=_agent,
    ),
)
