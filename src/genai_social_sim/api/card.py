"""Cards for notebooks: facts below each other, static and escaped. It knows nothing of runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from genai_social_sim.domain.visible import visible


def card(title: str, facts: Mapping[str, object]) -> str:
    """A title and the facts that have a value, as HTML."""
    rows = [(name, value) for name, value in facts.items() if value not in (None, "", ())]
    body = "".join([f'<tr><th scope="row">{_text(name)}</th><td>{_text(value)}</td></tr>' for name, value in rows])
    return f"<table><caption>{_text(title)}</caption><tbody>{body}</tbody></table>"


def grid(title: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A title and a table, as HTML."""
    heads = "".join([f'<th scope="col">{_text(name)}</th>' for name in head])
    body = "".join(["<tr>" + "".join([f"<td>{_text(cell)}</td>" for cell in row]) + "</tr>" for row in rows])
    return f"<table><caption>{_text(title)}</caption><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"


def _text(value: object) -> str:
    return escape(visible(str(value)))
