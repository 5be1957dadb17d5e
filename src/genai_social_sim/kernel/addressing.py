"""Direct messages: whom alone an utterance is for, as its own beginning says. Knows nothing of who hears whom."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from genai_social_sim.domain.ids import AgentId
from genai_social_sim.kernel.speech import BREAKS, COLONS, folded

_MARKS: Final = " \t*_\"'`\u201c\u2018"
# `@NAME:`, perhaps in quotes or emphasis; no name is longer than 64 characters or holds a colon or a line break.
_ADDRESS: Final = re.compile(rf"[{_MARKS}]{{0,8}}[@\uff20]([^{COLONS}{BREAKS}]{{1,80}})[{COLONS}][ \t*_]*")


class Address(NamedTuple):
    """Whom alone an utterance is for, and where its words begin."""

    to: AgentId
    start: int


def address_of(text: str, *, speaker: AgentId, members: Iterable[AgentId]) -> Address | None:
    """The address at the beginning of `text`; None if it names none of the `members`, or the `speaker` itself."""
    found = _ADDRESS.match(text)
    if found is None:
        return None
    name = folded(found[1].strip(_MARKS))
    to = next((member for member in members if folded(member) == name), None)
    return None if to is None or to == speaker else Address(to, found.end())
