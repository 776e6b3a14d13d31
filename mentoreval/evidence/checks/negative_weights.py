"""negative_weights: does a two-way fixed effects estimate count the effects of some students negatively?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from mentoreval.aliases import FloatArray
from mentoreval.effects.estimate import Estimate
from mentoreval.effects.estimator import LinearModel
from mentoreval.effects.unit_periods import UnitPeriods, observe_periods
from mentoreval.evidence.check import Check, Finding
from mentoreval.numerics.least_squares import solve_least_squares

COLUMNS = ("cohort", "period", "share", "weight")
ROUNDING = 1e-12


@dataclass(frozen=True)
class NegativeWeights(Check):
    """The weight of each cohort's effect in each period in the coefficient of two-way fixed effects.

    ``heterogeneity`` is the smallest standard deviation of the effects across cohorts and periods with which the
    average effect on the treated could be zero although the coefficient is what it is.

    Verdict: pass where no weight is negative, caution where some are, fail where some are and a standard deviation no
    larger than the coefficient would be enough.

    References: de Chaisemartin and D'Haultfœuille (2020), Two-way fixed effects estimators with heterogeneous treatment
    effects, American Economic Review 110, corollary 1.
    """

    name: ClassVar[str] = "negative_weights"

    def examine(self, subject: Estimate) -> Finding:
        """The verdict; the frame has COLUMNS: a cell's share of the treated, and its weight."""
        estimator, linear = subject.fit.estimator, subject.fit.linear
        if estimator.name != "twfe" or linear is None:
            return Finding(self.name, "cannot_judge", f"{self.name}.another_estimator")
        covariates = estimator.adjusts_for(subject.design)
        frame = _cells(observe_periods(subject.design, subject.outcome, estimator.name, covariates), linear)
        facts = subject.fit.facts
        spread = _spread(frame)
        estimate = float(subject.fit.theta[0])
        numbers = {
            "n_negative": int((frame["weight"] < -ROUNDING).sum()),
            "n_cells": len(frame),
            "sum_negative": float(str(facts["negative_weight_sum"])),
            "share_negative": float(str(facts["negative_weight_share"])),
            "heterogeneity": abs(estimate) / spread if spread > ROUNDING else math.inf,
            "estimate": estimate,
        }
        if not numbers["n_negative"]:
            return Finding(self.name, "pass", f"{self.name}.none", numbers, frame)
        if spread >= 1:
            return Finding(self.name, "fail", f"{self.name}.sign_at_risk", numbers, frame)
        return Finding(self.name, "caution", f"{self.name}.some", numbers, frame)


def _spread(frame: pd.DataFrame) -> float:
    """Standard deviation over the treated of the weights, where these have mean 1."""
    share, weight = (frame[name].to_numpy(dtype=float) for name in ("share", "weight"))
    return math.sqrt(float(share @ (weight / share - 1) ** 2))


def _cells(rows: UnitPeriods, linear: LinearModel) -> pd.DataFrame:
    """COLUMNS, one row for each cohort and treated period; shares and weights sum to 1."""
    timeline = rows.design.panel.timeline
    treated = np.flatnonzero(rows.started)
    pull = (linear.weights * _residual(linear))[treated]
    labels = pd.DataFrame(
        {"cohort": rows.cohort[treated], "period": rows.clock[treated], "share": rows.weights[treated], "weight": pull}
    )
    cells = labels.groupby(["cohort", "period"], as_index=False).sum()
    for name in ("share", "weight"):
        cells[name] /= cells[name].sum()
    for name in ("cohort", "period"):
        cells[name] = pd.Series([timeline.label(clock) for clock in cells[name]])
    return cells[list(COLUMNS)]


def _residual(linear: LinearModel) -> FloatArray:
    """(n,) treatment, effects taken off, less what covariates tell of it."""
    treatment, others = linear.regressors[:, 0], linear.regressors[:, 1:]
    return solve_least_squares(others, treatment, linear.weights).residuals if others.shape[1] else treatment
