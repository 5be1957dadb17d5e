"""A backend's options, checked by its document. What is wrong stays as pydantic found it; studies have words for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from genai_social_sim.errors import OptionsError

Document = TypeVar("Document", bound=BaseModel)


def checked(document: type[Document], options: Mapping[str, Any], *, backend: str) -> Document:
    """The options as `document` has them; raises OptionsError."""
    try:
        return document.model_validate(dict(options))
    except ValidationError as fault:
        first = fault.errors(include_input=False, include_url=False)[0]
        raise OptionsError(
            f"option {'.'.join(map(str, first['loc']))!r} of backend {backend}: {first['msg']}",
            remedy=f"Its options are: {', '.join(document.model_fields)}.",
            document=document,
        ) from fault
