"""Reports of one run that go at one moment are one message, unless it becomes large."""

from dataclasses import replace

from genai_social_sim.ports import Hello, Report, WorkResult
from genai_social_sim.testing.transports import small_item, small_result
from genai_social_sim.workers.parcels import loads, parcels
from genai_social_sim.workers.wire import reports_from

RESULTS = [small_result(small_item(turn)) for turn in range(5)]


def test_reports_of_one_run_are_one_message_and_come_back_in_their_order() -> None:
    told: list[Report] = [*RESULTS, Hello(run=RESULTS[0].run, worker="w", key="k")]
    (parcel,) = parcels(told)
    assert parcel.numbers == (0, 1, 2, 3, 4, 5)
    assert reports_from(parcel.message) == told


def test_reports_of_two_runs_are_apart() -> None:
    told = [replace(result, run="even" if result.turn % 2 == 0 else "odd") for result in RESULTS]
    assert [(parcel.run, parcel.numbers) for parcel in parcels(told)] == [("even", (0, 2, 4)), ("odd", (1, 3))]


def test_a_message_has_no_more_than_the_broker_takes_unless_it_is_one_report() -> None:
    long = small_result(small_item(9), text="x" * 2000)
    packed = parcels([*RESULTS, long, *RESULTS], most=1200)
    assert [number for parcel in packed for number in parcel.numbers] == list(range(11))
    assert all(len(parcel.message) < 1200 or len(parcel.numbers) == 1 for parcel in packed)
    assert any(len(parcel.numbers) > 1 for parcel in packed)


def test_a_line_that_makes_no_sense_spoils_no_other() -> None:
    (parcel,) = parcels(RESULTS[:2])
    first, second = parcel.message.split(b"\n")
    found = reports_from(first + b"\njunk\n" + second)
    assert [each for each in found if isinstance(each, WorkResult)] == RESULTS[:2]
    assert len(found) == 3


def test_a_message_of_many_lines_is_not_looked_at_without_end() -> None:
    assert len(reports_from(b"\n" * 1_000_000)) < 1000


def test_items_are_sent_a_few_megabytes_at_a_time_and_one_that_is_longer_by_itself() -> None:
    sizes = (3 << 20, 3 << 20, 3 << 20, 20 << 20, 1)
    messages = [(small_item(turn), bytes(size)) for turn, size in enumerate(sizes)]
    assert [[item.turn for item, _ in load] for load in loads(messages)] == [[0, 1], [2], [3], [4]]
    assert list(loads([])) == []
