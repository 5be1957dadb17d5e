"""The original's configuration -> a commented study file that runs."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from typing import Any, Final

import yaml

from genai_social_sim.study.original import Bot, Original

_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


def study_text(original: Original, *, name: str, sources: str) -> str:
    """A study file with comments; `sources` names what it was made from."""
    return "\n".join([*_head(name, sources), *_model(original), *_agents(original), *_channels(original), *_TAIL, ""])


def _head(name: str, sources: str) -> Iterator[str]:
    yield f"# Made by `gss import-config` from {sources}."
    yield "# Play it:  gss run THIS_FILE        What each key may be:  gss schema, or docs/reference/study.md"
    yield f"name: {_quoted(name)}"
    yield ""
    yield "# Decides all chance; the original drew anew each time. Another one: --seed 7"
    yield "seed: 1"


def _model(original: Original) -> Iterator[str]:
    yield ""
    yield "# What answers. `null` leaves a setting to Ollama, as the original did."
    yield "model:"
    yield "  backend: ollama"
    if original.host:
        yield f"  host: {_quoted(original.host)}"
    yield from [f"  {key}: {_quoted(value)}" for key, value in _shared(original.bots).items()]


def _agents(original: Original) -> Iterator[str]:
    shared = _shared(original.bots)
    yield ""
    yield "# Who talks, in their order of speaking. A persona is the original's prompt."
    yield "agents:"
    for bot in original.bots:
        yield f"  - name: {_quoted(bot.name)}"
        if bot.prompt.strip():
            yield f"    persona: {_quoted(_verbatim(bot.prompt.strip()))}"
        own = {key: value for key, value in bot.model.items() if key not in shared}
        if own:
            yield f"    model: {{{', '.join([f'{key}: {_quoted(value)}' for key, value in own.items()])}}}"


def _channels(original: Original) -> Iterator[str]:
    yield ""
    yield "# Where they talk and who begins. A channel without an opening can wait for one: gss run THIS_FILE --wait"
    yield "channels:"
    for name, first in original.channels.items():
        yield f"  {_quoted(name)}:"
        yield f"    protocol: {{kind: round_robin, first: {_quoted(first)}}}"
        if original.message is not None and original.message.channel == name:
            message = original.message
            yield f"    opening: {{from: {_quoted(message.speaker)}, text: {_quoted(message.text)}}}"


_TAIL: Final = (
    "",
    "# What a bot is shown of the past: the last message alone, as in the original. 20 makes it a conversation.",
    "memory: {kind: window, utterances: 1}",
    "",
    "# When it ends; the original went on until it was stopped.",
    "stop: {turns: 12}",
    "",
    "# What happens when a model does not answer; in the original the turn was lost and everybody waited for ever.",
    "timeouts: {answer: 60 s, attempts: 3, on_failure: skip}",
)


def _shared(bots: tuple[Bot, ...]) -> dict[str, Any]:
    """The settings in which all bots agree."""
    first, *others = bots
    return {
        key: value
        for key, value in first.model.items()
        if all(key in bot.model and bot.model[key] == value for bot in others)
    }


def _verbatim(text: str) -> str:
    """`text` as a template that says it."""
    if not any(mark in text for mark in ("{{", "{%", "{#")):
        return text
    return "{{ " + json.dumps(text, ensure_ascii=False) + " }}"


def _quoted(value: Any) -> str:
    """A value as YAML on one line."""
    if not isinstance(value, str):
        return json.dumps(value)
    if _PLAIN.fullmatch(value) and value.lower() not in ("true", "false", "null"):
        return value
    return yaml.safe_dump(value, default_style='"', allow_unicode=True, width=sys.maxsize).rstrip("\n")
