"""What answers for agents, as checked documents."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, Final

from pydantic import ConfigDict, Field

from genai_social_sim.domain.plan import Model, Sampling
from genai_social_sim.study.base import Doc, Slug

SAMPLING_KEYS: Final = ("temperature", "top_p", "top_k", "min_p", "repeat_penalty", "max_tokens")

UNHEARD_OPTIONS: Final = frozenset({"parallel", "slots"})  # of a backend: they change how fast it answers, never what


class PriceDoc(Doc):
    """What a million tokens cost. Prices are the study's own: they are recorded, and never change the result."""

    prompt: float = Field(ge=0, description="For a million tokens of prompts.", examples=[0.15])
    answer: float = Field(ge=0, description="For a million tokens of answers, thinking included.", examples=[0.6])
    currency: str | None = Field(
        default=None,
        min_length=1,
        max_length=16,
        description="For people to read: any word; the same for all models of the study.",
        examples=["USD"],
    )


class ModelDoc(Doc):
    """Which backend answers and how it is asked. Further keys are the backend's own options."""

    model_config = ConfigDict(extra="allow")
    may_be_null = SAMPLING_KEYS[:-1]

    backend: Slug = Field(
        default="embedded",
        description="What answers: `embedded`, `ollama`, `openai`, `scripted`, `rule`, `response_table`.",
        examples=["embedded"],
    )
    temperature: float | None = Field(
        default=0.7,
        ge=0,
        description="How freely words are drawn: 0 takes the likeliest. `null`: the backend's own default.",
    )
    top_p: float | None = Field(
        default=0.95, ge=0, le=1, description="Draw from the likeliest words that make up this share."
    )
    top_k: int | None = Field(
        default=None, ge=0, description="Draw from this many words at most; 0 is off.", examples=[40]
    )
    min_p: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Leave out words less likely than this share of the likeliest.",
        examples=[0.05],
    )
    repeat_penalty: float | None = Field(
        default=None,
        gt=0,
        le=1000,
        description="Above 1, words already used are less likely; 1 is off.",
        examples=[1.1],
    )
    max_tokens: int = Field(default=100, ge=1, le=1_000_000, description="The longest answer, in the model's tokens.")
    price: PriceDoc | None = Field(
        default=None,
        description="What the model's tokens cost, for sums and for a budget. An agent whose model names a backend or "
        "options of its own does not take over the study's price.",
        examples=[{"prompt": 0.15, "answer": 0.6, "currency": "USD"}],
    )

    @property
    def options(self) -> dict[str, Any]:
        """The backend's own keys."""
        return self.model_extra or {}


def merged(general: ModelDoc, own: ModelDoc | None) -> ModelDoc:
    """A model's own keys over those of a more general one, whose options count for the same backend only."""
    if own is None:
        return general
    written = {name: getattr(own, name) for name in own.model_fields_set}
    backend = written.get("backend", general.backend)
    names = SAMPLING_KEYS if backend != general.backend else (*SAMPLING_KEYS, *general.options)
    return ModelDoc.model_validate({name: getattr(general, name) for name in names} | written | {"backend": backend})


def model_of(model: ModelDoc) -> Model:
    """What the document says, as a value."""
    options = json.dumps(model.options, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    sampling = Sampling(
        temperature=model.temperature,
        top_p=model.top_p,
        top_k=model.top_k,
        min_p=model.min_p,
        repeat_penalty=model.repeat_penalty,
        max_tokens=model.max_tokens,
    )
    return Model(backend=model.backend, options=options, sampling=sampling)


def heard(model: Model) -> Model:
    """Without options that change nothing that is said."""
    options = {key: value for key, value in json.loads(model.options).items() if key not in UNHEARD_OPTIONS}
    written = json.dumps(options, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return replace(model, options=written)
