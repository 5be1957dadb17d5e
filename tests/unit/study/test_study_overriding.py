"""`--set PATH=VALUE`."""

from __future__ import annotations

import pytest
from tests.unit.study.studies import loaded, with_change

from genai_social_sim.errors import RequestError, SpecError
from genai_social_sim.study.lowering import canonical, from_canonical, lower, override


@pytest.mark.parametrize(
    ("change", "place", "value"),
    [
        ("seed=7", ("seed",), 7),
        ("agents.BOT1.persona=Bold", ("agents", 0, "persona"), "Bold"),
        ("agents[1].persona=Bold: very", ("agents", 1, "persona"), "Bold: very"),
        (
            "channels.general.opening.text=A #tag and more",
            ("channels", "general", "opening", "text"),
            "A #tag and more",
        ),
        ("channels.general.opening.text='Quoted'", ("channels", "general", "opening", "text"), "Quoted"),
        ("channels.general.opening.text=*bold*", ("channels", "general", "opening", "text"), "*bold*"),
        ("channels.general.opening.text=[sic] he said", ("channels", "general", "opening", "text"), "[sic] he said"),
        ("channels.general.members=[BOT2]", ("channels", "general", "members"), ["BOT2"]),
        ("model.temperature = 1", ("model", "temperature"), 1),
        ("model.faults.hang=0.5", ("model", "faults"), {"hang": 0.5}),
        ("agents.BOT2.attributes.age=52", ("agents", 1, "attributes"), {"age": 52}),
        ("agents.BOT2.model.temperature=null", ("agents", 1, "model"), {"temperature": None}),
        ("stop={rounds: 3}", ("stop",), {"rounds": 3}),
        ("timeouts.on_failure.say=Hm.", ("timeouts", "on_failure"), {"say": "Hm."}),
        ("description=", ("description",), ""),
    ],
)
def test_a_change_puts_its_value_there(change: str, place: tuple[str | int, ...], value: object) -> None:
    text = with_change("first: BOT2", "first: null") if "members" in change else None
    study = loaded() if text is None else loaded(text.replace(", first: null", ""))
    found: object = override(study, change).values
    for part in place:
        found = found[part]  # type: ignore[index]
    assert found == value


@pytest.mark.parametrize(
    ("change", "remedy"),
    [
        ("sed=1", "`seed`"),
        ("model.temprature=1", "`temperature`"),
        ("channels.genral.opening.text=x", "`general`"),
        ("channels.general.openin.text=x", "`opening`"),
        ("agents.BOT3.persona=x", "`BOT2`"),
        ("agents[7].persona=x", "[0], [1]"),
        ("agents.BOT1.person=x", "`persona`"),
        ("stop.turn=1", "`turns`"),
        ("seed.x=1", "no parts"),
        ("channels..x=1", "general"),
        ("agents[x].persona=1", "BOT1, BOT2"),
        ("seed", "PATH=VALUE"),
        ("=1", "PATH=VALUE"),
    ],
)
def test_a_path_that_leads_nowhere_is_refused_with_the_nearest_keys(change: str, remedy: str) -> None:
    with pytest.raises(RequestError) as caught:
        override(loaded(), change)
    assert remedy in caught.value.remedy, str(caught.value)


def test_a_bad_value_is_refused_where_it_was_given() -> None:
    with pytest.raises(SpecError) as caught:
        override(loaded(), "model.temperature=-1")
    assert str(caught.value).startswith("--set model.temperature=-1: model.temperature: -1 must be at least 0")


def test_changes_are_checked_together() -> None:
    changes = ("channels.general.protocol.kind=simultaneous", "channels.general.protocol={kind: random}")
    assert lower(override(loaded(), *changes)) == lower(override(loaded(), changes[1]))


def test_a_protocol_in_one_word_can_be_changed_in_part() -> None:
    study = loaded(with_change("{kind: round_robin, first: BOT2}", "round_robin"))
    assert lower(override(study, "channels.general.protocol.first=BOT2")) == lower(loaded())


def test_names_may_hold_dots() -> None:
    study = loaded(with_change("name: BOT1,", "name: Dr. B,"))
    assert override(study, "agents.Dr. B.persona=x").document.agents[0].persona == "x"


def test_the_loaded_study_stays_as_it_was() -> None:
    study = loaded()
    override(study, "agents.BOT1.persona=Bold")
    assert canonical(study) == canonical(loaded())


def test_a_recorded_study_can_be_changed_too() -> None:
    recorded = from_canonical(canonical(loaded()))
    assert canonical(override(recorded, "stop.turns=3")) == canonical(override(loaded(), "stop.turns=3"))
