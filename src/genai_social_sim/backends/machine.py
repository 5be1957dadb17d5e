"""What machine this is, as far as answers can depend on it."""

from __future__ import annotations

import platform
from pathlib import Path


def processor_name() -> str:
    """The processor's model, by which repeatable inference holds."""
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8") as file:
            return next(line.partition(":")[2].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return f"{platform.machine()} {platform.processor()}".strip()
