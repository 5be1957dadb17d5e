"""The design of a study as checked documents: factors with their levels, conditions one by one, null arms.

What the conditions are that follow from it is told in `conditions`.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, WithJsonSchema

from genai_social_sim.study import words
from genai_social_sim.study.base import Doc
from genai_social_sim.study.words import refusal

MAX_REPLICATES: Final = 1_000_000
NullArm = Literal["no_interaction", "shuffled_partners", "rule_based"]
NULL_ARMS: Final[tuple[NullArm, ...]] = get_args(NullArm)
NULL_FACTOR: Final = "null_arm"  # what the levels of a run call the arm that it is in
_JOINTS: Final = ",="  # between the parts of a condition's name


def _part(name: str) -> str:
    """A name of a factor, level or condition: one that tables can show, and without what joins them."""
    for joint in _JOINTS:
        if joint in words.any_name(name):
            raise refusal(f"the name {name!r} holds {joint!r}, which parts names in conditions", "Leave it out.")
    return name


def _factor(name: str) -> str:
    if name == NULL_FACTOR:
        raise refusal(f"a factor may not be called {name!r}: null arms are", "Use another name.")
    return _part(name)


_NAME: Final = {"type": "string", "minLength": 1, "maxLength": words.MAX_NAME}
Part = Annotated[str, AfterValidator(_part), WithJsonSchema(_NAME)]
FactorName = Annotated[str, AfterValidator(_factor), WithJsonSchema(_NAME)]


def level_name(value: Any) -> str:
    """What a level that is listed by its value alone is called."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _values(value: Any) -> Any:
    """A mapping of names to values; a list of plain values is one by their own words."""
    if isinstance(value, dict):
        return {_part(name): inner for name, inner in value.items()}
    if not isinstance(value, (list, tuple)) or not all(isinstance(each, str | int | float) for each in value):
        example = "Write `{low: 0.1, high: 0.9}`, or `[0.1, 0.9]` for plain values that name themselves."
        raise refusal("the levels of a factor are a mapping of names to values, or a list of plain values", example)
    names = [level_name(each) for each in value]
    for name in names:
        _part(name)
        if names.count(name) > 1:
            raise refusal(f"two levels are called {name!r}", "Give each level its own name: `{low: 0.1, high: 0.9}`.")
    return dict(zip(names, value, strict=True))


_VALUES: Final = {"anyOf": [{"type": "object"}, {"type": "array", "items": {"type": ["string", "number", "boolean"]}}]}
Values = Annotated[dict[str, Any], PlainValidator(_values), WithJsonSchema(_VALUES)]
_PLAIN: Final = {"type": ["string", "number", "boolean"]}
OneLevel = Annotated[
    Part,
    BeforeValidator(lambda value: level_name(value) if isinstance(value, int | float) else value),
    WithJsonSchema(_PLAIN),
]
Levels = Annotated[
    tuple[OneLevel, ...],
    BeforeValidator(lambda value: [value] if isinstance(value, (str, int, float)) else value),
    Field(strict=False, min_length=1),
    WithJsonSchema({"anyOf": [_PLAIN, {"type": "array", "items": _PLAIN, "minItems": 1}]}),
]


class FactorDoc(Doc):
    """What is varied: a value of the study at a `path` with its `values`, or `levels` that set several values each."""

    path: str | None = Field(
        default=None,
        min_length=1,
        description="Where in the study the values stand, as for `--set`.",
        examples=["channels.general.opening.text"],
    )
    values: Values | None = Field(
        default=None,
        description="The levels by name, each with its value, or a list of plain values; `null`: the key is left out.",
        examples=[{"neutral": "Discuss rare earths.", "alarm": "Rare earths run out."}],
    )
    levels: dict[Part, dict[str, Any]] | None = Field(
        default=None,
        min_length=1,
        description="In place of path and values: the levels by name, each with values by their paths.",
        examples=[{"cool": {"model.temperature": 0.2, "model.top_p": 0.5}, "hot": {"model.temperature": 1.2}}],
    )
    within: dict[FactorName, Levels] | None = Field(
        default=None,
        min_length=1,
        description="Levels of factors above it in which alone it is varied; elsewhere it has no level (nested).",
        examples=[{"framing": "alarm"}],
    )


class NullRuleDoc(Doc):
    """The null arm `rule_based` with a rule of your choice."""

    rule_based: dict[str, Any] = Field(
        description="The rule and its parameters, as for `model: {backend: rule, ...}`.",
        examples=[{"rule": "majority", "attribute": "opinion"}],
    )


def _known_arm(value: Any) -> Any:
    if isinstance(value, str) and value not in NULL_ARMS:
        raise refusal(f"found the text {value!r}", f"Write one of: {', '.join(NULL_ARMS)}.")
    if not isinstance(value, (str, dict, NullRuleDoc)):
        raise refusal("this is no null arm", f"Write one of: {', '.join(NULL_ARMS)}.")
    return NullRuleDoc.model_validate(value) if isinstance(value, dict) else value


NullArmDoc = Annotated[NullArm | NullRuleDoc, BeforeValidator(_known_arm, json_schema_input_type=NullArm | NullRuleDoc)]
NullArmDocs = Annotated[
    tuple[NullArmDoc, ...],
    BeforeValidator(
        lambda value: value if isinstance(value, (list, tuple)) else [value],
        json_schema_input_type=NullArmDoc | list[NullArmDoc],
    ),
    Field(strict=False, min_length=1),
]


class ConditionDoc(Doc):
    """One condition, where not all levels are crossed."""

    name: Part = Field(description="What it is called.", examples=["baseline"])
    levels: dict[FactorName, OneLevel] = Field(
        default_factory=dict,
        description="Levels of factors by name; a factor that is not named stays as the study has it.",
        examples=[{"framing": "alarm"}],
    )
    changes: dict[str, Any] = Field(
        default_factory=dict,
        alias="set",
        description="Further values by their paths, as for `--set`.",
        examples=[{"model.temperature": 0.2}],
    )
    null_arm: NullArmDoc | None = Field(
        default=None, description="Makes a null arm of it.", examples=["no_interaction"]
    )


def arm_name(arm: NullArm | NullRuleDoc) -> NullArm:
    """The word for a null arm."""
    return "rule_based" if isinstance(arm, NullRuleDoc) else arm
