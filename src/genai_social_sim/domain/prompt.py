"""What a model is sent: messages made of pieces of text, and the hash that stands for them."""

from __future__ import annotations

from hashlib import sha256
from operator import itemgetter
from typing import Final, Literal, NamedTuple

from genai_social_sim.domain.text import Text
from genai_social_sim.domain.tuples import make

Role = Literal["system", "user", "assistant", "text"]
ROLE_LETTERS: Final = {"system": "s", "user": "u", "assistant": "a", "text": "t"}
_HEADS: Final = {role: letter.encode() for role, letter in ROLE_LETTERS.items()}
_PREIMAGE: Final = itemgetter(2)  # of a message


class Message(NamedTuple):
    """One message; its content is its pieces joined without anything between them. Make it with `Message.of`.

    The role `text` marks a prompt for plain completion: all its messages have it.
    """

    role: Role
    pieces: tuple[Text, ...]
    preimage: bytes  # role letter, number of pieces and their digests: what a prompt's digest covers

    @classmethod
    def of(cls, role: Role, pieces: tuple[Text, ...]) -> Message:
        """Put together what its digest covers."""
        digests = [piece.digest for piece in pieces]
        return make(cls, (role, pieces, b"".join([_HEADS[role], len(pieces).to_bytes(2, "big"), *digests])))

    def __repr__(self) -> str:
        return f"Message({self.role!r}, {self.content!r})"

    @property
    def content(self) -> str:
        """The text as the model gets it."""
        return "".join([piece.value for piece in self.pieces])


_ONE: Final = {role: head + b"\0\1" for role, head in _HEADS.items()}
_THREE: Final = {role: head + b"\0\3" for role, head in _HEADS.items()}


def message_of_one(role: Role, piece: Text) -> Message:
    """`Message.of(role, (piece,))`, quicker: once for each utterance."""
    return make(Message, (role, (piece,), _ONE[role] + piece.digest))


def message_of_three(role: Role, pieces: tuple[Text, Text, Text]) -> Message:
    """`Message.of(role, pieces)`, quicker: once for each utterance."""
    (_, first), (_, second), (_, third) = pieces
    return make(Message, (role, pieces, _THREE[role] + first + second + third))


class Prompt(NamedTuple):
    """The messages of one call, in order; make it with `Prompt.of`.

    `digest` is the SHA-256 over, for each message, its role's letter, the number of its pieces (two
    bytes, big endian) and the SHA-256 of each piece: it binds every byte that is sent.
    """

    messages: tuple[Message, ...]
    digest: bytes

    @classmethod
    def of(cls, messages: tuple[Message, ...]) -> Prompt:
        """Hash `messages`."""
        return make(cls, (messages, sha256(b"".join(map(_PREIMAGE, messages))).digest()))

    @property
    def is_text(self) -> bool:
        """Whether this is one text to be continued rather than a chat."""
        return bool(self.messages) and self.messages[0].role == "text"

    @property
    def text(self) -> str:
        """All contents joined: for a prompt that `is_text`, exactly what is sent; for others see `chat`."""
        return "".join([message.content for message in self.messages])

    @property
    def length(self) -> int:
        """Characters of all contents."""
        return sum([len(piece.value) for _, pieces, _ in self.messages for piece in pieces])

    def chat(self) -> list[tuple[Role, str]]:
        """(role, content) of each message as sent: those of one role in a row are one, so that roles alternate."""
        merged: list[tuple[Role, list[str]]] = []
        before = None
        for role, pieces, _ in self.messages:
            if role != before:
                said: list[str] = []
                merged.append((role, said))
                before = role
            said += [piece.value for piece in pieces]
        return [(role, "".join(said)) for role, said in merged]
