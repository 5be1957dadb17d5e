"""What the keys of a run are called in Redis. The braces keep them on one node of a cluster."""

from __future__ import annotations


def offer_name(run: str) -> str:
    """The key of a run's offer."""
    return f"gss:{{{run}}}:offer"


def held_name(run: str) -> str:
    """The key of the items that are handed out."""
    return f"gss:{{{run}}}:held"


def reports_name(run: str) -> str:
    """The stream of what workers send."""
    return f"gss:{{{run}}}:reports"


def streams_name(run: str) -> str:
    """The set of the names of a run's streams of items."""
    return f"gss:{{{run}}}:streams"


def jobs_name(run: str, key: str) -> str:
    """The stream of items for one model."""
    return f"gss:{{{run}}}:jobs:{key}"
