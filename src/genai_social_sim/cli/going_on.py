"""What a session that goes on with a run does otherwise than the one before: said, never silently so."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from genai_social_sim.api.run import Run
from genai_social_sim.cli import out
from genai_social_sim.domain.events import SessionStarted
from genai_social_sim.engine.budget import Budget
from genai_social_sim.errors import RequestError
from genai_social_sim.study.document import BudgetDoc

_LIMITS = "tokens=1000000, time=2h or cost=5"


def budget_of(limits: Sequence[str]) -> Budget | None:
    """The budget that `LIMIT=VALUE` words give; None without any. Raises RequestError."""
    if not limits:
        return None
    given: dict[str, Any] = {}
    for limit in limits:
        name, _, value = limit.partition("=")
        if name not in BudgetDoc.model_fields or not value:
            raise RequestError(f"--budget {limit} names no limit", remedy=f"Write {_LIMITS}.")
        given[name] = yaml.safe_load(value)
    try:
        document = BudgetDoc.model_validate(given)
    except (ValidationError, ValueError) as fault:
        raise RequestError(f"--budget {' '.join(limits)} is none", remedy=f"Write {_LIMITS}.") from fault
    return Budget(tokens=document.tokens, seconds=document.time, cost=document.cost)


def departures(run: Run, path: Path, *, hands_out: bool, limited: bool) -> list[str]:
    """What is other than in the last session of a run, each with the command that leaves it as it was."""
    about = _last(run)
    found = []
    if "broker" in about and not hands_out:
        url = str(about["broker"].get("url", ""))
        again = ("--broker", url, "--workers", "0") if "://" in url else ("--workers", "4")
        where = f"over {url}" if "://" in url else "to workers of its machine"
        found.append(
            f"the last session handed out its turns {where}; in this one this process answers. "
            f"As before: {out.command('gss resume', path, *again)}"
        )
    before: Mapping[str, Any] = about.get("settings", {}).get("budget", {})
    if before and not limited:
        words = [word for name, value in before.items() for word in ("--budget", f"{name}={value}")]
        found.append(
            f"the last session had a budget; this one has none. As before: {out.command('gss resume', path, *words)}"
        )
    return found


def _last(run: Run) -> dict[str, Any]:
    sessions = [each.event for each in run.events() if isinstance(each.event, SessionStarted)]
    about: dict[str, Any] = json.loads(sessions[-1].about.value) if sessions else {}
    return about
