"""From the design of a study to its conditions, each a study of its own, and to the seeds of their replicates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from genai_social_sim.domain.dice import Dice
from genai_social_sim.errors import RequestError, SpecError
from genai_social_sim.study.design import NULL_FACTOR, ConditionDoc, FactorDoc, NullArmDoc, arm_name
from genai_social_sim.study.document import StudyDoc
from genai_social_sim.study.loading import LoadedStudy, checked
from genai_social_sim.study.null_arms import as_null_arm
from genai_social_sim.study.overriding import path_of, with_value, without_key
from genai_social_sim.study.refusals import Problem, listed, refused
from genai_social_sim.study.shape import spot_at
from genai_social_sim.study.source import Marks, Path

DESIGN_KEYS: Final = ("factors", "conditions", "null_arms", "replicates", "seeds")
_FIXED: Final = (*DESIGN_KEYS, "name", "seed")  # what is the same in all conditions
AS_WRITTEN: Final = "as_written"  # the condition that null arms alone are compared with
_SEEDS: Final = 2**53  # whole numbers below are exact in every program that reads them


@dataclass(frozen=True, slots=True)
class Condition:
    """A variant of a study: the study with some values changed, and without a design."""

    name: str
    levels: Mapping[str, str]
    study: LoadedStudy


class _Change(NamedTuple):
    """A value for a path, as it is written; `at`: where the study file says so, `of` the path and of the value."""

    path: str
    value: Any
    at: tuple[Path, Path]


class _Choice(NamedTuple):
    """A condition before it is made."""

    name: str
    levels: dict[str, str]
    changes: tuple[_Change, ...]
    null_arm: NullArmDoc | None = None
    at: Path = ()


def has_design(study: StudyDoc) -> bool:
    """Whether a study is more than one run."""
    return bool(study.factors or study.conditions or study.null_arms) or study.replicates > 1


def conditions_of(loaded: LoadedStudy) -> tuple[Condition, ...]:
    """All conditions of a study; one without a name if it has none.

    Raises:
        SpecError: If the values of a factor do not fit into the study; it says where they stand.
    """
    study = loaded.document
    if not has_design(study):
        return (Condition("", {}, loaded),)
    plain = {key: value for key, value in loaded.values.items() if key not in DESIGN_KEYS}
    return tuple([_made(loaded, plain, choice) for choice in _choices(study)])


def seed_of(study: StudyDoc, condition: str, replicate: int, *, seed: int) -> int:
    """The seed of a replicate: of the first one the study's own, else drawn; paired: whatever the condition."""
    if not has_design(study):
        return seed
    if study.seeds == "independent":
        return Dice(seed, "replicate", replicate, condition).below(_SEEDS)
    return Dice(seed, "replicate", replicate).below(_SEEDS) if replicate else seed


def _choices(study: StudyDoc) -> Iterator[_Choice]:
    if study.conditions:
        yield from (_listed(study, index, doc) for index, doc in enumerate(study.conditions))
    elif study.factors or not study.null_arms:
        yield from _crossed(study.factors)
    else:
        yield _Choice(AS_WRITTEN, {}, ())
    for index, arm in enumerate(study.null_arms or ()):
        word = arm_name(arm)
        yield _Choice(f"{NULL_FACTOR}={word}", {NULL_FACTOR: word}, (), arm, ("null_arms", index))


def _crossed(factors: Mapping[str, FactorDoc]) -> Iterator[_Choice]:
    combined: list[dict[str, str]] = [{}]
    for name, factor in factors.items():
        levels = [*(factor.levels if factor.levels is not None else factor.values or {})]
        combined = [
            {**chosen, name: level} if level else chosen
            for chosen in combined
            for level in (levels if _applies(factor, chosen) else [""])
        ]
    for chosen in combined:
        changes = [change for name, level in chosen.items() for change in _changes(name, factors[name], level)]
        yield _Choice(",".join([f"{name}={level}" for name, level in chosen.items()]), chosen, tuple(changes))


def _applies(factor: FactorDoc, chosen: Mapping[str, str]) -> bool:
    return all(chosen.get(name) in levels for name, levels in (factor.within or {}).items())


def _changes(name: str, factor: FactorDoc, level: str) -> Iterator[_Change]:
    at: Path = ("factors", name)
    if factor.levels is not None:
        for path, value in factor.levels[level].items():
            here = (*at, "levels", level, path)
            yield _Change(path, value, (here, here))
    elif factor.values is not None and factor.path is not None:
        place = (*at, "values", level)
        yield _Change(factor.path, factor.values[level], ((*at, "path"), place))


def _listed(study: StudyDoc, index: int, doc: ConditionDoc) -> _Choice:
    changes = [change for name, level in doc.levels.items() for change in _changes(name, study.factors[name], level)]
    for path, value in doc.changes.items():
        here: Path = ("conditions", index, "set", path)
        changes.append(_Change(path, value, (here, here)))
    arm = {} if doc.null_arm is None else {NULL_FACTOR: arm_name(doc.null_arm)}
    return _Choice(doc.name, {**doc.levels, **arm}, tuple(changes), doc.null_arm, ("conditions", index, "null_arm"))


def _made(loaded: LoadedStudy, plain: dict[str, Any], choice: _Choice) -> Condition:
    values, replaced = plain, dict(loaded.marks.replaced)
    for change in choice.changes:
        path = _path(loaded, change, values)
        values = _with(values, path, change.value)
        replaced[path] = loaded.marks.where(_as_written(loaded, change.at[1]))
    if choice.null_arm is not None:
        values, paths = as_null_arm(values, choice.null_arm, loaded, choice.at)
        replaced |= dict.fromkeys(paths, loaded.marks.where(choice.at))
    marks = Marks(loaded.marks.name, loaded.marks.root, replaced)
    try:
        study = checked(values, marks, path=loaded.path, backends=loaded.backends)
    except SpecError as fault:
        places = [place for path, place in replaced.items() if path not in loaded.marks.replaced]
        raise in_condition(fault, choice.name, places) from None
    return Condition(choice.name, choice.levels, study)


def _with(values: Any, path: Path, value: Any) -> Any:
    """`null` leaves a key out, unless it means something there."""
    if value is None:
        kinds = spot_at(path[:-1], values).kinds
        if not any(path[-1] in getattr(kind, "may_be_null", ()) for kind in kinds):
            return without_key(values, path)
    return with_value(values, path, value)


def in_condition(fault: SpecError, name: str, places: Sequence[str] = ()) -> SpecError:
    """A refusal that also says in which condition, and stands at one of `places`: the study itself is in order."""
    words = f"{fault.problem} (in the condition {name})" if name else fault.problem
    where = fault.where if fault.where in places or not places else places[-1]
    return SpecError(words, remedy=fault.remedy, where=where)


def _path(loaded: LoadedStudy, change: _Change, values: Any) -> Path:
    try:
        path = path_of(change.path, values)
    except RequestError as fault:
        raise refused([Problem(change.at[0], fault.problem, fault.remedy)], loaded.marks) from None
    if path[0] in _FIXED:
        text = f"`{path[0]}` is the same in all conditions"
        raise refused([Problem(change.at[0], text, "Vary another part of the study.")], loaded.marks)
    return path


def _as_written(loaded: LoadedStudy, at: Path) -> Path:
    """Where a level stands: one of a list stands at its position."""
    *around, level = at
    factor = loaded.document.factors.get(str(at[1])) if at[0] == "factors" else None
    written = loaded.values["factors"][at[1]].get("values") if factor is not None and around[-1] == "values" else None
    if isinstance(written, list) and factor is not None and factor.values is not None:
        return (*around, [*factor.values].index(str(level)))
    return at


def chosen(conditions: tuple[Condition, ...], only: tuple[str, ...]) -> tuple[Condition, ...]:
    """Those with a name in `only`, or with all parts of one (`framing=alarm` is in `framing=alarm,topology=0.1`).

    Raises:
        RequestError: If one of `only` is in none.
    """
    for wanted in only:
        if not any(_is_meant(condition, wanted) for condition in conditions):
            names = listed([condition.name or "(none)" for condition in conditions])
            raise RequestError(f"there is no condition {wanted!r}", remedy=f"The conditions are: {names}.")
    return tuple([each for each in conditions if not only or any(_is_meant(each, wanted) for wanted in only)])


def _is_meant(condition: Condition, wanted: str) -> bool:
    parts = [part.strip() for part in wanted.split(",")]
    levels = [f"{name}={level}" for name, level in condition.levels.items()]
    return condition.name == wanted or all(part in levels for part in parts)
