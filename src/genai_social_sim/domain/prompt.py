"""What a model is sent: messages made of pieces of text, and the hash that stands for them."""

from __future__ import annotations

from hashlib import sha256
from typing import Final, Literal, NamedTuple

from genai_social_sim.domain.text import Text

Role = Literal["system", "user", "assistant", "text"]
ROLE_LETTERS: Final = {"system": "s", "user": "u", "assistant": "a", "text": "t"}
_HEADS: Final = {role: letter.encode() for role, letter in ROLE_LETTERS.items()}


class _Message(NamedTuple):
    role: Role
    pieces: tuple[Text, ...]
    preimage: bytes  # role letter, number of pieces and their digests: what a prompt's digest covers


class Message(_Message):
    """One message; its content is its pieces joined without anything between them.

    The role `text` marks a prompt for plain completion: all its messages have it.
    """

    __slots__ = ()

    def __new__(cls, role: Role, pieces: tuple[Text, ...]) -> Message:
        """Make a message with what its digest covers."""
        head = _HEADS[role] + len(pieces).to_bytes(2, "big")
        return super().__new__(cls, role, pieces, head + b"".join([piece.digest for piece in pieces]))

    def __getnewargs__(self) -> tuple[Role, tuple[Text, ...]]:
        """What copies are made from."""
        return self.role, self.pieces

    def __repr__(self) -> str:
        return f"Message({self.role!r}, {self.content!r})"

    @property
    def content(self) -> str:
        """The text as the model gets it."""
        return "".join([piece.value for piece in self.pieces])


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
        return cls(messages, sha256(b"".join([message.preimage for message in messages])).digest())

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
