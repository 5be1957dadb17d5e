"""What prompts show of a forum: what an agent remembers of it, then its feed; and the templates around both.

The templates see what those of other prompts see; `others` are the authors of what the feed shows. Those of the words
see `doing` (`post` or `reply`), and for a reply `post` and `author` of what it answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from genai_social_sim.domain.feed import Feed, numbers_in
from genai_social_sim.domain.line import Line
from genai_social_sim.domain.plan import Forum, Layout
from genai_social_sim.domain.prompt import Message
from genai_social_sim.domain.text import Text
from genai_social_sim.kernel.board import Board
from genai_social_sim.kernel.feeds import Page
from genai_social_sim.kernel.memory import Past, View
from genai_social_sim.kernel.posts import line_with_votes

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
_RECALLED: Final = Text.of("Of what was read or written before, this comes to mind:\n")
_LATELY: Final = Text.of("Read or written last:\n")
_FEED: Final = Text.of("Now shown:\n")


def past_of(board: Board, seat: int, page: Page | None) -> Past:
    """What a member was shown or wrote, last seen last, and what it has before it now.

    A memory compares it to the post that is answered; where none is, to all that the feed shows, as one text.
    """
    posts = board.readers[seat].seen
    heard = tuple([board.post(number).line for number in posts])
    if page is None:
        return Past(heard, posts=posts)
    now = tuple([board.post(number).line for number in numbers_in(page.feed)])
    if page.to[0]:
        return Past(heard, now, board.post(page.to[0]).line, posts)
    return Past(heard, now, _as_one(now) if now else None, posts)


def on_page(forum: Forum, board: Board, feed: Feed, seen: View) -> View:
    """What a prompt shows: what its agent remembers, without votes, then the posts of its feed."""
    posts = [board.post(number) for number in numbers_in(feed)]
    lines = (
        *_headed(_RECALLED, seen.recalled),
        *_headed(_LATELY if seen.recalled else _REMEMBERED, seen.lines),
        *_headed(_FEED, [line_with_votes(post) if forum.shows_votes else post.line for post in posts]),
    )
    return seen._replace(lines=lines, recalled=())


def doing_on(page: Page | None) -> dict[str, str | int]:
    """What the templates of a forum's words see."""
    if page is None or not page.doing:
        return {"doing": "", "post": 0, "author": ""}
    return {"doing": page.doing.partition(" ")[0], "post": page.to[0], "author": page.to[1]}


def _headed(head: Text, lines: Sequence[Line]) -> Sequence[Line]:
    """With a heading before the first of them."""
    if not lines:
        return lines
    first = lines[0]
    message = Message.of(first.others.role, (head, *first.others.pieces))
    return [first._replace(others=message, own=message), *lines[1:]]


def _as_one(lines: tuple[Line, ...]) -> Line:
    return lines[0]._replace(text=Text.of("\n".join([line.text.value for line in lines])))
