"""What all parts of a study file have in common."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Final

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    WithJsonSchema,
)

from genai_social_sim.study import words

_NAME: Final = {"type": "string", "minLength": 1, "maxLength": words.MAX_NAME}
AnyName = Annotated[str, AfterValidator(words.any_name), WithJsonSchema(_NAME)]
AgentName = Annotated[str, AfterValidator(words.agent_name), WithJsonSchema(_NAME)]
AttributeName = Annotated[str, AfterValidator(words.attribute_name)]
Slug = Annotated[
    str, AfterValidator(words.slug), WithJsonSchema({"type": "string", "pattern": f"^{words.SLUG.pattern}$"})
]
Spoken = Annotated[str, AfterValidator(words.some_text)]
_Written = Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+)? ?(ms|s|min|h)$")]
Seconds = Annotated[float, BeforeValidator(words.seconds, json_schema_input_type=float | _Written)]
_InWords = Annotated[str, Field(pattern=r"^[0-9]+ rounds?$")]
_FromOne = Annotated[int, Field(ge=1)]
RoundCount = Annotated[_FromOne, BeforeValidator(words.rounds, json_schema_input_type=_FromOne | _InWords)]
Scalar = Annotated[
    str | int | float | bool, PlainValidator(words.scalar, json_schema_input_type=str | int | float | bool)
]
# Pydantic puts these into the place of what is wrong, where a value may be a list or a mapping; no key reads like them.
LIST: Final = "<list>"
MAPPING: Final = "<mapping>"


class Doc(BaseModel):
    """A part of a study file: unknown keys are refused, and nothing is turned into another type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)
    may_be_null: ClassVar[tuple[str, ...]] = ()  # where `null` means something; `references` refuses others


def form_of(value: Any) -> str:
    """Which of the two forms a value has that may be a list or a mapping."""
    return MAPPING if isinstance(value, (dict, Doc)) else LIST


def from_word(value: Any) -> Any:
    """A mapping of a kind, of which its kind alone may have been written."""
    return {"kind": value} if isinstance(value, str) else value
