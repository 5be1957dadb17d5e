"""What all parts of a study file have in common."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict


class Doc(BaseModel):
    """A part of a study file: unknown keys are refused, and nothing is turned into another type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)
    may_be_null: ClassVar[tuple[str, ...]] = ()  # where `null` means something; `references` refuses others


def from_word(value: Any) -> Any:
    """A mapping of a kind, of which its kind alone may have been written."""
    return {"kind": value} if isinstance(value, str) else value
