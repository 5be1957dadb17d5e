"""In which of its two shapes the package runs: see decision note 75."""

from __future__ import annotations

from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import find_spec


def is_compiled() -> bool:
    """Whether the modules that every turn goes through were compiled."""
    spec = find_spec("genai_social_sim.kernel.run")
    return spec is not None and str(spec.origin).endswith(tuple(EXTENSION_SUFFIXES))
