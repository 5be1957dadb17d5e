"""What to worry about before believing a result: read off the record, with the numbers. It judges no study."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from genai_social_sim.report.collecting import Series, Told, summed
from genai_social_sim.report.labels import preferred

_LOW_MASS: Final = 0.5
_ONE_SIDED: Final = 0.9
_AS_WANTED: Final = ("passed", "muted", "absent", "wordless")  # silences that no failure stands behind
_LOOP: Final = 4
_FEW: Final = 5  # runs of a condition
_SHARE: Final = 0.02


class Worry(NamedTuple):
    """What it is, in a few words, and the facts with what to do about them."""

    what: str
    facts: str


def worries(conditions: Mapping[str, Sequence[Told]]) -> list[Worry]:
    """All that these runs give reason for; none is good news, not a proof."""
    return [worry for rule in _RULES for worry in rule(conditions)]


def _runs(conditions: Mapping[str, Sequence[Told]]) -> list[Told]:
    return [run for those in conditions.values() for run in those]


def different_studies(conditions: Mapping[str, Sequence[Told]]) -> Iterator[Worry]:
    """Runs that have the same name of a condition, or none, and are of studies that are not the same."""
    studies: dict[str, dict[str, str]] = {}  # of each name: one run of each study
    for run in _runs(conditions):
        if run.origin.parent is None:
            studies.setdefault(run.condition, {}).setdefault(run.study_digest, run.label)
    for name, those in studies.items():
        if len(those) > 1:
            told = ", ".join([f"{digest[:8]} (such as {label})" for digest, label in [*those.items()][:_FEW]])
            more = f" and {len(those) - _FEW} more" if len(those) > _FEW else ""
            yield Worry(
                "Runs of different studies",
                f"{name or 'Runs without a condition'}: {len(those)} studies, told apart by their digests: "
                f"{told}{more}. They are no replicates of each other. `gss diff` of two runs says where they part; for "
                "a report on one study name its runs alone.",
            )


def _unfinished(conditions: Mapping[str, Sequence[Told]]) -> Iterator[Worry]:
    found = [run for run in _runs(conditions) if run.run.get("status") != "finished"]
    if found:
        named = ", ".join([f"{run.label} ({run.run.get('status')})" for run in found[:5]])
        more = f" and {len(found) - 5} more" if len(found) > 5 else ""  # noqa: PLR2004 (those that are named)
        yield Worry(f"{len(found)} runs are not finished", f"{named}{more}. Finish them: run the study again.")


def _few_runs(conditions: Mapping[str, Sequence[Told]]) -> Iterator[Worry]:
    few = {name or "all runs": len(those) for name, those in conditions.items() if len(those) < _FEW}
    if few:
        named = ", ".join([f"{name}: {count}" for name, count in few.items()])
        yield Worry(
            "Few runs",
            f"The run is the unit of every interval here, and there are few of them ({named}). Add replicates.",
        )


def _failures(conditions: Mapping[str, Sequence[Told]]) -> Iterator[Worry]:
    rows = []
    for name, those in conditions.items():
        turns = sum(int(run.run.get("turns") or 0) for run in those)
        causes = summed(run.silences for run in those)
        failed = {cause: count for cause, count in causes.items() if cause not in _AS_WANTED}
        if turns and sum(failed.values()) / turns > _SHARE:
            told = ", ".join([f"{cause} {count:,}" for cause, count in failed.items()])
            rows.append(f"{name or 'all runs'}: {sum(failed.values()) / turns:.1%} of {turns:,} turns ({told})")
    if rows:
        yield Worry(
            "Turns without an answer", "; ".join(rows) + ". If conditions differ in this, what differs may be that."
        )


def _truncated(conditions: Mapping[str, Sequence[Told]]) -> Iterator[Worry]:
    answered = sum(run.calls.answered for run in _runs(conditions))
    cut = sum(run.calls.truncated for run in _runs(conditions))
    if answered and cut / answered > 0.2:  # noqa: PLR2004 (a fifth)
        yield Worry("Answers cut off", f"{cut / answered:.0%} of {answered:,} answers ended at max_tokens. Raise it.")


def _legal_mass(conditions: Mapping[str, Sequence[Told]]) -> Iterator[Worry]:
    known = sum(run.calls.legal for run in _runs(conditions))
    if not known:
        return
    mean = sum(run.calls.legal_mass for run in _runs(conditions)) / known
    low = sum(run.calls.low_mass for run in _runs(conditions)) / known
    if mean < _LOW_MASS:
        yield Worry(
            "Low legal mass",
            f"Before it was held to the options, the model gave them {mean:.1%} of its probability on average, and "
            f"less than a tenth in {low:.0%} of {known:,} choices: mostly it wanted to say something else.",
        )


def _one_sided(conditions: Mapping[str, Sequence[Told]]) -> Iterator[Worry]:
    counts = summed(run.choices for run in _runs(conditions))
    whole = sum(counts.values())
    most = max(counts, key=lambda name: counts[name], default="")
    if len(counts) > 1 and counts[most] / whole > _ONE_SIDED:
        yield Worry(
            "One answer nearly always",
            f"{most!r} is {counts[most] / whole:.0%} of {whole:,} choices. That may be a prior of the label or of its "
            "place: shuffle options and labels, and compare with a null arm without interaction.",
        )


def _labels(conditions: Mapping[str, Sequence[Told]]) -> Iterator[Worry]:
    """By condition: runs of several conditions have their seeds in common, and so the letters that were drawn."""
    for name, those in conditions.items():
        for found in preferred(those):
            yield Worry(
                "A letter is preferred",
                f"{f'{name}, ' if name else ''}{found.place.name}: {found.letter} is {found.share:.0%} of "
                f"{found.whole:,} answers. Which of {found.place.options} options it stands for is drawn each time, so "
                f"that {1 / found.place.options:.0%} would be chance: a part of the choices went by the letter.",
            )


def _loops(conditions: Mapping[str, Sequence[Told]]) -> Iterator[Worry]:
    for name, what in (("longest_echo_loop", "Echo loops"), ("longest_gratitude_loop", "Loops of thanks")):
        found = [value for run in _runs(conditions) if (value := run.whole.get(Series(name, None))) is not None]
        long = [value for value in found if value >= _LOOP]
        if long:
            words = f"{len(long)} of {len(found)} runs have {_LOOP} or more of these in a row, up to {max(long):g}."
            yield Worry(what, words + " From there on the conversation says nothing about the question.")


def _same(conditions: Mapping[str, Sequence[Told]]) -> Iterator[Worry]:
    for name, those in conditions.items():
        digests = [str(run.run.get("digest")) for run in those]
        if len(digests) > len(set(digests)):
            words = "Replicates with one digest are one observation, whatever n says."
            yield Worry("Runs that are the same", f"{name or 'all runs'}: {words}")


def _alike(conditions: Mapping[str, Sequence[Told]]) -> Iterator[Worry]:
    """Agents that differ no more than chance would have it: in what they state or, without statements, in length."""
    found: dict[Series, list[float]] = {}
    for run in _runs(conditions):
        for series, value in run.whole.items():
            if series.measure in _VARIANCES:
                found.setdefault(series, []).append(value)
    stated = [series for series in found if series.measure == _VARIANCES[0]]
    for series in stated or found:
        share = sum(found[series]) / len(found[series])
        if share < _ALIKE:
            yield Worry(
                "Low variance between agents",
                f"{series.words}: {max(0.0, share):.1%} on average over {len(found[series])} runs, chance taken off. "
                "Who speaks makes hardly a difference: personas may not be heeded, and the agents may be one voice.",
            )


_VARIANCES: Final = ("opinion_variance_between_agents", "length_variance_between_agents")
_ALIKE: Final = 0.05
LOOKED_FOR: Final = (
    "runs of different studies, unfinished or few runs, replicates with one digest, turns without an answer, answers "
    f"cut off, legal mass below {_LOW_MASS:.0%}, one answer above {_ONE_SIDED:.0%}, a drawn letter answered oftener "
    f"than chance has it, loops of echo and thanks, less than {_ALIKE:.0%} of variance between agents"
)
_RULES: Final[tuple[Callable[[Mapping[str, Sequence[Told]]], Iterator[Worry]], ...]] = (
    different_studies,
    _unfinished,
    _few_runs,
    _failures,
    _truncated,
    _legal_mass,
    _one_sided,
    _labels,
    _loops,
    _alike,
    _same,
)
