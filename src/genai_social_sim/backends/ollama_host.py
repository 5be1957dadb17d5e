"""One Ollama server: reaching it, what it says of itself and of a model, listing and pulling. It knows no prompts."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final, Literal, TypeVar, cast

from genai_social_sim.backends import servers
from genai_social_sim.backends.guards import Guard, connecting
from genai_social_sim.backends.posting import Post
from genai_social_sim.errors import BackendError, CompletionError
from genai_social_sim.ports import Limits

T = TypeVar("T")
Path = Literal["/api/chat", "/api/generate"]
Progress = Callable[[str, float], None]  # (what is being done, share done from 0 to 1)
HERE: Final = "http://127.0.0.1:11434"
_DONE: Final = re.compile(rb'"done": ?true')  # within words, JSON writes \" for a quotation mark
_KEY: Final = "OLLAMA_API_KEY"  # the variable whose value the official client sends
_REFUSES_FROM: Final = (0, 12, 6)  # the first version that can be told not to cut a prompt
_PATIENCE_S: Final = 15.0  # for questions about the server itself
_CONNECT_S: Final = 5.0
_MOST_CONNECTIONS: Final = 100_000  # the engine bounds calls, not the client


class AbsentError(BackendError):
    """No server answers, or its client is not installed here."""


class Host:
    """A client for one server and how busy it is with our calls."""

    def __init__(self, address: str, auth: tuple[str, str] | None = None) -> None:
        self.address = address
        self.calls = 0
        self.rests_until = 0.0
        try:
            import aiohttp
            import httpx
            import ollama
        except ImportError as fault:
            raise AbsentError(
                f"backend ollama needs a package that is missing here ({fault})",
                remedy="Run: pip install 'genai-social-sim[ollama]'",
            ) from fault
        self.secrets = servers.secrets_of(os.environ.get(_KEY) or "", auth, variable=_KEY)
        guard = Guard(("application/x-ndjson", "application/json"), self.secrets)
        self.client = ollama.AsyncClient(
            host=address,
            auth=auth,
            event_hooks=guard.hooks(),
            follow_redirects=False,  # a prompt goes where the study says
            trust_env=False,  # a proxy of the environment would get a transport of its own; ours knows of it
            transport=_transport(servers.proxy_for(address)),
            headers={"Accept-Encoding": "identity"},
        )
        self.faults: tuple[type[Exception], ...] = (
            *(httpx.HTTPError, httpx.InvalidURL, aiohttp.ClientError, ollama.ResponseError, OSError),
            *servers.UNREADABLE,
        )
        self.all_faults = (*self.faults, CompletionError)
        self._response_error = ollama.ResponseError
        self._post = Post(
            address.rstrip("/"),
            self.client._client.headers,
            guard,
            auth=auth,
            trust=httpx.create_ssl_context,
            end=_DONE,
        )
        self._reader = copy(self.client)
        self._reader._client = self._post

    async def chunks(
        self, path: Path, body: Mapping[str, Any], limits: Limits
    ) -> AsyncGenerator[Mapping[str, Any], None]:
        """The chunks of an answer as the official client reads them, each a JSON object that is no error.

        By its method beneath `chat` and `generate`: those cannot send `truncate` and `shift`, and checking a prompt's
        messages and each chunk against their types takes them longer than all else that is done for a call.
        """
        chunks: Any = await self._reader._request(dict, path, body, connect_s=limits.connect_s, stream=True)
        return cast("AsyncGenerator[Mapping[str, Any], None]", chunks)

    def failure(self, fault: BaseException) -> CompletionError:
        """What an exception of the client means."""
        if isinstance(fault, self._response_error):  # an error in the midst of a stream
            return servers.stream_failure(str(fault.error), self.secrets)
        return servers.wire_failure(fault, self.secrets)

    async def told(self, question: Callable[[], Awaitable[T]]) -> T:
        """What the server answers to a question about itself; raises BackendError."""
        try:
            with connecting(_CONNECT_S):
                async with asyncio.timeout(_PATIENCE_S):
                    return await question()
        except TimeoutError:
            raise BackendError(
                f"the server at {self.address} does not answer within {_PATIENCE_S:g} s", remedy="Look after it."
            ) from None
        except self.all_faults as fault:
            failed = self.failure(fault)
        if failed.cause == "unreachable":
            raise self._not_there(failed)
        if failed.cause == "error":
            raise BackendError(f"the server at {self.address}: {failed.problem}", remedy="Look at its log.")
        raise BackendError(
            f"what answers at {self.address} does not answer as Ollama does: {failed.problem}", remedy="Check `host`."
        )

    def _not_there(self, failed: CompletionError) -> AbsentError:
        start = "Start it with `ollama serve` or by opening the Ollama app"
        elsewhere = f"{start}; get it at https://ollama.com/download. Or name another server with `host:`."
        return AbsentError(f"no Ollama server answers at {self.address} ({failed.problem})", remedy=elsewhere)

    async def close(self) -> None:
        """Close its connections; harmless when repeated."""
        await self._post.close()
        await self.client._client.aclose()


def _transport(proxy: str | None) -> Any:
    """How questions travel: through aiohttp, like calls for answers."""
    import httpx
    from httpx_aiohttp import AiohttpTransport

    limits = httpx.Limits(max_connections=_MOST_CONNECTIONS, keepalive_expiry=servers.KEPT_S)
    return AiohttpTransport(limits=limits, proxy=httpx.Proxy(proxy) if proxy else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What a server says of a model. `thinks` and `trained_context`: None where it does not say."""

    address: str
    version: str
    digest: str
    refuses_overlong: bool
    thinks: bool | None
    trained_context: int | None
    stops: tuple[str, ...]
    about: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalModel:
    """A model that a server holds; `size` in bytes."""

    name: str
    digest: str
    size: int
    family: str
    parameters: str
    quantisation: str


def hosts_of(addresses: Sequence[str] | None) -> list[Host]:
    """The hosts at `addresses`, or the one that OLLAMA_HOST names, which alone may hold credentials."""
    if addresses is not None:
        return [Host(_complete(address)) for address in dict.fromkeys(addresses)]
    named = os.environ.get("OLLAMA_HOST") or HERE
    return [Host(_complete(named), servers.split_address(named)[1])]


def address_of(host: str | None) -> str:
    """The address, without credentials, at which `hosts_of` looks for one server."""
    return _complete(host or os.environ.get("OLLAMA_HOST") or HERE)


def _complete(address: str) -> str:
    """With Ollama's port where only a name is given, and this machine where the setting for servers says everywhere."""
    scheme, _, place = servers.split_address(address)[0].rstrip("/").partition("://")
    if "://" not in address and not re.search(r":\d+(/|$)", place):
        host, slash, path = place.partition("/")
        place = f"{host}:11434{slash}{path}"
    place = re.sub(r"^(0[.]0[.]0[.]0)?(?=:|/|$)", "127.0.0.1", place)
    return f"{scheme}://" + re.sub(r"^\[::\](?=:|/|$)", "[::1]", place)


async def reached(host: Host, model: str) -> Served:
    """Ask a server for its version and for a model; raises BackendError."""
    version = await version_of(host)
    named = model if ":" in model.rpartition("/")[2] else f"{model}:latest"
    listed = await host.told(host.client.list)
    found = next((each for each in listed.models if each.model in (model, named)), None)
    if found is None or not found.digest:
        raise _missing(host, model, [each.model or "" for each in listed.models])
    shown = await host.told(lambda: host.client.show(model))
    details, info = shown.details, dict(shown.modelinfo or {})
    trained = info.get(f"{info.get('general.architecture')}.context_length")
    return Served(
        address=host.address,
        version=version,
        digest=found.digest,
        refuses_overlong=refuses_overlong(version),
        thinks=None if shown.capabilities is None else "thinking" in shown.capabilities,
        trained_context=trained if isinstance(trained, int) else None,
        stops=_stops(shown.parameters or ""),
        about={
            "quantisation": (details and details.quantization_level) or "",
            "family": (details and details.family) or "",
            "parameters": (details and details.parameter_size) or "",
            "format": (details and details.format) or "",
            "template_sha256": sha256((shown.template or "").encode()).hexdigest(),
            "context_trained": trained if isinstance(trained, int) else None,
            "capabilities": shown.capabilities,
            "defaults_of_its_own": shown.parameters or "",  # hold for options that the study leaves open
        },
    )


async def version_of(host: Host) -> str:
    """The version of a server; raises BackendError."""

    async def asked() -> str:
        # The official client has no call for it; its HTTP client is the one that all calls go through.
        reply = await host.client._client.get("/api/version")
        return str(reply.json()["version"])

    return await host.told(asked)


def _missing(host: Host, model: str, there: list[str]) -> BackendError:
    has = f"; it has {', '.join(sorted(there)[:8])}" if there else ""
    return BackendError(
        f"the Ollama server at {host.address} has no model {model!r}{has}",
        remedy=f"gss models pull {shlex.quote(model)} --host {shlex.quote(host.address)}",
    )


def refuses_overlong(version: str) -> bool:
    """Whether a server of this version can be told to refuse a prompt that does not fit, instead of cutting it."""
    return _numbers(version) >= _REFUSES_FROM


def _numbers(version: str) -> tuple[int, ...]:
    found = re.match(r"(\d+)\.(\d+)\.(\d+)", version)
    return tuple(map(int, found.groups())) if found else (0, 0, 0)


def _stops(parameters: str) -> tuple[str, ...]:
    """The stop sequences in a model's own parameters, which a call's stops would replace."""
    found = re.findall(r"^stop\s+(.+?)\s*$", parameters, re.MULTILINE)
    return tuple([_unquoted(each) for each in found])


def _unquoted(text: str) -> str:
    try:
        return str(json.loads(text))
    except ValueError:
        return text.strip('"')


async def models_at(host: str | None = None) -> tuple[LocalModel, ...]:
    """The models that a server holds; raises BackendError."""
    (server,) = hosts_of((host,) if host else None)
    try:
        listed = await server.told(server.client.list)
    finally:
        await server.close()
    return tuple([_local(each) for each in listed.models])


def _local(each: Any) -> LocalModel:
    details = each.details
    return LocalModel(
        name=each.model or "",
        digest=each.digest or "",
        size=int(each.size or 0),
        family=(details and details.family) or "",
        parameters=(details and details.parameter_size) or "",
        quantisation=(details and details.quantization_level) or "",
    )


async def pulled(model: str, host: str | None, progress: Progress) -> None:
    """Let a server fetch a model, for as long as that takes; raises BackendError."""
    (server,) = hosts_of((host,) if host else None)
    status = ""
    try:
        await version_of(server)
        with connecting(_CONNECT_S):
            async for part in await server.client.pull(model, stream=True):
                status = part.status or ""
                progress(f"{model}: {status}", (part.completed or 0) / part.total if part.total else 0.0)
    except server.all_faults as fault:
        raise _not_pulled(server, model, server.failure(fault)) from None
    finally:
        await server.close()
    if status != "success":
        raise BackendError(f"the server stopped fetching {model} ({status or 'without a word'})", remedy="Try again.")
    progress(f"{model}: {status}", 1.0)


def _not_pulled(server: Host, model: str, fault: CompletionError) -> BackendError:
    if fault.cause == "unreachable":
        return BackendError(
            f"the connection to {server.address} broke while {model} was pulled",
            remedy="What was fetched is kept there: pull it again.",
        )
    return BackendError(
        f"{model} cannot be pulled: {fault.problem}", remedy="Check its name at https://ollama.com/library."
    )


def look(host: str | None) -> tuple[str, tuple[LocalModel, ...]]:
    """A server's version and models; raises BackendError."""

    async def looked() -> tuple[str, tuple[LocalModel, ...]]:
        (server,) = hosts_of((host,) if host else None)
        try:
            version, listed = await version_of(server), await server.told(server.client.list)
        finally:
            await server.close()
        return version, tuple([_local(each) for each in listed.models])

    return asyncio.run(looked())


def list_models(host: str | None = None) -> tuple[LocalModel, ...]:
    """`models_at`, for code that does not wait."""
    return asyncio.run(models_at(host))


def pull(model: str, host: str | None, progress: Progress) -> None:
    """`pulled`, for code that does not wait."""
    asyncio.run(pulled(model, host, progress))
