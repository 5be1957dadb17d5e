"""Every backend of ours that needs no download sits the examination that is shipped for others."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from genai_social_sim.backends.registry import Surroundings, find
from genai_social_sim.ports import LanguageModel
from genai_social_sim.testing import language_models
from genai_social_sim.testing.language_models import OpenModel

SURROUNDINGS = Surroundings(functions={"echo": lambda seen: seen.heard[-1][1] if seen.heard else None})
BACKENDS: dict[str, tuple[str, dict[str, Any]]] = {
    "scripted answers": ("scripted", {"answers": ["One.", "Two."]}),
    "scripted words": ("scripted", {"words": 5}),
    "scripted late": ("scripted", {"words": 5, "latency": [0.0, 0.002]}),
    "scripted choices": ("scripted", {"choose": True}),
    "rule": ("rule", {"function": "echo"}),
}
CHECKS = [
    language_models.check_answers,
    language_models.check_answers_both_layouts,
    language_models.check_repeatable,
    language_models.check_choices,
    language_models.check_identity,
    language_models.check_slots,
    language_models.check_cancelled_call,
    language_models.check_instant,
    language_models.check_closed_twice,
]


@pytest.fixture(params=BACKENDS)
def open_model(request: pytest.FixtureRequest) -> OpenModel:
    name, options = BACKENDS[request.param]

    def opened() -> LanguageModel | Awaitable[LanguageModel]:
        return find(name)(options, SURROUNDINGS)

    return opened


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__.removeprefix("check_"))
async def test_a_backend_keeps_what_the_port_promises(
    check: Callable[[OpenModel], Awaitable[None]], open_model: OpenModel
) -> None:
    await check(open_model)


async def test_a_script_that_chooses_is_held_to_the_options() -> None:
    await language_models.check_constrained(lambda: find("scripted")({"choose": True}, SURROUNDINGS))


async def test_a_backend_that_fails_says_why_in_words_that_the_record_knows() -> None:
    options = {"words": 5, "faults": {"error": 1.0}}
    await language_models.check_failures(lambda: find("scripted")(options, SURROUNDINGS))
