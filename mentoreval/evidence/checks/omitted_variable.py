"""omitted_variable: what would a confounder as strong as an observed covariate do to the estimate?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from mentoreval.effects.estimate import Estimate
from mentoreval.errors import OptionError
from mentoreval.evidence.check import Check, Finding
from mentoreval.evidence.classical_regression import ClassicalRegression
from mentoreval.numerics.omitted_variable import (
    adjusted_error,
    benchmark_bounds,
    bias,
    partial_r2,
    robustness_value,
)

BOUNDS = ("covariate", "times", "r2_treatment", "r2_outcome", "estimate", "std_error", "conf_low", "conf_high")


@dataclass(frozen=True)
class OmittedVariable(Check):
    """Robustness values and benchmark bounds of a regression estimate.

    The robustness value is the share of the residual variance, of treatment and of outcome alike, that an omitted
    variable must explain to take the estimate to zero, or its interval to zero. The bounds say what is left if it were
    1, 2, … times as strong as an observed covariate; all columns of a text count as one covariate.

    Clusters play no part: how much variance a variable explains does not depend on them, and the bounds' errors are
    those of independent rows.

    benchmarks : covariates of the impact model; empty = all of them
    times : how many times as strong in the bounds that are tabled; the verdict is about one as strong
    level : of significance

    Verdict: pass where a confounder as strong as any observed covariate leaves the interval clear of zero, caution
    where it would not, or where a covariate is so strong that nothing left unexplained could match it, fail where the
    estimate itself would change sign; info where the interval holds zero to begin with, for then there is nothing to
    undo.

    References: Cinelli and Hazlett (2020), Making sense of sensitivity, Journal of the Royal Statistical Society B 82.
    """

    name: ClassVar[str] = "omitted_variable"
    benchmarks: tuple[str, ...] = ()
    times: tuple[float, ...] = (1.0, 2.0, 3.0)
    level: float = 0.05

    def check(self) -> None:
        """The level is a share, and strengths are positive."""
        if not 0 < self.level < 1 or not self.times or min(self.times) <= 0:
            raise OptionError(
                f"omitted_variable: level is between 0 and 1 and times are above 0; got level = {self.level}, "
                f"times = {list(self.times)}."
            )

    def examine(self, subject: Estimate) -> Finding:
        """The verdict with robustness values; the frame has the bounds, one row for each covariate and strength.

        ``frame.attrs`` has what a picture needs: estimate, std_error, df, outcome, measure.
        """
        model = ClassicalRegression.of(subject)
        if model is None:
            return Finding(self.name, "cannot_judge", f"{self.name}.no_regression")
        benchmarks = self._benchmarks(model)
        frame = self._bounds(model, benchmarks, self.times)
        frame.attrs = {
            "estimate": model.estimate, "std_error": model.std_error, "df": model.df, "outcome": subject.outcome,
            "measure": subject.design.panel.measures.get(subject.outcome),
        }  # fmt: skip
        values = {
            "robustness_value": robustness_value(model.t, model.df),
            "robustness_value_interval": robustness_value(model.t, model.df, alpha=self.level),
            "partial_r2": float(partial_r2(model.t, model.df)),
        }
        if values["robustness_value_interval"] == 0:
            return Finding(self.name, "info", f"{self.name}.nothing_to_undo", values, frame)
        once = self._bounds(model, benchmarks, (1.0,))
        if once.empty:
            return Finding(self.name, "cannot_judge", f"{self.name}.no_benchmark", values, frame)
        beyond = once.loc[once["estimate"].isna(), "covariate"]
        if len(beyond):
            numbers = {**values, "covariate": str(beyond.iloc[0])}
            return Finding(self.name, "caution", f"{self.name}.no_bound", numbers, frame)
        # The worst of the benchmarks is the one that leaves the interval nearest to zero, or beyond it.
        sign = np.sign(model.estimate)
        near = np.where(sign > 0, once["conf_low"], -once["conf_high"])
        worst = once.iloc[int(np.argmin(near))]
        numbers = {**values, "covariate": str(worst["covariate"]), "left": float(worst["estimate"])}
        if (sign * once["estimate"]).min() < 0:
            return Finding(self.name, "fail", f"{self.name}.sign_changes", numbers, frame)
        if near.min() <= 0:
            return Finding(self.name, "caution", f"{self.name}.interval_reaches_zero", numbers, frame)
        return Finding(self.name, "pass", f"{self.name}.sturdy", numbers, frame)

    def _benchmarks(self, model: ClassicalRegression) -> Sequence[str]:
        unknown = [name for name in self.benchmarks if name not in model.covariates]
        if unknown:
            raise OptionError(
                f"omitted_variable: {', '.join(unknown)} is not among the covariates of the impact model. "
                f"There are: {', '.join(model.covariates) or 'none'}."
            )
        return self.benchmarks or model.covariates

    def _bounds(self, model: ClassicalRegression, names: Sequence[str], times: Sequence[float]) -> pd.DataFrame:
        """BOUNDS, one row for each covariate and strength."""
        half = float(stdtrit(model.df, 1 - self.level / 2))
        parts = []
        for name in names:
            treatment, outcome = benchmark_bounds(*model.strength(name), times)
            moved = model.estimate - np.sign(model.estimate) * bias(model.std_error, model.df, treatment, outcome)
            error = adjusted_error(model.std_error, model.df, treatment, outcome)
            ends = moved - half * error, moved + half * error
            columns = (name, times, treatment, outcome, moved, error, *ends)
            parts.append(pd.DataFrame(dict(zip(BOUNDS, columns, strict=True))))
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(BOUNDS), dtype=float)
