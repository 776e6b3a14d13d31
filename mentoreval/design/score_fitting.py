"""Score fitting: what propensity models share, from the covariates of the considered entries to their scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mentoreval.aliases import BoolArray, FloatArray
from mentoreval.design.covariate_matrix import CovariateMatrix
from mentoreval.design.design import Baseline
from mentoreval.design.propensity import Scores, with_cohorts
from mentoreval.numerics.logit import aliased_columns

NEAREST_TO_CERTAIN = float(np.finfo(np.float64).eps)
"""Scores are held this far from 0 and 1, between which they lie by definition."""


@dataclass(frozen=True, eq=False)
class ModelRows:
    """The rows and columns that a model is fitted on.

    model   : (n, k) columns as they are, intercept first; those that repeat others are named in ``aliased``
    scaled  : (n, j) the others, centred and of unit spread, save the intercept
    centre, spread : (j,) what was taken off and divided by
    treated : (n,) 1 or 0
    weight  : (n,) sampling weights
    """

    model: CovariateMatrix
    scaled: FloatArray
    centre: FloatArray
    spread: FloatArray
    kept: tuple[int, ...]
    treated: FloatArray
    weight: FloatArray

    @property
    def aliased(self) -> tuple[str, ...]:
        """Names of the columns that are combinations of others and take no part."""
        return tuple(column.label for place, column in enumerate(self.model.columns) if place not in self.kept)

    def facts(self, name: str, coefficients: FloatArray, iterations: int) -> dict[str, object]:
        """What the report says of a fit: the coefficients (j,) in the units of the covariates, NaN where aliased."""
        own = coefficients / self.spread
        own[0] = coefficients[0] - float(coefficients[1:] @ (self.centre / self.spread)[1:])
        everywhere = np.full(len(self.model.columns), np.nan)
        everywhere[list(self.kept)] = own
        labels = [column.label for column in self.model.columns]
        return {
            "propensity_model": name,
            "propensity_coefficients": dict(zip(labels, everywhere.tolist(), strict=True)),
            "propensity_iterations": iterations,
            "aliased_covariates": self.aliased,
        }


def model_rows(covariates: CovariateMatrix, baseline: Baseline, considered: BoolArray) -> ModelRows:
    """The rows of the considered entries: intercept, covariates, indicators of later cohorts."""
    weight = baseline.weight[considered]
    model = with_cohorts(covariates, baseline.cohort[considered])
    kept = np.setdiff1d(np.arange(model.values.shape[1]), aliased_columns(model.values, weight))
    values = model.values[:, kept]
    centre, spread = values.mean(axis=0), values.std(axis=0)
    centre[0], spread[0] = 0.0, 1.0
    treated = baseline.treated[considered].astype(float)
    return ModelRows(model, (values - centre) / spread, centre, spread, tuple(kept.tolist()), treated, weight)


def scores_of(considered: BoolArray, probability: FloatArray, linear: FloatArray, facts: dict[str, object]) -> Scores:
    """Scores (m,) with those of the considered entries (n,) in their places, NaN elsewhere."""
    scores = Scores.none(len(considered))
    scores.probability[considered] = np.clip(probability, NEAREST_TO_CERTAIN, 1 - NEAREST_TO_CERTAIN)
    scores.linear[considered] = linear
    return Scores(scores.probability, scores.linear, facts)
