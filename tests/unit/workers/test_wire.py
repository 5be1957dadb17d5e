"""What travels comes back equal; whatever else comes over a broker is told apart, in words, and raises nothing."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genai_social_sim.ports import PROTOCOL, Failure, Hello, Unreadable, WorkResult
from genai_social_sim.testing.transports import small_item, small_offer, small_result
from genai_social_sim.workers.wire import item_from, item_to, offer_from, offer_to, report_from, report_to

HELLO = Hello(run="r", worker="w", key="k", identity={"weights": "sha256:1"}, slots=2, refusal="", package="1.0")
FAILED = replace(small_result(small_item()), outcome=Failure(problem="no", cause="timeout", retry_after_s=1.5))


def test_offers_items_and_reports_come_back_equal() -> None:
    assert offer_from(offer_to(small_offer())) == small_offer()
    assert item_from(item_to(small_item(7))) == small_item(7)
    for report in (HELLO, FAILED, small_result(small_item())):
        assert report_from(report_to(report)) == report


def test_half_a_surrogate_pair_does_not_stop_a_message() -> None:
    back = report_from(report_to(small_result(small_item(), text="\ud800")))
    assert isinstance(back, WorkResult)
    assert "\ufffd" in str(back.outcome)


def test_a_body_that_was_changed_on_the_way_is_not_taken() -> None:
    found = item_from(item_to(small_item()).replace(b'"turn": 0', b'"turn": 1'))
    assert isinstance(found, Unreadable)
    assert "digest" in found.why


@pytest.mark.parametrize("message", [report_to(HELLO), offer_to(small_offer()), item_to(small_item())])
def test_another_version_is_named(message: bytes) -> None:
    changed = message.replace(b'"protocol":%d' % PROTOCOL, b'"protocol":7')
    for read in (report_from, offer_from, item_from):
        found = read(changed)
        assert isinstance(found, Unreadable)
        assert "it speaks version 7 of the protocol" in found.why
        assert f"this release speaks version {PROTOCOL}" in found.why


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b"\xff\xfe",
        b'{"protocol":%d}' % PROTOCOL,
        b"[" * 100_000,
        b'{"protocol":2e999}',
        b'{"hello":true}',
    ],
)
def test_what_makes_no_sense_is_told_apart(message: bytes) -> None:
    for read in (report_from, offer_from, item_from):
        assert isinstance(read(message), Unreadable)


@pytest.mark.parametrize("change", [b'"worked_s":NaN', b'"worked_s":-1', b'"worked_s":1e999', b'"worked_s":"x"'])
def test_a_number_that_no_record_can_hold_is_not_taken(change: bytes) -> None:
    message = report_to(small_result(small_item()))
    assert isinstance(report_from(message.replace(b'"worked_s":0.25', change)), Unreadable)


@given(st.binary(max_size=60), st.integers(0, 400), st.sampled_from(["item", "report", "offer"]))
def test_no_bytes_raise_anything(noise: bytes, at: int, kind: str) -> None:
    whole, read = {
        "item": (item_to(small_item()), item_from),
        "report": (report_to(FAILED), report_from),
        "offer": (offer_to(small_offer()), offer_from),
    }[kind]
    read(whole[:at] + noise + whole[at + len(noise) :])
