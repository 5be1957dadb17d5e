"""The API: each address with what it takes and gives. Routes and the OpenAPI document both follow from this list."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from pydantic import BaseModel

from genai_social_sim.domain.events import RunStarted
from genai_social_sim.domain.feed import Shown
from genai_social_sim.errors import RecordError
from genai_social_sim.web.comparison import Comparison, compare
from genai_social_sim.web.conditions import ComparedMeasures, Conditioned, Conditions
from genai_social_sim.web.crew import queue_of
from genai_social_sim.web.family import Family, family
from genai_social_sim.web.folder import Folder
from genai_social_sim.web.forum import Boards, Threads
from genai_social_sim.web.health import Health, broker_of, health
from genai_social_sim.web.history import History, Place, history, place
from genai_social_sim.web.network import Asked, Network, Networks, NoSuchChannelError, channel_of
from genai_social_sim.web.queries import (
    OfAgent,
    OfConditions,
    OfCourse,
    OfHistory,
    OfNetwork,
    OfNetworkAt,
    OfPlace,
    OfRun,
    OfRuns,
    OfSearch,
    OfStates,
    OfStudy,
    OfThreads,
    OfTurn,
    OfTwo,
)
from genai_social_sim.web.search import Found, search
from genai_social_sim.web.society import AgentDocument, Society, agent_of, round_turns, society
from genai_social_sim.web.sources import Facts, Influence, Measured, Sources
from genai_social_sim.web.states import About, Course, Stated, Statements, States, probed
from genai_social_sim.web.summary import LIVELY, RunRow, Runs, Summaries
from genai_social_sim.web.tally import Tallies, Tally
from genai_social_sim.web.trend import Trend, trend

_LAST_CHANGE: Final = "SELECT max(seq) FROM events WHERE kind = 'intervened'"


class Site(NamedTuple):
    """What the endpoints answer from."""

    folder: Folder
    sources: Sources
    summaries: Summaries
    tallies: Tallies
    networks: Networks
    statements: Statements
    conditioned: Conditioned
    boards: Boards

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


def _runs(site: Site, query: OfRuns) -> Runs:
    return site.summaries.all(query.after)


def _family(site: Site, query: OfRun) -> Family:
    site.folder.path(query.run)
    found = site.summaries.all()
    return family(found["runs"], query.run, found["unread"])


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
    found = site.sources.turn(site.folder.path(query.run), query.turn, query.probe, query.agent)
    feed = tuple([Shown(*each) for each in found["feed"]])
    rest = {key: value for key, value in found.items() if key != "feed"}
    if not feed:
        return rest
    with site.folder.record(query.run) as record:
        return {**rest, "read": site.boards.shown(query.run, record, found["channel"], feed)}


def _threads(site: Site, query: OfThreads) -> Threads:
    channel = channel_of(site.facts(query.run), query.channel)
    if channel.protocol != "forum":
        raise NoSuchChannelError(f"the channel {channel.name!r} is no forum")
    with site.folder.record(query.run) as record:
        return site.boards.threads(
            query.run,
            record,
            channel.name,
            turn=query.turn,
            order=query.order,
            skip=query.skip,
            limit=query.limit,
        )


def _health(site: Site, query: OfRun) -> Health:
    row = site.summaries.one(query.run)
    path = site.folder.path(query.run)
    due = site.sources.due(path) if row["status"] in LIVELY else ()
    wanted = {each["agent"] for each in due}
    posts = site.facts(query.run).posts() if wanted else ()
    backends = {name: backend or "" for name, _, backend in posts if name in wanted}
    with site.folder.record(query.run) as record:
        broker = broker_of(record) if row["status"] in LIVELY else None
    queue = None if broker is None else queue_of(site.sources.held(broker.run, own=broker.is_own))
    with site.folder.record(query.run) as record:
        return health(record, due, backends, most=row["most"], now=site.sources.clock.now(), queue=queue)


def _network(site: Site, query: OfNetworkAt) -> Network:
    facts = site.facts(query.run)
    with site.folder.record(query.run) as record:
        probes, origin = probed(record), record.origin().id
        last = next(iter(record.query(_LAST_CHANGE)), (None,))[0] if facts.edges_change else None
    edges = None if last is None else site.sources.edges(site.folder.path(query.run))
    asked = Asked(f"{query.run}\n{origin}", query.channel, query.turn, probes, last)
    return site.networks.of(asked, facts, edges)


def _influence(site: Site, query: OfNetwork) -> Influence:
    channel = channel_of(site.facts(query.run), query.channel)
    return site.sources.influence(site.folder.path(query.run), channel.name)


def _states(site: Site, query: OfStates) -> States:
    members = channel_of(site.facts(query.run), query.channel).members
    with site.folder.record(query.run) as record:
        about = About(query.of, query.channel)
        return site.statements.states(query.run, record, about, turn=query.turn, agents=members)


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


def _conditions(site: Site, query: OfConditions) -> Conditions:
    return site.conditioned.courses(site.summaries.all()["runs"], query.study, query.of, query.category)


def _compared(site: Site, query: OfStudy) -> ComparedMeasures:
    return site.conditioned.measures(site.summaries.all()["runs"], query.study)


def _society(site: Site, query: OfRun) -> Society:
    with site.folder.record(query.run) as record:
        return society(site.facts(query.run), round_turns(record))


def _agent(site: Site, query: OfAgent) -> AgentDocument:
    return agent_of(site.facts(query.run), query.agent)


ENDPOINTS: Final = (
    Endpoint(
        path="/api/runs",
        name="runs",
        about="All run files of the folder, or those whose rows changed since it was asked last.",
        query=OfRuns,
        gives=Runs,
        call=_runs,
    ),
    Endpoint(path="/api/runs/{run}", name="run", about="One run at a glance.", query=OfRun, gives=RunRow, call=_run),
    Endpoint(
        path="/api/runs/{run}/family",
        name="family",
        about="The forks of a run, their forks, and the run that all of them come from.",
        query=OfRun,
        gives=Family,
        call=_family,
    ),
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
        path="/api/runs/{run}/threads",
        name="threads",
        about="Threads of a forum before a turn: posts, replies below what they reply to, and votes.",
        query=OfThreads,
        gives=Threads,
        call=_threads,
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
        about="Who hears whom in a channel before a turn, laid out from a seed.",
        query=OfNetworkAt,
        gives=Network,
        call=_network,
    ),
    Endpoint(
        path="/api/runs/{run}/influence",
        name="influence",
        about="How far each agent of a channel moved others over the whole run: the measure `influence`.",
        query=OfNetwork,
        gives=Influence,
        call=_influence,
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
        path="/api/conditions",
        name="conditions",
        about="Conditions of a study over time: mean and interval over the runs of each, and the runs themselves.",
        query=OfConditions,
        gives=Conditions,
        call=_conditions,
    ),
    Endpoint(
        path="/api/conditions/measures",
        name="condition_measures",
        about="Measures of whole runs by condition, with intervals; what differs most comes first.",
        query=OfStudy,
        gives=ComparedMeasures,
        call=_compared,
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
