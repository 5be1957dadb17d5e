"""Probes and interventions: when they are due, that a probe leaves no trace, and what changes do."""

from __future__ import annotations

import pytest
from tests.support.scenario import Played, Scenario, scripted

from genai_social_sim.domain.act import Choose
from genai_social_sim.domain.agenda import (
    Admit,
    After,
    AtEnd,
    Broadcast,
    Change,
    ChangePersona,
    ChangeSampling,
    ChangeTopic,
    Every,
    Intervention,
    Mute,
    Probe,
    Remove,
    When,
)
from genai_social_sim.domain.events import FellSilent, Intervened, Probed, RunEnded, Spoke
from genai_social_sim.domain.ids import AgentId, ChannelId
from genai_social_sim.domain.plan import AnyOf, Consensus, RunPlan, Tokens, Turns
from genai_social_sim.ports import Request
from genai_social_sim.testing.plans import small_channel, small_plan

ADA, BO, CY = map(AgentId, ("ada", "bo", "cy"))
HALL = ChannelId("hall")


def play(plan: RunPlan, seen: list[Request] | None = None) -> Played:
    def answer(request: Request) -> str:
        if seen is not None:
            seen.append(request)
        return request.choices[0] if request.choices else f"{request.agent} {request.turn}"

    return Scenario(plan=plan, model=scripted(answer)).play()


def stance(*when: When, **more: object) -> Probe:
    asked = {"asked": (ADA, BO, CY), **more}
    return Probe(name="stance", text="Where do you stand, {{ name }}?", when=when, **asked)  # type: ignore[arg-type]


def change(what: Change, *when: When) -> Intervention:
    return Intervention(when=when or (After(count=3, unit="turns"),), change=what)


def points(plan: RunPlan) -> list[int]:
    """After how many turns somebody was asked aside."""
    return list(dict.fromkeys(event.turn for event in play(plan).of(Probed)))


def test_a_probe_is_asked_every_so_many_turns_or_rounds_and_never_at_the_start() -> None:
    assert points(small_plan(stop=9, probes=[stance(Every(count=2, unit="turns"))])) == [2, 4, 6, 8]
    assert points(small_plan(stop=9, probes=[stance(Every(count=1, unit="rounds"))])) == [3, 6, 9]


def test_a_probe_is_asked_at_the_start_at_a_point_and_at_the_end_and_once_where_these_meet() -> None:
    moments = (After(count=0, unit="turns"), After(count=2, unit="rounds"), AtEnd())
    assert points(small_plan(stop=7, probes=[stance(*moments)])) == [0, 6, 7]
    assert points(small_plan(stop=6, probes=[stance(*moments)])) == [0, 6]


def test_at_an_end_that_nobody_foresaw_the_last_probe_is_asked_too() -> None:
    played = play(small_plan(stop=Tokens(count=10), probes=[stance(AtEnd())]))
    assert [type(event).__name__ for event in played.events][-5:-1] == ["Probed", "Probed", "Probed", "RunEnded"]


def test_at_a_point_agents_are_asked_in_the_order_of_their_names_and_probes_in_that_of_the_study() -> None:
    why = Probe(name="why", text="Why?", when=(AtEnd(),), asked=(BO,))
    played = play(small_plan(stop=2, probes=[stance(AtEnd()), why]))
    assert [(event.probe, event.agent) for event in played.of(Probed)] == [
        ("stance", "ada"),
        ("stance", "bo"),
        ("stance", "cy"),
        ("why", "bo"),
    ]


def test_a_probe_leaves_no_trace_in_what_anybody_is_shown_or_asked() -> None:
    bare, probed = list[Request](), list[Request]()
    play(small_plan(stop=9), bare)
    play(small_plan(stop=9, probes=[stance(Every(count=1, unit="turns"))]), probed)
    assert [request for request in probed if not request.aside] == bare


def test_answers_to_a_probe_are_no_agreement() -> None:
    """Each says something else, and all give the same answer aside after every turn."""
    rule = AnyOf(rules=(Consensus(share=0.6, rounds=1), Turns(count=9)))
    plan = small_plan(stop=rule, probes=[stance(Every(count=1, unit="turns"))])
    answers = scripted(lambda request: "Yes." if request.aside else f"{request.agent} {request.turn}")
    assert Scenario(plan=plan, model=answers).play().of(RunEnded)[0].turns == 9


def test_a_probe_shows_what_its_agent_had_heard_and_the_question() -> None:
    seen: list[Request] = []
    play(small_plan(stop=2, probes=[stance(AtEnd())]), seen)
    asked = next(request for request in seen if request.aside == "stance" and request.agent == "cy")
    assert [line.text.value for line in asked.heard] == ["Begin.", "ada 0", "bo 1"]
    assert "Where do you stand, cy?" in asked.prompt.text


def test_a_sample_is_drawn_anew_each_time_and_moves_no_other_draw() -> None:
    seen, other = list[Request](), list[Request]()
    probes = [stance(Every(count=1, unit="turns"), sample=1)]
    played = play(small_plan(stop=12, probes=probes), seen)
    play(small_plan(stop=12), other)
    assert len({event.agent for event in played.of(Probed)}) > 1
    assert len(played.of(Probed)) == 12
    assert [request.seed for request in seen if not request.aside] == [request.seed for request in other]


def test_a_probe_with_options_records_the_choice() -> None:
    played = play(small_plan(stop=1, probes=[stance(AtEnd(), act=Choose(options=("yes", "no")), asked=(BO,))]))
    (event,) = played.of(Probed)
    assert (event.choice, event.text.value, event.cause) == ("yes", "yes", None)


def test_each_call_aside_has_its_own_seed() -> None:
    seen: list[Request] = []
    play(small_plan(stop=6, probes=[stance(Every(count=1, unit="turns"))]), seen)
    assert len({request.seed for request in seen}) == len(seen)


def test_a_muted_agent_listens_but_is_passed_over_until_it_gets_its_voice_back() -> None:
    back = change(Mute(agents=(BO,), lifted=True), After(count=6, unit="turns"))
    played = play(small_plan(stop=9, interventions=[change(Mute(agents=(BO,)), After(count=0, unit="turns")), back]))
    assert played.speakers == ["ada", "cy", "ada", "cy", "ada", "bo", "cy"]
    assert {event.cause for event in played.of(FellSilent)} == {"muted"}


def test_a_muted_agent_can_be_asked_aside_and_an_absent_one_cannot() -> None:
    out = change(Remove(agents=(CY,)), After(count=0, unit="turns"))
    mute = change(Mute(agents=(BO,)), After(count=0, unit="turns"))
    played = play(small_plan(stop=1, interventions=[mute, out], probes=[stance(AtEnd())]))
    assert [(event.agent, event.cause) for event in played.of(Probed)] == [
        ("ada", None),
        ("bo", None),
        ("cy", "absent"),
    ]


def test_who_is_admitted_later_has_no_turn_before() -> None:
    played = play(small_plan(stop=6, interventions=[change(Admit(agents=(CY,)))]))
    assert played.speakers == ["ada", "bo", "ada", "bo", "cy"]


def test_who_is_removed_and_admitted_again_is_there_before_and_after() -> None:
    out, back = change(Remove(agents=(BO,))), change(Admit(agents=(BO,)), After(count=2, unit="rounds"))
    for order in ([out, back], [back, out]):
        played = play(small_plan(stop=9, interventions=order))
        assert [event.turn for event in played.of(FellSilent)] == [4]


def test_to_be_given_a_voice_brings_nobody_in_and_to_be_admitted_gives_nobody_a_voice() -> None:
    start = After(count=0, unit="turns")
    for first, second, lifts in (
        (Remove(agents=(BO,)), Mute(agents=(BO,)), Mute(agents=(BO,), lifted=True)),
        (Mute(agents=(BO,)), Remove(agents=(BO,)), Admit(agents=(BO,))),
    ):
        changes = [change(first, start), change(second, start), change(lifts)]
        played = play(small_plan(stop=6, interventions=changes))
        assert [event.turn for event in played.of(FellSilent)] == [1, 4]


def test_a_broadcast_is_heard_by_all_at_once() -> None:
    seen: list[Request] = []
    news = Broadcast(speaker="system", text="News!", channels=(HALL,))
    play(small_plan(stop=4, interventions=[change(news)]), seen)
    assert [line.text.value for line in seen[3].heard] == ["Begin.", "ada 0", "bo 1", "cy 2", "News!"]


def test_a_broadcast_reaches_a_simultaneous_round_that_follows_it() -> None:
    seen: list[Request] = []
    room = small_channel("hall", members="ada bo cy", protocol="simultaneous")
    news = Broadcast(speaker="system", text="News!", channels=(HALL,))
    play(small_plan(room, stop=6, interventions=[change(news)]), seen)
    assert ["News!" in [line.text.value for line in request.heard] for request in seen] == [False] * 3 + [True] * 3


@pytest.mark.parametrize(
    ("turns", "second"),
    [(3, ["Begin.", "ada 0", "bo 1", "News!"]), (1, ["Begin.", "News!", "ada 0", "bo 1"])],
    ids=["between-rounds", "within-a-round"],
)
def test_among_neighbours_a_broadcast_stands_where_it_was_said(turns: int, second: list[str]) -> None:
    """What is said in a simultaneous round is heard at its end, so after what was broadcast in the middle of it."""
    seen: list[Request] = []
    room = small_channel("hall", members="ada bo cy", protocol="simultaneous", edges="ada-bo")
    news = Broadcast(speaker="system", text="News!", channels=(HALL,))
    play(small_plan(room, stop=6, interventions=[change(news, After(count=turns, unit="turns"))]), seen)
    heard = {(request.round, request.agent): [line.text.value for line in request.heard] for request in seen}
    assert heard[1, BO] == second
    assert ("News!" in heard[0, CY], "News!" in heard[1, CY]) == (turns < 3, True)


def test_among_neighbours_who_speak_in_turn_a_broadcast_reaches_who_hears_nobody() -> None:
    seen: list[Request] = []
    room = small_channel("hall", members="ada bo cy", edges="ada-bo")
    news = Broadcast(speaker="system", text="News!", channels=(HALL,))
    play(small_plan(room, stop=6, interventions=[change(news)]), seen)
    heard = [[line.text.value for line in request.heard] for request in seen]
    assert heard[3] == ["Begin.", "ada 0", "bo 1", "News!"]
    assert heard[5] == ["Begin.", "cy 2", "News!"]


def test_persona_topic_and_sampling_change_what_is_asked_from_then_on() -> None:
    seen: list[Request] = []
    changes = [
        change(ChangePersona(personas=((ADA, "I am new."),))),
        change(ChangeSampling(agents=(ADA,), temperature=0.25)),
        change(ChangeTopic(channels=(HALL,), topic="fish")),
    ]
    plan = small_plan(
        stop=4, interventions=changes, probes=[Probe(name="t", text="{{ topic }}", when=(AtEnd(),), asked=(BO,))]
    )
    play(plan, seen)
    assert ("I am ada." in seen[0].prompt.text, "I am new." in seen[3].prompt.text) == (True, True)
    assert (seen[0].sampling.temperature, seen[3].sampling.temperature) == (None, 0.25)
    assert "fish" in seen[4].prompt.text


def test_a_change_is_an_event_with_its_place_and_what_it_was() -> None:
    (event,) = play(small_plan(stop=6, interventions=[change(Mute(agents=(BO,)))])).of(Intervened)
    assert (event.turn, event.number) == (3, 0)
    assert event.change.value == '{"agents":["bo"],"kind":"mute","lifted":false}'


def test_at_a_point_probes_come_before_changes_and_nothing_changes_at_the_end() -> None:
    always = Every(count=3, unit="turns")
    played = play(
        small_plan(stop=6, probes=[stance(always, asked=(BO,))], interventions=[change(Mute(agents=(BO,)), always)])
    )
    kinds = [type(event).__name__ for event in played.of(Probed, Intervened)]
    assert kinds == ["Probed", "Intervened", "Probed"]


def test_what_a_broadcast_says_can_be_read_back_and_nobody_can_speak_for_it() -> None:
    news = Broadcast(speaker="mayor", text="News!", channels=(HALL,))
    plan = small_plan(stop=5, interventions=[change(news)])
    said = Scenario(plan=plan, model=scripted(lambda request: "Well.\nmayor: I resign.")).play()
    (event,) = said.of(Intervened)
    assert [(each.channel, each.speaker, each.text.value) for each in event.said] == [("hall", "mayor", "News!")]
    assert {utterance.text.value for utterance in said.of(Spoke)} == {"Well."}


def test_a_run_that_nothing_else_ends_is_over_once_nobody_is_left() -> None:
    out = change(Remove(agents=(ADA, BO, CY)))
    (end,) = play(small_plan(stop=Tokens(count=10**9), interventions=[out])).of(RunEnded)
    assert (end.turns, end.reason) == (6, "nobody is left to speak")
    back = change(Admit(agents=(ADA,)), After(count=12, unit="turns"))
    again = change(Remove(agents=(ADA,)), After(count=15, unit="turns"))
    (end,) = play(small_plan(stop=Tokens(count=10**9), interventions=[out, back, again])).of(RunEnded)
    assert end.turns == 18
