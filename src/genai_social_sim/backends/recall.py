"""Answers the calls of memories that look things up: how like what was said last is each of the lines before.

An *encoder* tells likeness. Those that ship are `minilm` and `lexical`; an installed package offers another one as an
entry point of the group `genai_social_sim.encoders`: a module with `open_encoder() -> Encoder`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, Final

from genai_social_sim.backends.registry import Surroundings
from genai_social_sim.errors import RequestError
from genai_social_sim.ports import Answer, Encoder, LanguageModel, Request

ENCODERS: Final[Mapping[str, str]] = {
    "lexical": "genai_social_sim.backends.encoders.lexical",
    "minilm": "genai_social_sim.backends.encoders.minilm",
}
ENTRY_POINTS: Final = "genai_social_sim.encoders"
_DIGITS: Final = 4  # of a likeness: what differs less is alike


def names() -> list[str]:
    """The names of all encoders that can be used here."""
    return sorted({*ENCODERS, *(point.name for point in entry_points(group=ENTRY_POINTS))})


def encoder(name: str) -> Encoder:
    """An encoder by its name; raises RequestError for an unknown one, BackendError for one that cannot start."""
    module = ENCODERS.get(name) or next((point.module for point in entry_points(group=ENTRY_POINTS, name=name)), None)
    if module is None:
        raise RequestError(f"there is no embedding {name!r}", remedy=f"Use one of: {', '.join(names())}.")
    opened: Encoder = import_module(module).open_encoder()
    return opened


def check_options(options: Mapping[str, Any]) -> None:
    """Raises RequestError for an encoder that nothing here is called."""
    if options["embedding"] not in names():
        encoder(str(options["embedding"]))


def open_backend(options: Mapping[str, Any], surroundings: Surroundings) -> LanguageModel:
    """An encoder as the engine asks models: one that answers at once without a task."""
    opened = encoder(str(options["embedding"]))
    return InstantRecall(opened) if opened.instant else Recall(opened)


class Recall:
    """Answers with a list of numbers, one for each line but the last, rounded to four decimals."""

    slots = 1

    def __init__(self, opened: Encoder) -> None:
        self._encoder = opened

    def identity(self) -> Mapping[str, Any]:
        """The encoder."""
        return {"backend": "encoder", **self._encoder.identity()}

    async def complete(self, request: Request) -> Answer:
        """Compare, aside from the loop."""
        return await asyncio.to_thread(self.compared, request)

    async def close(self) -> None:
        """Nothing to give back."""

    def compared(self, request: Request) -> Answer:
        """How like the last line of what was heard the others are."""
        *lines, last = request.heard
        found = self._encoder.likeness(last.text.value, [line.text.value for line in lines])
        text = json.dumps([round(float(each), _DIGITS) + 0.0 for each in found], separators=(",", ":"))
        return Answer(text=text, by="encoder")


class InstantRecall(Recall):
    """The same by an encoder that takes no time."""

    def answer(self, request: Request) -> Answer:
        """Compare."""
        return self.compared(request)
