"""The two running hashes of a log: the chain over every event and the digest over the logical ones."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from genai_social_sim.eventlog.codec import LOGICAL, Row

_PLACE: Final = struct.Struct(">qd").pack
START: Final = sha256(b"genai-social-sim record 1").digest()


@dataclass(slots=True)
class Chain:
    """Both hashes after some events.

    chain(n) = SHA-256(chain(n-1), seq as 8 bytes, at as an IEEE double, content(n)), big endian;
    digest(n) = SHA-256(digest(n-1), content(n)) for a logical event, else digest(n-1).
    """

    seq: int = -1  # of the last event
    chain: bytes = START
    digest: bytes = START

    def add(self, row: Row, at: float) -> bytes:
        """Take in the next event; its link of the chain."""
        content = row.content()
        self.seq += 1
        self.chain = sha256(self.chain + _PLACE(self.seq, at) + content).digest()
        if row.kind in LOGICAL:
            self.digest = sha256(self.digest + content).digest()
        return self.chain

    def copy(self) -> Chain:
        """The same state, to go on from."""
        return Chain(self.seq, self.chain, self.digest)
