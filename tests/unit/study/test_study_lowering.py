"""From a checked study to the plan of a run."""

from __future__ import annotations

import pytest
from tests.unit.study.studies import SMALL, changed, loaded, with_change

from genai_social_sim.domain.ids import AgentId, ChannelId
from genai_social_sim.domain.plan import (
    Agent,
    AllOf,
    AnyOf,
    Channel,
    Consensus,
    Model,
    Opening,
    PromptStyle,
    RandomOrder,
    RoundRobin,
    Rounds,
    RunPlan,
    Sampling,
    Silence,
    Simultaneous,
    StopRule,
    Timeouts,
    Tokens,
    Turns,
)
from genai_social_sim.errors import RequestError
from genai_social_sim.kernel.prompts import DEFAULT_CUES, DEFAULT_FRAMES
from genai_social_sim.study.lowering import lower

SAMPLING = Sampling(temperature=0.7, top_p=0.95, max_tokens=60)
RANDOM = "{kind: random}"
ROUND_ROBIN = "{kind: round_robin, first: BOT2}"


def test_the_small_study_becomes_exactly_this_plan() -> None:
    model = Model(backend="embedded", sampling=SAMPLING)
    assert lower(loaded()) == RunPlan(
        name="rare-earths",
        seed=42,
        agents=(
            Agent(name=AgentId("BOT1"), persona="A cautious geologist who weighs evidence.", model=model),
            Agent(name=AgentId("BOT2"), persona="A trade negotiator who wants a deal.", model=model),
        ),
        channels=(
            Channel(
                name=ChannelId("general"),
                members=(AgentId("BOT1"), AgentId("BOT2")),
                protocol=RoundRobin(first=AgentId("BOT2")),
                opening=Opening(speaker="system", text="Discuss current issues surrounding rare earth metals."),
                window=20,
            ),
        ),
        prompt=PromptStyle(
            layout="transcript_first",
            frame=DEFAULT_FRAMES["transcript_first"],
            cue=DEFAULT_CUES["transcript_first"],
            lead="{{ name }}:",
        ),
        stop=Turns(count=12),
        timeouts=Timeouts(),
    )


def test_a_seed_given_takes_the_place_of_the_study_s_own() -> None:
    assert lower(loaded(), seed=7).seed == 7


def test_a_seed_out_of_range_is_refused() -> None:
    with pytest.raises(RequestError, match="out of range"):
        lower(loaded(), seed=-1)


def test_left_out_a_model_is_the_embedded_one_at_its_defaults() -> None:
    text = with_change("model: {backend: embedded, temperature: 0.7, top_p: 0.95, max_tokens: 60}\n", "")
    sampling = Sampling(temperature=0.7, top_p=0.95, max_tokens=100)
    assert lower(loaded(text)).agents[0].model == Model(backend="embedded", sampling=sampling)


def test_an_agent_s_model_is_merged_key_by_key() -> None:
    text = with_change("name: BOT1,", "name: BOT1, model: {temperature: 0, b: 2},").replace("60}", "60, a: 1, b: 1}")
    one, two = lower(loaded(text)).agents
    assert one.model == Model(
        backend="embedded", options='{"a":1,"b":2}', sampling=Sampling(temperature=0.0, top_p=0.95, max_tokens=60)
    )
    assert two.model == Model(backend="embedded", options='{"a":1,"b":1}', sampling=SAMPLING)


def test_another_backend_inherits_sampling_but_no_options() -> None:
    text = with_change("name: BOT1,", "name: BOT1, model: {backend: rule, f: g},").replace("60}", "60, a: 1}")
    assert lower(loaded(text)).agents[0].model == Model(backend="rule", options='{"f":"g"}', sampling=SAMPLING)


def test_null_leaves_a_sampling_key_to_the_backend() -> None:
    assert lower(changed("temperature: 0.7", "temperature: null")).agents[0].model.sampling.temperature is None


def test_personas_are_rendered_over_name_and_attributes() -> None:
    text = with_change(
        'name: BOT1, persona: "A cautious geologist who weighs evidence."',
        'name: BOT1, attributes: {age: 52, calm: true}, persona: "{{ name }}, {{ age }}{% if calm %}, calm{% endif %}"',
    )
    assert lower(loaded(text)).agents[0].persona == "BOT1, 52, calm"


@pytest.mark.parametrize("protocol", [RANDOM, "simultaneous", "{kind: random, repeat: true}"])
def test_listing_agents_in_another_order_changes_nothing_where_order_means_nothing(protocol: str) -> None:
    text = with_change(ROUND_ROBIN, protocol)
    lines = text.splitlines(keepends=True)
    swapped = "".join([*lines[:4], lines[5], lines[4], *lines[6:]])
    assert lower(loaded(swapped)) == lower(loaded(text))


def test_in_round_robin_members_keep_their_listed_order() -> None:
    text = with_change("    opening", "    members: [BOT2, BOT1]\n    opening")
    assert lower(loaded(text)).channels[0].members == ("BOT2", "BOT1")


def test_channels_stand_in_the_order_of_their_names() -> None:
    text = with_change("  general:", "  zoo: {}\n  attic: {}\n  general:")
    assert [channel.name for channel in lower(loaded(text)).channels] == ["attic", "general", "zoo"]


def test_a_channel_s_own_protocol_and_memory_win_over_the_study_s() -> None:
    text = with_change("  general:", "  zoo: {protocol: simultaneous, memory: none}\n  general:")
    general, zoo = lower(loaded(text + "protocol: random\nmemory: {kind: window, utterances: 3}\n")).channels
    assert (general.protocol, general.window) == (RoundRobin(first=AgentId("BOT2")), 3)
    assert (zoo.protocol, zoo.window, zoo.opening) == (Simultaneous(), 0, None)


def test_protocols_can_be_named_by_one_word() -> None:
    assert lower(changed(ROUND_ROBIN, "random")).channels[0].protocol == RandomOrder(repeat=False)


@pytest.mark.parametrize(
    ("written", "rule"),
    [
        ("{rounds: 5}", Rounds(count=5)),
        ("{tokens: 2_000_000}", Tokens(count=2_000_000)),
        ("{silence: 2 rounds}", Silence(rounds=2)),
        ("{silence: 1 round}", Silence(rounds=1)),
        ("{consensus: {share: 0.98, for_rounds: 3}}", Consensus(share=0.98, rounds=3)),
        ("{consensus: {for_rounds: 2 rounds}}", Consensus(share=1.0, rounds=2)),
        ("{silence: 2}", Silence(rounds=2)),
        ("{silence: 2, turns: 9}", AnyOf(rules=(Turns(count=9), Silence(rounds=2)))),
        ("{any: [{turns: 9}, {rounds: 2}]}", AnyOf(rules=(Turns(count=9), Rounds(count=2)))),
        ("{all: [{rounds: 2}, {turns: 9}]}", AllOf(rules=(Rounds(count=2), Turns(count=9)))),
    ],
)
def test_stopping_rules_mean_what_they_say(written: str, rule: StopRule) -> None:
    assert lower(changed("{turns: 12}", written)).stop == rule


def test_timeouts_are_read_in_words_and_seconds() -> None:
    text = SMALL + 'timeouts: {answer: 2 min, attempts: 1, backoff: 250 ms, on_failure: {say: "..."}}\n'
    assert lower(loaded(text)).timeouts == Timeouts(
        answer_s=120.0, attempts=1, backoff_s=0.25, on_failure="say", say="..."
    )


@pytest.mark.parametrize(
    ("model", "layout"),
    [
        ("{backend: embedded}", "transcript_first"),
        ("{backend: embedded, model: smollm2-135m}", "transcript_first"),
        ("{backend: embedded, model: big.gguf}", "persona_first"),
        ("{backend: scripted}", "persona_first"),
    ],
)
def test_the_layout_fits_the_model(model: str, layout: str) -> None:
    text = with_change("{backend: embedded, temperature: 0.7, top_p: 0.95, max_tokens: 60}", model)
    assert lower(loaded(text)).prompt.layout == layout


def test_one_agent_with_another_model_changes_the_layout_for_all() -> None:
    assert lower(changed("name: BOT1,", "name: BOT1, model: {backend: rule},")).prompt.layout == "persona_first"
