"""Covariate balancing propensity score: a logit that is fitted to balance the covariates, not to predict treatment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NoReturn

import numpy as np
from scipy.special import expit

from mentoreval.aliases import BoolArray, Estimand, FloatArray
from mentoreval.design.covariate_matrix import CovariateMatrix
from mentoreval.design.design import Baseline, DesignMethod, Weighting
from mentoreval.design.moment_balance import Resemblance, balance_moments
from mentoreval.design.propensity import known_covariates
from mentoreval.design.reweighting import refuse_estimand, weighting_of
from mentoreval.design.score_fitting import model_rows, scores_of
from mentoreval.design.separation import refuse_combined_separation, refuse_separation
from mentoreval.errors import DesignError
from mentoreval.numerics.gram import linear_predictor
from mentoreval.numerics.logit import fit_logit
from mentoreval.numerics.tilting import Tilt, tilt_to

ARM = {True: "treated", False: "comparison"}


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
        fitted = model_rows(covariates, baseline, considered)
        tilt, fixed = _balancing_tilt(fitted.scaled, treated, weight, estimand, self.tolerance)
        if not tilt.converged:
            _refuse(fitted.model, treated, weight, estimand)
        weights = np.where(fixed, weight, 0.0)
        weights[_moving(treated, estimand)] += tilt.weights
        linear = linear_predictor(fitted.scaled, tilt.coefficients)
        facts = fitted.facts(self.name, tilt.coefficients, tilt.iterations)
        scores = scores_of(considered, expit(linear), linear, facts)
        left: dict[str, object] = {"largest_imbalance": float(np.abs(tilt.imbalance).max())}
        return weighting_of(baseline, considered, rows, weights, scores, left)


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


def _refuse(model: CovariateMatrix, treated: BoolArray, weight: FloatArray, estimand: Estimand) -> NoReturn:
    """DesignError saying why no score balances: covariates that separate the arms, or means that are out of reach."""
    refuse_combined_separation(model, treated, fit_logit(model.values, treated, weight))
    moving = _moving(treated, estimand)
    if estimand != "ATE":
        who, whom = f"{ARM[estimand == 'ATC']} students", f"{ARM[estimand == 'ATT']} students"
        balance_moments(Resemblance(model, 1, weight, moving, ~moving, who, whom), tolerance=1e-6)
    names = ", ".join(repr(column.label) for column in model.columns[1:])
    raise DesignError(
        f"No propensity score was found that makes the means of {names} equal in both arms, although nothing separates "
        "them. Give fewer covariates, cap or coarsen those with extreme values, or use overlap_weighting."
    )
