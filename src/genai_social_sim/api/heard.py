"""Which utterances a prompt shows, as the kernel worked it out when the turn came.

The same words may have been said twice, so that the prompt alone does not tell which of them an agent was shown. What
is found here makes, message for message, the prompt whose hash was recorded; else nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from genai_social_sim.api.turned import Turned
from genai_social_sim.domain.agenda import Broadcast, Mute
from genai_social_sim.domain.events import FellSilent, Intervened, Opened, RunStarted, Spoke
from genai_social_sim.domain.ids import ChannelId
from genai_social_sim.domain.line import Line
from genai_social_sim.engine.recovery import Shown, shown_before
from genai_social_sim.errors import RecordError
from genai_social_sim.eventlog.reader import SqliteReader
from genai_social_sim.kernel.floor import Turn
from genai_social_sim.kernel.memory import View
from genai_social_sim.kernel.stage import Stage
from genai_social_sim.ports import Recorded
from genai_social_sim.study.lowering import from_canonical, lower

_LARGE: Final = 400_000  # characters of a study that is not worked out while somebody waits
_LONG: Final = 20_000  # turns that are worked out again while somebody waits
_FAR: Final = 4_000  # utterances that are looked back through
_PAGE: Final = 2_000  # positions of the log
_EXCERPT: Final = 200  # characters
_SAID: Final = "opened,spoke,intervened"
_LOGICAL: Final = f"{_SAID},fell_silent,probed,exercised,remembered"
_PLACE: Final = "SELECT seq FROM events WHERE turn = ? AND kind IN ('spoke', 'fell_silent')"


class Heard(NamedTuple):
    """Utterances in the order in which a prompt shows them; `left_out` says why they are not known, if so."""

    read: list[dict[str, Any]]
    left_out: str = ""


def heard(reader: SqliteReader, whole: Turned) -> Heard:
    """What the agent of a turn, or of a question aside, had heard, as far as its prompt shows it."""
    started, outcome = next(reader.events()).event, whole.outcome
    if not isinstance(started, RunStarted) or outcome is None or not whole.attempts:
        return Heard([])
    if len(started.study.value) > _LARGE:
        return Heard([], "The study is too large for it to be worked out while you wait.")
    stage = Stage(lower(from_canonical(started.study.value), seed=started.seed))
    digest = whole.attempts[-1].asked.prompt
    try:
        shown = _lately(stage, reader, outcome) if isinstance(outcome, Spoke | FellSilent) else None
        if shown is None or shown.prompt.digest != digest:
            if whole.number > _LONG:
                return Heard([], "The turn is too far into the run for it to be worked out while you wait.")
            shown = shown_before(stage, outcome.key, reader.events(kinds=_LOGICAL))
    except (RecordError, ValueError, LookupError):
        shown = None  # events that do not follow from each other, which `gss verify` names
    if shown is None or shown.prompt.digest != digest:
        return Heard([], "The record does not tell it.")
    lines = _lines(shown.view, outcome.channel)
    return Heard([_told(channel, line) for channel, line in lines[_dropped(whole) :]])


def _lines(view: View, channel: ChannelId) -> list[tuple[str, Line]]:
    """In the order of `View.heard`, each with the channel in which it was said."""
    beyond = [(name, line) for name, lines in view.elsewhere for line in lines]
    return [*beyond, *[(str(channel), line) for line in (*view.noted, *view.recalled, *view.lines)]]


def _told(channel: str, line: Line) -> dict[str, Any]:
    turn = None if line.turn < 0 else line.turn
    return {"channel": channel, "agent": line.speaker, "turn": turn, "text": line.text.value[:_EXCERPT]}


def _dropped(whole: Turned) -> int:
    """How many lines, of those heard first, the backend left out."""
    return 0 if whole.sent is None else int(whole.notes.get("dropped_oldest") or 0)


def _lately(stage: Stage, reader: SqliteReader, outcome: Spoke | FellSilent) -> Shown | None:
    """What a turn showed where that is what was said last: quick in runs of any length; None where it may not be."""
    plan, index = stage.plan, stage.channel_index[outcome.channel]
    room = stage.rooms[index]
    if room.hearing != "all" or room.forum is not None or room.moderated or stage.minding or stage.powers:
        return None
    if not all(isinstance(each.change, Broadcast | Mute) for each in plan.interventions):
        return None
    position = outcome.turn - outcome.round * room.stride - room.offset
    begun = outcome.turn - position % room.wave(outcome.round)  # nothing that is said in a wave is heard in it
    lines: list[Line] = []
    for said, turn in _said_before(reader, int(next(iter(reader.query(_PLACE, outcome.turn)))[0])):
        if said.channel == outcome.channel and (turn is None or turn < begun):
            lines.append(stage.line(said))
            if len(lines) == room.window:
                break
    then = Turn(outcome.turn, outcome.channel, index, outcome.round, position, outcome.agent)
    view = View(tuple(reversed(lines[: room.window])))
    return Shown(outcome.agent, view, stage.prompt_after(then, view))


def _said_before(reader: SqliteReader, before: int) -> Iterator[tuple[Opened | Spoke, int | None]]:
    """What was said before a position of the log, the last first: the utterance, and its turn if it has one."""
    seen = 0
    while before > 0 and seen < _FAR:
        first = max(0, before - _PAGE)
        for recorded in reversed([*reader.events(after=first - 1, kinds=_SAID, upto=before - 1)]):
            yield from _utterances(recorded)
            seen += 1
        before = first


def _utterances(recorded: Recorded) -> Iterator[tuple[Opened | Spoke, int | None]]:
    match recorded.event:
        case Opened() as event:
            yield event, None
        case Spoke() as event:
            yield event, event.turn
        case Intervened() as event:
            yield from [(each, None) for each in event.said]
        case _:
            return
