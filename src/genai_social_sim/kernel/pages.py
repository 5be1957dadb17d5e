"""What prompts show of a forum: what an agent remembers of it, then its feed; and the templates around both.

The templates see what those of other prompts see; `others` are the authors of what the feed shows. Those of the words
see `doing` (`post` or `reply`), and for a reply `post` and `author` of what it answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from genai_social_sim.domain.feed import Feed, numbers_in
from genai_social_sim.domain.line import Line
from genai_social_sim.domain.plan import Forum, Layout
from genai_social_sim.domain.prompt import Message, Role
from genai_social_sim.domain.text import Text
from genai_social_sim.kernel.board import Board, Post
from genai_social_sim.kernel.feeds import Page
from genai_social_sim.kernel.speech import shown

FORUM_FRAMES: Final[Mapping[Layout, str]] = {
    "script": (
        "What {{ name }} does in an online forum.{% if topic %} What it is about: {{ topic }}{% endif %}"
        "{% if others_roles %} Roles: {{ others_roles | join(', ') }}.{% endif %}\n\n"
    ),
    "persona_first": (
        "You are {{ name }}. {{ persona }}\nYou read and write in an online forum."
        "{% if topic %} What it is about: {{ topic }}{% endif %}"
        "{% if others_roles %} Roles of others: {{ others_roles | join(', ') }}.{% endif %}\n"
        "Write only as {{ name }}, without a name before it."
    ),
    "transcript_first": (
        "You write what people do in an online forum."
        "{% if others_roles %} Roles: {{ others_roles | join(', ') }}.{% endif %}"
    ),
}
FORUM_CUES: Final[Mapping[Layout, str]] = {
    "script": (
        "({{ name }}: {{ persona }})\n"
        "({{ name }} does one of these{% if letters %}, told by its letter{% endif %}: {{ options | join('; ') }}"
        "{% if may_pass %}; or nothing, told by: pass{% endif %})\n{{ name }}:"
    ),
    "persona_first": (
        "It is your turn, {{ name }}. `post` begins a new thread. What do you do? Choose one of these:\n"
        "{{ options | join('\n') }}\n"
        "Answer with {% if letters %}its letter{% else %}it{% endif %} alone, without another word"
        "{% if may_pass %}; or with the word pass, to do nothing{% endif %}."
    ),
    "transcript_first": (
        "\n{% if persona %}About {{ name }}: {{ persona }}\n{% endif %}"
        "{{ name }} does one of these (`post` begins a new thread):\n{{ options | join('\n') }}\n"
        "Write {% if letters %}the letter of {% endif %}what {{ name }} does, and nothing else"
        "{% if may_pass %}; or the word pass, if {{ name }} does nothing{% endif %}"
    ),
}
FORUM_WORDS: Final[Mapping[Layout, str]] = {
    "script": (
        "({{ name }}: {{ persona }})\n"
        "({{ name }} {% if doing == 'reply' %}replies to #{{ post }} by {{ author }}"
        "{% else %}begins a new thread{% endif %})\n{{ name }}:"
    ),
    "persona_first": (
        "{% if doing == 'reply' %}You reply to #{{ post }}, which {{ author }} wrote. Write your reply"
        "{% else %}You begin a new thread. Write its first post{% endif %}, {{ name }}, in one or two sentences."
    ),
    "transcript_first": (
        "\n{% if persona %}About {{ name }}: {{ persona }}\n{% endif %}"
        "{% if doing == 'reply' %}Write what {{ name }} replies to #{{ post }} by {{ author }}"
        "{% else %}Write what {{ name }} posts in a new thread{% endif %}, in one or two sentences"
        "{% if topic %}, about this topic: {{ topic }}{% endif %}"
    ),
}
_REMEMBERED: Final = Text.of("Read or written before:\n")
_FEED: Final = Text.of("Now shown:\n")
_NEWLINE: Final = Text.of("\n")


def lines_on(layout: Layout, forum: Forum, board: Board, seen: tuple[int, ...], feed: Feed) -> tuple[Line, ...]:
    """What a prompt shows: the posts that its agent remembers, without votes, then those of its feed."""
    numbers = numbers_in(feed)
    before = [board.post(number) for number in seen if number not in numbers]
    now = [board.post(number) for number in numbers]
    return (
        *_headed(_REMEMBERED, [_line(layout, post, "") for post in before]),
        *_headed(_FEED, [_line(layout, post, _votes(post) if forum.shows_votes else "") for post in now]),
    )


def doing_on(page: Page | None) -> dict[str, str | int]:
    """What the templates of a forum's words see."""
    if page is None or not page.doing:
        return {"doing": "", "post": 0, "author": ""}
    return {"doing": page.doing.partition(" ")[0], "post": page.to[0], "author": page.to[1]}


def _headed(head: Text, lines: list[Line]) -> list[Line]:
    """With a heading before the first of them."""
    if not lines:
        return lines
    first = lines[0]
    message = Message(first.others.role, (head, *first.others.pieces))
    return [first._replace(others=message, own=message), *lines[1:]]


def _line(layout: Layout, post: Post, votes: str) -> Line:
    role: Role = "text" if layout == "script" else "user"
    lead = _lead(post.number, post.author, post.parent, votes)
    message = Message(role, (lead, shown(post.text, inline=True), _NEWLINE))
    return Line(post.turn, post.author, post.text, message, message)


@lru_cache(maxsize=4096)
def _lead(number: int, author: str, parent: int | None, votes: str) -> Text:
    return Text.of(f"#{number} {author}{f', in reply to #{parent}' if parent else ''}{votes}: ")


def _votes(post: Post) -> str:
    return f" ({len(post.ups)} up, {len(post.downs)} down)"
