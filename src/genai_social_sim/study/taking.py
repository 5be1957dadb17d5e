"""Takes values out of a YAML text one by one, so that it is known in the end what was wrong and what nobody took."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeVar

from pydantic_core import PydanticCustomError

from genai_social_sim.study.refusals import Problem, described, refused, shown
from genai_social_sim.study.source import Path, Source

T = TypeVar("T")
_MAPPING: Final = "a mapping (lines of `key: value`)"


class Taking:
    """One text. What is of a wrong type counts as absent until `finish` refuses it all at once."""

    def __init__(self, source: Source) -> None:
        self._values = source.values
        self._marks = source.marks
        self._taken: set[Path] = set()
        self._problems: list[Problem] = []
        self.warnings: list[str] = []  # about what is left out

    def finish(self) -> None:
        """Raises SpecError with all that was wrong."""
        if self._problems:
            raise refused(self._problems, self._marks)

    def wrong(self, path: Path, text: str, remedy: str, *, at_key: bool = False) -> None:
        """Note a problem."""
        self._problems.append(Problem(path, text, remedy, at_key))

    def left_out(self, path: Path, reason: str) -> None:
        """Note that something is not taken over."""
        self.warnings.append(f"{self._marks.where(path, key=True)}: {shown(path)}: {reason}")

    def has(self, *path: str) -> bool:
        """Whether something other than nothing stands there."""
        return self._at(path) is not None

    def holds_text(self, *path: str) -> bool:
        """Whether a text stands there."""
        return isinstance(self._at(path), str)

    def holds_mapping(self, *path: str) -> bool:
        """Whether a mapping stands there."""
        return isinstance(self._at(path), dict)

    def take(self, *path: str) -> Any:
        """Whatever stands there, with all that is in it; None if nothing does."""
        self._taken.add(path)
        return self._at(path)

    def keys(self, *path: str) -> list[str]:
        """The keys of a mapping, in their order; none if there is none."""
        found = self._at(path)
        if found is None or found == {}:
            self._taken.add(path)
            return []
        if not isinstance(found, dict):
            self._taken.add(path)
            self.wrong(path, f"found {described(found)} where {_MAPPING} is expected", "Write lines of `key: value`.")
            return []
        return list(found)

    def texts(self, *path: str) -> list[str] | None:
        """A list of texts, or one; None if nothing stands there."""
        found = self.take(*path)
        if found is None:
            return None
        items = [found] if isinstance(found, str) else found
        if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
            self.wrong(path, f"found {described(found)} where a list of texts is expected", 'Write ["one", "two"].')
            return None
        return items

    def text(self, *path: str) -> str | None:
        """A text with something in it; None if nothing stands there."""
        found = self.take(*path)
        if found is not None and not isinstance(found, str):
            self.wrong(path, f"found {described(found)} where a text is expected", "Write a text, in quotes.")
            return None
        return found

    def number(self, *path: str, low: float, high: float) -> float | None:
        """A number within bounds; None if nothing stands there."""
        found = self.take(*path)
        if found is None:
            return None
        if isinstance(found, bool) or not isinstance(found, (int, float)):
            self.wrong(path, f"found {described(found)} where a number is expected", "Write a number, without quotes.")
            return None
        if not low <= found <= high:
            self.wrong(path, f"{found} is out of range", f"Write a number from {low:g} to {high:g}.")
            return None
        return found

    def whole(self, *path: str, low: int, high: int) -> int | None:
        """A whole number within bounds; None if nothing stands there."""
        found = self.number(*path, low=low, high=high)
        if found is not None and not isinstance(found, int):
            self.wrong(path, f"found {described(found)} where a whole number is expected", f"Write {round(found)}.")
            return None
        return found

    def checked(self, check: Callable[[T], T], value: T, path: Path, *, at_key: bool = False) -> T:
        """`value`, after noting what a word's check has against it."""
        try:
            return check(value)
        except PydanticCustomError as fault:
            context: Mapping[str, Any] = fault.context or {}
            self.wrong(path, str(context["problem"]), str(context["remedy"]), at_key=at_key)
            return value

    def left(self) -> Iterator[Path]:
        """Where values stand that nobody took, in the order of the text."""
        return self._left((), self._values)

    def _left(self, path: Path, value: Any) -> Iterator[Path]:
        if path in self._taken:
            return
        if isinstance(value, dict) and value:
            for key, inner in value.items():
                yield from self._left((*path, key), inner)
        elif path:
            yield path

    def _at(self, path: Path) -> Any:
        value = self._values
        for part in path:
            if not isinstance(value, dict) or part not in value:
                return None
            value = value[part]
        return value
