"""Chance: known answers, uniformity, and streams that do not touch each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genai_social_sim.domain.dice import MAX_CALL_SEED, Dice, call_seed

# Upper 0.1 % points of the chi-square distribution, by degrees of freedom (NIST/SEMATECH e-Handbook, table 1.3.6.7.4).
CHI_SQUARE = {1: 10.828, 5: 20.515, 9: 27.877, 23: 49.728}


KEY = "7\x1fspeaker\x1fhall\x1f0\x1f0"


def chi_square(counts: Sequence[int]) -> float:
    expected = sum(counts) / len(counts)
    return sum((count - expected) ** 2 / expected for count in counts)


def words_by_hand(key: str, blocks: int) -> list[int]:
    raw = b"".join(sha256(f"{key}\x1e{number}".encode()).digest() for number in range(blocks))
    return [int.from_bytes(raw[at : at + 8], "big") for at in range(0, len(raw), 8)]


def test_the_stream_is_sha256_over_key_and_count_read_as_64_bit_integers() -> None:
    dice = Dice(42, "speaker", "hall", 3, 0)
    by_hand = words_by_hand("42\x1fspeaker\x1fhall\x1f3\x1f0", blocks=3)
    assert [dice.word() for _ in range(12)] == by_hand


def test_the_first_words_are_the_same_for_ever() -> None:
    dice = Dice(7, "speaker", "hall", 0, 0)
    assert [dice.below(1000) for _ in range(6)] == [word % 1000 for word in words_by_hand(KEY, blocks=2)[:6]]
    assert Dice(7, "speaker", "hall", 0, 0).word() == 8242625985073612299


def test_a_draw_below_a_bound_throws_away_the_words_that_would_favour_a_side() -> None:
    bound = 3 * 2**62  # a quarter of all words lie above it
    dice, fair = Dice(1, "biased"), [word for word in words_by_hand("1\x1fbiased", blocks=20) if word < bound]
    assert [dice.below(bound) for _ in range(20)] == fair[:20]


def test_what_has_no_weight_at_all_cannot_be_drawn() -> None:
    with pytest.raises(ValueError, match="more than 0"):
        Dice(1, "nothing").weighed([0.0, 0.0])


@pytest.mark.parametrize("sides", [2, 6, 10])
def test_every_side_comes_up_equally_often(sides: int) -> None:
    dice = Dice(1, "uniformity")
    counts = Counter(dice.below(sides) for _ in range(3000))
    assert chi_square([counts[side] for side in range(sides)]) < CHI_SQUARE[sides - 1]


def test_units_fill_their_interval_evenly() -> None:
    dice = Dice(2, "units")
    draws = [dice.unit() for _ in range(3000)]
    assert all(0 <= draw < 1 for draw in draws)
    counts = Counter(int(draw * 10) for draw in draws)
    assert chi_square([counts[tenth] for tenth in range(10)]) < CHI_SQUARE[9]


def test_every_order_of_four_is_shuffled_equally_often() -> None:
    dice = Dice(3, "orders")
    counts = Counter(dice.shuffled("abcd") for _ in range(4800))
    assert len(counts) == 24
    assert chi_square(list(counts.values())) < CHI_SQUARE[23]


@pytest.mark.parametrize(
    "other",
    [
        lambda at: Dice(12, "speaker", "hall", at, 0),
        lambda at: Dice(11, "other", "hall", at, 0),
        lambda at: Dice(11, "speaker", "yard", at, 0),
        lambda at: Dice(11, "speaker", "hall", at, 1),
        lambda at: Dice(11, "speaker", "hall", at + 1, 0),
    ],
    ids=["seed", "name", "channel", "position", "round"],
)
def test_streams_of_neighbouring_keys_are_independent(other: Callable[[int], Dice]) -> None:
    """The pairs of their first draws fill a table of 2 by 5 evenly."""
    pairs = Counter((Dice(11, "speaker", "hall", at, 0).below(2), other(at).below(5)) for at in range(3000))
    assert chi_square([pairs[row, column] for row in range(2) for column in range(5)]) < CHI_SQUARE[9]


def test_draws_from_one_stream_shift_no_other() -> None:
    busy = Dice(5, "speaker", "hall", 0, 0)
    for _ in range(100):
        busy.unit()
    assert Dice(5, "speaker", "hall", 0, 1).word() == words_by_hand("5\x1fspeaker\x1fhall\x1f0\x1f1", blocks=1)[0]


@given(st.integers(1, 2**64), st.integers())
def test_a_draw_lies_below_its_bound(bound: int, seed: int) -> None:
    assert 0 <= Dice(seed, "any").below(bound) < bound


@pytest.mark.parametrize("bound", [0, -1, 2**64 + 1])
def test_a_bound_that_cannot_be_drawn_below_is_refused(bound: int) -> None:
    with pytest.raises(ValueError, match=r"bound must lie in \[1, 2\^64\]"):
        Dice(1, "any").below(bound)


def test_there_is_no_choice_among_nothing() -> None:
    with pytest.raises(ValueError, match="bound"):
        Dice(1, "any").choice(())


@given(st.lists(st.integers()), st.integers())
def test_shuffling_loses_nothing_and_leaves_the_original_as_it_is(items: list[int], seed: int) -> None:
    before = list(items)
    assert Counter(Dice(seed, "any").shuffled(items)) == Counter(before)
    assert items == before


def test_a_calls_seed_is_sha256_over_its_logical_position() -> None:
    raw = sha256(b"42\x1fcall\x1fhall\x1f3\x1fada\x1f0").digest()
    expected = int.from_bytes(raw[:8], "big") % (2**31 - 1)
    assert call_seed(42, channel="hall", round_no=3, agent="ada", again=0) == expected


def test_calls_have_seeds_of_their_own_that_every_backend_takes() -> None:
    seeds = [
        call_seed(seed, channel=channel, round_no=round_no, agent=agent, again=again)
        for seed in range(4)
        for channel in ("hall", "yard")
        for round_no in range(20)
        for agent in ("ada", "bo")
        for again in range(3)
    ]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < MAX_CALL_SEED for seed in seeds)
