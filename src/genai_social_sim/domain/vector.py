"""A frozen sequence whose changed copies share all but a few short tuples with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, Final, Generic, TypeVar

T = TypeVar("T")
_BITS: Final = 5
_WIDTH: Final = 1 << _BITS


class Vector(Generic[T]):
    """A trie of tuples of 32: reading and `replaced` take time in proportion to log32 of the length.

    Make it with `Vector.of`.
    """

    __slots__ = ("_length", "_root", "_shift")

    def __init__(self, length: int, shift: int, root: tuple[Any, ...]) -> None:
        self._length = length
        self._shift = shift
        self._root = root

    @classmethod
    def of(cls, items: Iterable[T]) -> Vector[T]:
        """Hold `items` in their order."""
        level: tuple[Any, ...] = tuple(items)
        length, shift = len(level), 0
        while len(level) > _WIDTH:
            level = tuple([level[at : at + _WIDTH] for at in range(0, len(level), _WIDTH)])
            shift += _BITS
        return Vector(length, shift, level)

    def __reduce__(self) -> tuple[type[Vector[T]], tuple[int, int, tuple[Any, ...]]]:
        """What copies are made from; a compiled class has no other way."""
        return Vector, (self._length, self._shift, self._root)

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[T]:
        items = iter(self._root)
        for _ in range(0, self._shift, _BITS):
            items = chain.from_iterable(items)
        return items

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Vector):
            return NotImplemented
        return self._length == other._length and self._root == other._root

    def __hash__(self) -> int:
        return hash(self._root)

    def __getitem__(self, at: int) -> T:
        if not 0 <= at < self._length:
            raise IndexError(at)
        node, shift = self._root, self._shift
        while shift:
            node = node[(at >> shift) & (_WIDTH - 1)]
            shift -= _BITS
        item: T = node[at & (_WIDTH - 1)]
        return item

    def replaced(self, at: int, item: T) -> Vector[T]:
        """A copy with `item` at `at`; raises IndexError outside."""
        if not 0 <= at < self._length:
            raise IndexError(at)
        root, shift = self._root, self._shift
        new = _put(root, shift, at, item) if shift else (*root[:at], item, *root[at + 1 :])
        return Vector(self._length, shift, new)

    def replaced_all(self, items: Mapping[int, T]) -> Vector[T]:
        """A copy with several items in their places, quicker than one by one; raises IndexError outside."""
        if items and not 0 <= min(items) <= max(items) < self._length:
            raise IndexError(max(items))
        root, shift = self._root, self._shift
        return Vector(self._length, shift, _put_all(root, shift, items) if items else root)

    def appended(self, item: T) -> Vector[T]:
        """A copy with `item` after the last one."""
        root, shift, length = self._root, self._shift, self._length
        if length < _WIDTH << shift:
            return Vector(length + 1, shift, _grown(root, shift, length, item))
        return Vector(length + 1, shift + _BITS, (root, _grown((), shift, length, item)))


def _put(node: tuple[Any, ...], shift: int, at: int, item: object) -> tuple[Any, ...]:
    slot = (at >> shift) & (_WIDTH - 1)
    new = _put(node[slot], shift - _BITS, at, item) if shift else item
    return (*node[:slot], new, *node[slot + 1 :])


def _put_all(node: tuple[Any, ...], shift: int, items: Mapping[int, object]) -> tuple[Any, ...]:
    new, last = list(node), _WIDTH - 1
    if not shift:
        for at, item in items.items():
            new[at & last] = item
        return tuple(new)
    slots: dict[int, dict[int, object]] = {}
    for at, item in items.items():
        slots.setdefault((at >> shift) & last, {})[at] = item
    for slot, those in slots.items():
        new[slot] = _put_all(node[slot], shift - _BITS, those)
    return tuple(new)


def _grown(node: tuple[Any, ...], shift: int, at: int, item: object) -> tuple[Any, ...]:
    if not shift:
        return (*node, item)
    slot = (at >> shift) & (_WIDTH - 1)
    return (*node[:slot], _grown(node[slot] if slot < len(node) else (), shift - _BITS, at, item))
