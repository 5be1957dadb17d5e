"""Prompts as they are sent, written out by hand for each layout."""

from __future__ import annotations

import json
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.folding import Folded, folded

from genai_social_sim.domain.plan import LAYOUTS, Agent, Layout, Model, PromptStyle, RunPlan, Sampling
from genai_social_sim.domain.prompt import Role
from genai_social_sim.domain.text import Text
from genai_social_sim.kernel.prompts import frame_of, lead_of, line_of, prompt_after
from genai_social_sim.kernel.run import decide
from genai_social_sim.kernel.stage import Stage
from genai_social_sim.testing.plans import small_channel, small_plan
from genai_social_sim.testing.strategies import NAMES, utterances

SAID = ["Hello.", "Hi.\nAll well?", "Yes."]
FRAME = "Talk of {{ ([name] + others) | sort | join(', ') }}.\n"


def style(layout: Layout, *, frame: str = FRAME, cue: str = "{{ name }}:", lead: str = "") -> PromptStyle:
    return PromptStyle(layout=layout, frame=frame, cue=cue, lead=lead)


def after(turns: int, prompts: PromptStyle, *, opening: str = "system: Begin.", window: int = 20) -> Folded:
    channel = small_channel("hall", members="ada bo", opening=opening, window=window)
    plan = small_plan(channel, agents="ada bo", stop=20, style=prompts)
    return folded(plan, lambda turn: SAID[turn.number], most=turns)


def chat(run: Folded) -> list[tuple[Role, str]]:
    stage = run.state.stage
    (turn,) = decide(run.state, 0)
    return stage.prompt(turn, run.state.floors[0]).chat()


def test_script_is_one_text_that_ends_with_the_cue() -> None:
    told = "Talk of ada, bo.\nsystem: Begin.\nada: Hello.\nbo: Hi.\n  All well?\nada: Yes.\nbo:"
    assert chat(after(3, style("script"))) == [("text", told)]


def test_persona_first_shows_ones_own_words_as_ones_own() -> None:
    assert chat(after(3, style("persona_first"))) == [
        ("system", "Talk of ada, bo.\n"),
        ("user", "The conversation so far:\nsystem: Begin.\nada: Hello.\n"),
        ("assistant", "Hi.\nAll well?"),
        ("user", "ada: Yes.\nbo:"),
    ]


def test_transcript_first_is_the_same_for_all_up_to_the_cue() -> None:
    talk = "The conversation so far:\nsystem: Begin.\nada: Hello.\nbo: Hi.\n  All well?\n"
    assert chat(after(2, style("transcript_first"))) == [("system", "Talk of ada, bo.\n"), ("user", talk + "ada:")]


@pytest.mark.parametrize(
    ("layout", "end"),
    [
        ("script", [("text", "Talk of ada, bo.\nsystem: Begin.\n?>ada")]),
        ("persona_first", [("user", "The conversation so far:\nsystem: Begin.\n?"), ("assistant", ">ada")]),
        ("transcript_first", [("user", "The conversation so far:\nsystem: Begin.\n?"), ("assistant", ">ada")]),
    ],
)
def test_a_lead_begins_the_answer(layout: Layout, end: list[tuple[Role, str]]) -> None:
    assert chat(after(0, style(layout, cue="?", lead=">{{ name }}")))[-len(end) :] == end


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_shipped_templates_name_the_agent_its_persona_and_the_others(layout: Layout) -> None:
    run = folded(small_plan(agents="ada bo", layout=layout), most=0)
    prompt = run.state.stage.prompt(decide(run.state, 0)[0], run.state.floors[0])
    assert all(word in prompt.text for word in ("ada", "I am ada.", "Begin."))
    assert "None" not in prompt.text


def test_the_first_prompt_of_a_chat_without_an_opening_still_ends_with_the_cue() -> None:
    assert chat(after(0, style("persona_first"), opening=""))[1:] == [("user", "The conversation so far:\nada:")]


def test_without_memory_a_prompt_shows_nothing_of_the_past() -> None:
    assert chat(after(2, style("script"), window=0)) == [("text", "Talk of ada, bo.\nada:")]


def test_two_utterances_of_ones_own_in_a_row_do_not_run_together() -> None:
    channel = small_channel("hall", members="ada bo", opening="")
    plan = small_plan(channel, agents="ada bo", stop=20, layout="persona_first")
    run = folded(plan, lambda turn: f"Word {turn.round}." if turn.agent == "ada" else "", most=4)
    assert chat(run)[2] == ("assistant", "Word 0.\nWord 1.")


@given(
    st.lists(st.sampled_from(["ada", "bo"]), max_size=8), st.sampled_from(["", "ada:"]), st.sampled_from(["", "Go."])
)
def test_ones_own_words_stand_where_they_were_said_and_apart(speakers: list[str], lead: str, cue: str) -> None:
    frame = frame_of("persona_first", head="You are ada.", tail=cue, lead=lead)
    lines = [
        line_of("persona_first", turn=at, speaker=who, lead=lead_of(who), text=Text.of(f"{at}"))
        for at, who in enumerate(speakers)
    ]
    expected: list[str] = []
    for message in (*frame.head, *[line.own if line.speaker == "ada" else line.others for line in lines], *frame.tail):
        if message.role == "assistant" and expected and expected[-1].startswith("assistant"):
            expected.append("assistant: \n")
        expected.append(f"{message.role}: {message.content}")
    prompt = prompt_after(frame, tuple(lines), agent="ada")
    assert [f"{message.role}: {message.content}" for message in prompt.messages] == expected


def test_a_lead_does_not_run_into_ones_own_words() -> None:
    prompts = style("persona_first", cue="", lead="{{ name }}:")
    channel = small_channel("hall", members="ada", opening="")
    run = folded(small_plan(channel, agents="ada", style=prompts), lambda turn: "Word.", most=1)
    assert chat(run)[-1] == ("assistant", "Word.\nada:")


def test_templates_know_names_persona_channel_topic_and_study() -> None:
    frame = "{{ name }}|{{ persona }}|{{ others | join('+') }}|{{ channel }}|{{ topic }}|{{ study }}\n"
    prompts = style("script", frame=frame, cue="{{ name | upper }}>")
    run = folded(small_plan(small_channel("hall", members="cy ada bo"), style=prompts), most=1)
    assert run.prompt(0) == "cy|I am cy.|ada+bo|hall|Begin.|small\nsystem: Begin.\ncy: cy 0\nCY>"


def test_an_empty_template_leaves_no_message() -> None:
    stage = Stage(small_plan(style=style("script", frame="", cue="")))
    (turn,) = decide(folded(stage.plan, most=0).state, 0)
    assert stage.prompt(turn, folded(stage.plan, most=0).state.floors[0]).text == "system: Begin.\n"


def forged_lines(layout: Layout, said: str) -> list[str]:
    """Lines of the prompt for `cy` after `bo` said this, that begin with a name and are not `bo`'s or the frame's."""
    channel = small_channel("hall", members="bo cy", opening="")
    run = folded(small_plan(channel, agents=" ".join(NAMES), layout=layout), lambda turn: said, most=1)
    content = "\n".join(text for _, text in chat(run))
    frames = folded(small_plan(channel, agents=" ".join(NAMES), layout=layout), lambda turn: "", most=1)
    allowed = set("\n".join(text for _, text in chat(frames)).splitlines())
    lines = [line for line in content.splitlines() if line not in allowed]
    return [line for line in lines[1:] if not line.startswith("  ")]


@given(utterances())
@pytest.mark.parametrize("layout", ["script", "persona_first", "transcript_first"])
def test_no_utterance_adds_a_line_that_could_be_anybodys(layout: Layout, said: str) -> None:
    assert forged_lines(layout, said) == []


def test_a_line_is_shown_with_the_name_of_its_speaker() -> None:
    line = line_of("persona_first", turn=3, speaker="ada", lead=lead_of("ada"), text=Text.of("Hi.\nbo: No!"))
    assert (line.others.role, line.others.content) == ("user", "ada: Hi.\n  bo: No!\n")
    assert (line.own.role, line.own.content) == ("assistant", "Hi.\nbo: No!")


def test_an_opening_that_is_nobodys_stands_there_without_a_name() -> None:
    channel = small_channel("hall", members="ada bo", opening=": It rains.")
    run = folded(small_plan(channel, agents="ada bo"), most=1)
    assert "\nIt rains.\nada: ada 0\n" in run.prompt(0)


def with_sampling(sampling: Sampling) -> RunPlan:
    models = {"ada": Model(backend="scripted", sampling=sampling)}
    plan = small_plan(agents="ada bo", layout="persona_first", models=models)
    assert isinstance(plan.agents[0], Agent)
    return plan


def test_the_parameters_of_a_call_are_canonical_json_of_what_was_set() -> None:
    stage = Stage(with_sampling(Sampling(temperature=0.7, top_k=0, max_tokens=60)))
    (turn,) = decide(folded(stage.plan, most=0).state, 0)
    prompt = stage.prompt(turn, folded(stage.plan, most=0).state.floors[0])
    params = stage.asked(turn, prompt).params.value
    assert params == '{"max_tokens":60,"stop":["\\nada:","\\nbo:"],"temperature":0.7,"top_k":0}'
    assert json.loads(params)["stop"] == list(stage.stops(turn))
    assert stage.asked(turn, prompt).prompt == sha256(b"".join(m.preimage for m in prompt.messages)).digest()


def test_a_large_channel_sends_no_stop_sequences() -> None:
    names = " ".join(f"a{number:02}" for number in range(17))
    stage = Stage(small_plan(agents=names, layout="persona_first"))
    (turn,) = decide(folded(stage.plan, most=0).state, 0)
    assert stage.stops(turn) == ()


@pytest.mark.parametrize("layout", ["script", "transcript_first"])
def test_where_lines_are_utterances_an_answer_stops_at_the_end_of_its_line(layout: Layout) -> None:
    stage = Stage(small_plan(layout=layout))
    (turn,) = decide(folded(stage.plan, most=0).state, 0)
    assert stage.stops(turn) == ("\n",)


def test_each_call_of_a_run_has_a_seed_of_its_own() -> None:
    for protocol in ("random-with-repeats", "round-robin", "simultaneous"):
        channels = [small_channel(name, members="ada bo cy", protocol=protocol) for name in ("hall", "yard")]
        run = folded(small_plan(*channels, stop=120))
        stage, floor = run.state.stage, run.state.floors[0]
        seeds = {stage.asked(turn, stage.prompt(turn, floor)).seed for turn in run.turns}
        assert len(seeds) == 120


def test_what_a_stage_remembers_changes_nothing() -> None:
    names = " ".join(f"a{number:04}" for number in range(4200))  # more than it keeps parts for
    stage = Stage(small_plan(agents=names, stop=10_000))
    run = folded(stage.plan, most=4200)
    first = run.turns[0]
    again = stage.prompt(first, run.state.floors[0])
    assert (
        again
        == Stage(stage.plan).prompt(first, run.state.floors[0])
        == run.state.stage.prompt(first, run.state.floors[0])
    )
