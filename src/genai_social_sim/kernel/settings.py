"""What calls ask for beside their prompts: how to sample, where to stop, what may be chosen. It knows no turns."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import lru_cache
from typing import Final, NamedTuple

from genai_social_sim.domain.act import Number, Offer
from genai_social_sim.domain.plan import Channel, Layout, Sampling
from genai_social_sim.domain.text import Text

_MOST_STOPS: Final = 16  # names that are sent as stop sequences; a longer list is left to the cut


class Settings(NamedTuple):
    """What the calls of a channel ask for alike; `params` is all of it as canonical JSON."""

    sampling: Sampling
    choices: tuple[str, ...]
    number: Number | None
    stops: tuple[str, ...]
    params: Text


def settings_of(layout: Layout, channel: Channel, sampling: Sampling, offer: Offer | None) -> Settings:
    """The settings of calls in a channel."""
    stops = _stops(layout, channel)
    choices, number = (offer.answers, offer.number) if offer else ((), None)
    return Settings(sampling, choices, number, stops, Text.of(_as_json(sampling, stops, choices, number)))


@lru_cache(maxsize=1024)
def _as_json(sampling: Sampling, stops: tuple[str, ...], choices: tuple[str, ...], number: Number | None) -> str:
    options = {name: value for name, value in asdict(sampling).items() if value is not None} | {"stop": stops}
    if choices:
        options["choices"] = choices
    if number is not None:
        legal = number.range
        options["number"] = {"min": legal.low, "max": legal.high, "step": legal.step, "may_pass": number.may_pass}
    return json.dumps(options, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _stops(layout: Layout, channel: Channel) -> tuple[str, ...]:
    """In a script an utterance is a line; in a chat it ends where a line begins with a member's name."""
    if layout != "persona_first":
        return ("\n",)
    names = channel.members if len(channel.members) <= _MOST_STOPS else ()
    return tuple([f"\n{name}:" for name in sorted(names)])
