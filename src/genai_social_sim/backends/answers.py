"""From what a model server streamed to the words of an answer. It knows no protocol."""

from __future__ import annotations

from typing import Any, NamedTuple

from genai_social_sim.backends import choices, servers
from genai_social_sim.ports import Request


class Words(NamedTuple):
    """An answer's text, the probability on its choices if it had any, and notes on both and on what was thought."""

    text: str
    legal_mass: float | None
    notes: dict[str, Any]


def words_of(request: Request, heard: servers.Hearing, *, finish: str) -> Words:
    """What was heard as words: thinking apart, the reason noted if there are none, how much each choice was wanted."""
    text, thinking = "".join(heard.text), "".join(heard.thinking)
    notes: dict[str, Any] = {}
    if thinking:
        notes["thinking"] = thinking
    if not text.strip():
        notes["empty"] = servers.why_empty(text, thinking, finish)
    if not request.choices:
        return Words(text, None, notes)
    mass, wanted = choices.told(heard.tokens, request)
    return Words(text, mass, notes | wanted)
