"""Checks the record of a run with nothing but Python: python check_record.py RUN. Prints its digest.

Written from the table `about` of a record alone. It imports nothing of genai-social-sim.
"""

import sqlite3
import struct
import sys
from hashlib import sha256

LOGICAL = (
    *("run_started", "opened", "remembered", "spoke", "fell_silent", "exercised"),
    *("probed", "intervened", "run_ended"),
)


def check(path: str) -> str:
    """The digest that the events give; raises ValueError where they are not what was written."""
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    hashes = {}
    for number, known, text in db.execute("SELECT id, hash, text FROM texts"):
        hashes[str(number)] = sha256(text.encode()).digest()
        if hashes[str(number)] != known:
            raise ValueError(f"text {number} was changed")
    chain = digest = sha256(b"genai-social-sim record 1").digest()
    events = db.execute("SELECT seq, kind, turn, at, body, texts, prompt, chain FROM events ORDER BY seq")
    for seq, kind, turn, at, body, texts, prompt, link in events:
        content = f"{kind}\n{'' if turn is None else turn}\n{body}\n".encode()
        content += b"".join(hashes[number] for number in texts.split())
        chain = sha256(chain + struct.pack(">qd", seq, at) + content).digest()
        digest = sha256(digest + content).digest() if kind in LOGICAL else digest
        if chain != link:
            raise ValueError(f"event {seq} was changed")
        if prompt is not None and prompt_hash(prompt, hashes) not in body:
            raise ValueError(f"the prompt of event {seq} was changed")
    if db.execute("SELECT chain, digest FROM head").fetchone() != (chain, digest):
        raise ValueError("the end of the log was changed")
    return digest.hex()


def prompt_hash(prompt: str, hashes: dict[str, bytes]) -> str:
    """The hash of what a model was sent, from the list of its messages, such as `s1 u5+7+3 u2`."""
    covered = b""
    for message in prompt.split():
        numbers = message[1:].split("+")
        covered += message[0].encode() + len(numbers).to_bytes(2, "big") + b"".join(hashes[each] for each in numbers)
    return sha256(covered).hexdigest()


if __name__ == "__main__":
    try:
        print(check(sys.argv[1]))  # noqa: T201 (a script to be read and run by hand)
    except ValueError as fault:
        sys.exit(str(fault))
