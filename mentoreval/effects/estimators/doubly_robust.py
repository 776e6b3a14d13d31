"""Doubly robust: outcome models and a propensity score, of which one may be wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mentoreval.aliases import BoolArray, FloatArray
from mentoreval.design.covariate_matrix import CovariateMatrix, covariate_matrix
from mentoreval.design.design import Design
from mentoreval.design.propensity import with_cohorts
from mentoreval.design.separation import refuse_combined_separation, refuse_separation
from mentoreval.effects.clusters import unit_clusters
from mentoreval.effects.estimator import Estimator, Fit, make_terms
from mentoreval.effects.regression import sample_term
from mentoreval.effects.sample import Sample, analytic_sample, outcome_at, refuse_weighted
from mentoreval.errors import EffectError, first_few
from mentoreval.numerics.least_squares import AliasedColumnsError, solve_least_squares
from mentoreval.numerics.logit import aliased_columns, fit_logit

TOLERANCE = 1e-13
"""Relative change of the deviance at which the logit stops; R's 1e-8 would leave influences that do not sum to zero."""


@dataclass(frozen=True)
class DoublyRobust(Estimator):
    """Augmented inverse probability weighting (AIPW), on a design that has not matched or weighted students itself.

    event_time : periods since the start in which the outcome is taken; 0 in a cross-section
    covariates : of both models, read at the baseline; by default those of the design

    Estimand
        That of the design: ATT, the average effect on the treated, or ATE, on everyone in the comparison; over students
        as they are weighted by sampling weights.

    Assumptions
        Given the covariates, treatment is as good as random, and every student may be found in either arm (for the ATT:
        every treated student could have been left out). Of the two models, log odds of treatment that are linear in the
        covariates and an outcome that is linear in them within each arm, one is right; it need not be known which.

    Estimator
        Predictions m1, m0 of one least-squares regression in each arm, and p of a logistic regression, all with
        sampling weights. ATE: the mean of m1 − m0 + D (Y − m1) / p − (1 − D) (Y − m0) / (1 − p), as ``aipw`` of
        statsmodels. ATT: the sum of D (Y − m0) − (1 − D) (Y − m0) p / (1 − p) over the sum of D. Inverse weights are
        not normalised. With several cohorts all three models have one intercept for each.

    Standard errors
        From the influence function of the three models and the effect as one system of estimating equations
        (M-estimation, as statsmodels' GMM). Where both models are right the part of the estimated coefficients vanishes
        and the efficient influence function is left; where one is wrong that part is needed, and it is here.

    Edge cases
        Complete cases, by the rule of ``regression_adjustment``, counted in ``facts``. A design that matched or
        weighted students, an estimand other than ATT and ATE, a covariate that is constant in an arm or repeats others,
        and covariates that tell exactly who is treated are errors. ``facts`` has the lowest and the highest propensity.

    References
        Robins, Rotnitzky & Zhao (1994), Journal of the American Statistical Association 89; Hahn (1998), Econometrica
        66, for the ATT; Lunceford & Davidian (2004), Statistics in Medicine 23, for the errors.

    Example
        >>> import pandas as pd
        >>> import mentoreval as me
        >>> frame = pd.DataFrame(
        ...     {
        ...         "student": [1, 2, 3, 4, 5, 6],
        ...         "mentored": [1, 1, 1, 0, 0, 0],
        ...         "before": [4, 6, 8, 2, 3, 7],
        ...         "after": [5, 7, 9, 5, 6, 10],
        ...     }
        ... )
        >>> panel = me.panel_from_frame(
        ...     frame, unit="student", treated="mentored", covariates=["before"], outcomes=["after"]
        ... )
        >>> effect = me.estimate_effect(me.choose_design(panel), "after", me.DoublyRobust())
        >>> float(effect.frame["estimate"].round(6).iloc[0])  # after = before + 3, less 2 where mentored
        -2.0
    """

    name: ClassVar[str] = "doubly_robust"
    event_time: int = 0
    covariates: tuple[str, ...] | None = None

    def fit(self, design: Design, outcome: str) -> Fit:
        """The effect, and each entry's influence on it."""
        _refuse_chosen(design)
        response = outcome_at(design, outcome, self.event_time)
        sample = analytic_sample(design, response, self.event_time, self.adjusts_for(design))
        model = _model(sample)
        propensity = _propensity(model, sample)
        arms = tuple(_arm(model, sample, arm) for arm in (False, True))
        problem = _Problem(
            X=model.values,
            treated=sample.treated,
            weights=sample.weights,
            propensity=propensity,
            comparison_arm=arms[0],
            treated_arm=arms[1],
        )
        theta, influence = problem.on_the_treated() if design.estimand == "ATT" else problem.on_everyone()
        return Fit(
            design=design,
            outcome=outcome,
            estimator=self,
            terms=make_terms([sample_term(sample, self.event_time)]),
            theta=np.array([theta]),
            influence=influence[:, None],
            clusters={name: codes[sample.unit] for name, codes in unit_clusters(design).items()},
            entries=sample.entries,
            facts={
                **sample.facts,
                "propensity_lowest": float(propensity.min()),
                "propensity_highest": float(propensity.max()),
            },
        )


@dataclass(frozen=True, eq=False)
class _Arm:
    """The regression of one arm, for all n students.

    residuals : (n,) outcome less the prediction of this arm, of students of either arm
    inverse : (k, k) inverse of X'WX in this arm
    """

    residuals: FloatArray
    inverse: FloatArray


@dataclass(frozen=True, eq=False)
class _Problem:
    """The three models; weights (n,) are those of sampling, propensity (n,) strictly between 0 and 1."""

    X: FloatArray
    treated: BoolArray
    weights: FloatArray
    propensity: FloatArray
    comparison_arm: _Arm
    treated_arm: _Arm

    def on_the_treated(self) -> tuple[float, FloatArray]:
        """The ATT and each student's influence (n,)."""
        residual, odds = self.comparison_arm.residuals, self.propensity / (1.0 - self.propensity)
        sign = np.where(self.treated, 1.0, -odds)
        slope = np.where(self.treated, 0.0, -odds * residual)
        target = self.treated.astype(float)
        theta = float(self.weights @ (sign * residual) / (self.weights @ target))
        score = sign * residual - theta * target + self._by_score(slope)
        return theta, self._scaled(score - self._by_arm(self.comparison_arm, ~self.treated, sign), target)

    def on_everyone(self) -> tuple[float, FloatArray]:
        """The ATE and each student's influence (n,)."""
        one, zero, p = self.treated_arm.residuals, self.comparison_arm.residuals, self.propensity
        by_one, by_zero = self.treated / p, ~self.treated / (1.0 - p)
        value = zero - one + by_one * one - by_zero * zero  # m1 − m0 is the difference of residuals
        slope = -by_one * (1.0 - p) * one - by_zero * p * zero
        target = np.ones(len(p))
        theta = float(self.weights @ value / self.weights.sum())
        score = value - theta + self._by_score(slope)
        score += self._by_arm(self.treated_arm, self.treated, 1.0 - by_one)
        score -= self._by_arm(self.comparison_arm, ~self.treated, 1.0 - by_zero)
        return theta, self._scaled(score, target)

    def _by_score(self, slope: FloatArray) -> FloatArray:
        """(n,) part of the estimated propensity, slope (n,) being the derivative of a term by the log odds."""
        p = self.propensity
        information = (self.X * (self.weights * p * (1.0 - p))[:, None]).T @ self.X
        direction = np.linalg.solve(information, self.X.T @ (self.weights * slope))
        return np.asarray((self.X @ direction) * (self.treated - p))

    def _by_arm(self, arm: _Arm, inside: BoolArray, slope: FloatArray) -> FloatArray:
        """(n,) part of an arm's regression, slope (n,) being the derivative of a term by the prediction."""
        direction = arm.inverse @ (self.X.T @ (self.weights * slope))
        return np.asarray((self.X @ direction) * inside * arm.residuals)

    def _scaled(self, score: FloatArray, target: FloatArray) -> FloatArray:
        """Scores as influences: the mean of n rows is the error of the effect."""
        return np.asarray(len(score) * self.weights * score / (self.weights @ target))


def _refuse_chosen(design: Design) -> None:
    """EffectError for another estimand, and unless everyone considered keeps the sampling weight."""
    if design.estimand not in ("ATT", "ATE"):
        raise EffectError(
            f"doubly_robust estimates the ATT or the ATE, and the design is for the {design.estimand}. Choose the "
            "design with estimand='ATT' or 'ATE'."
        )
    refuse_weighted(design, "doubly_robust weights students by its own propensity score")


def _model(sample: Sample) -> CovariateMatrix:
    """Intercept, covariates and indicators of later cohorts; errors name what can not be used."""
    matrix = covariate_matrix(sample.covariates)
    if matrix.columns:
        matrix.refuse_constants()
        refuse_separation(matrix, sample.treated)
    model = with_cohorts(matrix, sample.cohort)
    aliased = aliased_columns(model.values, sample.weights)
    if len(aliased):
        raise EffectError(_repeats([model.columns[place].label for place in aliased], "all students"))
    return model


def _propensity(model: CovariateMatrix, sample: Sample) -> FloatArray:
    """(n,) probabilities of a logistic regression that has converged to rounding."""
    fit = fit_logit(model.values, sample.treated, sample.weights, max_iterations=50, tolerance=TOLERANCE)
    refuse_combined_separation(model, sample.treated, fit)
    if not fit.converged or fit.at_boundary:
        raise EffectError(
            f"The propensity score of doubly_robust has no usable fit: after {fit.iterations} steps "
            f"{fit.at_boundary:,} of {len(sample.entries):,} students have a probability of 0 or 1 to rounding. "
            "Give fewer covariates, or compare students who could be in either arm (eligibility)."
        )
    return fit.probability


def _arm(model: CovariateMatrix, sample: Sample, treated: bool) -> _Arm:
    """The weighted regression of the outcome within one arm."""
    inside = sample.treated == treated
    who = "the treated" if treated else "the comparison students"
    X, y = model.values, sample.response
    try:
        fitted = solve_least_squares(X[inside], y[inside], sample.weights[inside])
    except AliasedColumnsError as error:
        raise EffectError(_repeats([model.columns[place].label for place in error.columns], who)) from None
    if np.count_nonzero(inside) <= X.shape[1]:
        raise EffectError(
            f"{int(np.count_nonzero(inside)):,} of {who} can not carry {X.shape[1]:,} coefficients. "
            "Give fewer covariates."
        )
    return _Arm(y - X @ fitted.coefficients, fitted.bread)


def _repeats(names: list[str], who: str) -> str:
    return (
        f"{len(names)} regressors are constant or combinations of the others among {who}: {first_few(names)}. "
        "Leave them out, or the ones they repeat."
    )
