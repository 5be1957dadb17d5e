"""Societies of language-model agents that talk to each other, recorded so that every run can be proved.

>>> from genai_social_sim import Study
>>> run = Study.load("study.yaml").run(seed=7)  # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from genai_social_sim.analysis.measure import measure
    from genai_social_sim.analysis.registry import offer_measure
    from genai_social_sim.api.comparing import compare
    from genai_social_sim.api.exporting import export_runs
    from genai_social_sim.api.report import pictures, write_report
    from genai_social_sim.api.run import ReplayVerdict, Run
    from genai_social_sim.api.study import Study
    from genai_social_sim.errors import SocialSimError
    from genai_social_sim.eventlog.verification import Verdict
    from genai_social_sim.ports import Answer, LanguageModel, Observer, Request
    from genai_social_sim.study.own_protocols import offer_protocol

__all__ = [
    "Answer",
    "LanguageModel",
    "Observer",
    "ReplayVerdict",
    "Request",
    "Run",
    "SocialSimError",
    "Study",
    "Verdict",
    "compare",
    "export_runs",
    "measure",
    "offer_measure",
    "offer_protocol",
    "pictures",
    "write_report",
]

_HOMES: Final = {
    "Answer": "ports",
    "LanguageModel": "ports",
    "Observer": "ports",
    "ReplayVerdict": "api.run",
    "Request": "ports",
    "Run": "api.run",
    "SocialSimError": "errors",
    "Study": "api.study",
    "Verdict": "eventlog.verification",
    "compare": "api.comparing",
    "export_runs": "api.exporting",
    "measure": "analysis.measure",
    "offer_measure": "analysis.registry",
    "offer_protocol": "study.own_protocols",
    "pictures": "api.report",
    "write_report": "api.report",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used, so that importing the package does nothing else."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """The public names, for completion in notebooks."""
    return sorted(__all__)
