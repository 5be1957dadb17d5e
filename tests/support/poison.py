"""A backend whose answers to one agent kill the process that gives them; for tests, made known by `CODE`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from genai_social_sim.backends.registry import Surroundings
from genai_social_sim.ports import Answer, LanguageModel, Request

CODE = (
    "from genai_social_sim.backends import registry\n"
    "registry.BACKENDS = {**registry.BACKENDS, 'poison': 'tests.support.poison'}"
)


class PoisonModel:
    """Answers everybody but Mallory."""

    slots = 1

    def identity(self) -> Mapping[str, Any]:
        return {"backend": "poison"}

    async def complete(self, request: Request) -> Answer:
        if request.agent == "Mallory":
            os._exit(9)
        return Answer(text=f"{request.agent} in round {request.round}.")

    async def close(self) -> None:
        """Nothing to give back."""


def open_backend(options: Mapping[str, Any], surroundings: Surroundings) -> LanguageModel:
    """It takes no options."""
    return PoisonModel()
