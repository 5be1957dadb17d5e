"""A post of a forum, and the lines by which prompts show it. Knows nothing of who sees it, or of how it is ranked."""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

from genai_social_sim.domain.line import Line
from genai_social_sim.domain.plan import Layout
from genai_social_sim.domain.prompt import Message, Role
from genai_social_sim.domain.text import Text
from genai_social_sim.kernel.speech import shown

_NEWLINE: Final = Text.of("\n")


class Post(NamedTuple):
    """What somebody wrote. `number` from 1 in the channel; the turn of `line` is -1 for an opening or a broadcast."""

    number: int
    thread: int  # the number of its thread's first post
    parent: int | None  # what it replies to; None for a first post
    round: int
    line: Line  # by which it is remembered, without votes: one and the same as long as the forum lasts
    for_all: bool = False  # whether everybody can see it, whatever the network carries
    ups: frozenset[int] = frozenset()  # seats of who voted so
    downs: frozenset[int] = frozenset()
    replies: tuple[int, ...] = ()  # of a first post: all in its thread that can be seen, oldest first

    @property
    def author(self) -> str:
        """Who wrote it."""
        return self.line.speaker

    @property
    def text(self) -> Text:
        """What was written."""
        return self.line.text


def remembered_line(layout: Layout, said: Line, number: int, parent: int | None) -> Line:
    """What was `said`, as prompts show it where it is remembered as the post `number`."""
    role: Role = "text" if layout == "script" else "user"
    message = Message.of(role, (_lead(number, said.speaker, parent, ""), shown(said.text, inline=True), _NEWLINE))
    return Line(said.turn, said.speaker, said.text, message, message)


def line_with_votes(post: Post) -> Line:
    """A post as a feed shows it that tells votes."""
    _, *rest = post.line.others.pieces
    votes = f" ({len(post.ups)} up, {len(post.downs)} down)"
    message = Message.of(post.line.others.role, (_lead(post.number, post.author, post.parent, votes), *rest))
    return post.line._replace(others=message, own=message)


@lru_cache(maxsize=4096)
def _lead(number: int, author: str, parent: int | None, votes: str) -> Text:
    return Text.of(f"#{number} {author}{f', in reply to #{parent}' if parent else ''}{votes}: ")
