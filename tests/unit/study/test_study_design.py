"""Factors, conditions, null arms and replicates of a study file, and what is refused of them."""

from __future__ import annotations

from textwrap import dedent

import pytest
from tests.unit.study.studies import SMALL, loaded, refusal_of

from genai_social_sim.errors import RequestError, SpecError
from genai_social_sim.study.conditions import Condition, chosen, conditions_of, seed_of
from genai_social_sim.study.lowering import canonical, lower

TWO_BY_THREE = """\
factors:
  framing: {path: channels.general.opening.text, values: {neutral: "Hello.", alarm: "Fire!"}}
  heat: {path: model.temperature, values: [0, 0.5, 1.5]}
"""


def conditions(text: str) -> dict[str, Condition]:
    return {each.name: each for each in conditions_of(loaded(SMALL + dedent(text)))}


def refusal(text: str) -> SpecError:
    """Why a design is refused, be it at once or when its conditions are made."""
    with pytest.raises(SpecError) as caught:
        conditions_of(loaded(SMALL + dedent(text)))
    return caught.value


def test_the_levels_of_all_factors_are_crossed_in_their_order() -> None:
    assert [*conditions(TWO_BY_THREE)] == [
        "framing=neutral,heat=0",
        "framing=neutral,heat=0.5",
        "framing=neutral,heat=1.5",
        "framing=alarm,heat=0",
        "framing=alarm,heat=0.5",
        "framing=alarm,heat=1.5",
    ]


def test_a_condition_is_the_study_with_the_values_of_its_levels() -> None:
    found = conditions(TWO_BY_THREE)["framing=alarm,heat=1.5"]
    by_hand = SMALL.replace("Discuss current issues surrounding rare earth metals.", "Fire!").replace("0.7", "1.5")
    assert canonical(found.study) == canonical(loaded(by_hand))
    assert found.levels == {"framing": "alarm", "heat": "1.5"}


def test_a_study_without_a_design_is_its_one_condition() -> None:
    assert [*conditions("")] == [""]
    assert [*conditions("replicates: 1")] == [""]


def test_a_level_may_set_several_values() -> None:
    found = conditions("factors: {style: {levels: {short: {model.max_tokens: 9, stop.turns: 4}, long: {}}}}")
    documents = [each.study.document for each in found.values()]
    assert [(each.stop.turns, each.model.max_tokens) for each in documents] == [(4, 9), (12, 60)]


def test_a_nested_factor_is_varied_within_some_levels_only() -> None:
    found = conditions(
        TWO_BY_THREE.replace("[0, 0.5, 1.5]", "[0.5, 1.5]").replace("1.5]", "1.5], within: {framing: alarm}")
    )
    assert [*found] == ["framing=neutral", "framing=alarm,heat=0.5", "framing=alarm,heat=1.5"]
    assert found["framing=neutral"].levels == {"framing": "neutral"}


def test_conditions_may_be_listed_instead() -> None:
    found = conditions(
        TWO_BY_THREE + "conditions: [{name: plain}, {name: hot alarm, levels: {framing: alarm, heat: 1.5}}, "
        "{name: own, set: {stop.turns: 3}}]"
    )
    assert [*found] == ["plain", "hot alarm", "own"]
    assert canonical(found["plain"].study) == canonical(loaded(SMALL))
    assert found["hot alarm"].levels == {"framing": "alarm", "heat": "1.5"}
    assert found["own"].study.document.stop.turns == 3


def test_null_leaves_a_key_out_and_is_kept_where_it_means_something() -> None:
    found = conditions("factors: {net: {path: network, values: {none: null, ring: ring}}}")
    assert [each.study.document.network is None for each in found.values()] == [True, False]
    found = conditions("factors: {heat: {path: model.temperature, values: {own: null, cool: 0.1}}}")
    assert [each.study.document.model.temperature for each in found.values()] == [None, 0.1]


def test_a_replicate_has_the_same_seed_in_all_conditions() -> None:
    study = loaded(SMALL + "replicates: 50\n").document
    seeds = [seed_of(study, "framing=alarm", replicate, seed=42) for replicate in range(50)]
    assert seeds == [seed_of(study, "framing=neutral", replicate, seed=42) for replicate in range(50)]
    assert seeds[0] == 42
    assert len({*seeds}) == 50
    assert len({seed_of(study, "", 1, seed=seed) for seed in range(50)}) == 50


def test_independent_seeds_are_all_different() -> None:
    study = loaded(SMALL + "replicates: 50\nseeds: independent\n").document
    seeds = {seed_of(study, condition, replicate, seed=42) for condition in "ab" for replicate in range(50)}
    assert len(seeds) == 100


def test_more_replicates_leave_the_seeds_of_those_before() -> None:
    few, many = (loaded(SMALL + f"replicates: {count}\n").document for count in (3, 30))
    assert [seed_of(few, "", at, seed=1) for at in range(3)] == [seed_of(many, "", at, seed=1) for at in range(3)]


def test_conditions_are_chosen_by_name_or_by_some_of_their_levels() -> None:
    found = tuple(conditions(TWO_BY_THREE).values())
    assert [each.name for each in chosen(found, ("framing=alarm",))] == [each.name for each in found[3:]]
    assert [each.name for each in chosen(found, ("heat=0.5, framing=alarm",))] == ["framing=alarm,heat=0.5"]
    assert [each.name for each in chosen(found, ("framing=neutral,heat=0", "heat=1.5"))] == [
        found[0].name,
        found[2].name,
        found[5].name,
    ]
    with pytest.raises(RequestError, match=r"no condition 'framing=alram'.*framing=neutral,heat=0, "):
        chosen(found, ("framing=alram",))


@pytest.mark.parametrize(
    ("design", "words"),
    [
        ("factors: {f: {path: network.p, values: [^1]}}", "network: it lacks its `kind`"),
        ("factors: {f: {path: ^stop.tunrs, values: [4]}}", "there is no 'tunrs' under `stop`"),
        ("factors: {f: {path: stop.turns, values: [4, ^many]}}", "number is expected (in the condition f=many)"),
        ("factors: {f: {path: stop.turns, values: {a: 4, b: ^0}}}", "0 must be at least 1 (in the condition f=b)"),
        ("factors: {f: {levels: {a: {stop.turns: ^0}}}}", "0 must be at least 1 (in the condition f=a)"),
        ("factors: {f: {path: ^seed, values: [1, 2]}}", "`seed` is the same in all conditions"),
        ("factors: {f: ^{path: stop.turns}}", "a factor has a `path` and its `values`"),
        ("factors: {f: {path: stop.turns, values: ^[]}}", "this factor has no level"),
        ("factors: {f: {path: stop.turns, values: ^[1, 1]}}", "two levels are called '1'"),
        ("factors: {f: {path: stop, values: ^[{turns: 3}]}}", "a mapping of names to values"),
        ("factors: {f: {path: stop.turns, values: ^{a=b: 3}}}", "holds '=', which parts names"),
        ("factors: {^null_arm: {path: stop.turns, values: [1]}}", "may not be called 'null_arm'"),
        ("factors: {f: {path: stop.turns, values: [1], within: {g: ^a}}}", "there is no factor 'g' above this one"),
        ("factors: {f: {path: seed, values: [1]}, g: {path: x, values: [1], within: {f: ^2}}}", "has no level '2'"),
        ("conditions: [{name: a, levels: {f: ^x}}]", "there is no factor 'f'"),
        ("conditions: [{name: a}, {name: ^A}]", "there are two conditions 'A'"),
        ("conditions: [{name: a, set: {stop.tuns: ^3}}]", "there is no 'tuns' under `stop`"),
        ("null_arms: ^no_interactions", "Write one of: no_interaction"),
        ("null_arms: [no_interaction, ^no_interaction]", "is there twice"),
        ("null_arms: ^shuffled_partners", "no places to be shuffled"),
        ("replicates: ^0", "0 must be at least 1"),
        ("seeds: ^same", "Write `paired` or `independent`"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(design: str, words: str) -> None:
    found = str(refusal(design.replace("^", "") + "\n"))
    assert f"study.yaml:{SMALL.count(chr(10)) + 1}:{design.index('^') + 1}: " in found
    assert words in found


def test_what_makes_a_condition_wrong_by_itself_is_told_with_its_name() -> None:
    assert "(in the condition hubs=b)" in str(
        refusal("factors: {hubs: {path: network, values: {a: ring, b: {kind: star, centre: BOT1}}}}")
    )


def test_nobody_hears_anybody_without_interaction() -> None:
    text = SMALL.replace("kind: round_robin, first: BOT2", "kind: pairwise") + "null_arms: no_interaction\n"
    _, alone = conditions_of(loaded(text))
    (channel,) = lower(alone.study).channels
    assert (alone.name, alone.levels) == ("null_arm=no_interaction", {"null_arm": "no_interaction"})
    assert channel.network is not None
    assert [*channel.network.edges] == []
    assert channel.turns == 2


def test_shuffled_partners_keep_the_network_and_draw_who_is_where() -> None:
    text = SMALL.replace("agents:\n", "agents:\n" + "".join(f"  - {{name: N{number}}}\n" for number in range(6)))
    text = text.replace("  general:\n", "  general:\n    network: {kind: star, center: BOT1}\n")
    plain, shuffled = conditions_of(loaded(text + "null_arms: shuffled_partners\n"))
    assert plain.name == "as_written"
    hubs = set()
    for seed in range(40):
        network = lower(shuffled.study, seed=seed).channels[0].network
        assert network is not None
        degrees = sorted(map(len, network.sources))
        assert degrees == [1] * 7 + [7]
        hubs.add(max(network.members, key=lambda each: len(network.sources[network.seats[each]])))
    assert len(hubs) == 8
    text = canonical(shuffled.study, seed=3)
    assert '"shuffled":true' in text
    assert '"drawn"' in text


def test_a_rule_answers_for_all_in_a_rule_based_arm() -> None:
    text = SMALL.replace("name: BOT1,", "name: BOT1, model: {backend: scripted},") + "null_arms: rule_based\n"
    plan = lower(conditions_of(loaded(text))[1].study)
    assert [agent.model.backend for agent in plan.agents] == ["rule", "rule"]
    own = SMALL + "null_arms: [{rule_based: {rule: majority}}]\n"
    assert '"majority"' in lower(conditions_of(loaded(own))[1].study).agents[0].model.options


def test_a_listed_condition_may_be_a_null_arm() -> None:
    found = conditions(TWO_BY_THREE + "conditions: [{name: alone, levels: {framing: alarm}, null_arm: no_interaction}]")
    assert found["alone"].levels == {"framing": "alarm", "null_arm": "no_interaction"}
    assert found["alone"].study.document.channels["general"].network is not None


def test_null_arms_stand_beside_crossed_factors() -> None:
    assert [*conditions(TWO_BY_THREE + "null_arms: [no_interaction]")][-1] == "null_arm=no_interaction"


def test_a_factor_that_is_no_mapping_is_refused_in_words() -> None:
    assert "factors.f" in str(refusal_of(SMALL + "factors: {f: 3}\n"))
