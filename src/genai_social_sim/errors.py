"""Every error that this package raises on purpose. It knows no other module.

SocialSimError            code, problem, where, remedy
├── RequestError          the request is wrong: exit code 2
│   ├── OptionsError      options of a backend are wrong; a study says so in words of its own
│   └── SpecError         a study file is wrong: file, line, column
├── RecordError           a run file cannot be read, written or trusted
│   ├── EmptyRecordError  a run file in which nothing has been written yet
│   ├── NoSuchTurnError   a run has no such turn, or nobody was asked that aside
│   ├── PastError         the past of a fork, in another run file, is missing or not the one that it comes from
│   └── FencedError       another process took this run over
├── BackendError          a backend cannot start or be reached
├── BrokerError           a broker cannot be reached, or refuses
├── OversizeError         a message is larger than a broker takes
└── CompletionError       one call to a model failed; the engine turns it into an event
"""

from __future__ import annotations

from typing import ClassVar


class SocialSimError(Exception):
    """What went wrong (`problem`), where, and what to do about it (`remedy`).

    Args:
        problem: One sentence without a full stop at its end.
        remedy: What to do, as a sentence or as a command to paste.
        where: File, line and column, or agent and turn; empty if it is everywhere.
    """

    code: ClassVar[str] = "failed"
    exit_code: ClassVar[int] = 1

    def __init__(self, problem: str, *, remedy: str = "", where: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy
        self.where = where

    def __str__(self) -> str:
        head = f"{self.where}: {self.problem}" if self.where else self.problem
        return f"{head}. {self.remedy}" if self.remedy else head


class RequestError(SocialSimError):
    """What was asked for makes no sense as it was asked."""

    code = "bad-request"
    exit_code = 2


class SpecError(RequestError):
    """A study file is wrong; `where` is file:line:column."""

    code = "bad-study"


class OptionsError(RequestError):
    """Options of a backend are not what its document takes; its cause is what pydantic found.

    Args:
        problem: What is wrong, in pydantic's words.
        remedy: What to do.
        document: The class whose fields are the options.
    """

    code = "bad-options"

    def __init__(self, problem: str, *, remedy: str, document: type) -> None:
        super().__init__(problem, remedy=remedy)
        self.document = document


class RecordError(SocialSimError):
    """A run file cannot be read, written or trusted."""

    code = "bad-record"


class EmptyRecordError(RecordError):
    """A run file in which nothing has been written yet: its process was killed, or has only just begun."""


class NoSuchTurnError(RecordError):
    """A record holds no such turn, or nobody was asked that aside."""


class PastError(RecordError):
    """The past of a fork, which another run file holds, is missing or not the one that it comes from."""

    code = "no-past"


class FencedError(RecordError):
    """Another process took this run over; this one stops."""

    code = "fenced"


class BrokerError(SocialSimError):
    """A broker cannot be reached, or refuses what it is asked."""

    code = "broker"


class OversizeError(SocialSimError):
    """A message is larger than a broker takes: waiting does not help."""

    code = "oversize"


class BackendError(SocialSimError):
    """A backend cannot start, or its model cannot be had."""

    code = "backend"


class CompletionError(SocialSimError):
    """One call to a model failed.

    Args:
        problem: What happened.
        cause: One of `domain.events.CAUSES`.
        remedy: What to do.
        retry: Whether another attempt can come to anything; not so for a call that is refused as it is.
        retry_after_s: How long the server wants to be left alone, in seconds.
    """

    code = "completion"

    def __init__(
        self,
        problem: str,
        *,
        cause: str = "error",
        remedy: str = "",
        retry: bool = True,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(problem, remedy=remedy)
        self.cause = cause
        self.retry = retry
        self.retry_after_s = None if retry_after_s is None else float(retry_after_s)
