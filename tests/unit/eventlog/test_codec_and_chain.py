"""Rows of events, and both hashes recomputed from the description that every record carries."""

from __future__ import annotations

import json
import struct
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.records import everything, rows

from genai_social_sim.domain.events import Spoke
from genai_social_sim.eventlog.chain import Chain
from genai_social_sim.eventlog.codec import Row, decode, encode
from genai_social_sim.ports import Entry
from genai_social_sim.testing.event_logs import small_log
from genai_social_sim.testing.strategies import entries

LOGICAL = ("run_started", "opened", "spoke", "fell_silent", "run_ended")


@given(entries())
def test_an_event_comes_back_from_its_row(entry: Entry) -> None:
    row = encode(entry.event)
    assert decode(row.kind, row.turn, row.body, row.texts) == entry.event


@given(entries())
def test_a_body_is_json_that_anybody_can_read(entry: Entry) -> None:
    row = encode(entry.event)
    assert isinstance(json.loads(row.body, parse_constant=pytest.fail), dict)
    assert "\n" not in row.body


@given(entries(), entries())
def test_different_events_have_different_contents(one: Entry, two: Entry) -> None:
    same = encode(one.event).content() == encode(two.event).content()
    assert same == (one.event == two.event)


@given(st.text(), st.none() | st.integers(), st.text())
def test_what_is_no_event_is_refused(kind: str, turn: int | None, body: str) -> None:
    with pytest.raises(ValueError, match="not a"):
        decode(kind, turn, body, ())


@pytest.mark.parametrize("body", ["", "[]", "null", "{}", '{"attempt":1}', '"x"', "[" * 100_000])
@pytest.mark.parametrize("kind", ["answered", "spoke", "fell_silent", "attempt_failed", "opened", "run_ended"])
def test_a_body_without_what_its_kind_needs_is_refused(kind: str, body: str) -> None:
    with pytest.raises(ValueError, match=f"not a {kind} event"):
        decode(kind, 0, body, ())


def test_both_hashes_are_those_that_the_record_describes(tmp_path: Path) -> None:
    path = everything().record(tmp_path / "run.sqlite")
    hashes = dict(rows(path, "SELECT id, hash FROM texts"))
    chain = digest = sha256(b"genai-social-sim record 1").digest()
    for seq, kind, turn, at, body, texts, link in rows(
        path, "SELECT seq, kind, turn, at, body, texts, chain FROM events ORDER BY seq"
    ):
        content = f"{kind}\n{'' if turn is None else turn}\n{body}\n".encode()
        content += b"".join(hashes[int(number)] for number in texts.split())
        chain = sha256(chain + struct.pack(">qd", seq, at) + content).digest()
        assert chain == link
        if kind in LOGICAL:
            digest = sha256(digest + content).digest()
    assert list(rows(path, "SELECT chain, digest FROM head")) == [(chain, digest)]


def test_prompts_and_calls_are_bound_as_the_record_describes(tmp_path: Path) -> None:
    path = everything().record(tmp_path / "run.sqlite")
    hashes = dict(rows(path, "SELECT id, hash FROM texts"))
    call: dict[int, str] = {}
    sql = "SELECT kind, turn, json(body), texts, prompt FROM events WHERE turn IS NOT NULL ORDER BY seq"
    for kind, turn, body, texts, prompt in rows(path, sql):
        facts = json.loads(body)
        if prompt is None:
            assert call[turn] == facts["call"]
            continue
        assert prompt_hash(prompt, hashes) == facts["prompt"]
        counts = facts["tokens"] if kind == "answered" else [0, 0]
        params, answer = (hashes[int(number)] for number in texts.split()[:2])
        if kind == "attempt_failed":
            answer = sha256(b"").digest()
        outcome = facts["finish"] if kind == "answered" else facts["cause"]
        words = f"{facts['seed']} {outcome} {counts[0]} {counts[1]}".encode()
        call[turn] = sha256(bytes.fromhex(facts["prompt"]) + params + answer + words).hexdigest()
    assert len(call) == 7


def prompt_hash(listed: str, hashes: dict[int, bytes]) -> str:
    covered = b""
    for form in listed.split(" "):
        numbers = [int(number) for number in form[1:].split("+") if number]
        covered += form[0].encode() + len(numbers).to_bytes(2, "big") + b"".join(hashes[number] for number in numbers)
    return sha256(covered).hexdigest()


def test_a_copy_of_a_chain_goes_its_own_way() -> None:
    chain = Chain()
    chain.add(Row("run_started", None, "{}", ()), 1.0)
    copy = chain.copy()
    copy.add(Row("opened", None, "{}", ()), 2.0)
    assert (chain.seq, copy.seq) == (0, 1)
    assert chain.digest != copy.digest


def test_the_digest_is_that_of_the_logical_events_alone() -> None:
    one, two = Chain(), Chain()
    for entry in small_log():
        row = encode(entry.event)
        one.add(row, 1.0)
        if row.kind in LOGICAL:
            two.add(row, 2.0)
    assert one.digest == two.digest
    assert one.chain != two.chain


def test_every_logical_event_is_in_the_digest() -> None:
    (spoke,) = [entry.event for entry in small_log(1) if isinstance(entry.event, Spoke)]
    assert {encode(entry.event).kind for entry in small_log(1)} >= {"run_started", "opened", "spoke", "run_ended"}
    assert encode(spoke).kind in LOGICAL
