"""A population as written -> its people: documents into distributions, rows out of files, presets into attributes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, cast

from genai_social_sim.domain.arithmetic import ln
from genai_social_sim.domain.distribution import (
    LEAST_SHARE,
    Beta,
    Choice,
    Constant,
    Invertible,
    LogNormal,
    Normal,
    Poisson,
    Scalar,
    Uniform,
    WholeNumber,
    share_between,
)
from genai_social_sim.domain.population import (
    Attribute,
    Copula,
    Filled,
    Grouped,
    People,
    Population,
    Quota,
    Rows,
    Source,
    factor_of,
)
from genai_social_sim.kernel import people
from genai_social_sim.kernel.people import DrawProblem
from genai_social_sim.kernel.templates import TemplateProblem, names_in
from genai_social_sim.study import tables
from genai_social_sim.study.population import (
    AttributeDoc,
    CutDoc,
    FileDoc,
    PopulationDoc,
    WeightedDoc,
)
from genai_social_sim.study.presets import PRESETS
from genai_social_sim.study.refusals import Problem, listed, nearest
from genai_social_sim.study.source import Path as Place
from genai_social_sim.study.tables import TableProblem
from genai_social_sim.study.words import attribute_name

AT: Final = ("population",)


class PopulationProblem(Exception):  # noqa: N818 (carries a problem to where it is refused)
    """One thing that is wrong with a population."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.sentence)
        self.problem = problem


def expanded(population: PopulationDoc) -> PopulationDoc:
    """With what its presets mean written out; its own attributes go before theirs."""
    sources = {name: source for preset in population.presets for name, source in PRESETS[preset].items()}
    attributes = {name: AttributeDoc.model_validate(source) for name, source in sources.items()}
    update = {"presets": (), "attributes": attributes | population.attributes, "persona": persona_of(population)}
    return population.model_copy(update=update)


def persona_of(population: PopulationDoc) -> str:
    """The template of personas; without one, what the presets say."""
    if population.persona is not None:
        return population.persona
    return " ".join([f"{{{{ {name} }}}}" for name in population.presets])


def drawn_people(population: PopulationDoc, seed: int, folder: Path | None) -> People:
    """The people of a population, without presets, as they are drawn by `seed`; raises PopulationProblem.

    Args:
        population: As `expanded` gives it.
        seed: The run's.
        folder: Where files of rows may lie; None for nowhere.
    """
    copula = _copula(population)
    attributes = [
        Attribute(name=name, source=_attribute(population, name, seed, folder), digits=doc.digits)
        for name, doc in sorted(population.attributes.items())
    ]
    _check_names(attributes)
    try:
        return people.people(
            Population(size=population.size, name=population.name, attributes=tuple(attributes), copula=copula), seed
        )
    except DrawProblem as fault:
        at = (*AT, "name") if fault.attribute is None else (*AT, "attributes", fault.attribute)
        raise PopulationProblem(Problem(at, fault.reason, fault.remedy)) from None
    except TemplateProblem as fault:
        raise _wrong((*AT, "name"), f"the template does not work: {fault.reason}", "Write another one.") from None


def table_of(file: FileDoc, place: Place, folder: Path | None) -> tables.Table:
    """The file of a population, checked; raises PopulationProblem."""
    if folder is None:
        raise _wrong(place, "there is no folder in which this file could lie", "Load the study from a file.")
    path = (folder / file.path).resolve()
    if not path.is_relative_to(folder.resolve()):
        remedy = "Put the file beside the study, and name it from there."
        raise _wrong(place, f"the file {file.path!r} lies outside of the study's folder", remedy)
    try:
        table = tables.opened(path)
    except TableProblem as fault:
        raise _wrong(place, fault.reason, fault.remedy) from None
    if file.sha256 not in (None, table.sha256):
        remedy = f"Put the right file there, or write `sha256: {table.sha256}`."
        raise _wrong(place, f"{file.path} is another file than the one that is meant", remedy)
    return table


def _attribute(population: PopulationDoc, name: str, seed: int, folder: Path | None) -> Source:
    doc = population.attributes[name]
    if doc.file is None:
        return _source(doc, (*AT, "attributes", name))
    place = (*AT, "attributes", name, "file")
    table, columns = table_of(doc.file, place, folder), _columns(doc.file, place, folder)
    if not doc.file.replace and population.size > table.count:
        words = f"{doc.file.path} has {table.count:,} rows, fewer than the {population.size:,} agents"
        raise _wrong(place, words, "Write `replace: true` to draw rows more than once, or a smaller `size`.")
    picks = people.picks(seed, name, size=population.size, count=table.count, replace=doc.file.replace)
    try:
        used = table.rows({*picks}, tuple(columns.values()))
    except TableProblem as fault:
        raise _wrong(place, fault.reason, fault.remedy) from None
    return Rows(columns=tuple(columns), count=table.count, replace=doc.file.replace, used=tuple(sorted(used.items())))


def _columns(file: FileDoc, place: Place, folder: Path | None) -> dict[str, str]:
    """The attributes that a file gives, and the column of each."""
    known = table_of(file, place, folder).columns
    if file.columns is None:
        for column in known:
            _check_column(column, place)
        return {column: column for column in known}
    for attribute, column in file.columns.items():
        if column not in known:
            remedy = f"{nearest(column, known)}Its columns are: {listed(known)}."
            raise _wrong((*place, "columns", attribute), f"{file.path} has no column {column!r}", remedy)
    return file.columns


def _check_column(column: str, place: Place) -> None:
    from pydantic_core import PydanticCustomError

    try:
        attribute_name(column)
    except PydanticCustomError as fault:
        said = str((fault.context or {})["problem"])
        raise _wrong(place, said, f"Name the columns: `columns: {{my_name: {column!r}}}`.") from None


def _check_names(attributes: Sequence[Attribute]) -> None:
    """Each attribute comes from one place, and what is needed is there."""
    giving: dict[str, str] = {}
    for attribute in attributes:
        for name in people.names_of(attribute):
            other = giving.setdefault(name, attribute.name)
            if other != attribute.name:
                place = (*AT, "attributes", attribute.name)
                raise _wrong(place, f"there are two attributes {name!r}", f"`{other}` gives it too; rename one.")
    for attribute in attributes:
        for need in people.needs_of(attribute.source):
            if need not in giving and need != "number":
                remedy = f"{nearest(need, giving)}There are: {listed(['number', *sorted(giving)])}."
                raise _wrong((*AT, "attributes", attribute.name), f"there is no attribute {need!r}", remedy)


def _source(doc: AttributeDoc, place: Place) -> Source:
    match doc.sources[0]:
        case "quota":
            options, weights = _weighted(doc.quota, (*place, "quota"))
            return Quota(options=options, weights=weights)
        case "template" | "number" as key:
            return _filled(cast(str, getattr(doc, key)), (*place, key), numeric=key == "number")
        case "by":
            each = [(group, _source(inner, (*place, "each", group))) for group, inner in (doc.each or {}).items()]
            otherwise = None if doc.otherwise is None else _source(doc.otherwise, (*place, "otherwise"))
            return Grouped(by=cast(str, doc.by), each=tuple(each), otherwise=otherwise)
        case "file":
            words = "rows of a file are drawn for all agents, not by group"
            raise _wrong((*place, "file"), words, "Make it an attribute of its own.")
        case "beta":
            return _beta(doc, place)
        case _:
            return _invertible(doc, place)


def _beta(doc: AttributeDoc, place: Place) -> Beta:
    beta = doc.beta
    assert beta is not None
    if beta.low >= beta.high:
        raise _wrong((*place, "beta"), f"`min`, {beta.low}, is not below `max`, {beta.high}", "Swap them.")
    return Beta(a=beta.a, b=beta.b, low=beta.low, high=beta.high)


def _invertible(doc: AttributeDoc, place: Place) -> Invertible:
    if doc.normal is not None:
        normal = doc.normal
        _check_cut(normal, (*place, "normal"), normal.mean, normal.sd)
        return Normal(mean=normal.mean, sd=normal.sd, low=normal.low, high=normal.high)
    if doc.lognormal is not None:
        cut = doc.lognormal
        _check_log(cut, (*place, "lognormal"), cut.mu, cut.sigma)
        return LogNormal(mu=cut.mu, sigma=cut.sigma, low=cut.low, high=cut.high)
    if doc.uniform is not None:
        return Uniform(low=doc.uniform[0], high=doc.uniform[1])
    if doc.integer is not None:
        return WholeNumber(low=doc.integer[0], high=doc.integer[1])
    if doc.poisson is not None:
        return Poisson(mean=doc.poisson)
    if doc.choice is not None:
        options, weights = _weighted(doc.choice, (*place, "choice"))
        return Choice(options=options, weights=weights)
    return Constant(value=cast(Scalar, doc.constant))


def _check_log(cut: CutDoc, place: Place, mu: float, sigma: float) -> None:
    for bound, key in ((cut.low, "min"), (cut.high, "max")):
        if bound is not None and bound <= 0:
            raise _wrong((*place, key), f"{bound} is not above 0, as all draws are", "Delete it, or write another.")
    low, high = (None if bound is None else ln(bound) for bound in (cut.low, cut.high))
    _check_cut(CutDoc(min=low, max=high), place, mu, sigma)


def _check_cut(cut: CutDoc, place: Place, mean: float, sd: float) -> None:
    if cut.low is not None and cut.high is not None and cut.low >= cut.high:
        raise _wrong(place, "`min` is not below `max`", "Write the smaller number as `min`.")
    low, high = (None if bound is None else (bound - mean) / sd for bound in (cut.low, cut.high))
    if share_between(low, high) < LEAST_SHARE:
        words = "next to nothing of the distribution lies between `min` and `max`"
        raise _wrong(place, words, "Move the mean, or the bounds, or draw from `uniform`.")


def _weighted(
    options: Mapping[str, float] | Sequence[WeightedDoc] | None, place: Place
) -> tuple[tuple[Scalar, ...], tuple[float, ...]]:
    """Options and weights: of a mapping, in the order of its keys, so that the order of writing means nothing."""
    if isinstance(options, Mapping):
        pairs: list[tuple[Scalar, float]] = sorted(options.items())
    else:
        pairs = [(each.value, each.weight) for each in options or ()]
    if not sum([weight for _, weight in pairs]) > 0:
        raise _wrong(place, "all weights are 0", "Give at least one option a weight.")
    return tuple([value for value, _ in pairs]), tuple([weight for _, weight in pairs])


def _filled(template: str, place: Place, *, numeric: bool) -> Filled:
    try:
        needs = tuple(sorted(names_in(template) - {"number"}))
    except TemplateProblem as fault:
        raise _wrong(place, f"the template does not work: {fault.reason}", "Write another one.") from None
    return Filled(template=template, needs=needs, numeric=numeric)


def _copula(population: PopulationDoc) -> Copula:
    names: dict[str, int] = {}
    place = (*AT, "correlations")
    for at, correlation in enumerate(population.correlations):
        for name in correlation.between:
            _check_correlated(population, name, (*place, at, "between"))
            names.setdefault(name, len(names))
    matrix = [[float(row == column) for column in range(len(names))] for row in range(len(names))]
    seen: set[frozenset[str]] = set()
    for at, correlation in enumerate(population.correlations):
        pair = frozenset(correlation.between)
        if pair in seen or len(pair) == 1:
            words = f"{' and '.join(correlation.between)} are correlated already, or one attribute"
            raise _wrong((*place, at), words, "Name each pair once.")
        seen.add(pair)
        one, other = (names[name] for name in correlation.between)
        matrix[one][other] = matrix[other][one] = correlation.value
    factor = factor_of(matrix)
    if factor is None:
        words = "no numbers can be correlated like this: the matrix of all correlations is not positive definite"
        raise _wrong(place, words, "Make some of them weaker; pairs that are not named count as 0.")
    return Copula(names=tuple(names), factor=factor)


def _check_correlated(population: PopulationDoc, name: str, place: Place) -> None:
    if name not in population.attributes:
        remedy = f"{nearest(name, population.attributes)}There are: {listed(sorted(population.attributes))}."
        raise _wrong(place, f"there is no attribute {name!r}", remedy)
    for source in _leaves(population.attributes[name]):
        kind = source.sources[0]
        if kind in ("beta", "quota", "constant", "template", "number", "file"):
            remedy = "Draw it from normal, lognormal, uniform, integer, poisson, or choice with a list."
            raise _wrong(place, f"{name!r} is drawn from `{kind}`, which cannot be correlated", remedy)
        if isinstance(source.choice, dict):
            remedy = "Write them as a list, from the lowest to the highest: `choice: [{value: low, weight: 2}, ...]`."
            raise _wrong(place, f"the options of {name!r} have no order", remedy)


def _leaves(doc: AttributeDoc) -> Iterator[AttributeDoc]:
    if doc.by is None:
        yield doc
        return
    for inner in [*(doc.each or {}).values(), *([doc.otherwise] if doc.otherwise else [])]:
        yield from _leaves(inner)


def _wrong(place: Place, text: str, remedy: str) -> PopulationProblem:
    return PopulationProblem(Problem(place, text, remedy))
