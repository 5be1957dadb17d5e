"""Recorded facts. The log is all of them; the state of a run is a fold over the logical ones.

*Logical* events say what happened in the society and carry no clock, host, latency or attempt: they are
appended in logical order and make up the run's digest. The others say how it came about.
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Final, Literal, NamedTuple, get_args

from genai_social_sim.domain.feed import Feed
from genai_social_sim.domain.ids import AgentId, ChannelId
from genai_social_sim.domain.power import POWERS_ASKED, Deed
from genai_social_sim.domain.text import Text

Finish = Literal["stop", "length", "passed"]  # of its own accord | cut at max_tokens | had nothing to say
Cause = Literal[
    "passed",
    "muted",
    "absent",
    "closed",
    "empty",
    "spoke_for",
    "unreadable",
    "wordless",
    "timeout",
    "unreachable",
    "refused",
    "denied",
    "too_long",
    "garbled",
    "error",
]
CAUSES: Final[tuple[Cause, ...]] = get_args(Cause)
Notice = Literal[
    "server_down",
    "server_up",
    "stalled",
    "observer_dropped",
    "broker_away",
    "broker_back",
    "worker_joined",
    "worker_refused",
    "worker_missing",
    "result_unused",
    "message_dropped",
    "sent_again",
]
NO_CALL: Final = b""  # the `call` of a silence without one
EndReason = str  # the stopping rule that ended the run, in words


class RunStarted(NamedTuple):
    """Logical. The first event: the resolved study as canonical JSON, and the seed."""

    study: Text
    seed: int


class Aside(NamedTuple):
    """A call that is no turn: what for (a probe's name, `~summary`, `~recall`, `~rating-N`, `~powers`) and for whom."""

    name: str
    agent: AgentId


CallKey = int | tuple[int, str, str]  # names a call within its run: a turn's number, or that and an aside


class Opened(NamedTuple):
    """Logical. A channel's first text."""

    channel: ChannelId
    speaker: str
    text: Text


class Cut(NamedTuple):
    """The part of a raw answer that was kept, as a span of characters, and why the rest was not.

    `why` is "trimmed" (white space around it), "label" (its own name before it), "address" (the name of whom alone it
    is for) or "spoke_for" (it went on speaking as `other`).
    """

    start: int
    end: int
    why: Literal["trimmed", "label", "spoke_for", "address"]
    other: str = ""


class Spoke(NamedTuple):
    """Logical. An agent used its turn. `call` binds what was asked and answered (`Asked.bind`).

    `choice` is the option that it chose, if it had to choose; `text` says the same. `stand_in` names the failure in
    whose place the study made the agent say this. `to`: the only one who heard it. In a forum an act has the `feed`
    that it followed, and words have in `doing` the act that they carry out.
    """

    turn: int
    round: int
    channel: ChannelId
    agent: AgentId
    text: Text
    call: bytes
    tokens: int
    cut: Cut | None = None
    choice: str | None = None
    stand_in: Cause | None = None
    to: AgentId | None = None
    feed: Feed | None = None
    doing: str = ""

    @property
    def key(self) -> CallKey:
        """Which call of the run this follows from."""
        return self.turn


class FellSilent(NamedTuple):
    """Logical. An agent had its turn and said nothing. `feed`: as in `Spoke`."""

    turn: int
    round: int
    channel: ChannelId
    agent: AgentId
    cause: Cause
    call: bytes
    tokens: int
    feed: Feed | None = None

    @property
    def key(self) -> CallKey:
        """Which call of the run this follows from."""
        return self.turn


class Probed(NamedTuple):
    """Logical. An agent was asked aside, between turns: `turn` is the number of turns taken before.

    `text` is what it answered and `choice` the option that this names, if it had to choose one; `cause` tells why
    there is no answer, and then `text` is empty.
    """

    turn: int
    round: int
    probe: str
    channel: ChannelId
    agent: AgentId
    text: Text
    call: bytes
    tokens: int
    choice: str | None = None
    cause: Cause | None = None

    @property
    def key(self) -> CallKey:
        """Which call of the run this follows from."""
        return (self.turn, self.probe, self.agent)


class Exercised(NamedTuple):
    """Logical. After its turn an agent was asked what it does with its role's powers: `turn` turns were taken before.

    `deed` is what it did in `channel`, and `whom` it concerns, if anybody; `cause` tells why it did nothing.
    """

    turn: int
    round: int
    channel: ChannelId
    agent: AgentId
    deed: Deed
    call: bytes
    tokens: int
    whom: AgentId | None = None
    cause: Cause | None = None

    @property
    def key(self) -> CallKey:
        """Which call of the run this follows from."""
        return (self.turn, POWERS_ASKED, self.agent)


class Remembered(NamedTuple):
    """Logical. Before an agent's turn its memory was made up: `turn` is that turn, whose outcome follows.

    `text` is the new summary (`aside` is `~summary`), or JSON: of a line that was rated (`~rating-N`) its position N
    among those before the last ones, turn, speaker and rating; of each line that came to mind (`~recall`) the same with
    its score. `cause` tells why there is none.
    """

    turn: int
    round: int
    channel: ChannelId
    agent: AgentId
    aside: str
    text: Text
    call: bytes
    tokens: int
    cause: Cause | None = None

    @property
    def key(self) -> CallKey:
        """Which call of the run this follows from."""
        return (self.turn, self.aside, self.agent)


class Intervened(NamedTuple):
    """Logical. A planned change took effect, between turns: `turn` is the number of turns taken before.

    `number` is its position in the study's list, `change` the change in full, as JSON.
    """

    turn: int
    number: int
    change: Text

    @property
    def injected(self) -> bool:
        """Whether words were put into an agent's mouth."""
        return bool(json.loads(self.change.value).get("kind") == "inject")

    @property
    def said(self) -> tuple[Opened, ...]:
        """What was put into channels, or into an agent's mouth, each like an opening; () where nothing was said."""
        change = json.loads(self.change.value)
        if change.get("kind") not in ("broadcast", "inject"):
            return ()
        text = Text.of(change["text"])
        if change["kind"] == "inject":
            return (Opened(channel=change["channel"], speaker=change["speaker"], text=text),)
        return tuple([Opened(channel=name, speaker=change["speaker"], text=text) for name in change["channels"]])


class RunEnded(NamedTuple):
    """Logical. A stopping rule held after `turns` turns."""

    reason: EndReason
    turns: int


class Asked(NamedTuple):
    """What one model call asked: the prompt's digest, the parameters as canonical JSON, the derived seed."""

    prompt: bytes
    params: Text
    seed: int

    def bind(self, outcome: str, text: Text, *, prompt_tokens: int, answer_tokens: int) -> bytes:
        """SHA-256 over this call and what came of it: the `call` of a logical event."""
        counts = f"{self.seed} {outcome} {prompt_tokens} {answer_tokens}".encode()
        return sha256(self.prompt + self.params.digest + text.digest + counts).digest()


class Answered(NamedTuple):
    """A model answered: in the log before it has any effect. Times are seconds since the turn fell due.

    `notes` is JSON of what the backend reported beyond this (tokens from its cache, options it did not honour...).
    `cost` is what it cost at the study's prices; None without a price, or without a count of tokens.
    """

    turn: int
    attempt: int
    asked: Asked
    raw: Text
    finish: Finish
    prompt_tokens: int
    answer_tokens: int
    sent_s: float
    first_token_s: float | None
    done_s: float
    by: str
    notes: Text
    cost: float | None = None
    aside: Aside | None = None

    @property
    def key(self) -> CallKey:
        """Which call of the run this answers."""
        return self.turn if self.aside is None else (self.turn, *self.aside)


class AttemptFailed(NamedTuple):
    """An attempt at a turn failed; with `final` there is no further one and the study's policy decides."""

    turn: int
    attempt: int
    asked: Asked
    cause: Cause
    detail: Text
    sent_s: float
    done_s: float
    final: bool
    aside: Aside | None = None

    @property
    def key(self) -> CallKey:
        """Which call of the run this is an attempt at."""
        return self.turn if self.aside is None else (self.turn, *self.aside)


class SessionStarted(NamedTuple):
    """A process began to work on this run: its settings, versions, machine and models, as JSON."""

    resumed: bool
    about: Text


class SessionEnded(NamedTuple):
    """A process stopped working on this run in good order: finished, interrupted, or failed and why."""

    status: Literal["finished", "interrupted", "failed"]
    detail: Text


class Noticed(NamedTuple):
    """Something about the running that a reader of the record has to know.

    `what`: a model server stopped or began to answer; a turn was waited for in vain; an observer failed, was dropped;
    a broker was away, came back; a worker joined, refused to work, is wanted in vain; a worker's result was not used;
    a message made no sense; a turn was handed out again.
    """

    what: Notice
    turn: int | None
    detail: Text


Logical = RunStarted | Opened | Remembered | Spoke | FellSilent | Exercised | Probed | Intervened | RunEnded
Outcome = Spoke | FellSilent  # what became of a turn
Between = Exercised | Probed | Intervened  # what lies between turns, in that order
Consequence = Outcome | Exercised | Probed | Remembered  # what came of a call: each has its `key`
Taken = Answered | AttemptFailed  # what decides an outcome: an answer, or the last attempt's failure
Event = Logical | Answered | AttemptFailed | SessionStarted | SessionEnded | Noticed
Status = Literal["running", "finished", "interrupted", "failed"]


def status_after(status: Status, event: Event) -> Status:
    """Where a run stands after an event. Once a stopping rule held it is finished, however its sessions end."""
    match event:
        case RunEnded():
            return "finished"
        case SessionStarted() if status != "finished":
            return "running"
        case SessionEnded() if status != "finished":
            return event.status
        case _:
            return status
