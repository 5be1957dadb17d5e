"""A text with its content hash, by which the record stores it once."""

from __future__ import annotations

from hashlib import sha256
from typing import NamedTuple

from genai_social_sim.domain.tuples import make


class Text(NamedTuple):
    """A text and the SHA-256 of its UTF-8 bytes; make it with `Text.of`."""

    value: str
    digest: bytes

    @classmethod
    def of(cls, value: str) -> Text:
        """Hash `value`; halves of surrogate pairs, which no file can hold, become U+FFFD."""
        try:
            raw = value.encode()
        except UnicodeEncodeError:
            raw = utf8(value)
            value = raw.decode()
        return make(cls, (value, sha256(raw).digest()))


def utf8(value: str) -> bytes:
    """A text's bytes; halves of surrogate pairs, which no file can hold, become U+FFFD."""
    try:
        return value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


EMPTY = Text.of("")
