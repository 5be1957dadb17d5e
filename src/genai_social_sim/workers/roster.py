"""Which workers a run has heard of, as what, and what is to be said of them. It does no I/O."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from genai_social_sim.domain.events import Notice, Noticed
from genai_social_sim.domain.text import Text
from genai_social_sim.ports import Hello, Wanted
from genai_social_sim.workers.identity import fingerprint

_MOST: Final = 1_000  # names that are remembered, so that strangers cannot fill the memory
_LONGEST: Final = 1 << 16  # characters of what a worker says of its model
Accepts = Callable[[Mapping[str, Any]], str]  # why a model may not go on with this run; empty if it may


class Roster:
    """The models that a run wants, and who serves them.

    Args:
        wanted: Without identities; the first worker that is accepted gives each its own.
        accepts: Whether a model may go on with this run.
        patience_s: After this long without a word a worker counts as gone.
    """

    def __init__(self, wanted: Sequence[Wanted], *, accepts: Accepts, patience_s: float) -> None:
        self.wanted = list(wanted)
        self.identities: list[Mapping[str, Any]] = [{} for _ in wanted]
        self._accepts = accepts
        self._patience_s = patience_s
        self._index = {each.key: number for number, each in enumerate(wanted)}
        self._heard: dict[tuple[str, int], float] = {}
        self._told: set[tuple[str, str]] = set()
        self._missing: set[int] = set()

    @property
    def is_identified(self) -> bool:
        """Whether it is known for each model what answers."""
        return all(each.identity for each in self.wanted)

    def hello(self, hello: Hello, now: float) -> list[Noticed]:
        """A worker says what it serves, or why not."""
        number = self._index.get(hello.key)
        if number is None:
            return []
        refusal = hello.refusal or self._refused(number, hello.identity)
        if refusal:
            return self._once("worker_refused", hello.worker, refusal, words=f"{hello.worker}: {refusal}")
        self._missing.discard(number)
        if len(self._heard) < _MOST:
            self._heard[hello.worker, number] = now
        backend, mark = self.wanted[number].backend, self.wanted[number].identity
        words = f"{hello.worker} answers for {backend} as {mark[:12]}\n{_identity(hello)}"
        return self._once("worker_joined", hello.worker, f"{backend} {mark}", words=words)

    def worked(self, worker: str, key: str, now: float) -> None:
        """A worker sent a result."""
        number = self._index.get(key)
        if number is not None and (worker, number) in self._heard:
            self._heard[worker, number] = now

    def missing(self, keys: set[str], now: float) -> list[Noticed]:
        """What to say of models that requests (of `keys`) wait for and no worker serves; once, until one does."""
        served = {number for (_, number), at in self._heard.items() if now - at <= self._patience_s}
        waited = {self._index[key] for key in keys if key in self._index}
        lacking = waited - served - self._missing
        self._missing |= lacking
        return [_notice("worker_missing", self.lacks(number)) for number in sorted(lacking)]

    def lacks(self, number: int) -> str:
        """What is missing, in words."""
        wanted = self.wanted[number]
        return f"none serves {wanted.backend} {wanted.options}; start one: gss worker --broker URL"

    def _refused(self, number: int, identity: Mapping[str, Any]) -> str:
        wanted = self.wanted[number]
        mark = fingerprint(identity)
        if len(json.dumps(identity, default=str)) > _LONGEST:
            return "what it says of its model is too long to be recorded"
        if not wanted.identity:
            problem = self._accepts(identity)
            if problem:
                return problem
            self.wanted[number] = replace(wanted, identity=mark)
            self.identities[number] = identity
            self._index[self.wanted[number].key] = number
            return ""
        return "" if mark == wanted.identity else f"its {wanted.backend} is another model ({mark[:12]})"

    def _once(self, what: Notice, worker: str, told: str, *, words: str) -> list[Noticed]:
        if (worker, told) in self._told or len(self._told) >= _MOST:
            return []
        self._told.add((worker, told))
        return [_notice(what, words)]


def _identity(hello: Hello) -> str:
    about = {**hello.identity, "package": hello.package}
    return json.dumps(about, ensure_ascii=False, sort_keys=True, default=str)


def _notice(what: Notice, words: str) -> Noticed:
    return Noticed(what=what, turn=None, detail=Text.of(words))
