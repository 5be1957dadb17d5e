"""Puts the questions of a tabulation to its model, keeps each answer at once, and goes on where it was stopped."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, NamedTuple, TextIO

from genai_social_sim.api.models import opened
from genai_social_sim.api.tabulate import Question, Row, Tabulation, Told
from genai_social_sim.api.tabulate import written as state_written
from genai_social_sim.backends.registry import Surroundings
from genai_social_sim.domain.dice import Dice
from genai_social_sim.errors import CompletionError
from genai_social_sim.ports import LanguageModel, Request

DRAWS: Final = 20  # how often each question is asked where a model tells no probabilities


_APART: Final = 1_000_000  # numbers of draws that no table uses
_FAR: Final = 4.0  # standard errors


class Checked(NamedTuple):
    """How often an option was chosen in so many direct choices, and how often the table leads one to expect."""

    option: str
    made: int  # direct choices
    expected: float
    chosen: int
    spread: float  # standard deviation of the number of choices

    @property
    def agrees(self) -> bool:
        """Whether the two are as near as chance allows: 4 standard errors."""
        return abs(self.chosen - self.expected) <= _FAR * self.spread + 1e-9


class Answers:
    """Answers by what was asked, in a file of JSON Lines that each is appended to as it comes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, Told] = {}
        self._file: TextIO | None = None
        if path.exists():
            self._known = dict(_kept(path))

    def of(self, key: str) -> Told | None:
        """One that is known already."""
        return self._known.get(key)

    def keep(self, key: str, told: Told) -> None:
        """Keep one more."""
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("a", encoding="utf-8")
            self._file.write("\n" if self._path.stat().st_size else "")  # the last line may have been cut off
        self._known[key] = told
        self._file.write(json.dumps({"key": key, **told._asdict()}, ensure_ascii=False, sort_keys=True) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()


def _kept(path: Path) -> Iterator[tuple[str, Told]]:
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            found = json.loads(line)
            yield found["key"], Told(found["masses"], found["legal_mass"], found["choice"])
        except (ValueError, KeyError, TypeError):
            continue  # cut off in the middle, or none of ours


class Tabulator:
    """Asks.

    Args:
        tabulation: What.
        answers: What is known already.
        draws: How often each question is asked where the model tells no probabilities.
        parallel: Calls at once; None for as many as the model takes.
    """

    def __init__(self, tabulation: Tabulation, answers: Answers, *, draws: int, parallel: int | None) -> None:
        self._tabulation = tabulation
        self._answers = answers
        self._draws = draws
        self._parallel = parallel
        self.calls = 0  # that were made now

    async def table(self, surroundings: Surroundings, *, check: int = 0) -> tuple[list[Row], list[Checked]]:
        """A row for each state; and with `check` how so many choices made directly compare with them, by option.

        Raises:
            SocialSimError: If the model cannot be had, or does not answer.
        """
        wanted = self._tabulation.model
        async with opened([wanted], surroundings) as models:
            model = models[wanted]
            about = json.dumps(dict(model.identity()), sort_keys=True, default=str)
            rows = await self._asked(model, about, surroundings)
            return rows, await self._checked(model, about, rows, check) if check else []

    async def _checked(self, model: LanguageModel, about: str, rows: Sequence[Row], count: int) -> list[Checked]:
        states, limit = list(self._tabulation.states()), asyncio.Semaphore(self._at_once(model))
        questions = []
        for number in range(count):
            dice = Dice(0, "check of a table", number)
            state, offer = dice.choice(states), dice.choice(self._tabulation.offers)
            questions.append(Question(state, offer, _APART + number))
        answers = await self._together(model, about, questions, limit)
        named = [(question.state, told.choice) for question, told in answers if told.choice is not None]
        of = {row.state: row.probabilities for row in rows}
        found = []
        for option in self._tabulation.options:
            chances = [of[state_written(state)][option] for state, _ in named]
            spread = math.sqrt(sum(chance * (1 - chance) for chance in chances))
            chosen = sum(choice == option for _, choice in named)
            found.append(Checked(option, len(named), sum(chances), chosen, spread))
        return found

    def _at_once(self, model: LanguageModel) -> int:
        return min(model.slots, self._parallel or model.slots)

    async def _asked(self, model: LanguageModel, about: str, surroundings: Surroundings) -> list[Row]:
        rows, limit = [], asyncio.Semaphore(self._at_once(model))
        for number, state in enumerate(self._tabulation.states()):
            questions = [Question(state, offer) for offer in self._tabulation.offers]
            found = await self._together(model, about, questions, limit)
            unsure = [question for question, told in found if told.masses is None]
            again = [question._replace(draw=draw) for question in unsure for draw in range(1, self._draws)]
            found += await self._together(model, about, again, limit)
            rows.append(self._tabulation.row(state, found))
            surroundings.progress("states", (number + 1) / self._tabulation.count)
        return rows

    async def _together(
        self, model: LanguageModel, about: str, questions: Sequence[Question], limit: asyncio.Semaphore
    ) -> list[tuple[Question, Told]]:
        async def one(question: Question) -> Told:
            request = self._tabulation.request(question)
            key = _key(request, about)
            known = self._answers.of(key)
            if known is None:
                async with limit:
                    known = await self._told(model, request, question)
                self._answers.keep(key, known)
            return known

        async with asyncio.TaskGroup() as tasks:
            started = [tasks.create_task(one(question)) for question in questions]
        return [(question, task.result()) for question, task in zip(questions, started, strict=True)]

    async def _told(self, model: LanguageModel, request: Request, question: Question) -> Told:
        self.calls += 1
        limit_s = request.limits.answer_s
        try:
            async with asyncio.timeout(limit_s):
                answer = await model.complete(request)
        except TimeoutError:
            raise CompletionError(f"no answer within {limit_s:g} s", remedy="Set a longer timeouts.answer.") from None
        return self._tabulation.told(answer, question)


def _key(request: Request, about: str) -> str:
    """A name for what is asked of which model: all that its answer may depend on."""
    sampling, choices = repr(request.sampling), json.dumps([request.choices, request.meanings])
    asked = f"{request.prompt.digest.hex()} {request.seed} {sampling} {request.stop} {choices} {about}"
    return sha256(asked.encode()).hexdigest()


def written(rows: Sequence[Row]) -> Iterator[Mapping[str, Any]]:
    """As a file has it: one row for each state and option."""
    for row in rows:
        for option, probability in row.probabilities.items():
            yield {
                "state": row.state,
                "option": option,
                "probability": probability,
                "legal_mass": row.legal_mass,
                "calls": row.calls,
                "unread": row.unread,
            }
