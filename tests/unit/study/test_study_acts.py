"""What agents are asked to do, as study files say it."""

from __future__ import annotations

import json

import pytest
from tests.unit.study.studies import SMALL, loaded, refusal_of, with_change

from genai_social_sim.domain.act import Act, Choose, Rate, Say
from genai_social_sim.kernel.prompts import CUES_WITH_OPTIONS, DEFAULT_CUES
from genai_social_sim.study.lowering import canonical, lower

VOTE = "act: {kind: choose, options: [yes, no]}\n"
LETTERS = [f"option {number}" for number in range(27)]

# (the act, column, words of the problem, words of the remedy)
MISTAKES = {
    "an unknown kind": ("vote", 6, "no kind 'vote'", "say, choose, rate"),
    "no kind": ("{options: [a, b]}", 6, "lacks its `kind`", "say, choose, rate"),
    "a choice without options": ("choose", 6, "`options` is missing", "options: [for, against]"),
    "a scale without numbers": ("rate", 6, "`scale` is missing", "scale: [-2, -1, 0, 1, 2]"),
    "one option": ("{kind: choose, options: [yes]}", 30, "2 to 128 options", "another list"),
    "no options": ("{kind: choose, options: []}", 30, "not 0", "another list"),
    "too many options": (f"{{kind: choose, options: {json.dumps([f'o{n}' for n in range(129)])}}}", 30, "129", "list"),
    "an option twice": ("{kind: choose, options: [yes, no, yes]}", 30, "'yes' is listed twice", "its own words"),
    "options that differ in case": ("{kind: choose, options: [yes, Yes]}", 30, "told from 'yes'", "its own words"),
    "options that differ in a mark": ("{kind: choose, options: [yes, '(yes)']}", 30, "told from 'yes'", "marks"),
    "an option of marks": ("{kind: choose, options: [yes, no, '...']}", 40, "nothing but marks", "a word"),
    "a number among options": ("{kind: choose, options: [yes, 1]}", 36, "the number 1 where a text", 'text: "1"'),
    "an option of two lines": ('{kind: choose, options: [yes, "a\\nb"]}', 36, "U+000A", "Delete it"),
    "an option with a blank": ("{kind: choose, options: [yes, ' no']}", 36, "ends with a blank", "'no'"),
    "a long option": (f"{{kind: choose, options: [yes, {'o' * 201}]}}", 36, "201", "fewer words"),
    "more options than letters": (
        f"{{kind: choose, labels: true, options: {json.dumps(LETTERS)}}}",
        6,
        "27 options have no letters",
        "Keep 26",
    ),
    "an option like a letter": ("{kind: choose, labels: true, options: [yes, B]}", 6, "'B' could be", "rename"),
    "an option to pass": ("{kind: choose, may_pass: true, options: [bid, Pass]}", 6, "'Pass'", "`may_pass`"),
    "one number": ("{kind: rate, scale: [1]}", 26, "at least 2 numbers", "[-2, -1, 0, 1, 2]"),
    "a number twice": ("{kind: rate, scale: [1, 1.0]}", 26, "twice", "Delete"),
    "too many numbers": (f"{{kind: rate, scale: {[*range(129)]}}}", 26, "129", "coarser"),
    "a text in a scale": ("{kind: rate, scale: [1, two]}", 30, "the text 'two'", "number"),
    "a shuffled scale": (
        "{kind: rate, scale: [1, 2], shuffle: true}",
        34,
        "unknown key",
        "kind, scale, about, anchors, flip",
    ),
    "anchors for some": ("{kind: rate, scale: [1, 2], anchors: [low]}", 6, "1 anchors for 2", "one for each number"),
    "a scale without letters": (f"{{kind: rate, scale: {[*range(27)]}, labels: true}}", 6, "no letters", "Keep 26"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_refused_with_place_problem_and_remedy(mistake: str) -> None:
    act, column, problem, remedy = MISTAKES[mistake]
    fault = refusal_of(f"{SMALL}act: {act}\n")
    assert fault.where == f"study.yaml:12:{column}", str(fault)
    assert problem in fault.problem, str(fault)
    assert remedy in fault.remedy, str(fault)


@pytest.mark.parametrize(
    ("written", "act"),
    [
        ("say", Say()),
        ("{kind: say, may_pass: true}", Say(may_pass=True)),
        ("{kind: choose, options: [yes, no]}", Choose(options=("yes", "no"))),
        (
            "{kind: choose, options: [A, B], shuffle: true, may_pass: true}",
            Choose(options=("A", "B"), shuffle=True, may_pass=True),
        ),
        ("{kind: choose, options: [yes, no], labels: true}", Choose(options=("yes", "no"), labels=True)),
        ("{kind: rate, scale: [-1, 0.5, 1]}", Rate(scale=(-1, 0.5, 1))),
    ],
)
def test_an_act_means_what_it_says_and_is_recorded(written: str, act: Act) -> None:
    study = loaded(f"{SMALL}act: {written}\n")
    assert lower(study).channels[0].act == act
    assert ('"act":' in canonical(study)) == (act != Say())


def test_a_channel_s_own_act_wins_over_the_study_s() -> None:
    text = with_change("    opening", "    act: {kind: rate, scale: [0, 1]}\n    opening") + VOTE
    assert lower(loaded(text)).channels[0].act == Rate(scale=(0, 1))


def test_without_options_the_record_holds_the_prompts_of_before() -> None:
    assert lower(loaded(f"{SMALL}act: say\n")).prompt.cue == DEFAULT_CUES["transcript_first"]
    assert lower(loaded(SMALL + VOTE)).prompt.cue == CUES_WITH_OPTIONS["transcript_first"]


@pytest.mark.parametrize("drawn", ["labels", "shuffle"])
def test_a_cue_of_ones_own_has_to_show_what_is_drawn(drawn: str) -> None:
    act = f"act: {{kind: choose, options: [yes, no], {drawn}: true}}\n"
    fault = refusal_of(f'{SMALL}{act}prompt: {{cue: "Well, {{{{ name }}}}?"}}\n')
    assert (fault.where, "does not show them" in fault.problem) == ("study.yaml:13:15", True)
    assert "{{ options | join(', ') }}" in fault.remedy
    shows = "{% for option in options %}{{ option }} {% endfor %}"
    assert lower(loaded(f'{SMALL}{act}prompt: {{cue: "{shows}"}}\n')).prompt.cue == shows


def test_a_cue_of_ones_own_need_not_show_what_stands_still() -> None:
    assert lower(loaded(f'{SMALL}{VOTE}prompt: {{cue: "Well?"}}\n')).prompt.cue == "Well?"
