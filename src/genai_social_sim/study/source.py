"""YAML text -> plain values, and where in the text each of them stands. It knows nothing of studies.

PyYAML only splits the text into events; what they mean is decided here, so that no object is ever built from a tag,
`yes` and `12:30` stay texts, and no alias, nesting or size can take the process down.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from genai_social_sim.errors import SpecError
from genai_social_sim.study.syntax import advice

Path = tuple[str | int, ...]
MAX_NODES: Final = 1_000_000
MAX_REPEATED: Final = 100_000  # nodes that are there only because an alias repeats them
MAX_CHARACTERS: Final = 64 * 1024 * 1024  # of all texts, aliases written out
MAX_DEPTH: Final = 50
MAX_INT: Final = 2**63 - 1
_Parser: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INT: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]*(?:_[0-9]+)*)")
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:_[0-9]+)*\.[0-9]*|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?")
_NO_NUMBER: Final = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_UNWANTED: Final = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_WORDS: Final[Mapping[str, bool | None]] = {"true": True, "false": False, "null": None, "~": None, "": None}


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """A place in a text; both count from 1."""

    line: int
    column: int


@dataclass(slots=True)
class Node:
    """A value with its place. `children` of a mapping are keyed by text, those of a list by position."""

    mark: Mark
    value: Any = None  # of a scalar
    children: dict[str | int, tuple[Mark, Mark, Node]] = field(default_factory=dict)  # key's mark, value's, value
    key: tuple[str, Mark] | None = None  # of a mapping while it is read: the key that waits for its value
    anchor: str | None = None
    size: int = 1  # nodes in it, aliases written out
    own: int = 1  # nodes in it as written
    characters: int = 0
    height: int = 0  # levels of lists and mappings in it


class Mapped(Node):
    """A mapping."""

    __slots__ = ()


class Listed(Node):
    """A list."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Marks:
    """Where the value at a path stands. `replaced` says so of values that came from elsewhere than the text."""

    name: str
    root: Node | None = None
    replaced: Mapping[Path, str] = field(default_factory=dict)

    def find(self, path: Path, *, key: bool = False) -> Mark | None:
        """The place of the value at `path` (or of its key), or of the nearest value around it."""
        node, mark = self.root, None if self.root is None else self.root.mark
        for depth, part in enumerate(path, start=1):
            if node is None or part not in node.children:
                break
            key_mark, mark, node = node.children[part]
            if key and depth == len(path):
                return key_mark
        return mark

    def where(self, path: Path, *, key: bool = False) -> str:
        """`file:line:column`, or the setting that put the value there."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.replaced:
                return self.replaced[path[:length]]
        mark = self.find(path, key=key)
        return self.name if mark is None else f"{self.name}:{mark.line}:{mark.column}"


@dataclass(frozen=True, slots=True)
class Source:
    """A YAML text taken apart: plain values (dict, list, str, int, float, bool, None) and their places."""

    values: Any
    marks: Marks


def parse_yaml(text: str, *, name: str) -> Source:
    """Take `text` apart; raises SpecError, in which `name` stands for the file."""
    _refuse_unwanted(text, name)
    root = _Reader(name).read(text)
    return Source(_values(root, {}), Marks(name, root))


def first_value(text: str) -> Event | None:
    """The event that begins the text's value; raises SpecError if there is none."""
    events = _Reader("value").events(text)
    return next((event for event in events if isinstance(event, NodeEvent)), None)


def unwanted_in(text: str) -> str | None:
    """The first character that no study may hold; None if there is none."""
    found = _UNWANTED.search(text)
    return None if found is None else found.group()


def _refuse_unwanted(text: str, name: str) -> None:
    found = _UNWANTED.search(text)
    if found is None:
        return
    before = text[: found.start()]
    mark = Mark(before.count("\n") + 1, found.start() - before.rfind("\n"))
    raise SpecError(
        f"the character U+{ord(found.group()):04X} is a control character, which a study file may not hold",
        remedy="Delete it; editors can show such characters.",
        where=f"{name}:{mark.line}:{mark.column}",
    )


def _values(node: Node, known: dict[int, Any]) -> Any:
    """The plain values of a node; what an alias repeats is built once."""
    if not isinstance(node, (Mapped, Listed)):
        return node.value
    if id(node) not in known:
        children = {part: _values(child, known) for part, (_, _, child) in node.children.items()}
        known[id(node)] = children if isinstance(node, Mapped) else list(children.values())
    return known[id(node)]


class _Reader:
    """Builds nodes from PyYAML's events, with a list of open collections in the place of recursion."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.open: list[Node] = []
        self.anchors: dict[str, Node] = {}
        self.root: Node | None = None
        self.count = 0

    def read(self, text: str) -> Node:
        """The root of the one document in `text`."""
        for event in self.events(text):
            self._take(event)
        if self.root is None:
            raise SpecError(
                "the file holds no study: it is empty or has nothing but comments",
                remedy="`gss init NAME` writes a study file to start from.",
                where=f"{self.name}:1:1",
            )
        return self.root

    def events(self, text: str) -> Iterator[Event]:
        """What PyYAML finds in `text`; raises SpecError if this is no YAML."""
        parser = _Parser(text)
        try:
            while parser.check_event():
                yield parser.get_event()
        except yaml.YAMLError as fault:
            problem, remedy, line, column = advice(fault, text)
            if "nesting depth" in problem:  # PyYAML from 6.0.4 on counts too, and ahead of its events
                problem, remedy = _TOO_DEEP
            raise SpecError(problem, remedy=remedy, where=f"{self.name}:{line}:{column}") from None
        except RecursionError:
            raise self._refuse(Mark(1, 1), *_TOO_DEEP) from None
        finally:
            parser.dispose()

    def _take(self, event: Event) -> None:
        match event:
            case DocumentStartEvent():
                self._start_document(event)
            case AliasEvent():
                self._alias(event)
            case ScalarEvent():
                self._scalar(event)
            case MappingStartEvent() | SequenceStartEvent():
                self._open(event)
            case MappingEndEvent() | SequenceEndEvent():
                self._close()
            case _:
                pass  # the stream's start and end, a document's end

    def _start_document(self, event: Event) -> None:
        if self.root is not None:
            remedy = "Keep one study in one file, and delete the line `---`."
            raise self._refuse(_mark(event), "a second YAML document begins here", remedy)

    def _alias(self, event: AliasEvent) -> None:
        mark, name = _mark(event), event.anchor or ""
        node = self.anchors.get(name)
        if node is None:
            remedy = f"Write `&{name}` before the value that is meant, or put the text in quotes."
            raise self._refuse(mark, f"the alias *{name} points to nothing", remedy)
        if any(node is around for around in self.open):
            raise self._refuse(mark, f"the alias *{name} stands inside the value it repeats", "Write the value out.")
        self._place(node, mark, own=0)

    def _scalar(self, event: ScalarEvent) -> None:
        self._refuse_tag(event)
        mark = _mark(event)
        parent = self.open[-1] if self.open else None
        if isinstance(parent, Mapped) and parent.key is None:
            parent.key = (self._key(event, parent), mark)
            return
        node = Node(mark, value=self._value(event), characters=len(event.value), anchor=event.anchor)
        self._name(node)
        self._place(node, mark, own=1)

    def _open(self, event: MappingStartEvent | SequenceStartEvent) -> None:
        self._refuse_tag(event)
        mark = _mark(event)
        parent = self.open[-1] if self.open else None
        if isinstance(parent, Mapped) and parent.key is None:
            remedy = "Write `key: value` with a text for the key; a text in braces needs quotes."
            raise self._refuse(mark, "a list or mapping stands where a key is expected", remedy)
        if len(self.open) >= MAX_DEPTH:
            raise self._refuse(mark, *_TOO_DEEP)
        kind = Mapped if isinstance(event, MappingStartEvent) else Listed
        self.open.append(kind(mark, anchor=event.anchor))
        self._name(self.open[-1])

    def _close(self) -> None:
        node = self.open.pop()
        self._place(node, node.mark, own=node.own)

    def _name(self, node: Node) -> None:
        if node.anchor is not None:
            self.anchors[node.anchor] = node

    def _place(self, node: Node, mark: Mark, *, own: int) -> None:
        if not self.open:
            self.root = node
            return
        parent = self.open[-1]
        part: str | int = len(parent.children)
        key_mark = mark
        if isinstance(parent, Mapped) and parent.key is not None:
            part, key_mark = parent.key
            parent.key, parent.characters = None, parent.characters + len(part)
        parent.children[part] = (key_mark, mark, node)
        parent.size += node.size
        parent.own += own
        parent.characters += node.characters
        parent.height = max(parent.height, node.height + 1)
        if len(self.open) + node.height > MAX_DEPTH:
            raise self._refuse(mark, *_TOO_DEEP)
        self._refuse_bulk(parent, mark)

    def _refuse_bulk(self, node: Node, mark: Mark) -> None:
        too_many = node.size > MAX_NODES or node.characters > MAX_CHARACTERS
        if too_many or node.size - node.own > MAX_REPEATED:
            remedy = "Write the study with fewer aliases (`*name`), which repeat whole parts of it."
            raise self._refuse(mark, "the study becomes too large here once its aliases are written out", remedy)

    def _key(self, event: ScalarEvent, parent: Node) -> str:
        key, mark = event.value, _mark(event)
        if _is_plain(event) and key == "<<":
            raise self._refuse(mark, "merge keys (`<<`) are not read", "Write the keys out.")
        if not isinstance(self._value(event), str):
            raise self._refuse(
                mark, f"the key {key or '(nothing)'} is not a text", f'Put it in quotes: "{key or "..."}".'
            )
        if key in parent.children:
            first = parent.children[key][0].line
            remedy = f"Keep one of the two; the other is on line {first}."
            raise self._refuse(mark, f"the key {key!r} appears twice in one mapping", remedy)
        return key

    def _value(self, event: ScalarEvent) -> Any:
        text = event.value
        found = _UNWANTED.search(text)
        if found is not None:
            problem = f"this text holds the control character U+{ord(found.group()):04X}, written as an escape"
            raise self._refuse(_mark(event), problem, "Delete the escape.")
        if not _is_plain(event):
            return text
        if text.lower() in _WORDS:
            return _WORDS[text.lower()]
        if _INT.fullmatch(text) or _FLOAT.fullmatch(text) or _NO_NUMBER.fullmatch(text):
            return self._number(event)
        return text

    def _number(self, event: ScalarEvent) -> int | float:
        text = event.value.replace("_", "")
        if _INT.fullmatch(text):
            if len(text) > len(str(MAX_INT)) + 1 or abs(int(text)) > MAX_INT:
                remedy = "Write a smaller number, or put it in quotes if it is a text."
                raise self._refuse(_mark(event), f"a whole number may be at most {MAX_INT}", remedy)
            return int(text)
        value = math.inf if _NO_NUMBER.fullmatch(text) else float(text)
        if not math.isfinite(value):
            remedy = "Write a finite number, or put it in quotes if it is a text."
            raise self._refuse(_mark(event), f"{event.value} is not a finite number", remedy)
        return value

    def _refuse_tag(self, event: NodeEvent) -> None:
        tag = getattr(event, "tag", None)
        if tag is not None:
            shown = tag.replace("tag:yaml.org,2002:", "!!")
            remedy = "Delete it: a study file holds plain values only. A text that begins with `!` needs quotes."
            raise self._refuse(_mark(event), f"YAML tags such as {shown} are not read", remedy)

    def _refuse(self, mark: Mark, problem: str, remedy: str) -> SpecError:
        return SpecError(problem, remedy=remedy, where=f"{self.name}:{mark.line}:{mark.column}")


_TOO_DEEP: Final = (f"this is nested more than {MAX_DEPTH} levels deep", "Write it flatter.")


def _is_plain(event: ScalarEvent) -> bool:
    return bool(event.implicit[0]) and not event.style


def _mark(event: Event) -> Mark:
    mark = event.start_mark
    return Mark(1, 1) if mark is None else Mark(mark.line + 1, mark.column + 1)
