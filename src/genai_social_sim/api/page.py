"""The page over run files: readers, facts and turns put together for `web`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from math import isinf
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from genai_social_sim.api.heard import Heard, heard
from genai_social_sim.api.holding import Holdings
from genai_social_sim.api.run import Run
from genai_social_sim.api.turned import Turned, document, turned
from genai_social_sim.domain.events import Aside, FellSilent, Intervened, RunStarted, Spoke
from genai_social_sim.domain.ids import AgentId
from genai_social_sim.engine.clock import SystemClock
from genai_social_sim.engine.conductor import Conductor
from genai_social_sim.engine.recovery import recovered
from genai_social_sim.errors import RequestError
from genai_social_sim.eventlog.reader import SqliteReader
from genai_social_sim.export.facts import Facts
from genai_social_sim.kernel.stage import Stage
from genai_social_sim.kernel.stopping import bound
from genai_social_sim.study.lowering import from_canonical, lower

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from genai_social_sim.web.guard import Terms
    from genai_social_sim.web.sources import EdgeRow, Influence, Measured, MeasureDocument, Sources

_LONG: Final = 300_000  # turns: the state of a longer run takes too long to be worked out while somebody waits
_MEASURED: Final = 20_000  # turns of a run that is measured at once
_LARGE: Final = 200_000  # characters of a study that is not worked out only to say how far a run is
_BEFORE: Final = """
    SELECT turn, seq FROM events WHERE kind IN ('spoke', 'fell_silent') AND turn < ? AND body ->> 'agent' = ?
    AND body ->> 'channel' = ? ORDER BY seq DESC LIMIT 1
"""
_ABOUT: Final = """
    SELECT (SELECT text FROM texts WHERE id = CAST(e.texts AS INTEGER)), seq FROM events AS e
    WHERE kind = 'session_started' AND seq < coalesce((SELECT min(seq) FROM events WHERE turn = ?), 1 << 62)
    ORDER BY seq DESC LIMIT 1
"""


def page(root: Path, terms: Terms, broker: str = "") -> Starlette:
    """The application over the run files in a folder; raises RequestError without the extra `page`.

    `broker` is asked how much it holds of the runs that it hands out.
    """
    try:
        from genai_social_sim.web.app import application
    except ModuleNotFoundError as fault:
        raise RequestError(
            f"the page needs {fault.name}, which is not installed", remedy="pip install 'genai-social-sim[page]'"
        ) from fault
    return application(root, sources(broker), terms)


def sources(broker: str = "") -> Sources:
    """How the page reads run files, and whom it asks what is handed out."""
    from genai_social_sim.web.sources import Sources

    clock = SystemClock()
    return Sources(
        open=SqliteReader,
        facts=Facts,
        turn=_turn,
        due=_due,
        measures=_measures,
        influence=_influence,
        edges=_edges,
        bound=_bound,
        held=Holdings(broker, clock.elapsed).of,
        clock=clock,
        version=version("genai-social-sim"),
    )


def _turn(path: Path, number: int, probe: str, agent: str) -> Mapping[str, Any]:
    """A turn as `gss show --json` prints it, the models of its session, and the agent's turn before in the channel."""
    aside = Aside(probe, AgentId(agent)) if probe else None
    whole = turned(path, number, aside)
    found, feed = document(whole), _feed(path, whole)
    reader = SqliteReader(path)
    try:
        known = Heard([]) if feed else heard(reader, whole)
        about = next(iter(reader.query(_ABOUT, number)), ("{}",))[0]
        before = next(iter(reader.query(_BEFORE, number, found["agent"], found["channel"])), (None,))[0]
    finally:
        reader.close()
    return {
        **found,
        "models": json.loads(str(about)).get("models", []),
        "turn_before": before,
        "read": known.read,
        "read_left_out": known.left_out,
        "feed": feed,
    }


def _feed(path: Path, whole: Turned) -> list[tuple[Any, ...]]:
    """What a turn of a forum followed; words follow the feed of the act that they carry out."""
    outcome = whole.outcome
    if isinstance(outcome, Spoke) and outcome.doing and outcome.feed is None:
        outcome = turned(path, whole.number - 1).outcome
    feed = outcome.feed if isinstance(outcome, Spoke | FellSilent) else None
    return [*feed] if feed else []


def _measures(path: Path) -> Measured:
    """Values of the scope `run`; of a long run none, since somebody waits."""
    from genai_social_sim.analysis.registry import measures

    with Run(path) as run:
        if run.turns > _MEASURED:
            words = f"The run is too long to be measured while you wait: gss measure {path.name}"
            return {"values": [], "known": {}, "left_out": words}
        values = [row for row in run.measures if row["scope"] == "run" and isinstance(row["value"], int | float)]
    known = {each.name: each for each in measures()}
    return {
        "values": [{"measure": row["measure"], "of": row["of"], "value": row["value"]} for row in values],  # type: ignore[typeddict-item]  # columns of the table
        "known": {
            name: {"about": each.about, "unit": each.unit, "source": each.source} for name, each in known.items()
        },
        "left_out": "",
    }


def _influence(path: Path, channel: str) -> Influence:
    """The measure `influence` of each agent in a channel; of a long run none, since somebody waits."""
    from genai_social_sim.analysis.influence_meter import INFLUENCE

    told: MeasureDocument = {"about": INFLUENCE.about, "unit": INFLUENCE.unit, "source": INFLUENCE.source}
    with Run(path) as run:
        if run.turns > _MEASURED:
            words = f"The run is too long to be measured while you wait: gss measure {path.name} --measure influence"
            return {"values": {}, "about": told, "left_out": words}
        rows = [row for row in run.measure(INFLUENCE.name) if row["scope"] == "agent" and row["of"] == channel]
    values = {str(row["agent"]): float(str(row["value"])) for row in rows}
    words = "" if values else "Nobody moved anybody by what was stated here, or it is not known who heard whom."
    return {"values": values, "about": told, "left_out": words}


def _edges(path: Path) -> Mapping[str, Sequence[EdgeRow]]:
    """Edges that come and go, by channel."""
    from genai_social_sim.export.edges import Networks
    from genai_social_sim.web.sources import EdgeRow

    reader = SqliteReader(path)
    try:
        started = next(reader.events()).event
        if not isinstance(started, RunStarted):
            return {}
        networks = Networks(Facts(started))
        for recorded in reader.events(kinds="intervened"):
            if isinstance(recorded.event, Intervened):
                networks.change(recorded.event)
    finally:
        reader.close()
    return {
        name: [EdgeRow(one, other, directed, since, until) for one, other, _, directed, since, until in each.rows()]
        for name, each in networks.networks.items()
    }


def _bound(started: RunStarted) -> int | None:
    if len(started.study.value) > _LARGE:
        return None
    plan = lower(from_canonical(started.study.value), seed=started.seed)
    most = bound(plan.stop, plan.round_size)
    return None if isinf(most) else int(most)


def _due(path: Path) -> Sequence[Mapping[str, Any]]:
    """Turns and questions aside that have no outcome and no answer yet, as far as the record tells."""
    reader = SqliteReader(path)
    try:
        if reader.head().turns > _LONG:
            return ()
        started = next(reader.events()).event
        if not isinstance(started, RunStarted):
            return ()
        stage = Stage(lower(from_canonical(started.study.value), seed=started.seed))
        past = recovered(stage, reader.events())
    finally:
        reader.close()
    waiting = [turn for turn in Conductor(past.state).due() if turn.key not in past.answers]
    return [
        {"turn": turn.number, "round": turn.round, "channel": turn.channel, "agent": turn.agent, "probe": turn.aside}
        for turn in waiting
    ]
