"""Which encoders the memories of a plan ask, as models that are never asked for words. It knows no encoder."""

from __future__ import annotations

import json

from genai_social_sim.domain.memory import Memory, Retrieval
from genai_social_sim.domain.plan import Model, RunPlan
from genai_social_sim.kernel.memory import ENCODER


def encoder_of(memory: Retrieval) -> Model:
    """What tells how alike texts are, as a model that is never asked for words."""
    return Model(backend=ENCODER, options=json.dumps({"embedding": memory.embedding}))


def encoders(plan: RunPlan) -> tuple[Model, ...]:
    """Those that a plan's memories need."""
    return tuple(dict.fromkeys([encoder_of(memory) for memory in memories_of(plan) if isinstance(memory, Retrieval)]))


def memories_of(plan: RunPlan) -> list[Memory]:
    """Those that are more than a channel's window."""
    found = (*[channel.memory for channel in plan.channels], *[agent.memory for agent in plan.agents])
    return [memory for memory in found if memory is not None]
