"""The methods appendix, from what was collected of runs."""

from __future__ import annotations

from genai_social_sim.domain.origin import Assignment, Origin
from genai_social_sim.report.collecting import Calls, Told
from genai_social_sim.report.methods import methods


def test_failures_are_told_by_condition_those_of_questions_aside_with_them() -> None:
    calm, alarm = (
        Told(label=name, origin=Origin(assignment=Assignment(condition=name)), run={"turns": 20})
        for name in ("calm", "alarm")
    )
    calm.silences = {"unreadable": 3}
    calm.calls = Calls(failed=2)
    calm.probes = {"stance": {"1": 5, "(unreadable)": 2}, "why": {"(free text)": 6, "(timeout)": 1}}
    (part,) = [part for part in methods([calm, alarm]) if part.heading == "Failures and parsing"]
    assert [tuple(fact) for fact in part.facts] == [
        (
            "calm",
            "of 20 turns silent: unreadable 3; attempts that failed: 2; of 14 questions aside without an answer: "
            "timeout 1, unreadable 2",
        ),
        ("alarm", "of 20 turns silent: none; attempts that failed: 0"),
    ]
