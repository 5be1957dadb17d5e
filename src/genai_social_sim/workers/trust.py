"""Which models a worker opens for a stranger. A job brings prompts; where they go is for the worker's owner to say.

Options of a model may name files, servers and environment variables. A worker takes those of its own environment, and
others only if its owner allowed them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

USUAL: Final = ("embedded", "ollama", "openai", "scripted")  # they send prompts and run nothing
_OLLAMA: Final = ("http://127.0.0.1:11434", "http://localhost:11434", "127.0.0.1:11434", "localhost:11434")
_KEY: Final = "OPENAI_API_KEY"
Named = Iterator[tuple[str, str]]  # (option, its value) of what has to be allowed


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """What a worker's owner allows.

    Args:
        backends: Those that are opened.
        allowed: Servers, files and variables that options may name.
    """

    backends: Collection[str] = USUAL
    allowed: Collection[str] = ()

    def refusal(self, backend: str, options: Mapping[str, Any]) -> str:
        """Why this model is not opened, and what its owner can do; empty if it is."""
        if backend not in self.backends:
            return f"it does not serve {backend}; its owner can allow it: gss worker --backend {backend}"
        for option, value in named(backend, options):
            if value.rstrip("/") not in {each.rstrip("/") for each in self.allowed}:
                return f"it does not take {option} {value} from a study; its owner can allow it: --allow {value}"
        return ""


def named(backend: str, options: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a model's options name that has to be allowed: (option, value)."""
    find = _NAMED.get(backend)
    return [] if find is None else list(find(options))


def _embedded(options: Mapping[str, Any]) -> Named:
    if options.get("path") is not None:
        yield "path", str(options["path"])


def _ollama(options: Mapping[str, Any]) -> Named:
    hosts = options.get("hosts") or ()
    for host in [options.get("host"), *(hosts if isinstance(hosts, list | tuple) else [hosts])]:
        if host is not None and str(host).rstrip("/") not in _OLLAMA:
            yield "host", str(host)


def _openai(options: Mapping[str, Any]) -> Named:
    if options.get("base_url") is not None:
        yield "base_url", str(options["base_url"])
    if options.get("api_key_env", _KEY) != _KEY:
        yield "api_key_env", str(options["api_key_env"])


_NAMED: Final[Mapping[str, Callable[[Mapping[str, Any]], Named]]] = {
    "embedded": _embedded,
    "ollama": _ollama,
    "openai": _openai,
}
