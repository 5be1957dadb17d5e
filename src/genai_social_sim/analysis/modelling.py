"""Mixed models over agents within runs, and the power that a study would have, simulated from a pilot.

It knows no measures. The extra `statistics` does the mathematics.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple
from warnings import catch_warnings, simplefilter

from genai_social_sim.analysis.statistics import CONFIDENCE, Estimate, library, share_interval

SIMULATIONS: Final = 1_000
SIGNIFICANT: Final = 0.05


class MixedModel(NamedTuple):
    """A linear model with an intercept of its own for each group; variances in squared units of the response."""

    effects: dict[str, Estimate]
    p_values: dict[str, float]
    between: float  # variance of the groups' intercepts
    within: float
    converged: bool


def mixed_model(rows: Any, formula: str, *, group: str = "run", confidence: float = CONFIDENCE) -> MixedModel:
    """Fit `formula`, such as "value ~ framing * topology", with a random intercept for each `group`, by REML.

    So observations within a run, such as its agents, may depend on each other.

    Args:
        rows: A data frame of pandas, or a list of mappings, that holds what the formula and `group` name.
        formula: As for statsmodels and R's lme4: response, tilde, terms.
        group: The column whose values tell apart what is independent of each other.
        confidence: Of the intervals.

    Source: Laird & Ware (1982); `statsmodels.formula.api.mixedlm`.
    """
    frame = rows if hasattr(rows, "columns") else library("pandas").DataFrame([*rows])
    model = library("statsmodels.formula.api").mixedlm(formula, frame, groups=frame[group])
    fitted = model.fit(reml=True)
    bounds = fitted.conf_int(alpha=1 - confidence)
    effects = {
        name: Estimate(float(value), float(bounds.loc[name].iloc[0]), float(bounds.loc[name].iloc[1]))
        for name, value in fitted.fe_params.items()
    }
    p_values = {name: float(fitted.pvalues[name]) for name in effects}
    between = float(fitted.cov_re.iloc[0, 0])
    return MixedModel(effects, p_values, between, float(fitted.scale), bool(fitted.converged))


def power(
    one: Sequence[float],
    other: Sequence[float],
    *,
    replicates: int,
    rng: Any,
    significant: float = SIGNIFICANT,
    simulations: int = SIMULATIONS,
) -> Estimate:
    """How often a study of so many `replicates` a condition would find the difference that a pilot shows.

    Each simulation draws its runs from the pilot's, with replacement, and tests by Welch's t whether the means differ.
    A pilot of few runs gives a power that is itself uncertain, far beyond the interval, which is that of the
    simulation alone (Wilson's).

    Source: Efron & Tibshirani (1993), section 25.4.
    """
    numpy, stats = library("numpy"), library("scipy.stats")
    drawn = [rng.choice(numpy.asarray(pilot, dtype=float), (simulations, replicates)) for pilot in (one, other)]
    with catch_warnings():
        simplefilter("ignore")  # where neither varies there is no t; what is found then shows in the means
        p = stats.ttest_ind(*drawn, axis=1, equal_var=False).pvalue
    apart = numpy.isnan(p) & (drawn[0].mean(axis=1) != drawn[1].mean(axis=1))
    return share_interval(int(((p < significant) | apart).sum()), simulations)
