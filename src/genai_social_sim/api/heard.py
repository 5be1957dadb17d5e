"""Which utterances a prompt shows: found again by the exact message that each of them makes in this study."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from genai_social_sim.domain.events import Intervened, Opened, RunStarted, Spoke
from genai_social_sim.domain.prompt import Message, Prompt
from genai_social_sim.eventlog.reader import SqliteReader
from genai_social_sim.kernel.stage import Stage
from genai_social_sim.ports import Recorded
from genai_social_sim.study.lowering import from_canonical, lower

_LARGE: Final = 400_000  # characters of a study that is not worked out while somebody waits
_FAR: Final = 4_000  # utterances that are looked back through
_PAGE: Final = 2_000  # positions of the log
_EXCERPT: Final = 200  # characters
_KINDS: Final = "opened,spoke,intervened"


def heard(reader: SqliteReader, prompt: Prompt, *, agent: str, channel: str, before: int) -> list[dict[str, Any]]:
    """Utterances before position `before` that a prompt of `agent` shows, the first one first.

    Where two with the same words by the same speaker could be meant it is the later one. None for a study too large
    to be worked out, and beyond the last 4,000 utterances.
    """
    started = next(reader.events()).event
    if not isinstance(started, RunStarted) or len(started.study.value) > _LARGE:
        return []
    stage = Stage(lower(from_canonical(started.study.value), seed=started.seed))
    wanted = Counter(prompt.messages)
    found: list[tuple[int, dict[str, Any]]] = []
    elsewhere: list[tuple[Message, int, dict[str, Any]]] = []
    for seq, said, turn in _said_before(reader, before):
        line = stage.line(said)
        message = line.own if line.speaker == agent else line.others
        if not wanted[message]:
            continue
        told = {"channel": said.channel, "agent": line.speaker, "turn": turn, "text": said.text.value[:_EXCERPT]}
        if said.channel != channel:
            elsewhere.append((message, seq, told))
            continue
        wanted[message] -= 1
        found.append((seq, told))
    for message, seq, told in elsewhere:  # a memory of other channels
        if wanted[message]:
            wanted[message] -= 1
            found.append((seq, told))
    return [told for _, told in sorted(found, key=lambda each: each[0])]


def _said_before(reader: SqliteReader, before: int) -> Iterator[tuple[int, Opened | Spoke, int | None]]:
    """What was said, the last first: position, utterance, and its turn if it has one."""
    seen = 0
    while before > 0 and seen < _FAR:
        first = max(0, before - _PAGE)
        page = [*reader.events(after=first - 1, kinds=_KINDS, upto=before - 1)]
        for recorded in reversed(page):
            for said, turn in _utterances(recorded):
                seen += 1
                yield recorded.seq, said, turn
        before = first


def _utterances(recorded: Recorded) -> Iterator[tuple[Opened | Spoke, int | None]]:
    match recorded.event:
        case Opened() as event:
            yield event, None
        case Spoke() as event if event.feed is None:
            yield event, event.turn
        case Intervened() as event:
            yield from [(each, None) for each in event.said]
        case _:
            return
