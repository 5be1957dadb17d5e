"""The one place that tells the time."""

from __future__ import annotations

import time


class SystemClock:
    """The machine's clocks."""

    now = staticmethod(time.time)  # seconds since the epoch, UTC
    elapsed = staticmethod(time.monotonic)  # seconds on a clock that never goes back
