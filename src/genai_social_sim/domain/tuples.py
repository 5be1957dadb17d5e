"""Named tuples where they are made for every turn: see decision note 17."""

from __future__ import annotations

from typing import Final

# make(Kind, (first, second, ...)) is Kind(first, second, ...) in a third of the time: without defaults, names or a call
# of Python code. Every field has to be there, in order.
make: Final = tuple.__new__
