"""Text templates as data: Jinja2 in a sandbox that also bounds time, memory and what can be called.

A template may read the values it is given, test and loop over them and use a short list of filters. It can reach
no attribute of Python's machinery, print nothing but texts and numbers (so that it renders the same everywhere),
and neither build a huge text nor loop for long. It knows nothing of personas or prompts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from jinja2 import nodes
    from jinja2.runtime import Context

MAX_SOURCE: Final = 100_000  # characters of a template
MAX_TEXT: Final = 1_000_000  # characters of a rendered text, and of any text on the way to it
MAX_RANGE: Final = 10_000  # numbers in one range()
MAX_ITEMS: Final = 10_000  # of a list that is put together
MAX_STEPS: Final = 10_000  # passes through loops in one rendering
MAX_BITS: Final = 256  # of an integer

_TEXT_FILTERS: Final = "abs capitalize float int lower round string title trim upper wordcount"
_LIST_FILTERS: Final = "count d default first last length list reject reverse select sort unique"
FILTERS: Final = tuple(sorted(f"{_TEXT_FILTERS} {_LIST_FILTERS} join max min replace".split()))
_STR_METHODS: Final = (
    "capitalize count endswith find isalpha isdigit islower isupper lower lstrip rstrip split splitlines startswith "
    "strip title upper"
)
MAX_NAMED: Final = 10_000  # characters of a text that is printed without measuring the whole
_MARKUP: Final = re.compile(r"\{[{%#]")
_NAME: Final = re.compile(r"\{\{ ?([a-z][a-z_]*) ?\}\}")
_LINE_BREAK: Final = re.compile(r"\r\n|\r|\n")
_FORBIDDEN: Final = (
    "Import FromImport Include Extends Block Macro CallBlock AssignBlock FilterBlock ScopedEvalContextModifier"
)


# What Python raises when a template asks for what cannot be done
_ITS_OWN: Final = (
    ArithmeticError,
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    RecursionError,
    MemoryError,
)


class TemplateProblem(Exception):  # noqa: N818 (a reason, which becomes part of an error that users see)
    """Why a template cannot be read or rendered; `line` counts from 1 within it, 0 if unknown."""

    def __init__(self, reason: str, *, line: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line


class Budget:
    """How many passes through loops one rendering has left."""

    def __init__(self) -> None:
        self.steps = MAX_STEPS

    def spend(self) -> None:
        """One pass more."""
        self.steps -= 1
        if self.steps < 0:
            raise TemplateProblem(f"it loops more than {MAX_STEPS:,} times")


def render(source: str, **values: Any) -> str:
    """Render a template over `values`; raises TemplateProblem."""
    return compile_template(source)(**values)


def names_in(source: str) -> frozenset[str]:
    """The names of values that a template reads; raises TemplateProblem if it is none."""
    compile_template(source)
    if not _MARKUP.search(source):
        return frozenset()
    from jinja2.meta import find_undeclared_variables

    return frozenset(find_undeclared_variables(_sandbox().parse(source))) - {"range"}


@lru_cache(maxsize=4096)
def compile_template(source: str) -> Callable[..., str]:
    """A function from values to text; raises TemplateProblem if `source` is no template, and so does the function."""
    if not _MARKUP.search(source):
        plain = _LINE_BREAK.sub("\n", source)
        return lambda **_: plain
    if len(source) > MAX_SOURCE:
        raise TemplateProblem(f"it is longer than {MAX_SOURCE:,} characters")
    checked = _by_jinja(source)
    return _by_names(_LINE_BREAK.sub("\n", source), checked)


def _by_names(source: str, by_jinja: Callable[..., str]) -> Callable[..., str]:
    """The same function, quicker where a template only prints texts by their names, as most do for each agent."""
    pieces = _NAME.split(source)
    texts, names = pieces[0::2], pieces[1::2]
    if any(_MARKUP.search(text) or "}}" in text for text in texts):
        return by_jinja
    form = "".join([text.replace("%", "%%") + "%s" for text in texts[:-1]]) + texts[-1].replace("%", "%%")

    def filled(**values: Any) -> str:
        said = tuple([values.get(name) for name in names])
        for value in said:
            if not (isinstance(value, str) and len(value) < MAX_NAMED) and not isinstance(value, (int, float)):
                return by_jinja(**values)
        return form % said

    return filled


def _by_jinja(source: str) -> Callable[..., str]:
    from jinja2 import TemplateSyntaxError

    try:
        template = _sandbox().from_string(_checked(source))
    except TemplateSyntaxError as fault:
        raise TemplateProblem(_words(fault.message or "it cannot be read"), line=fault.lineno) from None
    except (RecursionError, MemoryError, SyntaxError, ValueError, OverflowError):
        raise TemplateProblem("it is nested too deeply or holds a number that is too large") from None
    return lambda **values: _rendered(template, values)


def _rendered(template: Any, values: dict[str, Any]) -> str:
    from jinja2 import TemplateError

    pieces, length = [], 0
    try:
        for piece in template.generate(**values, _budget=Budget()):
            length += len(piece)
            if length > MAX_TEXT:
                raise TemplateProblem(f"what it renders is longer than {MAX_TEXT:,} characters")
            pieces.append(piece)
    except (TemplateError, *_ITS_OWN) as fault:
        raise TemplateProblem(_words(str(fault))) from None
    return "".join(pieces)


def _words(message: str) -> str:
    return message.strip().rstrip(".").splitlines()[0] if message.strip() else "it cannot be rendered"


def _checked(source: str) -> nodes.Template:
    """The parsed template, with its loops counted and its joined texts measured."""
    from jinja2 import nodes

    tree = _sandbox().parse(source)
    for node in tree.find_all(nodes.Node):
        _refuse_forbidden(node)
    for loop in tree.find_all(nodes.For):
        if loop.recursive:
            raise TemplateProblem("a loop may not call itself", line=loop.lineno)
        loop.iter = _filtered(loop.iter, "_counted")
    return _measured(tree)


def _refuse_forbidden(node: nodes.Node) -> None:
    kind = type(node).__name__
    if kind in _FORBIDDEN.split():
        raise TemplateProblem("imports, includes, blocks and macros cannot be used here", line=node.lineno)
    name = getattr(node, "name", "") if kind == "Name" else ""
    if name.startswith("_") or name in ("self", "super", "caller", "varargs", "kwargs"):
        raise TemplateProblem(f"the name {name!r} cannot be used here", line=node.lineno)


def _measured(tree: nodes.Template) -> nodes.Template:
    from jinja2 import nodes
    from jinja2.visitor import NodeTransformer

    class Measure(NodeTransformer):
        """Puts a check around what can grow: joined texts, and lists inside lists."""

        def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
            self.generic_visit(node)
            return _filtered(nodes.List(node.nodes, lineno=node.lineno), "join")

        def visit_List(self, node: nodes.List) -> nodes.Node:
            return _filtered(self.generic_visit(node), "_flat")

        def visit_Tuple(self, node: nodes.Tuple) -> nodes.Node:
            self.generic_visit(node)
            return _filtered(node, "_flat") if node.ctx == "load" else node

        def visit_Dict(self, node: nodes.Dict) -> nodes.Node:
            raise TemplateProblem("mappings cannot be written here", line=node.lineno)

    return Measure().visit(tree)  # type: ignore[no-any-return]


def _filtered(node: Any, name: str) -> nodes.Filter:
    from jinja2 import nodes

    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)


def _join(items: Any, by: str = "", attribute: str | None = None) -> str:
    if attribute is not None:
        raise TemplateProblem("join takes texts, not an attribute of theirs")
    texts = [str(_plain(item)) for item in items]
    _measure(sum(map(len, texts)) + len(str(by)) * len(texts))
    return str(by).join(texts)


def _replace(text: Any, old: str, new: str, count: int = -1) -> str:
    value, old, new = str(_plain(text)), str(old), str(new)
    _measure(len(value) + value.count(old) * len(new))
    return value.replace(old, new, count)


def _range(*bounds: int) -> range:
    numbers = range(*bounds)
    if abs(numbers.stop - numbers.start) // abs(numbers.step) > MAX_RANGE:
        raise TemplateProblem(f"range() may hold at most {MAX_RANGE:,} numbers")
    return numbers


def _flat(items: Any) -> Any:
    if any(isinstance(item, (list, tuple)) for item in items):
        raise TemplateProblem("a list may not hold lists")
    return items


def _plain(value: Any) -> Any:
    """`value` if it is a text or number; others print differently from one machine to the next, or without end."""
    if isinstance(value, (str, int, float)):
        return value
    from jinja2 import Undefined

    if isinstance(value, Undefined):
        return value
    if isinstance(value, (list, tuple)):
        raise TemplateProblem("it prints a list; put `| join(', ')` after it")
    raise TemplateProblem(f"it prints a {type(value).__name__}, which is neither text nor number")


def _on_plain(work: Callable[..., Any]) -> Callable[..., Any]:
    return lambda value, *rest, **named: work(_plain(value), *rest, **named)


def _measure(length: int) -> None:
    if length > MAX_TEXT:
        raise TemplateProblem(f"it builds a text longer than {MAX_TEXT:,} characters")


@lru_cache(maxsize=1)
def _sandbox() -> Any:
    from jinja2 import StrictUndefined, pass_context
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    @pass_context
    def counted(context: Context, items: Any) -> Iterator[Any]:
        budget: Budget = context.parent["_budget"]
        for item in items:
            budget.spend()
            yield item

    class Sandbox(ImmutableSandboxedEnvironment):
        intercepted_binops = frozenset(["+", "*", "**", "%"])

        def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
            _refuse_growth(operator, left, right)
            return super().call_binop(context, operator, left, right)

        def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
            if isinstance(obj, str):
                return attr in _STR_METHODS.split()
            if isinstance(obj, (bool, int, float, list, tuple, bytes)):
                return False
            return super().is_safe_attribute(obj, attr, value)

        def wrap_str_format(self, value: Any) -> None:
            """Nothing: `format` can pad without end, so that it is refused like any other attribute."""

    box = Sandbox(undefined=StrictUndefined, keep_trailing_newline=True, optimized=False, finalize=_plain)
    box.filters = _filters(box.filters) | {"_counted": counted}
    box.globals = {"range": _range}
    return box


def _filters(shipped: dict[str, Any]) -> dict[str, Any]:
    """Of jinja2's filters those that cannot grow what they are given, and bounded ones in the place of some."""
    kept = {name: _on_plain(shipped[name]) for name in _TEXT_FILTERS.split()} | {
        name: shipped[name] for name in _LIST_FILTERS.split()
    }
    return kept | {"join": _join, "replace": _replace, "max": max, "min": min, "_flat": _flat}


def _refuse_growth(operator: str, left: Any, right: Any) -> None:
    """Operators that could build something huge: of texts and lists only `+`, of integers only small results."""
    if not (isinstance(left, (int, float)) and isinstance(right, (int, float))):
        if operator != "+":
            raise TemplateProblem(f"the operator {operator} takes numbers only")
        _refuse_long_sum(left, right)
    elif isinstance(left, int) and isinstance(right, int):
        bits = left.bit_length() * right if operator == "**" else left.bit_length() + right.bit_length()
        if bits > MAX_BITS:
            raise TemplateProblem("a number in it grows too large")


def _refuse_long_sum(left: Any, right: Any) -> None:
    if isinstance(left, str) and isinstance(right, str):
        _measure(len(left) + len(right))
    elif isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)) and len(left) + len(right) > MAX_ITEMS:
        raise TemplateProblem(f"it builds a list of more than {MAX_ITEMS:,}")
