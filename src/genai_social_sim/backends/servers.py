"""What the backends for model servers share: deadlines of a call, what a server may send, what its failures mean.

Whatever a server does ends a call with an answer or a `CompletionError` of one of these causes:

    timeout      no first token, or not the whole answer, within its deadline
    unreachable  no connection, or one that broke
    too_long     the prompt does not fit the context; never tried again
    refused      the server will not answer this call as it is (400, 403, 404, 422, a content filter); never again
    denied       it does not know the key, or no longer (401): it would answer no call; the run stops and can be resumed
    garbled      what came is no answer of this protocol: broken JSON or UTF-8, another content type, endless text
    error        the server failed or is too busy (429, 500, 503...); it says how long to leave it alone (Retry-After)

It knows no protocol and no client library.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import re
from base64 import b64encode
from collections.abc import Collection, Mapping
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit
from urllib.request import getproxies, proxy_bypass

from genai_social_sim.errors import BackendError, CompletionError, RequestError
from genai_social_sim.ports import Limits

KEPT_S: Final = 2.0  # an idle connection; servers close theirs after 5 s, and a call would be lost on a closed one
MOST_TEXT: Final = 1 << 20  # characters of an answer, thinking included
# What reading something that is none of the protocol raises. RecursionError: JSON nested without end.
UNREADABLE: Final = (ValueError, TypeError, AttributeError, LookupError, OverflowError, RecursionError)
_MOST_COUNTED: Final = 1 << 40
_SHOWN: Final = 300  # characters of them that are passed on
_SHORTEST_SECRET: Final = 6  # a placeholder such as "none" or "x" is no secret
_TOO_LONG: Final = re.compile(
    r"exceed_context_size|context_length_exceeded|exceeds? the available context|maximum context length"
    r"|longer than the (?:maximum )?(?:model|context) length|longer than the context|exceeds? the (?:model's )?context"
    r"|input length exceeds|prompt is too long|context window",
    re.IGNORECASE,
)


class Hearing:
    """What has come of an answer so far, within the deadlines of its call: raises CompletionError once one has passed.

    Times are seconds since the call began. It is entered once (`async with`); a class because a generator takes longer.
    """

    __slots__ = (
        *("_began", "_has_begun", "_limits", "_now", "_timeout"),
        *("first_token_s", "size", "text", "thinking", "tokens"),
    )

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._has_begun = False
        self.text: list[str] = []
        self.thinking: list[str] = []
        self.tokens: list[Any] = []  # with log probabilities, where they were asked for
        self.first_token_s: float | None = None
        self.size = 0

    async def __aenter__(self) -> Self:
        answer_s, _, first_s = self._limits
        self._now = asyncio.get_running_loop().time
        self._began = self._now()
        self._timeout = asyncio.timeout(answer_s if first_s is None else min(answer_s, first_s))
        await self._timeout.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._timeout.__aexit__(kind, fault, trace)
        except TimeoutError:
            raise self._too_late() from None
        if isinstance(fault, TimeoutError):
            raise self._too_late() from None

    def _too_late(self) -> CompletionError:
        answer_s, _, first_s = self._limits
        if first_s is not None and first_s < answer_s and not self._has_begun:
            return CompletionError(f"no first token within {first_s:g} s", cause="timeout")
        return CompletionError(f"no whole answer within {answer_s:g} s", cause="timeout")

    def add(self, text: object, thinking: object = None) -> None:
        """Take a piece; raises CompletionError for what is no text, or too much of it."""
        for piece, pieces in ((text, self.text), (thinking, self.thinking)):
            if piece is None or piece == "":
                continue
            if not isinstance(piece, str):
                raise garbled(f"where text belongs it sent {type(piece).__name__}")
            if self.first_token_s is None:
                self.first_token_s = self._now() - self._began
                if self._limits.first_token_s is not None and not self._has_begun:
                    self._timeout.reschedule(self._began + self._limits.answer_s)
                self._has_begun = True
            pieces.append(piece)
            self.size += len(piece)
        if self.size > MOST_TEXT:
            raise garbled(f"its answer goes on past {MOST_TEXT:,} characters")

    def anew(self) -> None:
        """Forget what came of an answer that does not count; deadlines go on."""
        for pieces in (self.text, self.thinking, self.tokens):
            pieces.clear()
        self.size, self.first_token_s = 0, None


def why_empty(text: str, thinking: str, finish: str) -> str:
    """In a word, why an answer without words has none."""
    if thinking.strip():
        return "cut_while_thinking" if finish == "length" else "only_thinking"
    if text:
        return "only_white_space"
    return "cut_before_words" if finish == "length" else "nothing"


def garbled(what: str, *, retry: bool = True) -> CompletionError:
    """The failure of a call whose answer cannot be read."""
    return CompletionError(f"the server sent no answer that can be read: {what}", cause="garbled", retry=retry)


def http_failure(status: int, headers: Mapping[str, str], words: str, secrets: Collection[str] = ()) -> CompletionError:
    """What a status other than success means. `words`: what the server said."""
    said = _said(words, secrets)
    what = f"HTTP {status}: {said}" if said else f"HTTP {status}"
    if status in (400, 413, 422, 500) and _TOO_LONG.search(words):
        return too_long(f"the server says: {said}")
    if status in (401, 403):  # its words may show parts of a key
        return CompletionError(
            f"the server refuses the key (HTTP {status})",
            cause="denied" if status == 401 else "refused",  # noqa: PLR2004 (403 may be about this one call)
            retry=False,
            remedy="Set the environment variable that holds the key.",
        )
    if status == 408:  # noqa: PLR2004 (request timeout)
        return CompletionError(f"the server gave up waiting ({what})", cause="timeout")
    if status in (409, 425, 429) or status >= 500:  # noqa: PLR2004 (its own fault, or too busy)
        return CompletionError(
            f"the server fails ({what})" if status >= 500 else f"too busy ({what})",  # noqa: PLR2004 (its own fault)
            cause="error",
            retry_after_s=retry_after_s(headers),
        )
    return CompletionError(f"the server refuses the call ({what})", cause="refused", retry=False)


def stream_failure(words: str, secrets: Collection[str]) -> CompletionError:
    """What an error in the midst of an answer means."""
    said = _said(words, secrets)
    if _TOO_LONG.search(words):
        return too_long(f"the server says: {said}")
    return CompletionError(f"the server fails ({said})", cause="error")


def refused_answer(words: str, secrets: Collection[str]) -> CompletionError:
    """The failure of a call that the server, not the model, would not answer."""
    said = f": {_said(words, secrets)}" if words else ""
    return CompletionError(f"the server withheld the answer{said}", cause="refused", retry=False)


def too_long(problem: str) -> CompletionError:
    """The failure of a call whose prompt does not fit."""
    return CompletionError(problem, cause="too_long", retry=False, remedy="Set a larger `context` or a smaller memory.")


def count(value: object) -> int:
    """How many tokens a server says there were, 0 if it does not say; raises CompletionError for what is no number."""
    if value is None:
        return 0
    if not isinstance(value, int) or not 0 <= value <= _MOST_COUNTED:
        raise garbled(f"it counts {str(value)[:40]} tokens")
    return int(value)


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """How long a server wants to be left alone; a date is read against the server's own clock, so its `Date` counts."""
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,6}(\.\d+)?", value):
        return float(value)
    try:
        until, now = parsedate_to_datetime(value), parsedate_to_datetime(headers.get("date", ""))
        return max(0.0, (until - now).total_seconds())
    except (ValueError, TypeError):  # TypeError: one of them tells its zone and the other does not
        return None


def wire_failure(fault: BaseException, secrets: Collection[str]) -> CompletionError:
    """What an exception of a client library means, by what caused it."""
    chain = [fault]
    while (inner := _behind(chain[-1])) is not None and inner not in chain:
        chain.append(inner)
    for each in chain:
        if isinstance(each, CompletionError):
            return each
    names = {base.__name__ for each in chain for base in type(each).__mro__}
    said = _said(str(chain[-1]) or type(chain[-1]).__name__, secrets)
    if names & _BROKEN or re.search(r"disconnected|closed connection|incomplete", said):
        return CompletionError(f"the connection to the server failed ({said})", cause="unreachable")
    if isinstance(fault, UNREADABLE) or names & {each.__name__ for each in UNREADABLE}:
        return garbled(f"no JSON of this protocol ({said})")
    return garbled(f"no HTTP ({said})")


def _behind(fault: BaseException) -> BaseException | None:
    return fault.__cause__ or (None if fault.__suppress_context__ else fault.__context__)


# By name, since which of these are there depends on the client library: httpx, its successor, or aiohttp.
_BROKEN: Final = {
    *("OSError", "ConnectError", "ConnectTimeout", "ReadError", "WriteError", "CloseError", "ProxyError"),
    *("ClientConnectionError", "ClientPayloadError", "TimeoutException"),
}


def _said(words: str, secrets: Collection[str]) -> str:
    """A server's words without what wraps them and without secrets, which JSON may have written with escapes."""
    said: object = words
    for _ in range(3):  # a server in front of another wraps its words
        try:
            inner = json.loads(said) if isinstance(said, str) else said
        except (ValueError, RecursionError):
            break
        said = (
            inner.get("error", inner.get("message", inner.get("detail", said))) if isinstance(inner, Mapping) else said
        )
    return shown(" ".join(str(said).split()), secrets)


def shown(told: object, secrets: Collection[str]) -> str:
    """What a server told in a few words, for the record: without secrets, and shortened if it is long."""
    text = without(str(told), secrets)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


def without(words: str, secrets: Collection[str]) -> str:
    """`words` with every secret struck out."""
    for secret in secrets:
        if len(secret) >= _SHORTEST_SECRET:
            words = words.replace(secret, "***")
    return words


def check_secrets(heard: Hearing, secrets: Collection[str]) -> None:
    """Refuse an answer that holds a secret, which the record would hold then; raises CompletionError."""
    if not secrets:
        return
    said = "".join((*heard.text, *heard.thinking))
    if without(said, secrets) != said:
        raise garbled("it holds the key that was sent", retry=False)


def struck_out(value: Any, secrets: Collection[str]) -> Any:
    """A JSON value with every secret in its texts struck out."""
    if not secrets:
        return value
    match value:
        case str():
            return without(value, secrets)
        case Mapping():
            return {without(key, secrets): struck_out(each, secrets) for key, each in value.items()}
        case list() | tuple():
            return [struck_out(each, secrets) for each in value]
        case _:
            return value


def _parts(address: str, what: str) -> SplitResult:
    """The parts of an address; raises RequestError, which does not repeat it: it may hold credentials."""
    try:
        parts = urlsplit(address)
        int(parts.port or 0)  # reading it finds that it is none
    except ValueError:
        raise RequestError(f"{what} is no address of a server", remedy="Write http://HOST:PORT.") from None
    return parts


def split_address(address: str) -> tuple[str, tuple[str, str] | None]:
    """An address without its credentials, and those; raises RequestError for what is none."""
    address = address.strip()
    parts = _parts(address if "://" in address else f"http://{address}", "what was named")
    if parts.scheme not in ("http", "https"):
        raise RequestError("what was named is no address of a model server", remedy="Write http://HOST:PORT.")
    if parts.query or parts.fragment:
        raise RequestError(
            "the address of a server that was named goes on behind its path, with ? or #, which calls cannot keep",
            remedy="Leave that out. What a server wants with each call can stand in the option `extra` of `openai`.",
        )
    place = parts.netloc.rpartition("@")[2]
    plain = urlunsplit((parts.scheme, place, parts.path, "", ""))
    named = unquote(parts.username or ""), unquote(parts.password or "")
    return plain, named if "@" in parts.netloc else None


def as_basic(auth: tuple[str, str]) -> str:
    """Name and password as HTTP sends them."""
    return b64encode(":".join(auth).encode()).decode()


def secrets_of(key: str, auth: tuple[str, str] | None, *, variable: str) -> list[str]:
    """What may be shown nowhere; raises BackendError for a key that no call can carry, without repeating it."""
    if not key.isascii() or not key.isprintable():
        raise BackendError(
            f"the environment variable {variable} holds a line break or another character that no key has",
            remedy="Put the key alone into it, on one line.",
        )
    return [each for each in (key, *(auth or ()), as_basic(auth) if auth else "") if each]


def public_address(address: str, *, option: str, instead: str) -> str:
    """An address that may stand in a study, which is recorded whole; raises RequestError for one with credentials."""
    parts = _parts(address if "://" in address else f"http://{address}", f"option {option!r}")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise RequestError(
            f"option {option!r} holds more than an address: a study is recorded, and its credentials with it",
            remedy=f"Put an address with credentials into the environment variable {instead}.",
        )
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise RequestError(f"option {option!r} is no address of a server", remedy="Write http://HOST:PORT.")
    return address


def proxy_for(address: str) -> str | None:
    """The proxy that the environment names for a server, as other programs understand it."""
    parts = urlsplit(address)
    if is_loopback(address) or proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    named = getproxies()
    return named.get(parts.scheme) or named.get("all")


def is_loopback(address: str) -> bool:
    """Whether a server is on this machine; such a one is never asked through a proxy."""
    host = urlsplit(address if "://" in address else f"http://{address}").hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
