"""The two running hashes of a log: the chain over every event and the digest over the logical ones."""

from __future__ import annotations

import struct
from collections.abc import Iterable
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
        return self.extend((row,), (at,))[0]

    def extend(self, rows: Iterable[Row], times: Iterable[float]) -> list[bytes]:
        """Take in the next events and when each of them was written; their links of the chain."""
        seq, chain, digest, links = self.seq, self.chain, self.digest, []
        for row, at in zip(rows, times, strict=True):
            content = row.content()
            seq += 1
            chain = sha256(chain + _PLACE(seq, at) + content).digest()
            if row[0] in LOGICAL:
                digest = sha256(digest + content).digest()
            links.append(chain)
        self.seq, self.chain, self.digest = seq, chain, digest
        return links

    def copy(self) -> Chain:
        """The same state, to go on from."""
        return Chain(self.seq, self.chain, self.digest)
