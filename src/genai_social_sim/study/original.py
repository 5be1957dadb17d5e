"""The configuration of the original system, bots over Redis and Ollama: `app.yaml` and `seed.yaml` -> plain values.

What it meant there: `channels.defaults` are the channels that every bot listens to; in those that `channel_turns`
names, bots take turns in the order of `ollama.bots`, from `initial_bot` on (a drawn one if it says `random` or
nothing). `prompts` stood before each message. The seed went to its channel, else to the first of the defaults.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from genai_social_sim.errors import SpecError
from genai_social_sim.study.files import read_text
from genai_social_sim.study.refusals import listed, nearest
from genai_social_sim.study.source import Source, parse_yaml
from genai_social_sim.study.taking import Taking
from genai_social_sim.study.words import agent_name, any_name, some_text

RANDOM: Final = "random"
UNLIMITED: Final = 1000  # tokens of an answer where the original set no limit
_MOST_TOKENS: Final = 1_000_000
_GENERAL: Final = "general"
_REASONS: Final = {  # by the last key, of what is known and has no place in a study
    "password": "left out: a study holds no secrets; put it into the broker's address",
    "stop": "left out: where an answer ends follows from who takes part",
    "seed": "left out: the study's own `seed` decides the seed of every call",
    "prompt_prefix": "left out: it was for the original's terminal",
}
_FROM_A_CONTAINER: Final = "host.docker.internal"
_UNKNOWN: Final = "left out: there is nothing here that it could mean"
_ALWAYS: Final = ("temperature", "top_p")  # written even where the original left them to Ollama: as null
_MOST_CONTEXT: Final = 16_777_216
_SAMPLING: Final = {"temperature": 100.0, "top_p": 1.0, "min_p": 1.0, "repeat_penalty": 1000.0}  # the most of each


@dataclass(frozen=True, slots=True, kw_only=True)
class Bot:
    """One bot. `model`: keys of a study's model, in the order in which they are to be written."""

    name: str
    prompt: str
    model: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What starts a conversation."""

    channel: str
    speaker: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """A configuration of the original. `channels`: who begins, by name; RANDOM for a draw."""

    bots: tuple[Bot, ...]
    channels: dict[str, str]
    message: Message | None
    host: str | None  # of Ollama
    broker: str  # the address of its Redis, without a password
    warnings: tuple[str, ...]


def read_original(app: Path, seed: Path | None = None) -> Original:
    """Read `app.yaml` and, if there is one, `seed.yaml`; raises SpecError with all that is wrong in one of them."""
    taking = Taking(_source(app))
    bots = _bots(taking)
    taking.finish()
    channels = _channels(taking, [bot.name for bot in bots])
    host, broker = _host(taking), _broker(taking)
    message = _message(taking, channels) if taking.has("message") else None
    taking.finish()
    if seed is not None:
        if message is not None:
            taking.left_out(("message",), f"left out: {seed} has one, too")
        message, further = read_seed(seed, channels)
    else:
        further = ()
    return Original(
        bots=tuple(bots),
        channels=channels,
        message=message,
        host=host,
        broker=broker,
        warnings=(*_warnings(taking), *further),
    )


def read_seed(path: Path, channels: Collection[str] | None = None) -> tuple[Message, tuple[str, ...]]:
    """Read `seed.yaml`, with warnings; raises SpecError.

    Args:
        path: The file.
        channels: Those in which somebody takes turns; None if that is not known.
    """
    taking = Taking(_source(path))
    message = _message(taking, channels)
    taking.finish()
    return message, _warnings(taking)


def _source(path: Path) -> Source:
    source = parse_yaml(read_text(path), name=str(path))
    if isinstance(source.values, dict):
        return source
    raise SpecError(
        "the original's files are mappings (lines of `key: value`), which this is not",
        remedy="Name its app.yaml and, after it, its seed.yaml.",
        where=f"{path}:1:1",
    )


def _bots(taking: Taking) -> list[Bot]:
    names = taking.keys("ollama", "bots")
    if not names:
        remedy = "Name the original's app.yaml; it has `ollama: {bots: {BOT1: {model: gemma3:4b}}}`."
        taking.wrong(("ollama", "bots"), "there are no bots", remedy)
    prompts = _prompts(taking, names)
    for name in names:
        taking.checked(agent_name, name, ("ollama", "bots", name), at_key=True)
    return [Bot(name=name, prompt=prompts.get(name, ""), model=_model(taking, name)) for name in names]


def _prompts(taking: Taking, names: Sequence[str]) -> dict[str, str]:
    """What stood before each message: a text for each bot, or one for all."""
    if taking.holds_text("prompts"):
        return dict.fromkeys(names, taking.text("prompts") or "")
    return {name: taking.text("prompts", name) or "" for name in taking.keys("prompts") if name in names}


def _model(taking: Taking, name: str) -> dict[str, Any]:
    """What Ollama was asked for; what was not set was left to it, and is here."""
    bot = ("ollama", "bots", name)
    if not taking.holds_mapping(*bot) or not taking.has(*bot, "model"):
        taking.wrong(bot, "the key `model` is missing", "Add it, for example `model: gemma3:4b`.")
    model: dict[str, Any] = {"model": taking.text(*bot, "model")}
    config = (*bot, "generation_config")
    for key, most in _SAMPLING.items():
        found = taking.number(*config, key, low=0.0, high=most)
        if found is not None or key in _ALWAYS:
            model[key] = found
    top_k = taking.whole(*config, "top_k", low=0, high=_MOST_TOKENS)
    context = taking.whole(*config, "num_ctx", low=128, high=_MOST_CONTEXT)
    model |= {key: value for key, value in {"top_k": top_k, "context": context}.items() if value is not None}
    return {**model, "max_tokens": _max_tokens(taking, config)}


def _max_tokens(taking: Taking, config: tuple[str, ...]) -> int:
    """The longest answer: `num_predict`, in Ollama's own words, or `max_tokens`; below 1 it was without limit."""
    found = [taking.whole(*config, key, low=-2, high=_MOST_TOKENS) for key in ("num_predict", "max_tokens")]
    limits = [limit for limit in found if limit is not None and limit > 0]
    return min(limits, default=UNLIMITED)


def _channels(taking: Taking, bots: Sequence[str]) -> dict[str, str]:
    """The channels in which somebody ever spoke: those that all listened to and in which turns were given."""
    listened = (
        taking.texts("channels") if not taking.holds_mapping("channels") else taking.texts("channels", "defaults")
    )
    turns = taking.keys("channel_turns")
    if listened is None:
        listened = turns or [_GENERAL]
    channels = {}
    for name in listened:
        if name in turns:
            taking.checked(any_name, name, ("channel_turns", name), at_key=True)
            channels[name] = _first(taking, name, bots)
        else:
            taking.left_out(
                ("channels",), f"{name!r} is left out: `channel_turns` does not name it, so nobody spoke there"
            )
    for name in turns:
        if name not in listened:
            taking.take("channel_turns", name)
            taking.left_out(
                ("channel_turns", name), "left out: `channels.defaults` does not name it, so no bot listened"
            )
    if not channels:
        remedy = (
            f"Add `channel_turns: {{{_GENERAL}: {{initial_bot: {RANDOM}}}}}`, and the channel to `channels.defaults`."
        )
        taking.wrong(("channel_turns",), "no channel has turns, so that nobody would ever speak", remedy, at_key=True)
    return channels


def _first(taking: Taking, channel: str, bots: Sequence[str]) -> str:
    path = ("channel_turns", channel, "initial_bot")
    first = taking.text(*path) or RANDOM
    if first != RANDOM and first not in bots:
        remedy = f"{nearest(first, bots)}The bots are: {listed(bots)}; or write `{RANDOM}`."
        taking.wrong(path, f"there is no bot {first!r}", remedy)
    return first


def _message(taking: Taking, channels: Collection[str] | None) -> Message:
    """The first text: a mapping of `from` and `body`, or the text alone."""
    at: tuple[str, ...] = ("message",)
    if taking.holds_text(*at):
        speaker, text = "system", taking.text(*at)
    else:
        at = ("message", "body")
        speaker, text = taking.text("message", "from") or "system", taking.text(*at)
    if text is None:
        taking.wrong(at, "there is nothing to begin with", 'Write `message: {from: system, body: "..."}`.')
    else:
        taking.checked(some_text, text, at)
    taking.checked(any_name, speaker, ("message", "from"))
    channel = taking.text("channel")
    if channel is not None and channels is not None and channel not in channels:
        remedy = f"{nearest(channel, channels)}Channels with turns: {listed(list(channels))}."
        taking.wrong(("channel",), f"nobody takes turns in the channel {channel!r}", remedy)
    return Message(channel=channel or next(iter(channels or ()), _GENERAL), speaker=speaker, text=text or "")


def _host(taking: Taking) -> str | None:
    path = ("ollama", "base_url")
    host = taking.text(*path)
    if host is not None and "@" in host:
        taking.wrong(path, "a study holds no credentials", "Leave them out here, and put the address into OLLAMA_HOST.")
    elif host is not None and _FROM_A_CONTAINER in host:
        taking.left_out(
            path, "left out: it is this machine's Ollama, seen from a container; there, set OLLAMA_HOST to it"
        )
        return None
    return host


def _broker(taking: Taking) -> str:
    host = taking.text("redis", "host") or "redis"
    port = taking.whole("redis", "port", low=1, high=65535) or 6379
    database = taking.whole("redis", "db", low=0, high=_MOST_TOKENS) or 0
    return f"redis://{host}:{port}" + (f"/{database}" if database else "")


def _warnings(taking: Taking) -> tuple[str, ...]:
    """About everything that was not taken over."""
    for path in taking.left():
        taking.left_out(path, _REASONS.get(str(path[-1]), _UNKNOWN))
    return tuple(taking.warnings)
