"""Populations in a study file: who is drawn, what a record holds of it, and what is refused."""

from __future__ import annotations

import json
import math
from hashlib import sha256
from pathlib import Path
from statistics import correlation
from textwrap import dedent, indent
from typing import Any, Final

import pyarrow as arrow
import pytest
from pyarrow import parquet
from tests.docs.console import ROOT, blocks
from tests.unit.study.studies import loaded, refusal_of

from genai_social_sim.domain.plan import Agent, RunPlan
from genai_social_sim.errors import SpecError
from genai_social_sim.study.lowering import canonical, from_canonical, load, lower, override
from genai_social_sim.study.presets import PRESETS
from genai_social_sim.study.prices import prices_of
from genai_social_sim.study.residents import residents

FRAME: Final = """\
name: town
seed: 3
model: {backend: scripted, words: 5}
population:
  size: 12
%s
channels:
  all: {protocol: simultaneous}
stop: {rounds: 1}
"""
PARTIES: Final = "attributes: {party: {quota: {left: 1, right: 2}}}"
ROWS: Final = [{"first": f"P{row}", "age": 20 + row, "score": row / 4, "member": row % 2 == 0} for row in range(20)]


def town(*lines: str, more: str = "") -> str:
    return FRAME % "\n".join(indent(dedent(line), "  ") for line in lines) + more


def plan(*lines: str, more: str = "", seed: int = 3) -> RunPlan:
    return lower(loaded(town(*lines, more=more)), seed=seed)


def value(agent: Agent, name: str) -> Any:
    return dict(agent.attributes).get(name)


def with_file(folder: Path, name: str, *, size: int = 12, more: str = "") -> Path:
    """A study beside a file of twenty people in the format of its name."""
    path = folder / name
    match path.suffix:
        case ".csv":
            cells = [
                [str(cell).lower() if isinstance(cell, bool) else str(cell) for cell in row.values()] for row in ROWS
            ]
            path.write_text("\n".join(map(",".join, [[*ROWS[0]], *cells])) + "\n", encoding="utf-8")
        case ".jsonl":
            path.write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")
        case _:
            parquet.write_table(arrow.Table.from_pylist(ROWS), path)
    study = folder / "study.yaml"
    text = town(f"name: '{{{{ first }}}}'\nattributes: {{row: {{file: {{path: {name}{more}}}}}}}")
    study.write_text(text.replace("size: 12", f"size: {size}"), encoding="utf-8")
    return study


def test_agents_are_named_and_numbered_and_their_personas_speak_of_them() -> None:
    agents = plan("persona: '{{ name }} is {{ party }}.'", "attributes: {party: {constant: left}}").agents
    assert [agents[0].name, agents[-1].name] == ["agent0001", "agent0012"]
    assert agents[0].persona == "agent0001 is left."


def test_agents_listed_by_hand_stand_beside_them() -> None:
    found = plan(PARTIES, more="agents: [{name: ADA}, {name: BO}]\n")
    assert [*found.channels[0].members][:3] == ["ADA", "BO", "agent0001"]
    assert len(found.agents) == 14


def test_in_a_round_robin_those_listed_come_first_in_their_order() -> None:
    text = town(PARTIES, more="agents: [{name: ZOE}, {name: BO}]\n").replace("simultaneous", "round_robin")
    study = loaded(text)
    members = lower(study).channels[0].members
    assert members[:3] == ("ZOE", "BO", "agent0001")
    assert lower(from_canonical(canonical(study, seed=3))).channels[0].members == members


def test_a_channel_can_be_of_those_who_fit() -> None:
    channels = "  of_left: {members: {agents: [ADA], where: {party: left}}}\nstop"
    found = lower(loaded(town(PARTIES, more="agents: [{name: ADA}]\n").replace("stop", channels)))
    left = [agent.name for agent in found.agents if value(agent, "party") == "left"]
    assert {*found.channels[1].members} == {"ADA", *left}
    assert len(left) == 4


@pytest.mark.parametrize(
    ("where", "fits"),
    [
        ("{age: {min: 3, max: 5}}", [3, 4, 5]),
        ("{age: [1, 7]}", [1, 7]),
        ("{age: 2}", [2]),
        ("{age: {max: 1}, odd: true}", [1]),
        ("{word: {min: 0}}", []),
    ],
)
def test_who_is_meant(where: str, fits: list[int]) -> None:
    attributes = "attributes: {age: {number: '{{ number }}'}, odd: {constant: true}, word: {constant: x}}"
    described = f"all: {{members: {{agents: [ADA], where: {where}}}, "
    found = lower(loaded(town(attributes, more="agents: [{name: ADA}]\n").replace("all: {", described)))
    assert [int(member.removeprefix("agent")) for member in found.channels[0].members[1:]] == fits


def test_the_first_group_that_an_agent_fits_gives_its_role_and_model() -> None:
    groups = """
        role: citizen
        groups:
          - {where: {party: left}, role: elder, model: {words: 9}}
          - {where: {party: [left, right]}, model: {temperature: 0.1}}
        """
    for agent in plan(PARTIES, groups, more="roles: {citizen: {}, elder: {authority: 2.0}}\n").agents:
        left = value(agent, "party") == "left"
        assert (agent.role, agent.authority) == (("elder", 2.0) if left else ("citizen", 1.0))
        assert json.loads(agent.model.options)["words"] == (9 if left else 5)
        assert agent.model.sampling.temperature == (0.7 if left else 0.1)


def test_a_record_holds_the_people_and_draws_them_from_nothing() -> None:
    study = loaded(town(PARTIES, "groups: [{where: {party: left}, model: {words: 9}}]"))
    text = canonical(study, seed=11)
    held = json.loads(text)["population"]["drawn"]
    assert held["names"][0] == "agent0001"
    assert sorted(held["attributes"]["party"]).count("left") == 4
    assert lower(from_canonical(text), seed=11) == lower(study, seed=11)
    assert lower(from_canonical(text), seed=12).agents == lower(study, seed=11).agents


def test_what_a_record_holds_is_written_again_as_it_is() -> None:
    text = canonical(loaded(town(PARTIES, "presets: [goals]", "groups: [{where: {party: left}}]")), seed=11)
    assert canonical(from_canonical(text), seed=11) == text


def test_the_study_itself_is_the_same_whatever_the_seed() -> None:
    study = loaded(town(PARTIES))
    assert "drawn" not in canonical(study)
    assert canonical(override(study, "seed=99")) == canonical(study)


def test_changing_who_is_drawn_draws_anew_and_changing_what_they_are_told_does_not() -> None:
    record = from_canonical(canonical(loaded(town(PARTIES)), seed=11))
    larger = lower(override(record, "population.size=13"), seed=12)
    assert len(larger.agents) == 13
    told = lower(override(record, "population.persona=Be {{ party }}."), seed=12)
    assert {agent.persona for agent in told.agents} == {"Be left.", "Be right."}
    assert [agent.attributes for agent in told.agents] == [agent.attributes for agent in lower(record).agents]


@pytest.mark.parametrize("name", ["people.csv", "people.jsonl", "people.parquet"])
def test_rows_of_a_file_are_people(tmp_path: Path, name: str) -> None:
    agents = lower(load(with_file(tmp_path, name))).agents
    rows = {row["first"]: tuple(sorted(row.items())) for row in ROWS}
    assert all(agent.attributes == rows[agent.name] for agent in agents)
    assert [type(each) for each in dict(agents[0].attributes).values()] == [int, str, bool, float]


def test_all_formats_give_the_same_people(tmp_path: Path) -> None:
    found = [lower(load(with_file(tmp_path, f"people.{ending}"))).agents for ending in ("csv", "jsonl", "parquet")]
    assert found[0] == found[1] == found[2]


def test_a_replay_needs_no_file(tmp_path: Path) -> None:
    path = with_file(tmp_path, "people.csv")
    study = load(path)
    text = canonical(study, seed=5)
    (tmp_path / "people.csv").unlink()
    assert lower(from_canonical(text), seed=5) == lower(study, seed=5)
    assert canonical(from_canonical(text), seed=5) == text


def test_another_file_makes_another_study(tmp_path: Path) -> None:
    study = load(with_file(tmp_path, "people.csv"))
    before = canonical(study)
    assert sha256((tmp_path / "people.csv").read_bytes()).hexdigest() in before
    (tmp_path / "people.csv").write_text("first\n" + "\n".join(f"Q{row}" for row in range(12)), encoding="utf-8")
    assert canonical(load(tmp_path / "study.yaml")) != before


def test_columns_can_be_chosen_and_renamed(tmp_path: Path) -> None:
    found = lower(load(with_file(tmp_path, "people.csv", more=", columns: {first: first, years: age}")))
    assert [name for name, _ in found.agents[0].attributes] == ["first", "years"]


def test_prices_are_those_of_the_groups_models() -> None:
    groups = "groups: [{where: {party: left}, model: {price: {prompt: 1.0, answer: 2.0}}}]"
    study = loaded(town(PARTIES, groups))
    prices = prices_of(study.document, residents(study, 3))
    left = {agent.name for agent in lower(study).agents if value(agent, "party") == "left"}
    assert {*prices.of} == left


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_a_preset_gives_every_agent_a_text(preset: str) -> None:
    agents = plan(f"presets: [{preset}]").agents
    assert all(agent.persona == str(value(agent, preset)).strip() for agent in agents)
    assert len({agent.persona for agent in agents}) > 2
    assert not any("{" in agent.persona or "  " in agent.persona for agent in agents)


def test_presets_are_written_out_in_the_record() -> None:
    population = json.loads(canonical(loaded(town("presets: [big_five]"))))["population"]
    assert "presets" not in population
    assert population["attributes"]["openness"] == {"normal": {"mean": 0.0, "sd": 1.0}, "round": 2}


def test_an_attribute_of_ones_own_goes_before_a_presets() -> None:
    agents = plan("presets: [demographics]", "attributes: {age: {constant: 30}}").agents
    assert all(" of 30." in agent.persona for agent in agents)


# (lines of the population, words of the problem, words of the remedy)
MISTAKES: Final = {
    "no source": ("attributes: {a: {}}", "a: it is not said what", "Write one of: normal"),
    "two sources": ("attributes: {a: {constant: 1, poisson: 2.0}}", "not from poisson and constant", "Write one of"),
    "a misspelt source": ("attributes: {a: {normla: {mean: 1, sd: 1}}}", "unknown key", "`normal`"),
    "no spread": ("attributes: {a: {normal: {mean: 1, sd: 0}}}", "must be more than 0", "sd: 15"),
    "bounds that swap": (
        "attributes: {a: {normal: {mean: 1, sd: 1, min: 2, max: 1}}}",
        "`min` is not below",
        "smaller",
    ),
    "bounds far out": ("attributes: {a: {normal: {mean: 1, sd: 1, min: 9}}}", "next to nothing", "Move the mean"),
    "three bounds": ("attributes: {a: {uniform: [1, 2, 3]}}", "found 3 numbers", "[-1, 1]"),
    "falling bounds": ("attributes: {a: {integer: [2, 1]}}", "is above the second", "smaller one first"),
    "bounds of a beta": ("attributes: {a: {beta: {a: 1, b: 1, min: 2}}}", "is not below `max`", "Swap"),
    "a log of nothing": ("attributes: {a: {lognormal: {mu: 0, sigma: 1, min: 0}}}", "is not above 0", "Delete"),
    "a huge number": ("attributes: {a: {uniform: [0, 1.0e200]}}", "too large", "1e+100"),
    "no options": ("attributes: {a: {choice: []}}", "empty", "left: 0.45"),
    "no weight": ("attributes: {a: {choice: {x: 0}}}", "all weights are 0", "at least one"),
    "a weight in words": ("attributes: {a: {choice: {x: much}}}", "where a number is expected", "Write a number"),
    "by nothing": ("attributes: {a: {by: b, each: {x: {constant: 1}}}}", "there is no attribute 'b'", "There are"),
    "by alone": ("attributes: {a: {by: b}}", "`by` needs `each`", "each:"),
    "each alone": ("attributes: {a: {constant: 1, each: {x: {constant: 2}}}}", "beside `by` only", "Add `by:`"),
    "a group left out": (
        "attributes: {b: {constant: y}, a: {by: b, each: {x: {constant: 1}}}}",
        "is 'y' nothing",
        "'y'",
    ),
    "a circle": ("attributes: {a: {template: '{{ a }}'}}", "drawn from itself", "without the others"),
    "an unknown name in a template": ("attributes: {a: {template: '{{ x }}'}}", "no attribute 'x'", "There are"),
    "a broken template": ("attributes: {a: {template: '{{ x'}}", "the template does not work", "another"),
    "no number": ("attributes: {a: {number: 'x'}}", "which is no number", "a number alone"),
    "a broken persona": ("persona: '{{ nme }}'", "'nme' is undefined", "default"),
    "one name for all": ("name: Bob", "two agents would have the name 'Bob'", "{{ number }}"),
    "a name that is none": ("name: 'a: {{ number }}'", "holds a colon", "Leave it out"),
    "a broken name": ("name: '{{ x }}'", "'x' is undefined", "default"),
    "no such preset": ("presets: [big_fve]", "the text 'big_fve'", "big_five"),
    "no such role": ("role: elder", "there is no role 'elder'", "under `roles:`"),
    "no such role in a group": ("groups: [{where: {}, role: elder}]", "there is no role 'elder'", "under `roles:`"),
    "no such backend": ("model: {backend: scriptd}", "there is no backend", "`scripted`"),
    "an attribute that nobody has": ("groups: [{where: {prty: left}}]", "nobody has an attribute 'prty'", "There are"),
    "a correlation with a word": (
        "attributes: {a: {uniform: [0, 1]}, b: {choice: {x: 1}}}\ncorrelations: [{between: [a, b], value: 0.5}]",
        "have no order",
        "as a list",
    ),
    "a correlation with a beta": (
        "attributes: {a: {uniform: [0, 1]}, b: {beta: {a: 1, b: 1}}}\ncorrelations: [{between: [a, b], value: 0.5}]",
        "drawn from `beta`, which cannot",
        "Draw it from normal",
    ),
    "a correlation with nothing": ("correlations: [{between: [a, b], value: 0.5}]", "no attribute 'a'", "There are"),
    "a correlation with itself": (
        "attributes: {a: {uniform: [0, 1]}}\ncorrelations: [{between: [a, a], value: 0.5}]",
        "correlated already",
        "each pair once",
    ),
    "a perfect correlation": (
        "attributes: {a: {uniform: [0, 1]}, b: {uniform: [0, 1]}}\ncorrelations: [{between: [a, b], value: 1.0}]",
        "must be less than 1",
        "0.5",
    ),
    "correlations that cannot be": (
        "attributes: {a: &u {uniform: [0, 1]}, b: *u, c: *u}\ncorrelations: [{between: [a, b], value: 0.9}, "
        "{between: [b, c], value: 0.9}, {between: [a, c], value: -0.9}]",
        "not positive definite",
        "weaker",
    ),
    "a file without a folder": ("attributes: {row: {file: people.csv}}", "no folder", "from a file"),
    "a file by group": (
        "attributes: {b: {constant: 1}, a: {by: b, each: {x: {file: y.csv}}}}",
        "not by group",
        "its own",
    ),
    "too few drawn": ("drawn: {names: [a]}", "holds 1 agents, and `size` says 12", "Delete `drawn`"),
    "too few values": ("drawn: {names: [a, b], attributes: {x: [1]}}", "as many values as names", "null"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_refused_with_a_remedy(mistake: str) -> None:
    lines, problem, remedy = MISTAKES[mistake]
    with pytest.raises(SpecError) as caught:
        lower(loaded(town(lines)))
    assert problem in caught.value.problem
    assert remedy in caught.value.remedy
    assert caught.value.where.startswith("study.yaml:")


def test_a_channel_of_nobody_is_refused() -> None:
    with pytest.raises(SpecError, match="nobody is meant by this"):
        lower(loaded(town(PARTIES).replace("all: {", "all: {members: {where: {party: green}}, ")))


def test_neither_agents_nor_population_is_refused() -> None:
    assert "there are no agents" in refusal_of("name: a\nchannels: {c: {}}\nstop: {turns: 1}").problem


# (the file's name, its bytes, the setting beside it, words of the problem)
FILES: Final = {
    "it is not there": ("gone.csv", None, "", "there is no file gone.csv"),
    "it lies outside": ("../people.csv", None, "", "lies outside of the study's folder"),
    "no format": ("people.xlsx", b"", "", "no table that can be read"),
    "empty": ("people.csv", b"", "", "holds no rows"),
    "too few rows": ("people.csv", b"a\n1\n", "", "has 1 rows, fewer than the 12 agents"),
    "a cell too many": ("people.csv", b"a\n1,2\n", "", "line 2 of people.csv has 2 cells"),
    "one name twice": ("people.csv", b"a,a\n1,2\n", "", "have one name"),
    "not UTF-8": ("people.csv", b"a\n\xff\n", "", "not UTF-8"),
    "no such column": ("people.csv", b"a\n1\n", ", columns: {b: b}, replace: true", "no column 'b'"),
    "a column that is no name": ("people.csv", b"my age\n1\n", ", replace: true", "called 'my age'"),
    "another file": ("people.csv", b"a\n1\n", f", replace: true, sha256: {'0' * 64}", "another file than"),
    "no object": ("people.jsonl", b"[1]\n", ", replace: true", "line 1 of people.jsonl is no JSON object"),
    "a list in a cell": ("people.jsonl", b'{"a": [1]}\n', ", replace: true", "row 1 holds a list"),
    "no Parquet": ("people.parquet", b"PAR2", ", replace: true", "is no Parquet file"),
}


@pytest.mark.parametrize("case", FILES)
def test_a_file_that_will_not_do_is_refused(case: str, tmp_path: Path) -> None:
    name, content, more, problem = FILES[case]
    if content is not None:
        (tmp_path / name).write_bytes(content)
    study = tmp_path / "study.yaml"
    study.write_text(town(f"attributes: {{row: {{file: {{path: {name}{more}}}}}}}"), encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        lower(load(study))
    assert problem in caught.value.problem
    assert caught.value.remedy


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "people.csv"
    inside.mkdir()
    outside.write_text("a\n1\n", encoding="utf-8")
    (inside / "people.csv").symlink_to(outside)
    study = inside / "study.yaml"
    study.write_text(town("attributes: {row: {file: people.csv}}"), encoding="utf-8")
    with pytest.raises(SpecError, match="lies outside"):
        lower(load(study))


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["1", "", "3"], {1, None, 3}),
        (["01", "12", "13"], {"01", "12", "13"}),
        (["1", "2.5", "1e3"], {1.0, 2.5, 1000.0}),
        (["true", "False", ""], {True, False, None}),
        (["1", "true", "x"], {"1", "true", "x"}),
        (["1", "true", "2"], {"1", "true", "2"}),
    ],
)
def test_a_column_of_a_csv_has_one_type(cells: list[str], values: set[Any], tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("a,b\n" + "".join(f"{cell},x\n" for cell in cells), encoding="utf-8")
    study = tmp_path / "study.yaml"
    study.write_text(town("attributes: {row: {file: p.csv}}").replace("size: 12", "size: 3"), encoding="utf-8")
    found = {value(agent, "a") for agent in lower(load(study)).agents}
    assert {(type(each), each) for each in found} == {(type(each), each) for each in values}


def test_correlations_hold_within_groups_and_may_differ_between_them_as_the_page_on_populations_says() -> None:
    """A correlation of n pairs has a standard error of at most 1 / sqrt(n)."""
    page = blocks(ROOT / "docs" / "how-to" / "populations.md")
    study = next(block.text for block in page if block.text.startswith("# groups.yaml"))
    people = lower(loaded(study)).agents
    for party, expected in (("left", 0.7), ("right", -0.5)):
        some = [agent for agent in people if value(agent, "party") == party]
        trust, view = ([value(agent, name) for agent in some] for name in ("trust", "view"))
        assert len(some) == 500
        assert abs(correlation(trust, view) - expected) < 4 / math.sqrt(500)
