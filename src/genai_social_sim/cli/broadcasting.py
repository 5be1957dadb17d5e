"""With `--broker redis://...`: what is said in a run is also published on the broker, while it is said."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import urlsplit

from genai_social_sim.broadcast.connection import SCHEMES
from genai_social_sim.cli import out
from genai_social_sim.domain.visible import visible
from genai_social_sim.engine.clock import SystemClock
from genai_social_sim.ports import Observer


@contextmanager
def broadcasting(broker: str | None, *, run: str) -> Iterator[Sequence[Observer]]:
    """An observer that publishes, if there is a broker with channels; says in the end what it could not get rid of."""
    if broker is None or urlsplit(broker).scheme not in SCHEMES:
        yield ()
        return
    from genai_social_sim.broadcast.publishing import Publisher

    publisher = Publisher(broker, run=run, clock=SystemClock())
    try:
        yield (publisher,)
    finally:
        if left := publisher.close():
            why = visible(publisher.away or "it was slow", keep="")
            sys.stderr.write(f"warning: {out.number_of(left, 'message')} did not reach the broker ({why})\n")
