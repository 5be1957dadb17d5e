"""What waits for something to be so, words put into mouths, doubts about what never comes: as study files say it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.unit.study.studies import SMALL, loaded, refusal_of

from genai_social_sim.cli.app import app
from genai_social_sim.domain.agenda import Every, Inject
from genai_social_sim.domain.ids import AgentId, ChannelId
from genai_social_sim.domain.trigger import Measured, Several, Trigger
from genai_social_sim.study.doubts import doubts
from genai_social_sim.study.lowering import canonical, from_canonical, lower

ASK = "name: p, text: Well?"
ROUND = (Every(count=1, unit="rounds"),)

# (what a probe says of its time, column, words of the problem, words of the remedy)
MISTAKES = {
    "nothing to hold": ("when: {}", 12, "not said what must hold", "consensus: {share: 0.8}"),
    "two things side by side": ("when: {messages: 2, tokens: 3}", 12, "stand side by side", "all:"),
    "an unknown probe": ("when: {mean: {of: x, min: 1}}", 24, "no probe 'x'", "The probes are: p"),
    "an unknown probe within": ("when: {any: [{spread: {of: q, max: 1}}]}", 33, "no probe 'q'", "The probes are: p"),
    "an empty interval": ("when: {mean: {min: 2, max: 1}}", 19, "nothing lies between 2 and 1", "smaller number"),
    "no bound": ("when: {share: {option: yes}}", 20, "not said how much", "min: 0.5"),
    "a share above all": ("when: {consensus: {share: 2}}", 32, "at most 1", "share: 0.8"),
    "a number for a mapping": ("when: {consensus: 3}", 24, "a mapping", "{share: 0.8}"),
    "no rounds of silence": ("when: {silence: 0}", 22, "at least 1", "2 rounds"),
    "repeat without a condition": ("at: end, repeat: true", 5, "`repeat` stands beside `when`", "every: 5 rounds"),
    "after and a time": ("after: a, at: end", 5, "in place of a time", "Delete"),
    "after nothing": ("after: fact", 13, "no intervention called 'fact'", "Give it a `name`"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_refused_with_place_problem_and_remedy(mistake: str) -> None:
    written, column, problem, remedy = MISTAKES[mistake]
    fault = refusal_of(f"{SMALL}probes:\n  - {{{written}, {ASK}}}\n")
    assert fault.where == f"study.yaml:13:{column}", str(fault)
    assert problem in fault.problem, str(fault)
    assert remedy in fault.remedy, str(fault)


# (what is written, what it means)
TRIGGERS: dict[str, Trigger] = {
    "{consensus: {share: 0.8}}": Measured(measure="consensus", low=0.8),
    "{consensus: {share: 1, of: p}}": Measured(measure="consensus", low=1.0, of="p"),
    "{share: {option: yes, min: 0.5, max: 0.6}}": Measured(measure="share", low=0.5, high=0.6, option="yes"),
    "{mean: {of: p, min: 1}}": Measured(measure="mean", low=1.0, of="p"),
    "{spread: {max: 0.5}}": Measured(measure="spread", high=0.5),
    "{silence: 2 rounds}": Measured(measure="silence", low=2),
    "{messages: 40}": Measured(measure="messages", low=40),
    "{tokens: 1000}": Measured(measure="tokens", low=1000),
    "{any: [{messages: 2}, {tokens: 3}]}": Several(
        triggers=(Measured(measure="messages", low=2), Measured(measure="tokens", low=3)), every=False
    ),
    "{all: [{messages: 2}]}": Several(triggers=(Measured(measure="messages", low=2),), every=True),
}


@pytest.mark.parametrize("written", TRIGGERS)
def test_what_must_hold_means_what_it_says_and_is_recorded(written: str) -> None:
    change = f"{{when: {written}, repeat: true, kind: mute, agents: [BOT1]}}"
    study = loaded(f"{SMALL}probes:\n  - {{at: end, {ASK}}}\ninterventions:\n  - {change}\n")
    (made,) = lower(study).interventions
    assert (made.trigger, made.when, made.repeat) == (TRIGGERS[written], ROUND, True)
    assert lower(from_canonical(canonical(study)), seed=42) == lower(study)
    assert canonical(from_canonical(canonical(study))) == canonical(study)


def test_a_time_says_when_to_look() -> None:
    study = loaded(f"{SMALL}probes:\n  - {{every: 2 turns, when: {{messages: 3}}, {ASK}}}\n")
    assert lower(study).probes[0].when == (Every(count=2, unit="turns"),)


def test_a_probe_follows_interventions_by_their_name() -> None:
    changes = (
        "{at: turn 1, kind: mute, agents: [BOT1]}",
        "{at: turn 2, name: news, kind: broadcast, text: a}",
        "{at: turn 3, name: more, kind: broadcast, text: b}",
    )
    planned = "".join([f"  - {change}\n" for change in changes])
    study = loaded(f"{SMALL}probes:\n  - {{after: [news, more], {ASK}}}\ninterventions:\n{planned}")
    assert (lower(study).probes[0].after, lower(study).probes[0].when) == ((1, 2), ())
    assert lower(from_canonical(canonical(study)), seed=42) == lower(study)
    fault = refusal_of(f"{SMALL}interventions:\n{planned.replace('more', 'News')}")
    assert ("the name 'News' is taken" in fault.problem, fault.where) == (True, "study.yaml:15:24")


def injecting(rest: str) -> str:
    return f"{SMALL}interventions:\n  - {{at: turn 2, kind: inject, text: I do., {rest}}}\n"


def test_words_are_put_into_a_mouth_in_the_agents_first_channel_or_another() -> None:
    duo = injecting("agent: BOT1").replace("stop:", "  duo: {members: [BOT1, BOT2]}\nstop:")
    for rest, channel in (("", "duo"), (", channel: general", "general")):
        study = loaded(duo.replace("agent: BOT1", f"agent: BOT1{rest}"))
        change = lower(study).interventions[0].change
        assert change == Inject(speaker=AgentId("BOT1"), text="I do.", channel=ChannelId(channel))
        assert lower(from_canonical(canonical(study)), seed=42) == lower(study)


@pytest.mark.parametrize(
    ("rest", "problem"),
    [
        ("agent: BOT3", "no agent 'BOT3'"),
        ("agent: BOT1, channel: x", "no channel 'x'"),
        ("agent: BOT1, channel: duo", "'BOT1' is not in the channel 'duo'"),
    ],
)
def test_words_are_put_into_the_mouths_of_members_only(rest: str, problem: str) -> None:
    fault = refusal_of(injecting(rest).replace("stop:", "  duo: {members: [BOT2]}\nstop:"))
    assert problem in fault.problem, str(fault)
    assert fault.remedy


def doubted(text: str) -> list[str]:
    study = loaded(text)
    return doubts(study, lower(study))


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("at: round 10", "study.yaml:13:10: probes[0].at: `round 10` never comes: the run ends after 12 turns."),
        ("every: 13 turns", "study.yaml:13:13: probes[0].every: `13 turns` never comes"),
        ("at: [end, turn 13]", "`turn 13` never comes"),
        ("at: turn 12", ""),
        ("every: 6 rounds", ""),
        ("when: {messages: 3}", ""),
    ],
)
def test_a_probe_that_never_comes_is_doubted(written: str, words: str) -> None:
    found = doubted(f"{SMALL}probes:\n  - {{{written}, {ASK}}}\n")
    assert len(found) == bool(words)
    assert words in "".join(found)


def test_a_change_at_the_end_is_doubted_and_none_before_it() -> None:
    changes = ["at: turn 12", "at: turn 11", "every: 6 rounds"]
    planned = "".join([f"  - {{{each}, kind: mute, agents: [BOT1]}}\n" for each in changes])
    found = doubted(f"{SMALL}interventions:\n{planned}")
    assert [words.split(": ")[0] for words in found] == ["study.yaml:13:10", "study.yaml:15:13"]
    assert all("nothing is changed any more" in words for words in found)
    assert doubted(SMALL.replace("{turns: 12}", "{tokens: 9}") + "interventions:\n" + planned) == []


RULES = """\
name: rules
model: {backend: rule, rule: degroot}
agents: [{name: A, attributes: {opinion: 1}}, {name: B, attributes: {opinion: 0}}, {name: C, attributes: {opinion: 0}}]
protocol: simultaneous
channels: {hall: {}}
memory: {kind: window, utterances: 2}
stop: {rounds: 3}
"""


def test_a_memory_too_short_for_a_rule_is_doubted() -> None:
    (words,) = doubted(RULES)
    assert words.startswith("study.yaml:6:9: memory: 3 agents of hall whose rule reckons with all whom they hear")
    assert "utterances: 3}" in words
    assert doubted(RULES.replace("utterances: 2", "utterances: 3")) == []
    assert doubted(RULES.replace("degroot", "deffuant")) == []
    assert doubted(RULES + "network: {kind: edges, edges: [[A, B]]}\n") == []
    ringed = RULES + "network: {kind: edges, edges: [[A, B], [B, C]]}\n"
    assert "1 agents of hall" in doubted(ringed)[0]


def test_doubts_are_told_before_the_run_and_in_its_json(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(RULES + f"probes: [{{at: round 9, {ASK}}}]\n")
    runs = ["--runs", str(tmp_path)]
    plain = CliRunner().invoke(app, ["run", str(path), *runs])
    assert (plain.exit_code, plain.stderr.count("warning: ")) == (0, 2)
    assert "study.yaml:8:15: probes[0].at: `round 9` never comes" in plain.stderr
    told = CliRunner().invoke(app, ["run", str(path), "--json", "--again", *runs])
    warnings = json.loads(told.stdout.splitlines()[-1])["warnings"]
    assert [("never comes" in words, "forget" in words) for words in warnings] == [(True, False), (False, True)]
    dry = CliRunner().invoke(app, ["run", str(path), "--json", "--dry-run"])
    assert json.loads(dry.stdout)["warnings"] == warnings
