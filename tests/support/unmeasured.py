"""A plugin of pytest with which coverage is not measured where it doubles the time and reaches little that is new.

`make coverage` goes without it and measures everywhere.
"""

from __future__ import annotations

import pytest

_UNMEASURED = ("tests/laws/", "tests/scenarios/test_kill.py", "tests/scenarios/test_known_answers.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.nodeid.startswith(_UNMEASURED) or item.get_closest_marker("slow"):
            item.add_marker("no_cover")
