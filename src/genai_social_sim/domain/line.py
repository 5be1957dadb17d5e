"""An utterance in the form in which prompts show it."""

from __future__ import annotations

from typing import NamedTuple

from genai_social_sim.domain.prompt import Message
from genai_social_sim.domain.text import Text


class Line(NamedTuple):
    """What `speaker` said in a channel; `turn` is -1 for an opening. `to`: who alone hears it; empty: everybody.

    `others` is the message by which other agents' prompts show it, `own` that of the speaker's.
    """

    turn: int
    speaker: str
    text: Text
    others: Message
    own: Message
    to: str = ""
