"""Counterfactuals: a new record with the same past, in which an agent says something else, played on from there."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from genai_social_sim.api.play import Settings, resumed
from genai_social_sim.domain.act import Offer
from genai_social_sim.domain.events import (
    Answered,
    Aside,
    AttemptFailed,
    CallKey,
    Intervened,
    Opened,
    Outcome,
    Probed,
    Remembered,
    RunStarted,
    SessionStarted,
    Taken,
)
from genai_social_sim.domain.ids import AgentId
from genai_social_sim.domain.prompt import Prompt
from genai_social_sim.domain.text import Text
from genai_social_sim.engine.clock import SystemClock
from genai_social_sim.errors import RequestError
from genai_social_sim.eventlog.reader import SqliteReader
from genai_social_sim.eventlog.writer import SqliteLog
from genai_social_sim.kernel.acts import option_in
from genai_social_sim.kernel.errands import came_of, made_up
from genai_social_sim.kernel.floor import Turn
from genai_social_sim.kernel.run import apply, decide
from genai_social_sim.kernel.stage import Stage
from genai_social_sim.kernel.state import RunState, start
from genai_social_sim.ports import Entry
from genai_social_sim.study.lowering import from_canonical, lower

_AT_ONCE = 500  # turns of the past in one commit


async def forked(parent: Path, path: Path, *, at_turn: int, say: Mapping[str, str], settings: Settings) -> None:
    """Write the past of `parent` before `at_turn` to `path`, put `say` in place of answers due then, and play on.

    Raises:
        RequestError: If the run has not come to that turn, or an agent in `say` has no turn then.
    """
    reader = SqliteReader(parent)
    try:
        turns, digest = reader.head().turns, reader.head().digest.hex()
        if not 0 <= at_turn <= turns:
            raise RequestError(
                f"the run cannot be forked at turn {at_turn}: it has {turns} turns",
                where=str(parent),
                remedy=f"Give a turn from 0 to {turns}.",
            )
        fork = _Fork(reader, at_turn)
        about = {"fork": {"of": digest, "at_turn": at_turn, "say": dict(say)}, "settings": {}}
        entries = fork.past(Text.of(json.dumps(about, ensure_ascii=False, sort_keys=True)))
        said = fork.said(say)
        log = SqliteLog(path, durability=settings.durability or "full", clock=SystemClock(), create=True)
        try:
            for batch in _batches([*entries, *said]):
                log.append(batch)
        finally:
            log.close()
    finally:
        reader.close()
    await resumed(path, settings)


class _Fork:
    def __init__(self, reader: SqliteReader, at_turn: int) -> None:
        self._reader = reader
        self._at_turn = at_turn
        self._state: RunState | None = None
        self._answers: dict[CallKey, Taken] = {}  # of calls that had not taken effect at the fork

    def past(self, about: Text) -> list[Entry]:
        """The events before the fork: each turn's calls, then what became of it."""
        entries: list[Entry] = []
        calls: dict[CallKey, list[Entry]] = {}
        for recorded in self._reader.events():
            event = recorded.event
            if isinstance(event, RunStarted):
                self._state = start(Stage(lower(from_canonical(event.study.value), seed=event.seed)))
                entries += [Entry(event), Entry(SessionStarted(resumed=False, about=about))]
            elif isinstance(event, Answered | AttemptFailed) and event.turn < self._at_turn + bool(event.aside):
                calls.setdefault(event.key, []).append(Entry(event, self._reader.sent(recorded.seq)))
            elif isinstance(event, Opened):
                entries.append(Entry(event))
                self._state = apply(self.state, event)
            elif isinstance(event, Outcome | Probed | Remembered) and event.turn < self._at_turn + isinstance(
                event, Probed
            ):
                entries += [*calls.pop(event.key, []), Entry(event)]
                self._state = apply(self.state, event)
            elif isinstance(event, Intervened) and event.turn <= self._at_turn:
                entries.append(Entry(event))
                self._state = apply(self.state, event)
        left = [entry for entries in calls.values() for entry in entries]
        self._answers = {entry.event.key: entry.event for entry in left if isinstance(entry.event, Taken)}
        return entries + left

    @property
    def state(self) -> RunState:
        """The run at the fork, once its past was read."""
        if self._state is None:
            raise TypeError("the first event of a record starts its run")
        return self._state

    def said(self, say: Mapping[str, str]) -> list[Entry]:
        """The answers that are put in place of the agents' own."""
        due = [turn for index in range(len(self.state.floors)) for turn in decide(self.state, index)]
        return [entry for agent, text in say.items() for entry in self._said(self._turn_of(agent, due), text)]

    def _turn_of(self, agent: str, due: list[Turn]) -> Turn:
        for turn in due:
            if turn.agent == AgentId(agent):
                return turn
        names = ", ".join(dict.fromkeys(turn.agent for turn in due)) or "nobody: the run ends there"
        raise RequestError(
            f"{agent} has no turn at turn {self._at_turn}", remedy=f"Then it is the turn of: {names}. Choose another."
        )

    def _said(self, turn: Turn, text: str) -> list[Entry]:
        if self.state.stage.is_wordless(turn):
            raise RequestError(
                f"{turn.agent} has nothing to say at turn {turn.number}: the act that it chose takes no words",
                remedy="Fork at its act, the turn in which it chose.",
            )
        _check_choice(turn, text, self.state.stage.offer(turn))
        state, entries = self.state, list[Entry]()
        errand = state.stage.errand(turn, state.floors[turn.channel_no])
        if errand is not None:  # its memory comes first: as it did in the parent, or with nothing new
            taken = self._answers.get(errand.key)
            if taken is None:
                taken, prompt = _answered(state, errand, "")
                entries.append(Entry(taken, prompt))
            remembered = came_of(state, errand, taken)
            state = made_up(state, remembered) if isinstance(remembered, Remembered) else state
        return [*entries, Entry(*_answered(state, turn, text))]


def _answered(state: RunState, turn: Turn, text: str) -> tuple[Answered, Prompt]:
    prompt = state.stage.prompt(turn, state.floors[turn.channel_no])
    answer = Answered(
        turn=turn.number,
        attempt=1,
        asked=state.stage.asked(turn, prompt),
        raw=Text.of(text),
        finish="passed" if turn.aside else "stop",
        prompt_tokens=0,
        answer_tokens=0,
        sent_s=0.0,
        first_token_s=None,
        done_s=0.0,
        by="fork",
        notes=Text.of("{}"),
        aside=Aside(turn.aside, turn.agent) if turn.aside else None,
    )
    return answer, prompt


def _check_choice(turn: Turn, text: str, offer: Offer | None) -> None:
    if offer is not None and option_in(text, offer) is None:
        raise RequestError(
            f"{turn.agent} has to choose at turn {turn.number}, and {text!r} is none of its options",
            remedy=f"Say one of: {', '.join(offer.meanings)}.",
        )


def _batches(entries: list[Entry]) -> Iterator[list[Entry]]:
    for at in range(0, len(entries), _AT_ONCE):
        yield entries[at : at + _AT_ONCE]
