"""An agent whose choices are drawn from a table, by what became of its last meetings.

Options: `path`, a table beside the study: a CSV, JSON Lines or Parquet file as `gss tabulate` writes it, with a row for
each state and option and the columns `state`, `option` and `probability`. A state is a JSON list of the last meetings,
oldest first, each `[own choice, the other's]`; `[]` is the first. It is for `memory: {kind: interactions}`, whose
`last` says how long states become. The record holds the whole table, so a run goes on without the file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, model_validator

from genai_social_sim.backends.options import checked
from genai_social_sim.backends.registry import Surroundings
from genai_social_sim.domain.dice import Dice
from genai_social_sim.errors import CompletionError, RequestError
from genai_social_sim.ports import Answer, LanguageModel, Request

_SLACK: Final = 1e-6  # by which probabilities that were rounded may miss their sum
Share = Annotated[float, Field(ge=0, le=1)]


class Table(BaseModel):
    """What is chosen in each state: probabilities in the order of the options."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    options: Annotated[tuple[str, ...], Field(strict=False, min_length=2)]
    states: dict[str, Annotated[tuple[Share, ...], Field(strict=False)]]

    @model_validator(mode="after")
    def _adds_up(self) -> Table:
        for state, shares in self.states.items():
            if len(shares) != len(self.options):
                raise ValueError(f"state {state} has {len(shares)} probabilities for {len(self.options)} options")
            if abs(sum(shares) - 1) > _SLACK * len(shares):
                raise ValueError(f"the probabilities of state {state} add up to {sum(shares):g}, not to 1")
        return self


class Options(BaseModel):
    """The options of `backend: response_table`, once its file has been read."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    table: Table


def check_options(options: Mapping[str, Any]) -> None:
    """Raises RequestError if a study's options make no sense."""
    if "table" not in options:
        raise RequestError(
            "backend response_table has no table",
            remedy="Write `path: FILE`, a file in the study's folder; `gss tabulate` makes one.",
        )
    checked(Options, options, backend="response_table")


def open_backend(options: Mapping[str, Any], surroundings: Surroundings) -> LanguageModel:
    """A backend that draws from the table."""
    check_options(options)
    return ResponseTable(checked(Options, options, backend="response_table").table)


def state_of(meetings: Sequence[tuple[str, str]]) -> str:
    """A state as tables name it."""
    return json.dumps(meetings, ensure_ascii=False, separators=(",", ":"))


class ResponseTable:
    """Answers at once with what was drawn."""

    slots = 1

    def __init__(self, table: Table) -> None:
        self._table = table
        self._sums = {state: tuple(accumulate(shares)) for state, shares in table.states.items()}

    def identity(self) -> Mapping[str, Any]:
        """How large the table is; the study holds it."""
        return {"backend": "response_table", "options": self._table.options, "states": len(self._sums)}

    def answer(self, request: Request) -> Answer:
        """Draw by what was shown; raises CompletionError where the table has no such state or option."""
        words = [line.text.value for line in request.heard]
        state = state_of(list(zip(words[::2], words[1::2], strict=False)))
        sums = self._sums.get(state)
        if sums is None:
            raise CompletionError(
                f"the table has no state {state}",
                retry=False,
                remedy="Make it with the same options and the same `last`: gss tabulate STUDY.",
            )
        option = self._table.options[Dice(request.seed, "response table").weighed(sums)]
        if option not in request.meanings:
            raise CompletionError(f"{option!r}, of the table, cannot be chosen here", retry=False)
        return Answer(text=request.choices[request.meanings.index(option)], by="response_table")

    async def complete(self, request: Request) -> Answer:
        """The same, for who waits."""
        return self.answer(request)

    async def close(self) -> None:
        """Nothing to give back."""
