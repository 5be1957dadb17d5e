"""What a model is sent: messages made of pieces of text, and the hash that stands for them."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final, Literal

from genai_social_sim.domain.text import Text

Role = Literal["system", "user", "assistant", "text"]
ROLE_LETTERS: Final = {"system": "s", "user": "u", "assistant": "a", "text": "t"}


@dataclass(frozen=True, slots=True)
class Message:
    """One message; its content is its pieces joined without anything between them.

    The role `text` marks a prompt for plain completion: all its messages have it.
    """

    role: Role
    pieces: tuple[Text, ...]
    preimage: bytes = field(init=False, repr=False)  # role letter and piece digests: what a prompt's digest covers

    def __post_init__(self) -> None:
        head = b"%b%b" % (ROLE_LETTERS[self.role].encode(), len(self.pieces).to_bytes(2, "big"))
        object.__setattr__(self, "preimage", head + b"".join([piece.digest for piece in self.pieces]))

    @property
    def content(self) -> str:
        """The text as the model gets it."""
        return "".join([piece.value for piece in self.pieces])


@dataclass(frozen=True, slots=True)
class Prompt:
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
        """All contents joined: the exact text of a plain completion."""
        return "".join([message.content for message in self.messages])

    def chat(self) -> list[tuple[Role, str]]:
        """(role, content) of each message as sent: those of one role in a row are one, so that roles alternate."""
        merged: list[tuple[Role, str]] = []
        for message in self.messages:
            if merged and merged[-1][0] == message.role:
                merged[-1] = (message.role, merged[-1][1] + message.content)
            else:
                merged.append((message.role, message.content))
        return merged
