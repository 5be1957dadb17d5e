"""What waits until something is so: conditions on measures, looked at between turns; and words put into mouths."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from tests.support.scenario import Played, Scenario, scripted

from genai_social_sim.domain.act import Rate
from genai_social_sim.domain.agenda import (
    After,
    AtEnd,
    Broadcast,
    ChangeTopic,
    Every,
    Inject,
    Intervention,
    Mute,
    Probe,
    When,
)
from genai_social_sim.domain.events import FellSilent, Intervened, Probed, RunEnded
from genai_social_sim.domain.ids import AgentId, ChannelId
from genai_social_sim.domain.plan import RunPlan, Tokens
from genai_social_sim.domain.trigger import Measured, Several, Trigger
from genai_social_sim.ports import Answer, Request
from genai_social_sim.testing.plans import small_channel, small_plan

ADA, BO, CY = map(AgentId, ("ada", "bo", "cy"))
HALL = ChannelId("hall")
ROUND = (Every(count=1, unit="rounds"),)
NEWS = Broadcast(speaker="system", text="News!", channels=(HALL,))


def play(
    plan: RunPlan, answer: Callable[[Request], str | None] = lambda request: f"{request.agent} {request.turn}"
) -> Played:
    return Scenario(plan=plan, model=scripted(answer)).play()


def waiting(
    trigger: Trigger, *, when: tuple[When, ...] = ROUND, repeat: bool = False, what: Any = NEWS
) -> Intervention:
    return Intervention(when=when, change=what, trigger=trigger, repeat=repeat)


def turns(plan: RunPlan, answer: Callable[[Request], str | None]) -> list[int]:
    """After how many turns interventions took effect."""
    return [event.turn for event in play(plan, answer).of(Intervened)]


def by_round(said: Mapping[str, str]) -> Callable[[Request], str | None]:
    """Each agent says, round by round, the next of its words; `-` is silence."""
    return lambda request: None if (word := said[request.agent].split()[request.round]) == "-" else word


# (the trigger, what each says in four rounds, the round after which it holds first)
CASES: dict[str, tuple[Trigger, dict[str, str], int]] = {
    "consensus": (Measured(measure="consensus", low=0.6), {"ada": "a a a a", "bo": "b b a a", "cy": "c c c c"}, 3),
    "share": (
        Measured(measure="share", low=0.6, high=0.7, option="a"),
        {"ada": "b a a a", "bo": "b b b a", "cy": "a a a a"},
        2,
    ),
    "mean": (Measured(measure="mean", low=1), {"ada": "0 1 1 1", "bo": "0 0 1 1", "cy": "well 1 1 1"}, 3),
    "spread": (Measured(measure="spread", high=0), {"ada": "0 0 1 1", "bo": "1 1 1 1", "cy": "2 2 1 1"}, 3),
    "silence": (Measured(measure="silence", low=2), {"ada": "a - - -", "bo": "b - - -", "cy": "c - - -"}, 3),
    "messages": (Measured(measure="messages", low=4), {"ada": "a - - -", "bo": "b b - -", "cy": "- - - c"}, 4),
    "any": (
        Several(
            triggers=(Measured(measure="messages", low=99), Measured(measure="consensus", low=1)), every=False
        ),
        {"ada": "a b b b", "bo": "a b b b", "cy": "c b b b"},
        2,
    ),
    "all": (
        Several(triggers=(Measured(measure="messages", low=9), Measured(measure="consensus", low=1)), every=True),
        {"ada": "a b b b", "bo": "a b b b", "cy": "c b b b"},
        3,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_waits_is_done_after_the_first_round_in_which_it_holds(name: str) -> None:
    trigger, said, first = CASES[name]
    assert turns(small_plan(stop=12, interventions=[waiting(trigger)]), by_round(said)) == (
        [3 * first] if first < 4 else []
    )


def test_with_repeat_it_is_done_each_time_and_looked_at_when_the_study_says() -> None:
    agreed = Measured(measure="consensus", low=1)
    said = {"ada": "a b b c b", "bo": "a a b c b", "cy": "a a b c c"}
    each = [waiting(agreed, repeat=True)]
    assert turns(small_plan(stop=15, interventions=each), by_round(said)) == [3, 9, 12]
    even = [waiting(agreed, repeat=True, when=(Every(count=2, unit="rounds"),))]
    assert turns(small_plan(stop=15, interventions=even), by_round(said)) == [12]
    once = [waiting(agreed, when=(After(count=7, unit="turns"), After(count=8, unit="turns")))]
    assert turns(small_plan(stop=15, interventions=once), by_round(said)) == []


def test_tokens_count_and_no_number_has_no_mean() -> None:
    many = waiting(Measured(measure="tokens", low=12))
    none = waiting(Measured(measure="mean", low=-1e9))
    answer = Answer(text="a", prompt_tokens=2, answer_tokens=1, by="scripted")
    played = Scenario(plan=small_plan(stop=9, interventions=[many, none]), model=scripted(lambda _: answer)).play()
    assert [(event.turn, event.number) for event in played.of(Intervened)] == [(6, 0)]


def stance(*when: When, **more: Any) -> Probe:
    return Probe(name="stance", text="Well?", when=when, **{"asked": (ADA, BO, CY), "act": Rate(scale=(0, 1)), **more})


def rating(number: Callable[[Request], int]) -> Callable[[Request], str]:
    return lambda request: str(number(request)) if request.aside else "hm"


def test_answers_to_a_probe_count_at_the_point_at_which_they_are_given() -> None:
    one = Measured(measure="mean", of="stance", low=0.5)
    plan = small_plan(stop=12, probes=[stance(*ROUND)], interventions=[waiting(one), waiting(one, repeat=True)])
    played = play(plan, rating(lambda request: int(request.turn >= 6 and request.agent != "cy")))
    assert [(event.turn, event.number) for event in played.of(Intervened)] == [(6, 0), (6, 1), (9, 1)]


def test_shares_of_answers_are_of_all_who_are_asked() -> None:
    half = Measured(measure="share", of="stance", option="1", low=0.5)
    asked = stance(*ROUND, asked=(ADA, BO))
    plan = small_plan(stop=6, probes=[asked], interventions=[waiting(half)])
    assert [event.turn for event in play(plan, rating(lambda request: int(request.agent == "ada"))).of(Intervened)] == [
        3
    ]


def test_a_probe_can_wait_and_what_was_said_is_not_what_is_answered() -> None:
    agreed = Measured(measure="consensus", low=1)
    plan = small_plan(stop=12, probes=[stance(*ROUND, trigger=agreed)])
    said = {"ada": "a a b c", "bo": "a a b c", "cy": "c a b c"}
    played = play(plan, lambda request: "0" if request.aside else by_round(said)(request))
    assert [event.turn for event in played.of(Probed)] == [6, 6, 6]


def test_a_probe_follows_an_intervention_and_sees_what_it_changed() -> None:
    seen: list[Request] = []

    def answer(request: Request) -> str:
        seen.append(request)
        return "0" if request.aside else f"{request.agent}"

    after = stance(after=(1,), asked=(BO,))
    before = Probe(name="before", text="And?", when=(After(count=3, unit="turns"),), asked=(BO,))
    changes = [
        Intervention(when=(After(count=4, unit="turns"),), change=Mute(agents=(CY,))),
        Intervention(when=(After(count=3, unit="turns"), After(count=5, unit="turns")), change=NEWS),
        Intervention(when=(After(count=3, unit="turns"),), change=ChangeTopic(channels=(HALL,), topic="x")),
    ]
    played = play(small_plan(stop=6, probes=[after, before], interventions=changes), answer)
    order = [(type(event).__name__, event.turn) for event in played.of(Probed, Intervened)]
    assert order == [
        ("Probed", 3), ("Intervened", 3), ("Intervened", 3), ("Probed", 3),
        ("Intervened", 4), ("Intervened", 5), ("Probed", 5),
    ]  # fmt: skip
    shown = {
        (request.aside, request.turn): [line.text.value for line in request.heard] for request in seen if request.aside
    }
    assert "News!" not in shown["before", 3]
    assert shown["stance", 3][-1] == "News!"
    assert shown["stance", 5].count("News!") == 2


def test_what_waits_in_vain_keeps_no_deserted_run_alive() -> None:
    never = waiting(Measured(measure="messages", low=10**6), repeat=True)
    out = Intervention(when=(After(count=3, unit="turns"),), change=Mute(agents=(ADA, BO, CY)))
    (end,) = play(small_plan(stop=Tokens(count=10**9), interventions=[never, out])).of(RunEnded)
    assert end.reason == "nobody is left to speak"


def test_nothing_that_waits_is_done_at_the_end_but_probes() -> None:
    agreed = Measured(measure="consensus", low=1)
    plan = small_plan(stop=3, probes=[stance(AtEnd(), trigger=agreed)], interventions=[waiting(agreed)])
    played = play(plan, lambda request: "0")
    assert (len(played.of(Probed)), len(played.of(Intervened))) == (3, 0)


def shown(plan: RunPlan) -> dict[int, list[str]]:
    seen: list[Request] = []

    def answer(request: Request) -> str:
        seen.append(request)
        return f"{request.agent} {request.turn}"

    Scenario(plan=plan, model=scripted(answer)).play()
    return {request.turn: [line.text.value for line in request.heard] for request in seen}


def injected(turn: int, protocol: str, edges: str | None = None) -> dict[int, list[str]]:
    """What each is shown where `ada` is made to say `I do.` after some turns."""
    change = Intervention(
        when=(After(count=turn, unit="turns"),), change=Inject(speaker=ADA, text="I do.", channel=HALL)
    )
    room = small_channel("hall", members="ada bo cy", protocol=protocol, opening="", edges=edges)
    return shown(small_plan(room, stop=9, interventions=[change]))


@pytest.mark.parametrize(("protocol", "edges"), [("round-robin", None), ("simultaneous", None)])
def test_words_put_into_a_mouth_are_heard_by_all_who_hear_it(protocol: str, edges: str | None) -> None:
    heard = injected(3, protocol, edges)
    assert all(heard[turn][3] == "I do." for turn in (3, 4, 5))


def test_words_put_into_a_mouth_go_where_the_network_carries_them() -> None:
    for protocol in ("round-robin", "simultaneous"):
        heard = injected(3, protocol, "ada-bo bo-cy")
        assert ["I do." in heard[turn] for turn in (3, 4, 5)] == [True, True, False]


def test_words_put_into_a_mouth_come_after_what_was_said_before_them() -> None:
    heard = injected(4, "simultaneous", "ada-bo bo-cy")
    assert heard[4] == ["ada 0", "bo 1", "cy 2", "I do."]
    assert heard[6] == ["ada 0", "bo 1", "I do.", "ada 3", "bo 4"]
    assert heard[7] == ["ada 0", "bo 1", "cy 2", "I do.", "ada 3", "bo 4", "cy 5"]
    assert heard[8] == ["bo 1", "cy 2", "bo 4", "cy 5"]


def test_in_pairs_they_are_what_the_next_is_shown() -> None:
    change = Intervention(when=(After(count=0, unit="turns"),), change=Inject(speaker=ADA, text="I do.", channel=HALL))
    room = small_channel("hall", members="ada bo", protocol="pairwise-listener", opening="")
    heard = shown(small_plan(room, agents="ada bo", stop=12, interventions=[change]))
    first = next(turn for turn, lines in heard.items() if lines)
    assert heard[first] == ["I do."]


def test_words_put_into_a_mouth_are_told_from_what_it_said() -> None:
    change = Intervention(when=(After(count=3, unit="turns"),), change=Inject(speaker=ADA, text="I do.", channel=HALL))
    played = play(small_plan(stop=4, interventions=[change]))
    (event,) = played.of(Intervened)
    assert event.injected
    assert [(said.channel, said.speaker, said.text.value) for said in event.said] == [("hall", "ada", "I do.")]
    assert played.said[-1] == ("ada", "ada 3")
    assert not played.of(FellSilent)
