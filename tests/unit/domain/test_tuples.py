"""Named tuples that are made without their class: what neither types nor Python look at is looked at here."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import pytest

SRC: Final = Path(__file__).resolve().parents[3] / "src"


class Makes(ast.NodeVisitor):
    """Each `make(Kind, (...))` of a module: the name of the kind and how many fields it is given."""

    def __init__(self) -> None:
        self.found: list[tuple[str, int]] = []
        self._inside = ""

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        before, self._inside = self._inside, node.name
        self.generic_visit(node)
        self._inside = before

    def visit_Call(self, node: ast.Call) -> None:
        match node:
            case ast.Call(func=ast.Name(id="make"), args=[ast.Name(id=kind), ast.Tuple(elts=fields)]):
                self.found.append((self._inside if kind == "cls" else kind, len(fields)))
            case _:
                pass
        self.generic_visit(node)


def makes() -> Iterator[tuple[str, str, int]]:
    for path in sorted((SRC / "genai_social_sim").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if "domain.tuples import make" in text:
            visitor = Makes()
            visitor.visit(ast.parse(text))
            module = ".".join(path.relative_to(SRC).with_suffix("").parts)
            yield from ((module, kind, count) for kind, count in visitor.found)


@pytest.mark.parametrize(("module", "kind", "count"), [*makes()])
def test_every_field_is_there(module: str, kind: str, count: int) -> None:
    made: Any = getattr(import_module(module), kind)
    assert count == len(made._fields)


def test_they_are_found() -> None:
    assert len([*makes()]) > 15
