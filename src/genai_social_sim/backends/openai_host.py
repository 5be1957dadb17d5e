"""One OpenAI-style server: reaching it, and what it says of itself and of a model. It knows no prompts."""

from __future__ import annotations

import asyncio
import math
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from importlib import import_module
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any, Final, Literal, NamedTuple
from urllib.parse import urlsplit

from genai_social_sim.backends import servers
from genai_social_sim.backends.guards import Guard, connecting
from genai_social_sim.backends.posting import Post
from genai_social_sim.errors import BackendError, CompletionError, RequestError

Extensions = Literal["llama.cpp", "vllm", "none"]
HOSTED: Final = "https://api.openai.com/v1"
_PATIENCE_S: Final = 15.0  # for questions about the server itself
_CONNECT_S: Final = 5.0
_NO_KEY: Final = "none"  # what is sent where no key is needed
_DONE: Final = re.compile(rb"^data: ?\[DONE\]", re.MULTILINE)  # within a line, it is part of somebody's words
_STRUCTURED_FROM: Final = (0, 11)  # vLLM took `guided_choice` before, and `structured_outputs` since


class Host:
    """A client for one server. `secrets` are struck out wherever they turn up."""

    def __init__(self, base_url: str | None, key_name: str) -> None:
        check_installed()
        import openai

        self.address, auth = _place_of(base_url or os.environ.get("OPENAI_BASE_URL") or HOSTED)
        key = os.environ.get(key_name) or ""
        if not key and urlsplit(self.address).hostname == urlsplit(HOSTED).hostname:
            raise BackendError(
                f"there is no key for {self.address}",
                remedy=f"Put it into the environment variable {key_name}, or name another: api_key_env: NAME.",
            )
        self.key_name = key_name
        self.secrets = servers.secrets_of(key, auth, variable=key_name)
        guard = Guard(("text/event-stream", "application/json"), self.secrets)
        try:
            http = openai.DefaultAioHttpClient(
                event_hooks=guard.hooks(),
                auth=auth,
                follow_redirects=False,  # a prompt goes where the study says
                trust_env=not servers.is_loopback(self.address),
                headers={"Accept-Encoding": "identity"},
            )
        except RuntimeError as fault:
            raise _package_missing(fault) from fault
        self.client = openai.AsyncOpenAI(
            api_key=key or _NO_KEY, base_url=self.address, max_retries=0, http_client=http, timeout=None
        )
        self.faults: tuple[type[Exception], ...] = (
            *_http_faults(library := _library(http)),
            *(openai.OpenAIError, OSError),
            *servers.UNREADABLE,
        )
        self.all_faults: tuple[type[Exception], ...] = (*self.faults, CompletionError)
        self._decoder: Callable[[], Any] = self.client._make_sse_decoder
        trust = library.create_ssl_context
        self.post = Post(self.address, _headers(self.client), guard, trust=trust, auth=auth, end=_DONE)
        self._api_error = openai.APIError
        self._connection_error = openai.APIConnectionError

    def failure(self, fault: BaseException) -> CompletionError:
        """What an exception of the client means."""
        if isinstance(fault, self._api_error) and not isinstance(fault, self._connection_error):
            return servers.stream_failure(str(fault.message), self.secrets)
        return servers.wire_failure(fault, self.secrets)

    async def told(self, path: str, *, readable: bool = False) -> Any:
        """What the server answers to a question about itself, as JSON; None if it does not know the question.

        Raises:
            BackendError: If it cannot be asked, or with `readable` if what it answers is no JSON.
        """
        try:
            with connecting(_CONNECT_S):
                async with asyncio.timeout(_PATIENCE_S):
                    return await self.client.get(path, cast_to=object)
        except TimeoutError:
            raise BackendError(f"the server at {self.address} does not answer within {_PATIENCE_S:g} s") from None
        except self.all_faults as fault:
            failed = self.failure(fault)
        if re.search(r"HTTP (404|405|501)", failed.problem) or (failed.cause == "garbled" and not readable):
            return None
        raise self._not_there(failed)

    def _not_there(self, failed: CompletionError) -> BackendError:
        if failed.cause == "unreachable":
            return BackendError(
                f"no server answers at {self.address} ({failed.problem})",
                remedy="Start it (`llama-server -m FILE.gguf`, `vllm serve NAME`), or correct `base_url`.",
            )
        if "refuses the key" in failed.problem:
            return BackendError(
                f"{self.address}: {failed.problem}",
                remedy=f"Put the right key into the environment variable {self.key_name}.",
            )
        if failed.cause == "garbled":
            return BackendError(
                f"what answers at {self.address} is no OpenAI-style server: {failed.problem}",
                remedy="Correct `base_url`: most end with /v1.",
            )
        return BackendError(f"{self.address}: {failed.problem}", remedy="Look at its log, or correct `base_url`.")

    def chunks_of(self) -> Callable[[bytes], Iterator[Mapping[str, Any]]]:
        """What reads one answer: from its lines as they come to its chunks, by the official client's own decoder.

        The decoder alone: its `AsyncStream` around it would take as much time again. Reading raises CompletionError
        where the server tells of an error, ValueError for what is no JSON.
        """
        decode = self._decoder().decode

        def read(lines: bytes) -> Iterator[Mapping[str, Any]]:
            for line in lines.splitlines():  # bytes break at CR and LF alone
                event = decode(line.decode())
                if event is not None and not event.data.startswith("[DONE]"):
                    chunk = event.json()
                    if isinstance(chunk, dict) and chunk.get("error"):
                        raise servers.stream_failure(event.data, self.secrets)
                    yield chunk

        return read

    async def close(self) -> None:
        """Close its connections; harmless when repeated."""
        await self.post.close()
        await self.client.close()


def check_installed() -> None:
    """Raises BackendError if the client is missing here."""
    try:
        import aiohttp  # noqa: F401
        import openai  # noqa: F401
    except ImportError as fault:
        raise _package_missing(fault) from fault


def _place_of(address: str) -> tuple[str, tuple[str, str] | None]:
    named, auth = servers.split_address(address)
    if not urlsplit(named).hostname:
        raise RequestError("what was named is no address of a server", remedy="Write http://HOST:PORT/v1.")
    return named.rstrip("/"), auth


def _headers(client: Any) -> dict[str, str]:
    """What the official client sends with each call."""
    told = {**client.default_headers, **client.auth_headers}
    return {name: value for name, value in told.items() if isinstance(value, str)}  # others are marked as left out


def _package_missing(fault: Exception) -> BackendError:
    return BackendError(
        f"backend openai needs a package that is missing here ({fault})",
        remedy="Run: pip install 'genai-social-sim[openai]'",
    )


def _library(http: Any) -> Any:
    """The module of the HTTP client that openai is made for: httpx or its successor."""
    name = next(base.__module__ for base in type(http).__mro__ if base.__name__ == "AsyncClient").partition(".")[0]
    return import_module(name)


def _http_faults(library: Any) -> tuple[type[Exception], ...]:
    """The exceptions of what carries questions and calls: aiohttp, and above it the HTTP client of openai."""
    import aiohttp

    return (aiohttp.ClientError, library.HTTPError, library.InvalidURL, library.StreamError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What a server says of a model. `name` is what it wants to be asked for."""

    name: str
    weights: str
    server: str
    extensions: Extensions
    context: int | None
    limit_word: str
    about: Mapping[str, Any]
    structured: bool = True  # vLLM: whether it is new enough for `structured_outputs`
    keeps_connections: bool = False  # llama.cpp closes them after a stream although it says that it does not

    def choice_words(self, legal: Sequence[str]) -> dict[str, Any]:
        """How vLLM is told to choose."""
        return {"structured_outputs": {"choice": list(legal)}} if self.structured else {"guided_choice": list(legal)}


async def reached(host: Host, model: str, extensions: Extensions | None) -> Served:
    """Ask a server what it is and for a model; raises BackendError."""
    listed = await host.told("/models", readable=True)
    entries = _entries(listed)
    entry = _entry(host, model, entries) if entries else {}
    kind = extensions or _kind(entry)
    match kind:
        case "llama.cpp":
            return _of_llama(model, entry, _dict(await host.told(_root(host) + "/props")))
        case "vllm":
            return _of_vllm(model, entry, _dict(await host.told(_root(host) + "/version")))
        case _:
            told = {name: entry[name] for name in ("owned_by", "created", "root", "parent") if entry.get(name)}
            hosted = urlsplit(host.address).hostname == urlsplit(HOSTED).hostname
            return Served(
                name=str(entry.get("id", model)),
                weights=_joined(entry.get("id", model), told),
                server="openai-style",
                extensions="none",
                context=None,
                limit_word="max_completion_tokens" if hosted else "max_tokens",
                keeps_connections=host.address.startswith("https:"),
                about={"listed": bool(entry), **told},
            )


class Names(NamedTuple):
    """The names of the models that a server lists, and its address without credentials."""

    address: str
    names: tuple[str, ...]


async def models_at(base_url: str | None, key_name: str = "OPENAI_API_KEY") -> Names:
    """What a server lists; raises BackendError."""
    host = Host(base_url, key_name)
    try:
        listed = await host.told("/models", readable=True)
    finally:
        await host.close()
    if not isinstance(_dict(listed).get("data"), list):
        raise BackendError(f"what answers at {host.address} lists no models", remedy="Correct the address: .../v1.")
    return Names(host.address, tuple([file_name(each["id"]) for each in _entries(listed)]))


def list_models(base_url: str | None) -> Names:
    """`models_at`, for code that does not wait."""
    return asyncio.run(models_at(base_url))


def _root(host: Host) -> str:
    return re.sub(r"/v\d+$", "", host.address)


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _entries(listed: Any) -> list[dict[str, Any]]:
    data = _dict(listed).get("data")
    return (
        [_entry_of(each) for each in data if isinstance(each, dict) and _is_name(each.get("id"))]
        if isinstance(data, list)
        else []
    )


def _entry_of(told: Mapping[str, Any]) -> dict[str, Any]:
    names = told.get("aliases")
    known = [each for each in names if _is_name(each)] if isinstance(names, list) else []
    return {**_facts(told), "aliases": known, "meta": _facts(told.get("meta"))}


def _facts(told: Any) -> dict[str, Any]:
    """What a record can hold of what a server tells: names, words and numbers."""
    return {name: value for name, value in _dict(told).items() if isinstance(value, str | int) or _is_finite(value)}


def _is_name(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _is_finite(value: object) -> bool:
    return isinstance(value, float) and math.isfinite(value)


@lru_cache(maxsize=64)  # each answer tells its model's name
def file_name(name: str) -> str:
    """The last part of a path of any system; a model's own name if it is none."""
    is_path = PurePosixPath(name).is_absolute() or PureWindowsPath(name).is_absolute()
    return re.split(r"[/\\]", name)[-1] if is_path else name


def _entry(host: Host, model: str, entries: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The model that was asked for; a server that would answer with another one is refused."""
    for each in entries:
        names = [each["id"], *each["aliases"]]
        known = {*names, *map(file_name, names), *(file_name(name).removesuffix(".gguf") for name in names)}
        if model in known:
            return each
    there = sorted({file_name(each["id"]) for each in entries})
    raise BackendError(
        f"the server at {host.address} does not serve {model!r}; it serves {', '.join(there[:8])}",
        remedy=f"Write model: {there[0]}"
        if len(there) == 1
        else "Write one of its names, or start it with that model.",
    )


def _kind(entry: Mapping[str, Any]) -> Extensions:
    match entry.get("owned_by"):
        case "llamacpp":
            return "llama.cpp"
        case "vllm":
            return "vllm"
        case _:
            return "none"


def _of_llama(model: str, entry: Mapping[str, Any], told: Mapping[str, Any]) -> Served:
    meta, props = _facts(entry.get("meta")), _facts(told)
    facts = {name: meta.get(name) for name in ("ftype", "n_params", "size", "n_vocab", "n_ctx_train", "n_embd")}
    context = _dict(told.get("default_generation_settings")).get("n_ctx", meta.get("n_ctx"))
    template = str(props.get("chat_template", ""))
    return Served(
        name=str(entry.get("id", model)),
        weights=_joined(file_name(str(entry.get("id", model))), facts),
        server=f"llama.cpp {props.get('build_info', '')}".strip(),
        extensions="llama.cpp",
        context=context if isinstance(context, int) else None,
        limit_word="max_tokens",
        about={
            "quantisation": str(props.get("model_ftype") or meta.get("ftype") or ""),
            "parameters": meta.get("n_params"),
            "context_trained": meta.get("n_ctx_train"),
            "template_sha256": sha256(template.encode()).hexdigest() if template else "",
            "slots_of_server": props.get("total_slots"),
        },
    )


def _of_vllm(model: str, entry: Mapping[str, Any], version: Mapping[str, Any]) -> Served:
    said = str(_facts(version).get("version", ""))
    numbers = re.match(r"(\d+)\.(\d+)", said)
    longest = entry.get("max_model_len")
    return Served(
        name=str(entry.get("id", model)),
        weights=_joined(entry.get("id", model), {"root": entry.get("root"), "parent": entry.get("parent")}),
        server=f"vllm {said}".strip(),
        extensions="vllm",
        context=longest if isinstance(longest, int) else None,
        limit_word="max_tokens",
        about={"root": entry.get("root")},
        keeps_connections=True,
        structured=numbers is None or tuple(map(int, numbers.groups())) >= _STRUCTURED_FROM,
    )


def _joined(name: object, facts: Mapping[str, Any]) -> str:
    """All that a server tells of a model's weights in one text: it changes if they do, as far as that shows."""
    return " ".join([str(name), *(f"{key}={value}" for key, value in facts.items() if value is not None)])
