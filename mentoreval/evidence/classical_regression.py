"""Classical regression: the impact model read as an ordinary regression, for questions about shares of variance."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mentoreval.aliases import BoolArray, FloatArray
from mentoreval.effects.estimate import Estimate
from mentoreval.effects.estimator import LinearModel
from mentoreval.numerics.hidden_bias import Movement
from mentoreval.numerics.least_squares import solve_least_squares
from mentoreval.numerics.omitted_variable import group_partial_r2


@dataclass(frozen=True, eq=False)
class ClassicalRegression:
    """The regression behind an estimate whose effect is one coefficient.

    linear : the regression
    position : column of the treatment
    members : for each covariate the columns (p,) that are its own
    df : rows less coefficients, absorbed ones included
    """

    linear: LinearModel
    position: int
    members: dict[str, BoolArray]
    df: int

    @classmethod
    def of(cls, estimate: Estimate) -> ClassicalRegression | None:
        """None where the estimate is not one coefficient of a regression on rows of its own."""
        linear = estimate.fit.linear
        if linear is None or linear.contrasts.shape[0] != 1 or np.count_nonzero(linear.contrasts[0]) != 1:
            return None
        df = len(linear.response) - linear.n_parameters()
        if df < 2:
            return None
        names = estimate.fit.estimator.adjusts_for(estimate.design)
        members = {
            name: np.array([label == name or label.startswith(f"{name} = ") for label in linear.names], dtype=bool)
            for name in names
        }
        return cls(linear, int(np.argmax(linear.contrasts[0] != 0)), {n: m for n, m in members.items() if m.any()}, df)

    @property
    def covariates(self) -> tuple[str, ...]:
        """Covariates that have columns in the regression."""
        return tuple(self.members)

    @property
    def estimate(self) -> float:
        """The coefficient of the treatment."""
        return float(self.linear.coefficients[self.position])

    @property
    def vcov(self) -> FloatArray:
        """(p, p) of the coefficients, for independent rows of one variance."""
        squares = float(self.linear.weights @ np.square(self.linear.residuals))
        return self.linear.bread * (squares / self.df)

    @property
    def std_error(self) -> float:
        """Of the treatment's coefficient, for independent rows of one variance."""
        return math.sqrt(float(self.vcov[self.position, self.position]))

    @property
    def t(self) -> float:
        """The t statistic of the treatment."""
        return self.estimate / self.std_error

    def strength(self, covariate: str) -> tuple[float, float]:
        """Partial R² of a covariate with the treatment, and with the outcome given the treatment."""
        mine = self.members[covariate]
        with_outcome = group_partial_r2(self.linear.coefficients[mine], self.vcov[np.ix_(mine, mine)], self.df)
        others = np.arange(len(mine)) != self.position
        treatment = self.linear.regressors[:, self.position]
        fitted = solve_least_squares(self.linear.regressors[:, others], treatment, self.linear.weights)
        df = self.df + 1
        variance = fitted.bread * float(self.linear.weights @ np.square(fitted.residuals)) / df
        kept = mine[others]
        return group_partial_r2(fitted.coefficients[kept], variance[np.ix_(kept, kept)], df), with_outcome

    def movement(self) -> Movement:
        """How the coefficient and the share explained move from no covariates to all of them."""
        weights = self.linear.weights
        of_covariates = np.logical_or.reduce(list(self.members.values()))
        y, columns = self.linear.response, self.linear.regressors
        others = np.arange(columns.shape[1]) != self.position
        base, rest, treatment = columns[:, ~of_covariates & others], columns[:, others], columns[:, self.position]
        total = _spread(y, base, weights)
        short = solve_least_squares(columns[:, ~of_covariates], y, weights)
        place = int(np.sum(~of_covariates[: self.position]))
        return Movement(
            short=float(short.coefficients[place]),
            full=self.estimate,
            r2_short=1 - float(weights @ np.square(short.residuals)) / total,
            r2_full=1 - float(weights @ np.square(self.linear.residuals)) / total,
            var_outcome=total / weights.sum(),
            var_treatment=_spread(treatment, base, weights) / weights.sum(),
            var_left=_spread(treatment, rest, weights) / weights.sum(),
        )


def _spread(values: FloatArray, columns: FloatArray, weights: FloatArray) -> float:
    """Weighted sum of squares of what the columns leave of the values."""
    if columns.shape[1] == 0:
        return float(weights @ np.square(values))
    return float(weights @ np.square(solve_least_squares(columns, values, weights).residuals))
