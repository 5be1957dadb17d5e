"""The small study that these tests start from, and how they break it."""

from __future__ import annotations

from textwrap import dedent

import pytest

from genai_social_sim.errors import SpecError
from genai_social_sim.study.lowering import LoadedStudy, parse

SMALL = dedent("""\
    name: rare-earths
    seed: 42
    model: {backend: embedded, temperature: 0.7, top_p: 0.95, max_tokens: 60}
    agents:
      - {name: BOT1, persona: "A cautious geologist who weighs evidence."}
      - {name: BOT2, persona: "A trade negotiator who wants a deal."}
    channels:
      general:
        protocol: {kind: round_robin, first: BOT2}
        opening: {from: system, text: "Discuss current issues surrounding rare earth metals."}
    stop: {turns: 12}
    """)


def with_change(old: str, new: str) -> str:
    """The small study with one part of its text replaced."""
    assert SMALL.count(old) == 1, f"{old!r} must stand in the small study once"
    return SMALL.replace(old, new)


def loaded(text: str = SMALL) -> LoadedStudy:
    """`text` as a checked study."""
    return parse(text, source="study.yaml")


def changed(old: str, new: str) -> LoadedStudy:
    """The small study, changed and checked."""
    return loaded(with_change(old, new))


def refusal_of(text: str) -> SpecError:
    """Why `text` is refused."""
    with pytest.raises(SpecError) as caught:
        loaded(text)
    return caught.value
