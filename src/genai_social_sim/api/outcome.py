"""What became of the runs of a design that were to be played."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from genai_social_sim.api.planned import Planned
from genai_social_sim.errors import EmptyRecordError, RecordError, SocialSimError
from genai_social_sim.eventlog.reader import SqliteReader

_NAMED: Final = 5  # reasons in the words of one error


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Why a run was not finished, as the error that ended it said."""

    code: str
    problem: str
    where: str = ""
    remedy: str = ""

    @classmethod
    def of(cls, error: BaseException) -> Fault:
        """What an error says; one that nobody foresaw is told by its kind."""
        if isinstance(error, SocialSimError):
            return cls(code=error.code, problem=error.problem, where=error.where, remedy=error.remedy)
        words = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        return cls(code="unexpected", problem=f"something unexpected happened ({words})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Where a run stands now; `status` is empty if there is no record of it. `fault`: why it is not finished."""

    planned: Planned
    status: str
    turns: int = 0
    digest: str = ""
    fault: Fault | None = None


def standing(planned: Planned, fault: Fault | None = None) -> Outcome:
    """As its record says."""
    try:
        reader = SqliteReader(planned.path)
    except RecordError as error:
        unknown = None if isinstance(error, EmptyRecordError) or not planned.path.exists() else Fault.of(error)
        return Outcome(planned=planned, status="", fault=fault or unknown)
    try:
        head = reader.head()
        return Outcome(
            planned=planned, status=reader.standing(), turns=head.turns, digest=head.digest.hex(), fault=fault
        )
    except EmptyRecordError:
        return Outcome(planned=planned, status="", fault=fault)
    finally:
        reader.close()


class UnfinishedError(SocialSimError):
    """Some runs of a design are not finished. `outcomes` are those of all runs, finished ones included."""

    code = "unfinished"

    def __init__(self, outcomes: Sequence[Outcome]) -> None:
        missing = [outcome for outcome in outcomes if outcome.status != "finished"]
        super().__init__(
            f"{len(missing)} of {len(outcomes)} runs are not finished",
            where="\n".join(_reasons(missing)),
            remedy="Do the same again to go on; what is finished is left as it is.",
        )
        self.outcomes = tuple(outcomes)


def _reasons(missing: Sequence[Outcome]) -> Iterator[str]:
    """Each reason once, with the first run that has it."""
    having: dict[str, list[Outcome]] = {}
    for outcome in missing:
        fault = outcome.fault
        words = f"{fault.problem}. {fault.remedy}".removesuffix(" ") if fault else outcome.status or "not begun"
        having.setdefault(words, []).append(outcome)
    for words, outcomes in [*having.items()][:_NAMED]:
        more = f" and {len(outcomes) - 1:,} more" if len(outcomes) > 1 else ""
        yield f"{outcomes[0].planned.path}{more}: {words}"
    if len(having) > _NAMED:
        yield f"{len(having) - _NAMED:,} further reasons"
