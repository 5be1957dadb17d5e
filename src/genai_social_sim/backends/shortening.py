"""Prompts that do not fit a context, made shorter: what was heard first is left out, or told in short by the model.

It knows no server; how a text is had from the model is an argument. What was done stands in the notes of the answer,
from which `sent_as_noted` makes again what went out.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from genai_social_sim.backends import fitting
from genai_social_sim.domain.line import Line
from genai_social_sim.domain.prompt import Message, Prompt, Role
from genai_social_sim.domain.text import Text
from genai_social_sim.errors import CompletionError
from genai_social_sim.kernel.speech import shown
from genai_social_sim.ports import Request

SUMMARY_TOKENS: Final = 120  # the longest summary
_ASK: Final = "Tell in two or three sentences what was said in this conversation so far, and who said it:\n\n"
_BEFORE: Final = "(Before that, in short: "


class Told(NamedTuple):
    """A text by the model and what it cost."""

    text: str
    prompt_tokens: int
    answer_tokens: int


Tell = Callable[[Prompt], Awaitable[Told]]


class Shortening:
    """The prompt of one request, shorter each time it turns out not to fit.

    Args:
        request: What is asked.
        tell: How to have the model tell what is left out in short; None leaves it out without a word.
    """

    def __init__(self, request: Request, tell: Tell | None) -> None:
        self._request = request
        self._tell = tell
        self._dropped = 0
        self._summaries: list[Told] = []

    @property
    def prompt(self) -> Prompt:
        """What is left of the prompt."""
        request, told = self._request, self._summaries[-1].text if self._summaries else ""
        return sent(request.prompt, request.heard, request.agent, dropped=self._dropped, summary=told) or request.prompt

    @property
    def notes(self) -> Mapping[str, Any]:
        """What was done, for the record; nothing where the prompt fitted."""
        if not self._dropped:
            return {}
        summaries = [told._asdict() for told in self._summaries]
        return {"dropped_oldest": self._dropped} | ({"summaries": summaries} if summaries else {})

    @property
    def prompt_tokens(self) -> int:
        """Tokens of the prompts that asked for summaries."""
        return sum(told.prompt_tokens for told in self._summaries)

    @property
    def answer_tokens(self) -> int:
        """Tokens of the summaries."""
        return sum(told.answer_tokens for told in self._summaries)

    async def more(self) -> bool:
        """Leave more out; False if there is nothing left to leave out."""
        count = fitting.step(self._request, self._dropped)
        if self._dropped + count > len(self._request.heard):
            return False
        if self._tell is not None:
            count = await self._tell_in_short(self._tell, count)
        self._dropped += count
        return True

    async def _tell_in_short(self, tell: Tell, count: int) -> int:
        """Have the next `count` lines told in short, or as many of them as fit into a question; how many they were."""
        while True:
            lines = self._request.heard[self._dropped : self._dropped + count]
            before = self._summaries[-1].text if self._summaries else ""
            try:
                told = await tell(_question(lines, before, is_text=self._request.prompt.is_text))
            except CompletionError as fault:
                if fault.cause != "too_long" or count == 1:
                    raise
                count //= 2
            else:
                self._summaries.append(told)
                return count


def sent(prompt: Prompt, heard: Sequence[Line], agent: str, *, dropped: int, summary: str = "") -> Prompt | None:
    """A prompt of `agent` without the first `dropped` lines of what it `heard`, and with what stands in their place.

    None if there are not so many lines.
    """
    kept = fitting.left_out(prompt, heard, agent, dropped)
    if kept is None or not summary:
        return kept
    first = fitting.place_of(prompt, heard, agent)
    role: Role = "text" if prompt.is_text else "user"
    words = shown(Text.of(f"{_BEFORE}{summary})"), inline=True)
    place = Message.of(role, (words, Text.of("\n")))
    return Prompt.of((*kept.messages[:first], place, *kept.messages[first:]))


def sent_as_noted(prompt: Prompt, heard: Sequence[Line], agent: str, notes: Mapping[str, Any]) -> Prompt | None:
    """What went out for a recorded `prompt`, by the notes of its answer."""
    summaries = notes.get("summaries") or [{"text": ""}]
    return sent(prompt, heard, agent, dropped=notes["dropped_oldest"], summary=summaries[-1]["text"])


def _question(lines: Sequence[Line], before: str, *, is_text: bool) -> Prompt:
    told = [f"{_BEFORE}{shown(Text.of(before), inline=True).value})\n"] if before else []
    said = [f"{line.speaker}: {shown(line.text, inline=True).value}\n" if line.speaker else "" for line in lines]
    words = Text.of(_ASK + "".join([*told, *said]) + ("\nIn short:" if is_text else ""))
    return Prompt.of((Message.of("text" if is_text else "user", (words,)),))
