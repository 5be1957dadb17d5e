"""Whether a prompt fits a context, for servers that do not count before they cut; and prompts without what is oldest.

It estimates from characters only where nothing better can be had, and only in the direction that is safe.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from genai_social_sim.backends import servers
from genai_social_sim.domain.line import Line
from genai_social_sim.domain.prompt import Message, Prompt
from genai_social_sim.ports import Request

_RUN: Final = re.compile(r"(.)(?=\1)", re.DOTALL)  # each character that the same one follows
_FEWEST: Final = 8  # characters a token, runs of one character counted once: no text has so few tokens
_MOST: Final = 2  # bytes a token: hardly any text has so many tokens
_AROUND: Final = 16  # tokens that a chat template may put around a message
_HALVED: Final = 8  # how near half of the context a count is that speaks of a cut


def at_least(prompt: Prompt) -> int:
    """Tokens that a prompt surely has."""
    return len(_RUN.sub("", prompt.text)) // _FEWEST


def surely_exceeds(prompt: Prompt, tokens: int) -> bool:
    """Whether a prompt surely has more tokens than that: `at_least`, without its cost where length alone tells."""
    return prompt.length // _FEWEST > tokens and at_least(prompt) > tokens


def at_most(prompt: Prompt) -> int:
    """Tokens that a prompt has at the most, by any usual tokeniser and template."""
    return len(prompt.text.encode()) // _MOST + _AROUND * (0 if prompt.is_text else len(prompt.chat()))


def check_before(prompt: Prompt, request: Request, *, context: int, surely: bool) -> None:
    """Refuse a prompt that cannot fit, or with `surely` one that may not; raises CompletionError."""
    answer = request.sampling.max_tokens
    if surely_exceeds(prompt, context - answer):
        raise servers.too_long(
            f"the prompt has {at_least(prompt)} tokens or more, the answer may have {answer}, "
            f"and the context is {context}"
        )
    if surely and at_most(prompt) + answer > context:
        raise servers.too_long(
            f"the prompt may have up to {at_most(prompt)} tokens, the answer {answer}, the context is {context}, "
            "and this server cuts prompts without a word (Ollama does so before 0.12.6)"
        )


def check_after(prompt: Prompt, request: Request, counted: int, *, context: int, told: bool) -> None:
    """Refuse an answer to a prompt that was cut, by what the server counted; raises CompletionError.

    Args:
        prompt: What was sent.
        request: What it was sent for.
        counted: The prompt's tokens, as the server says.
        context: In tokens.
        told: Whether the server was told not to cut and knows what that means.
    """
    answer = request.sampling.max_tokens
    if counted + answer > context:
        raise servers.too_long(
            f"the prompt has {counted} tokens, the answer may have {answer}, and the context is {context}"
        )
    halved = not told and at_most(prompt) >= context and abs(counted - context // 2) <= _HALVED
    if surely_exceeds(prompt, counted) or halved:
        raise servers.too_long(
            f"the server counted {counted} tokens in a prompt that has {at_least(prompt)} or more: it was cut"
        )


def step(request: Request, dropped: int) -> int:
    """How many more lines to leave out: a quarter of what is left, at least one."""
    return max(1, (len(request.heard) - dropped) // 4)


def left_out(prompt: Prompt, heard: Sequence[Line], agent: str, count: int) -> Prompt | None:
    """A prompt of `agent` without the first `count` lines of what it `heard`; None if there are not so many."""
    if not count:
        return prompt
    if count > len(heard):
        return None
    gone = [_message(line, agent) for line in heard[:count]]
    kept: list[Message] = []
    for message in prompt.messages:
        if gone and message == gone[0]:
            gone.pop(0)
        else:
            kept.append(message)
    return None if gone else Prompt.of(tuple(kept))


def place_of(prompt: Prompt, heard: Sequence[Line], agent: str) -> int:
    """Where in a prompt of `agent` the first line that it `heard` stands."""
    return prompt.messages.index(_message(heard[0], agent))


def _message(line: Line, agent: str) -> Message:
    return line.own if line.speaker == agent else line.others
