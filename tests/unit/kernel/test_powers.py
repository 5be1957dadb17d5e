"""Powers of roles: who is asked, what holders do, and that nobody else can."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest
from tests.support.models import Counted
from tests.support.scenario import Played, Scenario, scenario

from genai_social_sim.domain.act import Choose, Say
from genai_social_sim.domain.agenda import After, ChangeRole, Every, Intervention, Probe, Remove
from genai_social_sim.domain.events import Exercised, FellSilent, RunEnded, Spoke
from genai_social_sim.domain.ids import AgentId, RoleId
from genai_social_sim.domain.plan import Rounds, Tokens
from genai_social_sim.domain.power import Power
from genai_social_sim.domain.trigger import Measured
from genai_social_sim.ports import Answer, Request
from genai_social_sim.testing.plans import small_channel, small_plan

ADA, BO, CY = map(AgentId, ("ada", "bo", "cy"))
CHAIR: dict[str, Sequence[Power]] = {"ada": ("mute", "close")}


def doing(*deeds: str, seen: list[Request] | None = None) -> Callable[[Request], str]:
    """Holders do this one after the other, then nothing; whoever else is asked says who and when."""
    left = list(deeds)

    def answer(request: Request) -> str:
        if seen is not None:
            seen.append(request)
        if request.aside == "~powers":
            return left.pop(0) if left else "nothing"
        return request.choices[0] if request.choices else f"{request.agent} {request.turn}"

    return answer


def silences(played: Played) -> list[tuple[int, AgentId, str]]:
    return [(event.turn, event.agent, event.cause) for event in played.of(FellSilent)]


def deeds(played: Played) -> list[tuple[int, str, str | None]]:
    return [(event.turn, event.deed, event.whom) for event in played.of(Exercised)]


def test_who_is_muted_by_the_chair_is_passed_over_until_it_lets_them_speak_again() -> None:
    played = scenario(answers=doing("mute bo", "let speak again: bo"), powers=CHAIR, stop=9).play()
    assert played.speakers == ["ada", "cy", "ada", "bo", "cy", "ada", "bo", "cy"]
    assert silences(played) == [(1, "bo", "muted")]
    assert deeds(played) == [(1, "mute", "bo"), (4, "unmute", "bo"), (7, "nothing", None)]


def test_who_closes_the_only_conversation_ends_the_run() -> None:
    played = scenario(answers=doing("nothing", "close the conversation"), powers=CHAIR, stop=9).play()
    assert played.of(RunEnded) == [RunEnded("closed by ada", 4)]


def test_a_closed_channel_is_silent_while_others_go_on() -> None:
    rooms = small_channel("a", members="ada bo"), small_channel("b", members="bo cy")
    played = scenario(*rooms, answers=doing("close the conversation"), powers=CHAIR, stop=Rounds(count=2)).play()
    assert silences(played) == [(1, "bo", "closed"), (4, "ada", "closed"), (5, "bo", "closed")]
    assert [event.agent for event in played.of(Spoke) if event.channel == "b"] == ["bo", "cy"] * 2


def test_a_mute_holds_in_the_channel_of_the_chair_alone() -> None:
    rooms = small_channel("a", members="ada bo"), small_channel("b", members="bo cy")
    played = scenario(*rooms, answers=doing("mute bo"), powers=CHAIR, stop=Rounds(count=1)).play()
    assert [(event.channel, event.agent) for event in played.of(Spoke)] == [("a", "ada"), ("b", "bo"), ("b", "cy")]


@pytest.mark.parametrize("protocol", ["random", "authority"])
def test_who_is_given_the_floor_has_the_next_turn(protocol: str) -> None:
    after = {"ada": "cy", "bo": "ada", "cy": "bo"}

    def answer(request: Request) -> str:
        return f"give the floor to {after[request.agent]}" if request.aside else "word"

    given: dict[str, Sequence[Power]] = dict.fromkeys(after, ("choose_next",))
    speakers = scenario(answers=answer, protocol=protocol, powers=given, stop=9).play().speakers
    assert speakers[1:] == [after[speaker] for speaker in speakers[:-1]]


def test_without_being_given_the_floor_speakers_are_drawn_as_without_powers() -> None:
    given: dict[str, Sequence[Power]] = {"ada": ("choose_next",)}
    with_powers = scenario(answers=doing(), protocol="random", powers=given, stop=20).play()
    assert with_powers.speakers == scenario(answers=doing(), protocol="random", stop=20).play().speakers
    assert with_powers.of(Exercised)


def test_the_floor_cannot_be_given_where_each_has_its_turn() -> None:
    played = scenario(answers=doing(), powers={"ada": ["choose_next"]}).play()
    assert played.of(Exercised) == []


def test_words_that_are_no_option_do_nothing_and_the_record_says_so() -> None:
    played = scenario(answers=doing("mute zoe", "please mute bo", "mute ada"), powers=CHAIR, stop=9).play()
    assert [(event.deed, event.cause) for event in played.of(Exercised)] == [("nothing", "unreadable")] * 3
    assert silences(played) == []


def test_in_a_simultaneous_round_holders_are_asked_one_after_the_other_once_it_is_over() -> None:
    both: dict[str, Sequence[Power]] = {"ada": ("mute",), "bo": ("mute",)}
    played = scenario(answers=doing("mute bo"), protocol="simultaneous", powers=both, stop=6).play()
    asked = [(event.turn, event.agent, event.cause) for event in played.of(Exercised)]
    assert asked == [(3, "ada", None), (3, "bo", "muted")]
    assert silences(played) == [(4, "bo", "muted")]


def test_a_moderator_with_powers_is_asked_after_the_speech_that_it_chose() -> None:
    seen: list[Request] = []
    played = scenario(answers=doing(seen=seen), protocol="moderated", powers=CHAIR, stop=8).play()
    assert [event.turn for event in played.of(Exercised)] == [2, 4, 6]
    asked = next(request for request in seen if request.aside)
    assert asked.heard[-1].speaker == "bo"


def test_in_a_forum_a_holder_is_asked_after_its_words() -> None:
    played = scenario(answers=doing(), protocol="forum", powers=CHAIR, stop=12).play()
    own = [event.turn + 1 for event in played.of(Spoke, FellSilent) if event.agent == ADA and event.turn % 2]
    assert [event.turn for event in played.of(Exercised)] == [turn for turn in own if turn < 12]


def test_nobody_is_asked_after_the_last_turn() -> None:
    played = scenario(answers=doing(), powers=CHAIR, stop=4).play()
    assert [event.turn for event in played.of(Exercised)] == [1]


def test_a_run_in_which_nobody_has_a_voice_any_more_ends() -> None:
    """As where the chair leaves after it has muted all others."""
    gone = Intervention(when=(After(count=3, unit="turns"),), change=Remove(agents=(ADA,)))
    answers = doing("mute bo")
    both = {"agents": "ada bo", "powers": CHAIR, "interventions": [gone], "stop": Tokens(count=9999)}
    played = scenario(answers=answers, **both).play()  # type: ignore[arg-type]
    assert played.of(RunEnded)[0].reason == "nobody is left to speak"


def asking(**more: object) -> Probe:
    yes = Choose(options=("yes", "no"))
    return Probe(name="stance", text="?", when=(Every(count=2, unit="turns"),), asked=(BO, CY), act=yes, **more)  # type: ignore[arg-type]


def test_who_may_see_probes_is_shown_what_others_answered_and_nobody_else_is() -> None:
    seen: list[Request] = []
    scenario(answers=doing(seen=seen), powers={"ada": ["see_probes"]}, probes=[asking()], stop=6).play()
    shown = {
        request.turn: "(Asked aside, stance: bo answered yes; cy answered yes)" in request.prompt.text
        for request in seen
        if not request.aside
    }
    assert shown == {0: False, 1: False, 2: False, 3: True, 4: False, 5: False}
    told = {request.agent for request in seen if "Asked aside" in request.prompt.text}
    assert told == {"ada"}


def test_one_does_not_see_ones_own_answers_nor_those_of_the_same_moment() -> None:
    seen: list[Request] = []
    scenario(answers=doing(seen=seen), powers={"bo": ["see_probes"]}, probes=[asking()], stop=6).play()
    told = {request.turn: request.prompt.text for request in seen if request.agent == BO}
    asides = [request.prompt.text for request in seen if request.agent == BO and request.aside]
    assert "(Asked aside, stance: cy answered yes)\n" in told[4]
    assert "Asked aside" not in asides[0]


def test_an_answer_of_the_same_moment_does_not_hide_the_one_before_it_from_who_is_asked_later() -> None:
    """As where a run is resumed between the two answers, or its model answers one call at a time."""
    seen: list[Request] = []
    planned = {"powers": {"cy": ["see_probes"]}, "probes": [asking()], "stop": 6}
    scene = scenario(answers=doing(seen=seen), **planned)  # type: ignore[arg-type]
    whole = scene.play()
    told = [request.prompt.text for request in seen if request.agent == CY and request.aside]
    assert ["bo answered yes" in text for text in told] == [False, True, True]
    entries = whole.entries()
    assert {scene.play(entries[:length]).digest for length in range(1, len(entries))} == {whole.digest}
    assert scene.but(slots=1).play().digest == whole.digest


def test_a_role_that_is_taken_on_brings_its_powers() -> None:
    becomes = ChangeRole(agents=(BO,), role=RoleId("of ada"))
    change = Intervention(when=(After(count=3, unit="turns"),), change=becomes)
    played = scenario(answers=doing(), powers=CHAIR, interventions=[change], stop=9).play()
    assert [(event.turn, event.agent) for event in played.of(Exercised)] == [
        (1, "ada"),
        (4, "ada"),
        (5, "bo"),
        (7, "ada"),
        (8, "bo"),
    ]


def test_a_turn_under_way_is_not_given_out_again_where_a_trigger_turns_out_not_to_hold() -> None:
    """The holder is asked at a point at which the agenda has something only if a trigger holds."""
    asked: list[tuple[int, str, str]] = []

    async def answer(request: Request) -> Answer:
        asked.append((request.turn, request.aside, request.agent))
        await asyncio.sleep(5 if request.agent == "ada" and not request.aside else 0)
        return Answer(text="no" if request.choices else f"{request.turn}", by="scripted")

    rooms = [small_channel(name, members=who) for name, who in (("court", "ada"), ("hall", "ada"), ("yard", "bo"))]
    never = Measured(measure="consensus", low=2.0, high=None, option="no")
    probe = Probe(
        name="stance",
        text="And?",
        when=(Every(count=1, unit="rounds"),),
        asked=(AgentId("ada"),),
        act=Say(),
        trigger=never,
    )
    plan = small_plan(*rooms, probes=[probe], stop=9, powers={"bo": ["close"]})
    played = Scenario(plan=plan, model=Counted(answer, slots=8)).play()
    assert any(aside == "~powers" for _, aside, _ in asked)
    assert len(played.speakers) == 9
    assert len(asked) == len({*asked})
