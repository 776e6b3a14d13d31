"""Regression: one weighted least-squares fit, of entries or of unit-periods, with errors that name the columns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from mentoreval.aliases import FloatArray, IntArray
from mentoreval.effects.clusters import unit_clusters
from mentoreval.effects.estimator import Estimator, Fit, LinearModel, make_terms
from mentoreval.effects.sample import Sample, model_matrix
from mentoreval.errors import EffectError, first_few
from mentoreval.numerics.absorb import absorb, is_nested
from mentoreval.numerics.least_squares import AliasedColumnsError, LeastSquares, solve_least_squares

TREATMENT = "treatment"
ABSORBED = 1e-9
"""Share of a column's length below which what absorption leaves of it is rounding."""


def fit_sample(
    estimator: Estimator,
    sample: Sample,
    outcome: str,
    event_time: int,
    fixed_effects: Sequence[str] = (),
    interacted: bool = False,
) -> Fit:
    """Weighted regression of the response on treatment, covariates and, with several cohorts, cohort effects.

    fixed_effects : columns of ``sample.covariates``, or ``matched_set``, that are absorbed instead of adjusted for;
        at most two, and with several cohorts one
    interacted : with covariates and cohorts that bear on the effect also, which is then the average over the students
        of the estimand; not with absorbed effects
    """
    cohort = np.unique(sample.cohort, return_inverse=True)[1].astype(np.int64)
    absorbed = [_factor(sample, name) for name in fixed_effects]
    if absorbed and cohort.max() > 0 and not any(is_nested(codes, cohort) for codes in absorbed):
        absorbed.append(cohort)
    if len(absorbed) > 2:
        raise EffectError("At most two sets of fixed effects can be absorbed, and one where there are several cohorts.")
    adjusted = model_matrix(sample.covariates.drop(columns=list(fixed_effects), errors="ignore"))
    intercepts = np.empty((len(cohort), 0)) if absorbed else np.eye(int(cohort.max()) + 1)[cohort]
    products = intercepts[:, :0]
    if interacted:
        products = _products(sample, np.column_stack([intercepts[:, 1:], adjusted.values]))
    X = np.column_stack([intercepts, adjusted.values, sample.treated.astype(float), products])
    own = [*(f"cohort {j + 1}" for j in range(intercepts.shape[1])), *(column.label for column in adjusted.columns)]
    names = (*own, TREATMENT, *(f"{TREATMENT} × {name}" for name in own[1:] if products.shape[1]))
    contrast = (np.arange(X.shape[1]) == len(own)).astype(float)[None, :]
    linear = fit_linear(X, sample.response, sample.weights, names, tuple(absorbed), contrast)
    return Fit(
        design=sample.design,
        outcome=outcome,
        estimator=estimator,
        terms=make_terms([sample_term(sample, event_time)]),
        theta=linear.effects,
        influence=linear.arrays.influence,
        clusters={name: codes[sample.unit] for name, codes in unit_clusters(sample.design).items()},
        entries=sample.entries,
        linear=linear,
        facts=sample.facts,
    )


def _products(sample: Sample, columns: FloatArray) -> FloatArray:
    """(m, k) treatment times columns less their means over the students of the estimand.

    The coefficient of treatment is then its effect at these means, which is the average effect over these students.
    """
    arms = {"ATT": sample.treated, "ATC": ~sample.treated}
    target = sample.weights * arms.get(sample.design.estimand, np.ones(len(columns), dtype=bool))
    return np.asarray(sample.treated[:, None] * (columns - target @ columns / target.sum()))


def _factor(sample: Sample, name: str) -> IntArray:
    """(m,) codes of a factor to absorb."""
    if name == "matched_set":
        sets = sample.design.weighting.matched_set[sample.entries]
        if (sets < 0).any():
            raise EffectError(
                f"fixed_effects names matched_set, and {int((sets < 0).sum()):,} of {len(sets):,} entries are in no "
                "matched set. Use a design that forms sets, or other fixed effects."
            )
        return np.unique(sets, return_inverse=True)[1].astype(np.int64)
    return pd.factorize(sample.covariates[name], sort=True)[0].astype(np.int64)


def sample_term(sample: Sample, event_time: int) -> dict[str, object]:
    """The one term of a regression; its cohort and period are named where there is one cohort."""
    term: dict[str, object] = {"term": "effect", "event_time": event_time}
    cohorts = np.unique(sample.cohort)
    if len(cohorts) == 1:
        timeline = sample.design.panel.timeline
        term["cohort"] = timeline.label(cohorts[0])
        term["period"] = timeline.label(cohorts[0] + event_time)
    term["n_treated"] = len(np.unique(sample.unit[sample.treated]))
    term["n_comparison"] = len(np.unique(sample.unit[~sample.treated]))
    return term


def fit_linear(
    X: FloatArray,
    y: FloatArray,
    weights: FloatArray,
    names: Sequence[str],
    absorbed: tuple[IntArray, ...],
    contrasts: FloatArray,
) -> LinearModel:
    """The weighted regression of y (n,) on X (n, p) and the absorbed factors.

    Raises EffectError for a constant outcome, for columns that are combinations of others (naming them), and for
    fewer rows than coefficients.
    """
    refuse_constant(y)
    if absorbed:
        X, y = absorb_columns(X, absorbed, weights), absorb(y, absorbed, weights)
    fitted = solve(X, y, weights, names, bool(absorbed))
    linear = LinearModel(
        X, y, weights, fitted.coefficients, fitted.residuals, fitted.bread, contrasts, absorbed, names=tuple(names)
    )
    check_rows(linear)
    return linear


def refuse_constant(y: FloatArray) -> None:
    """EffectError for a response (n,) that is the same in every row."""
    if np.ptp(y) == 0:
        raise EffectError(
            f"The outcome is {y[0]:g} in all {len(y):,} rows of the analytic sample, so there is nothing to explain."
        )


def absorb_columns(X: FloatArray, factors: Sequence[IntArray], weights: FloatArray) -> FloatArray:
    """Regressors (n, p) less their effects; exact zeros where nothing but rounding is left of one."""
    length = np.sqrt(weights @ X**2)
    left = absorb(X, factors, weights)
    left[:, np.sqrt(weights @ left**2) < ABSORBED * length] = 0.0
    return left


def solve(X: FloatArray, y: FloatArray, weights: FloatArray, names: Sequence[str], absorbed: bool) -> LeastSquares:
    """Weighted least squares; EffectError names the columns that are combinations of others."""
    try:
        return solve_least_squares(X, y, weights)
    except AliasedColumnsError as error:
        raise EffectError(_aliased_message([names[column] for column in error.columns], absorbed)) from None


def check_rows(linear: LinearModel) -> None:
    """EffectError where a regression has no more rows than coefficients."""
    if len(linear.response) <= linear.n_parameters():
        raise EffectError(
            f"{len(linear.response):,} rows can not carry {linear.n_parameters():,} coefficients. "
            "Give fewer covariates or effects."
        )


def _aliased_message(names: list[str], absorbed: bool) -> str:
    others = "the other regressors and the fixed effects" if absorbed else "the other regressors"
    if TREATMENT in names:
        return (
            f"Treatment is a combination of {others}: they tell exactly who is treated, so no comparison is left. "
            "Leave out the covariate or fixed effect that separates the arms."
        )
    return (
        f"{len(names)} regressors are combinations of {others}: {first_few(names)}. "
        "Leave them out, or the ones they repeat."
    )
