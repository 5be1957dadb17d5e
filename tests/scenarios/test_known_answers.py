"""What theory says of rule-based agents comes out of the engine and its record; `make validate` has more runs of it."""

from __future__ import annotations

import pytest
from validation.cases import CASES, LONG
from validation.findings import table


@pytest.mark.parametrize("name", [name for name in CASES if name not in LONG])
def test_a_known_answer_comes_out(name: str) -> None:
    wrong = [finding for finding in CASES[name](quick=True) if not finding.ok]
    assert not wrong, table(wrong)
