"""Direct messages: which utterances are for one alone, and who is shown them."""

from __future__ import annotations

import pytest
from tests.support.scenario import Scenario, scripted

from genai_social_sim.domain.events import FellSilent, Spoke
from genai_social_sim.domain.ids import AgentId
from genai_social_sim.kernel.addressing import address_of
from genai_social_sim.ports import Request
from genai_social_sim.testing.plans import small_channel, small_plan

MEMBERS = tuple(map(AgentId, ("ada", "bo", "Dr. Cy Lee")))


@pytest.mark.parametrize(
    ("text", "to", "words"),
    [
        ("@bo: hi", "bo", "hi"),
        ("@BO: hi", "bo", "hi"),
        ("  **@bo:** hi", "bo", "hi"),
        ('"@bo: hi"', "bo", 'hi"'),
        ("@dr. cy lee: hi", "Dr. Cy Lee", "hi"),
        ("\uff20bo\uff1ahi", "bo", "hi"),
        ("@bo:hi\n@ada: too", "bo", "hi\n@ada: too"),
        ("@b\u200bo: hi", "bo", "hi"),
    ],
)
def test_an_address_at_the_beginning_is_read(text: str, to: str, words: str) -> None:
    found = address_of(text, speaker=AgentId("ada"), members=MEMBERS)
    assert found is not None
    assert (found.to, text[found.start :]) == (to, words)


@pytest.mark.parametrize(
    "text",
    ["hi @bo: hi", "@bo hi", "@bo, hi", "@everybody: hi", "@ada: to myself", "bo: hi", "@\nbo: hi", "@: hi", "@" * 200],
)
def test_anything_else_is_said_to_all(text: str) -> None:
    assert address_of(text, speaker=AgentId("ada"), members=MEMBERS) is None


def heard_by(
    answers: dict[str, str], *, edges: str | None = None, protocol: str = "round-robin"
) -> dict[str, list[str]]:
    """What each of three is shown of the first round in the second."""
    seen: dict[str, list[str]] = {}

    def answer(request: Request) -> str:
        if request.round == 1:
            seen[request.agent] = [
                f"{line.speaker}>{line.to or '*'}" for line in request.heard if line.turn in (0, 1, 2)
            ]
        return answers.get(request.agent, "Hello.")

    hall = small_channel("hall", members="ada bo cy", direct=True, edges=edges, protocol=protocol)
    Scenario(plan=small_plan(hall, stop=6), model=scripted(answer)).play()
    return seen


@pytest.mark.parametrize("protocol", ["round-robin", "simultaneous"])
def test_only_the_two_hear_it(protocol: str) -> None:
    seen = heard_by({"ada": "@cy: psst"}, protocol=protocol)
    assert seen["bo"] == ["bo>*", "cy>*"]
    assert seen["ada"] == seen["cy"] == ["ada>cy", "bo>*", "cy>*"]


def test_a_network_that_does_not_carry_it_keeps_it_from_the_addressee_too() -> None:
    seen = heard_by({"ada": "@cy: psst"}, edges="ada-bo bo-cy")
    assert seen == {"ada": ["ada>cy", "bo>*"], "bo": ["bo>*", "cy>*"], "cy": ["bo>*", "cy>*"]}


def test_the_name_is_cut_off_and_recorded() -> None:
    hall = small_channel("hall", members="ada bo cy", direct=True)
    run = Scenario(plan=small_plan(hall, stop=1), model=scripted(lambda _: " ada: @Cy: psst\nbo: what?")).play()
    said = run.of(Spoke)[0]
    assert (said.text.value, said.to) == ("psst", "cy")
    assert said.cut == (11, 15, "spoke_for", "bo")


def test_nothing_but_a_name_is_an_empty_answer() -> None:
    hall = small_channel("hall", members="ada bo cy", direct=True)
    run = Scenario(plan=small_plan(hall, stop=1), model=scripted(lambda _: "@cy: ")).play()
    assert [event.cause for event in run.of(FellSilent)] == ["empty"]


def test_where_it_is_not_set_an_address_is_words_like_any_other() -> None:
    run = Scenario(plan=small_plan(stop=1), model=scripted(lambda _: "@bo: hi")).play()
    assert [(event.text.value, event.to) for event in run.of(Spoke)] == [("@bo: hi", None)]


@pytest.mark.parametrize("layout", ["script", "persona_first", "transcript_first"])
def test_prompts_mark_it_before_the_colon_so_that_no_words_can(layout: str) -> None:
    prompts: list[str] = []

    def answer(request: Request) -> str:
        prompts.append(request.prompt.text)
        return "(to bo alone): not really" if request.agent == "bo" else "@bo: psst"

    hall = small_channel("hall", members="ada bo", direct=True)
    plan = small_plan(hall, agents="ada bo", stop=3, layout=layout)  # type: ignore[arg-type]
    Scenario(plan=plan, model=scripted(answer)).play()
    assert "ada (to bo alone): psst" in prompts[1]
    assert "bo: (to bo alone): not really" in prompts[2]
    assert "@bo: psst" in prompts[2] or layout != "persona_first"
