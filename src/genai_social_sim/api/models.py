"""Opens the backends that a plan asks for, and says what this session works with."""

from __future__ import annotations

import json
import platform
from collections.abc import AsyncIterator, Awaitable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import version
from typing import Any

from genai_social_sim.api.at_once import AtOnce, options_of
from genai_social_sim.backends import registry
from genai_social_sim.backends.machine import processor_name
from genai_social_sim.domain.plan import Model, RunPlan
from genai_social_sim.domain.text import Text
from genai_social_sim.domain.topology import topology
from genai_social_sim.engine.shape import is_compiled
from genai_social_sim.ports import LanguageModel


@asynccontextmanager
async def opened(
    wanted: Iterable[Model], surroundings: registry.Surroundings, known: AtOnce | None = None
) -> AsyncIterator[Mapping[Model, LanguageModel]]:
    """A backend for each model, with what is `known` of its slots; models that differ in sampling alone share one."""
    models = list(dict.fromkeys(wanted))
    by_options: dict[tuple[str, str], LanguageModel] = {}
    async with AsyncExitStack() as stack:
        for model in models:
            key = (model.backend, model.options)
            if key not in by_options:
                begun = registry.find(model.backend)(options_of(model, known or {}), surroundings)
                by_options[key] = await begun if isinstance(begun, Awaitable) else begun
                stack.push_async_callback(by_options[key].close)
        yield {model: by_options[model.backend, model.options] for model in models}


def session_about(
    models: Mapping[Model, LanguageModel],
    settings: Mapping[str, Any],
    *,
    lock: str,
    plan: RunPlan,
    beside: Mapping[str, Any],
) -> Text:
    """What the record says of a session: settings, versions, machine, its lock, models, shape of networks; `beside`."""
    about = {
        "package": version("genai-social-sim"),
        "compiled": is_compiled(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "cpu": processor_name(),
        "apsw": version("apsw"),
        "lock": lock,
        "settings": dict(settings),
        "models": [dict(model.identity()) for model in dict.fromkeys(models.values())],
    }
    networks = {
        channel.name: topology(channel.network)._asdict() for channel in plan.channels if channel.network is not None
    }
    if networks:
        about["networks"] = networks
    return Text.of(json.dumps(about | dict(beside), ensure_ascii=False, sort_keys=True, default=str))
