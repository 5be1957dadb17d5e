"""Laws of drawing a population."""

from __future__ import annotations

import math
from statistics import correlation
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genai_social_sim.domain.distribution import Beta, Choice, Distribution, LogNormal, Normal, Scalar, Uniform
from genai_social_sim.domain.population import (
    Attribute,
    Copula,
    Filled,
    Grouped,
    People,
    Population,
    Quota,
    Rows,
    Source,
    factor_of,
)
from genai_social_sim.kernel.people import DrawProblem, people, picks, shares_met

PARTY: Final = Choice(options=("left", "right"), weights=(1.0, 2.0))
AGE: Final = Normal(mean=45.0, sd=15.0, low=18.0, high=90.0)
SOURCES: Final[dict[str, Source]] = {
    "age": AGE,
    "income": LogNormal(mu=10.0, sigma=0.5),
    "opinion": Grouped(by="party", each=(("left", Uniform(low=-1.0, high=0.0)),), otherwise=Beta(a=2.0, b=2.0)),
    "party": PARTY,
    "words": Filled(template="{{ party }}, {{ number }}", needs=("party",)),
}
seeds = st.integers(0, 2**63 - 1)
sizes = st.integers(1, 30)


def drawn(seed: int, size: int, copula: Copula = Copula(), /, **sources: Source) -> People:  # noqa: B008 (frozen)
    attributes = tuple([Attribute(name=name, source=source) for name, source in sources.items()])
    return people(Population(size=size, name="a{{ number }}", attributes=attributes, copula=copula), seed)


def first(count: int, found: People) -> list[dict[str, Scalar]]:
    return [found.attributes(at) for at in range(count)]


def correlated(value: float, one: str = "age", other: str = "income") -> Copula:
    factor = factor_of([[1.0, value], [value, 1.0]])
    assert factor is not None
    return Copula(names=(one, other), factor=factor)


@given(seeds, sizes, sizes)
def test_the_same_seed_draws_the_same_people_at_any_size(seed: int, one: int, other: int) -> None:
    copula, both = correlated(0.5), min(one, other)
    small, large = drawn(seed, one, copula, **SOURCES), drawn(seed, other, copula, **SOURCES)
    assert first(both, small) == first(both, large)
    assert small.names[:both] == large.names[:both]


@given(seeds, sizes, st.sets(st.sampled_from(["age", "income", "opinion", "words"])))
def test_an_attribute_more_changes_no_other_draw(seed: int, size: int, left_out: set[str]) -> None:
    fewer = drawn(seed, size, **{name: source for name, source in SOURCES.items() if name not in left_out})
    every = drawn(seed, size, **SOURCES)
    assert all(every.columns[name] == values for name, values in fewer.columns.items())


@given(seeds, st.permutations(sorted(SOURCES)))
def test_the_order_in_which_attributes_are_written_changes_nothing(seed: int, order: list[str]) -> None:
    assert drawn(seed, 5, **{name: SOURCES[name] for name in order}) == drawn(seed, 5, **SOURCES)


@given(seeds)
def test_a_correlated_attribute_more_leaves_the_ones_before_it(seed: int) -> None:
    assert drawn(seed, 9, correlated(0.9), **SOURCES).columns["age"] == drawn(seed, 9, **SOURCES).columns["age"]


@given(seeds, st.integers(1, 200), st.lists(st.integers(0, 9), min_size=1, max_size=5).filter(any))
@settings(max_examples=50)
def test_a_quota_is_met_to_less_than_one_agent(seed: int, size: int, weights: list[int]) -> None:
    options = tuple(range(len(weights)))
    quota = Quota(options=options, weights=tuple(map(float, weights)))
    values = [*drawn(seed, size, share=quota).columns["share"]]
    for option, weight in enumerate(weights):
        assert abs(values.count(option) - size * weight / sum(weights)) < 1


def test_a_quota_within_groups_is_met_in_each() -> None:
    half = Quota(options=("f", "m"), weights=(0.5, 0.5))
    found = drawn(
        1,
        100,
        party=Quota(options=("left", "right"), weights=(0.3, 0.7)),
        sex=Grouped(by="party", each=(), otherwise=half),
    )
    pairs = [(each["party"], each["sex"]) for each in first(100, found)]
    assert {pair: pairs.count(pair) for pair in pairs} == {
        ("left", "f"): 15,
        ("left", "m"): 15,
        ("right", "f"): 35,
        ("right", "m"): 35,
    }


def test_who_is_in_a_quota_is_drawn() -> None:
    half = Quota(options=("f", "m"), weights=(1.0, 1.0))
    assert len({tuple(drawn(seed, 20, sex=half).columns["sex"]) for seed in range(5)}) == 5


# Hamilton's method, by hand: 10 seats by 6:3:1 exactly; 7 seats by thirds, the odd one to the first.
@pytest.mark.parametrize(
    ("weights", "size", "counts"),
    [
        ((6, 3, 1), 10, [6, 3, 1]),
        ((1, 1, 1), 7, [3, 2, 2]),
        ((0.1, 0.2, 0.7), 10, [1, 2, 7]),
        ((0.29, 0.71), 100, [29, 71]),
        ((1, 0), 3, [3, 0]),
        ((0.45, 0.45, 0.1), 9, [4, 4, 1]),
    ],
)
def test_the_largest_remainders_get_what_is_left(weights: tuple[float, ...], size: int, counts: list[int]) -> None:
    assert shares_met(weights, size) == counts


@pytest.mark.parametrize(
    ("source", "theory"),
    [
        (Normal(mean=3.0, sd=2.0), lambda rho: rho),
        (
            Uniform(low=0.0, high=1.0),
            lambda rho: 6 / math.pi * math.asin(rho / 2),
        ),  # Pearson (1907)
    ],
    ids=["normal", "uniform"],
)
@pytest.mark.parametrize("rho", [-0.7, 0.5])
def test_correlations_are_those_of_theory(source: Distribution, theory: object, rho: float) -> None:
    assert callable(theory)
    found = drawn(7, 4000, correlated(rho, "x", "y"), x=source, y=source)
    x, y = ([float(value or 0) for value in found.columns[name]] for name in "xy")
    expected = theory(rho)
    assert abs(correlation(x, y) - expected) < 5 / math.sqrt(4000)  # the standard error is at most 1 / sqrt(n)


@given(seeds, st.integers(1, 60), st.integers(1, 60))
def test_without_replacement_no_row_is_drawn_twice_and_a_larger_draw_begins_like_a_smaller(
    seed: int, size: int, more: int
) -> None:
    rows = picks(seed, "row", size=size, count=size + more, replace=False)
    assert len({*rows}) == size
    assert {*rows} <= {*range(size + more)}
    assert picks(seed, "row", size=size + more, count=size + more, replace=False)[:size] == rows


def test_each_row_is_as_likely_as_the_others() -> None:
    counts = [0] * 5
    for seed in range(2000):
        for row in picks(seed, "row", size=2, count=5, replace=False):
            counts[row] += 1
    assert all(abs(count - 800) < 5 * math.sqrt(2000 * 0.4 * 0.6) for count in counts)


def test_a_row_gives_its_cells_and_an_empty_cell_is_no_attribute() -> None:
    rows = Rows(columns=("age", "job"), count=1, replace=True, used=((0, (52, None)),))
    assert first(2, drawn(1, 2, row=rows)) == [{"age": 52}, {"age": 52}]


def test_rows_are_for_all_agents_and_not_by_group() -> None:
    rows = Rows(columns=("age",), count=1, replace=True, used=((0, (52,)),))
    with pytest.raises(TypeError, match="not by group"):
        drawn(1, 1, party=PARTY, row=Grouped(by="party", each=(), otherwise=rows))


def test_numbers_may_come_from_a_template() -> None:
    found = drawn(1, 2, twice=Filled(template="{{ 2 * number }}", needs=(), numeric=True))
    assert found.columns["twice"] == [2, 4]


def test_numbers_are_rounded_where_the_study_says_so() -> None:
    sources: dict[str, tuple[Source, int]] = {"age": (AGE, 0), "income": (SOURCES["income"], 2), "party": (PARTY, 0)}
    rounded = tuple([Attribute(name=name, source=source, digits=at) for name, (source, at) in sources.items()])
    found = people(Population(size=9, name="a{{ number }}", attributes=rounded), 1)
    exact = drawn(1, 9, age=AGE, income=SOURCES["income"], party=PARTY)
    assert found.columns["age"] == [round(float(value or 0)) for value in exact.columns["age"]]
    assert found.columns["income"] == [round(float(value or 0), 2) for value in exact.columns["income"]]
    assert found.columns["party"] == exact.columns["party"]


@pytest.mark.parametrize(
    ("sources", "reason"),
    [
        ({"a": Filled(template="{{ b }}", needs=("b",)), "b": Filled(template="{{ a }}", needs=("a",))}, "from itself"),
        ({"a": PARTY, "b": Grouped(by="a", each=(("left", AGE),))}, "'right' nothing is said"),
        ({"a": Filled(template="old", needs=(), numeric=True)}, "'old', which is no number"),
        ({"a": Filled(template="{{ 1 // 0 }}", needs=())}, "does not work for agent 1"),
    ],
    ids=["a circle", "a group that is not named", "no number", "a broken template"],
)
def test_what_cannot_be_drawn_says_why(sources: dict[str, Source], reason: str) -> None:
    with pytest.raises(DrawProblem, match=reason):
        drawn(1, 9, **sources)


def test_a_matrix_that_no_numbers_can_have_has_no_factor() -> None:
    assert factor_of([[1.0, 0.9, -0.9], [0.9, 1.0, 0.9], [-0.9, 0.9, 1.0]]) is None
