"""Prompt layouts: from what an agent has heard to the messages that its model is sent.

A prompt is a head, the lines heard, and a tail. Head and tail are Jinja templates rendered once per agent and channel,
over `name`, `persona` (with what the agent is told of its role), `role`, `authority`, `others` (a list of names),
`company` (those names in one text, with what is told of their roles), `others_roles` (a list of those of which
something is told), `channel`, `topic` (the opening's text), `study`, and of the act `options` (as they are shown),
`letters` (whether they stand under letters) and `may_pass`; where order or letters are drawn, once for each turn:

    layout            head (`frame`)           lines                                tail (`cue`)
    script            start of a plain text    "NAME: what was said"                end of that text
    persona_first     the system message       own ones as assistant, others user   the last user message
    transcript_first  the system message       one user message for all             end of that user message

In the two chat layouts a third template, `lead`, may begin the answer for the model ("NAME:"), for backends that go on
from there. Messages of one role in a row are sent as one, so that roles alternate. Knows nothing of who is next.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from operator import itemgetter
from typing import Final, NamedTuple

from genai_social_sim.domain.line import Line
from genai_social_sim.domain.plan import Layout
from genai_social_sim.domain.prompt import Message, Prompt, Role, message_of_one, message_of_three
from genai_social_sim.domain.text import EMPTY, Text
from genai_social_sim.domain.tuples import make
from genai_social_sim.kernel.memory import View
from genai_social_sim.kernel.speech import shown

DEFAULT_FRAMES: Final[Mapping[Layout, str]] = {
    "script": "A conversation between {{ ([name] + others) | sort | join(', ') }}.\n\n",
    "persona_first": (
        "You are {{ name }}. {{ persona }}\nYou are talking with {{ company }}. "
        "Speak only as {{ name }}, in one or two sentences, without a name before them."
    ),
    "transcript_first": "You write what the people in a conversation say, one line at a time.",
}
# For studies with roles; where an agent is told of nobody's they come to the same texts.
FRAMES_WITH_ROLES: Final[Mapping[Layout, str]] = {
    "script": (
        "A conversation between {{ ([name] + others) | sort | join(', ') }}."
        "{% if others_roles %} Roles: {{ others_roles | join(', ') }}.{% endif %}\n\n"
    ),
    "persona_first": DEFAULT_FRAMES["persona_first"],
    "transcript_first": (
        "You write what the people in a conversation say, one line at a time."
        "{% if others_roles %} Roles: {{ others_roles | join(', ') }}.{% endif %}"
    ),
}
DEFAULT_CUES: Final[Mapping[Layout, str]] = {
    "script": "({{ name }}: {{ persona }})\n{{ name }}:",
    "persona_first": "It is your turn, {{ name }}.",
    "transcript_first": (
        "\n{% if persona %}About {{ name }}: {{ persona }}\n{% endif %}"
        "Write what {{ name }} says next, in one or two sentences"
        "{% if topic %}, about this topic: {{ topic }}{% endif %}"
    ),
}
# For studies with acts other than to say what one likes; where that is the act they come to the same texts.
CUES_WITH_OPTIONS: Final[Mapping[Layout, str]] = {
    "script": (
        "({{ name }}: {{ persona }})\n"
        "{% if options %}({{ name }} answers with {% if letters %}the letter of {% endif %}one of these: "
        "{{ options | join('; ') }}{% if may_pass %}; or with: pass{% endif %})\n"
        "{% elif may_pass %}({{ name }} answers with: pass, if there is nothing to say)\n{% endif %}"
        "{{ name }}:"
    ),
    "persona_first": (
        "It is your turn, {{ name }}."
        "{% if options %} Choose one of these:\n{{ options | join('\n') }}\n"
        "Answer with {% if letters %}its letter{% else %}it{% endif %} alone, without another word"
        "{% if may_pass %}; or with the word pass, to choose none{% endif %}."
        "{% elif may_pass %} If you have nothing to say, answer with the word pass alone.{% endif %}"
    ),
    "transcript_first": (
        "\n{% if persona %}About {{ name }}: {{ persona }}\n{% endif %}"
        "{% if options %}{{ name }} has to choose one of these:\n{{ options | join('\n') }}\n"
        "Write {% if letters %}the letter of {% endif %}what {{ name }} chooses, and nothing else"
        "{% if may_pass %}; or the word pass, if {{ name }} chooses none{% endif %}"
        "{% else %}Write what {{ name }} says next, in one or two sentences"
        "{% if may_pass %}, or the word pass if {{ name }} has nothing to say{% endif %}{% endif %}"
        "{% if topic %}, about this topic: {{ topic }}{% endif %}"
    ),
}
# For a moderator that chooses who speaks next, in place of its study's cue.
MODERATOR_CUES: Final[Mapping[Layout, str]] = {
    "script": (
        "({{ name }}: {{ persona }})\n"
        "({{ name }} gives the floor to one of these: {{ options | join('; ') }})\n{{ name }}:"
    ),
    "persona_first": (
        "You lead this conversation, {{ name }}. Who speaks next? Choose one of these:\n{{ options | join('\n') }}\n"
        "Answer with the name alone, without another word."
    ),
    "transcript_first": (
        "\n{% if persona %}About {{ name }}: {{ persona }}\n{% endif %}"
        "{{ name }} leads the conversation and gives the floor to one of these:\n{{ options | join('\n') }}\n"
        "Write the name of who speaks next, and nothing else"
    ),
}
# For a question aside; `question` is its text, rendered.
PROBE_CUES: Final[Mapping[Layout, str]] = {
    "script": (
        "({{ name }}: {{ persona }})\n"
        "(Somebody from outside asks {{ name }}, unheard by the others: {{ question }}"
        "{% if options %} The answer is {% if letters %}the letter of {% endif %}one of these: "
        "{{ options | join('; ') }}{% endif %}{% if may_pass %}; or: pass{% endif %})\n"
        "{{ name }}:"
    ),
    "persona_first": (
        "A question to you alone, {{ name }}, which the others do not hear: {{ question }}"
        "{% if options %}\n{{ options | join('\n') }}\n"
        "Answer with {% if letters %}its letter{% else %}one of these{% endif %} alone, without another word"
        "{% if may_pass %}; or with the word pass{% endif %}."
        "{% elif may_pass %} If you do not want to answer, say the word pass alone.{% endif %}"
    ),
    "transcript_first": (
        "\n{% if persona %}About {{ name }}: {{ persona }}\n{% endif %}"
        "{{ name }} is asked, unheard by the others: {{ question }}\n"
        "{% if options %}{{ options | join('\n') }}\n"
        "Write {% if letters %}the letter of {% endif %}what {{ name }} chooses, and nothing else"
        "{% if may_pass %}; or the word pass{% endif %}"
        "{% else %}Write what {{ name }} answers"
        "{% if may_pass %}, or the word pass{% endif %}{% endif %}"
    ),
}
# For an agent that is asked what it does with the powers of its role.
POWER_CUES: Final[Mapping[Layout, str]] = {
    "script": (
        "({{ name }}: {{ persona }})\n(What {{ name }} does now is one of these: "
        "{{ options | join('; ') }})\n{{ name }}:"
    ),
    "persona_first": (
        "What do you do now, {{ name }}? Choose one of these:\n{{ options | join('\n') }}\n"
        "Answer with it alone, without another word."
    ),
    "transcript_first": (
        "\n{% if persona %}About {{ name }}: {{ persona }}\n{% endif %}"
        "What {{ name }} does now is one of these:\n{{ options | join('\n') }}\n"
        "Write which of them, and nothing else"
    ),
}
# For acts that say what is to be rated: what stands in those cues before what is chosen from, and what with them.
RATED: Final[Mapping[Layout, tuple[str, str]]] = {
    "script": (
        "({{ name }} answers with {% if letters",
        "({% if about %}To be rated: {{ about }} {% endif %}{{ name }} answers with {% if letters",
    ),
    "persona_first": (
        " Choose one of these:\n",
        "{% if about %} Rate this: {{ about }}{% endif %} Choose one of these:\n",
    ),
    "transcript_first": (
        "{{ name }} has to choose one of these:\n",
        "{% if about %}{{ name }} has to rate this: {{ about }}\n{% endif %}{{ name }} has to choose one of these:\n",
    ),
}
# For channels in which words can be addressed; before the cue of a script, after that of a chat.
ADDRESSES: Final[Mapping[Layout, str]] = {
    "script": "{% if direct %}(A line that begins with @NAME: is heard by NAME alone.)\n{% endif %}",
    "persona_first": (
        "{% if direct %} What begins with @ and a name, as in `@{{ others | first }}: ...`, is heard by that one alone."
        "{% endif %}"
    ),
    "transcript_first": "{% if direct %}. What begins with @NAME: is heard by NAME alone{% endif %}",
}
SMALL_MODEL_LEAD: Final = "{{ name }}:"  # a very small model answers as an assistant unless its line is begun for it
_NEWLINE: Final = Text.of("\n")
_SPEAKER: Final = itemgetter(1)  # of a line
_OTHERS: Final = itemgetter(3)
_GAP: Final = Message.of("assistant", (_NEWLINE,))
_SO_FAR: Final = Message.of("user", (Text.of("The conversation so far:\n"),))
_RECALLED: Final = Text.of("(Of what was said before, this comes to mind:)\n")
_LATELY: Final = Text.of("(And this was said last:)\n")
_ELSEWHERE: Final = Text.of("(In the channel ")
_COLON: Final = Text.of(":)\n")
_HERE: Final = Text.of("(And here:)\n")
_ALIKE: Final = Text.of("What of this is like these words: ")


class Frame(NamedTuple):
    """What stands before and after the lines in every prompt of one agent in one channel."""

    head: tuple[Message, ...]
    tail: tuple[Message, ...]

    @property
    def is_text(self) -> bool:
        """Whether prompts are texts to be continued."""
        return any(message.role == "text" for message in (*self.head, *self.tail))


def frame_of(layout: Layout, *, head: str, tail: str, lead: str = "", bare: bool = False) -> Frame:
    """Put the rendered templates into the roles of `layout`; a `bare` one has no heading for the lines of a chat."""
    if layout == "script":
        return Frame(head=_message("text", head), tail=_message("text", tail + lead))
    return Frame(
        head=(*_message("system", head), *(() if bare else (_SO_FAR,))),
        tail=(*_message("user", tail), *_message("assistant", lead)),
    )


def _message(role: Role, content: str) -> tuple[Message, ...]:
    return (message_of_one(role, Text.of(content)),) if content else ()


def line_of(layout: Layout, *, turn: int, speaker: str, lead: Text, text: Text, to: str = "") -> Line:
    """An utterance in the forms in which `layout` shows it; `lead` is what stands before the words.

    `to`: who alone hears it.
    """
    role: Role = "text" if layout == "script" else "user"
    inline = shown(text, inline=True)
    others = message_of_three(role, (lead, inline, _NEWLINE))
    own = others
    if layout == "persona_first":
        words = text if inline is text else shown(text, inline=False)
        own = Message.of("assistant", (Text.of(f"@{to}: "), words)) if to else message_of_one("assistant", words)
    return make(Line, (turn, speaker, text, others, own, to))


def prompt_of(frame: Frame, seen: View, *, agent: str) -> Prompt:
    """The prompt of `agent`, which is shown this of the past."""
    if seen.recalled or seen.note.value or seen.elsewhere:
        lines = [line.own if line.speaker == agent else line.others for line in seen.lines]
        return Prompt.of(_apart((*frame.head, *_before(frame, seen, agent), *lines, *frame.tail)))
    return prompt_after(frame, seen.lines, agent=agent)


def prompt_after(frame: Frame, heard: tuple[Line, ...], *, agent: str) -> Prompt:
    """The prompt of `agent` after these lines and nothing else of the past."""
    lines, speakers = list(map(_OTHERS, heard)), list(map(_SPEAKER, heard))
    before, at, split = -2, -1, False
    for _ in range(speakers.count(agent)):
        at = speakers.index(agent, at + 1)
        lines[at] = heard[at].own
        before, split = at, split or at == before + 1
    messages = (*frame.head, *lines, *frame.tail)
    return Prompt.of(_apart(messages) if split or before == len(lines) - 1 else messages)


def question_of_likeness(lines: tuple[Line, ...]) -> Prompt:
    """What an encoder is asked: how like the last of `lines` each of the others is."""
    *others, last = lines
    asked = Message.of(last.others.role, (_ALIKE, shown(last.text, inline=True), _NEWLINE))
    return Prompt.of((*[line.others for line in others], asked))


def _before(frame: Frame, seen: View, agent: str) -> Iterator[Message]:
    """What stands before the last lines: a note, and what came to mind. No speaker's line can begin like it."""
    role: Role = "text" if frame.is_text else "user"
    for name, lines in seen.elsewhere:
        yield Message.of(role, (_ELSEWHERE, Text.of(name), _COLON))
        yield from [line.own if line.speaker == agent else line.others for line in lines]
    if seen.elsewhere:
        yield Message.of(role, (_HERE,))
    if seen.note.value:
        yield Message.of(role, (seen.note,))
    if seen.recalled:
        yield Message.of(role, (_RECALLED,))
        yield from [line.own if line.speaker == agent else line.others for line in seen.recalled]
        yield Message.of(role, (_LATELY,))


def _apart(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """Two utterances of one's own in a row, which nothing would stand between, as two lines."""
    own = bytes([message.role == "assistant" for message in messages])
    if b"\1\1" not in own:
        return messages
    kept = list(messages[:1])
    for message in messages[1:]:
        if kept[-1].role == message.role == "assistant":
            kept.append(_GAP)
        kept.append(message)
    return tuple(kept)


def lead_of(name: str, to: str = "") -> Text:
    """What stands before the words of `name`, said `to` one member alone or to all."""
    if to:
        return Text.of(f"{name} (to {to} alone): ")
    return Text.of(f"{name}: ") if name else EMPTY
