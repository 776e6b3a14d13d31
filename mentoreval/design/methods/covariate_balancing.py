"""Covariate balancing propensity score: a logit that is fitted to balance the covariates, not to predict treatment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mentoreval.aliases import BoolArray, Estimand, FloatArray
from mentoreval.design.covariate_matrix import CovariateMatrix
from mentoreval.design.design import Baseline, DesignMethod, Weighting
from mentoreval.design.propensity import Scores, known_covariates, with_cohorts
from mentoreval.design.reweighting import refuse_estimand, weighting_of
from mentoreval.design.separation import refuse_combined_separation, refuse_separation
from mentoreval.errors import DesignError
from mentoreval.numerics.logit import aliased_columns, fit_logit
from mentoreval.numerics.tilting import Tilt, tilt_to

NEAREST_TO_CERTAIN = float(np.finfo(np.float64).eps)
"""Scores are held this far from 0 and 1."""


@dataclass(frozen=True)
class CovariateBalancing(DesignMethod):
    """Inverse probability weights from a logit whose coefficients make the weighted covariate means of the arms equal.

    The just-identified score: as many balance conditions as coefficients, so that they are met exactly. For the ATT
    and the ATC the weights are those of entropy balancing on the means with one model for all cohorts; for the ATE the
    two arms are made alike, and resemble everybody only as far as the logit is right. Cohorts share the coefficients
    and have an indicator each, so that both arms of a cohort sum to the same weight.

    tolerance : largest difference of means to leave, in standard deviations

    The weights are estimated; errors that take them as given (``conditional`` is False) leave that out.
    References: Imai & Ratkovic (2014), JRSS B 76:243; Zhao & Percival (2017), J. of Causal Inference 5.
    """

    name: ClassVar[str] = "covariate_balancing"
    estimands: ClassVar[tuple[Estimand, ...]] = ("ATT", "ATC", "ATE")
    tolerance: float = 1e-8

    def weigh(self, baseline: Baseline, estimand: Estimand) -> Weighting:
        """Balance; DesignError for the ATO, and where no score balances, naming the covariates."""
        refuse_estimand(self.name, self.estimands, estimand)
        considered = baseline.comparable()
        covariates = known_covariates(baseline, considered)
        rows = np.flatnonzero(considered)
        treated, weight = baseline.treated[rows], baseline.weight[rows]
        refuse_separation(covariates, treated)
        model = with_cohorts(covariates, baseline.cohort[rows])
        X = _unit_columns(model.values, weight)
        tilt, fixed = _balancing_tilt(X, treated, weight, estimand, self.tolerance)
        if not tilt.converged:
            raise DesignError(_explain(model, treated, weight))
        weights = np.where(fixed, weight, 0.0)
        weights[_moving(treated, estimand)] += tilt.weights
        facts: dict[str, object] = {
            "largest_imbalance": float(np.abs(tilt.imbalance).max()),
            "iterations": tilt.iterations,
        }
        scores = _scores(X @ tilt.coefficients, considered)
        return weighting_of(baseline, considered, rows, weights, scores, facts)


def _unit_columns(X: FloatArray, weight: FloatArray) -> FloatArray:
    """The columns of a model (n, k), intercept first, centred and of unit spread, without those that repeat others."""
    kept = np.setdiff1d(np.arange(X.shape[1]), aliased_columns(X, weight))
    X = X[:, kept]
    centre, spread = X.mean(axis=0), X.std(axis=0)
    centre[0], spread[0] = 0.0, 1.0
    return np.asarray((X - centre) / spread, dtype=float)


def _moving(treated: BoolArray, estimand: Estimand) -> BoolArray:
    """(n,) whose weights depend on the score: the comparison for the ATT, the treated for the ATC, all for the ATE."""
    return {"ATT": ~treated, "ATC": treated}.get(estimand, np.ones(len(treated), dtype=bool))


def _balancing_tilt(
    X: FloatArray, treated: BoolArray, weight: FloatArray, estimand: Estimand, tolerance: float
) -> tuple[Tilt, BoolArray]:
    """The coefficients of the score as a tilt, and (n,) True where the weight has a part that the score leaves alone.

    With η = xβ the treated weigh 1 + exp(−η) for the ATE, the comparison 1 + exp(η); for the ATT 1 and exp(η). With the
    rows of the treated reversed, z = −x, all of them are exp(zβ) beside a fixed part, and balance means that Σ exp(zβ)z
    over the moving rows is −Σ z over the fixed ones.
    """
    moving = _moving(treated, estimand)
    fixed = np.ones(len(treated), dtype=bool) if estimand == "ATE" else ~moving
    Z = X * np.where(treated, -1.0, 1.0)[:, None]
    target = -(Z[fixed] * weight[fixed, None]).sum(axis=0)
    total = float(weight[fixed].sum())
    return tilt_to(Z[moving], weight[moving], target, total=total, tolerance=tolerance), fixed


def _scores(linear: FloatArray, considered: BoolArray) -> Scores:
    scores = Scores.none(len(considered))
    probability = 1.0 / (1.0 + np.exp(-np.clip(linear, -700, 700)))
    scores.probability[considered] = np.clip(probability, NEAREST_TO_CERTAIN, 1 - NEAREST_TO_CERTAIN)
    scores.linear[considered] = linear
    return scores


def _explain(model: CovariateMatrix, treated: BoolArray, weight: FloatArray) -> str:
    """Why no score balances: separation is an error of its own that names the covariates."""
    refuse_combined_separation(model, treated, fit_logit(model.values, treated, weight))
    names = ", ".join(repr(column.label) for column in model.columns[1:])
    return (
        f"No propensity score makes the means of {names} equal in both arms: some students to resemble lie outside of "
        "what the weighted arm can reach. Give fewer covariates, coarsen those with extreme values, or use "
        "overlap_weighting."
    )
