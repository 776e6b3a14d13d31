"""bacon_decomposition: which comparisons is a two-way fixed effects estimate made of?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from mentoreval.aliases import Verdict
from mentoreval.effects.estimate import Estimate
from mentoreval.effects.unit_periods import UnitPeriods, observe_periods
from mentoreval.errors import OptionError
from mentoreval.evidence.check import Check, Finding
from mentoreval.numerics.bacon import decompose

COLUMNS = ("kind", "treated", "comparison", "weight", "estimate")


@dataclass(frozen=True)
class BaconDecomposition(Check):
    """The two-by-two comparisons behind two-way fixed effects, their weights and their estimates.

    The weighted sum of the estimates is the coefficient. Comparisons of a later cohort with one that is treated already
    (``later_earlier``) take the growth of the earlier cohort's effect off the later one's.

    caution, fail : shares of such comparisons from which the verdict is that; conventions of the reader

    Verdict: pass below ``caution``, and where all start in one period. It is judged for Twfe without covariates, on
    units of a design that leaves each one its sampling weight and that are all seen in every period.

    References: Goodman-Bacon (2021), Difference-in-differences with variation in treatment timing, Journal of
    Econometrics 225.
    """

    name: ClassVar[str] = "bacon_decomposition"
    caution: float = 0.05
    fail: float = 0.25

    def check(self) -> None:
        """Two shares, the one for caution not above the other."""
        if not 0 < self.caution <= self.fail <= 1:
            raise OptionError(
                "bacon_decomposition: caution and fail are shares, caution the smaller; "
                f"got {self.caution} and {self.fail}."
            )

    def examine(self, subject: Estimate) -> Finding:
        """The verdict; the frame has COLUMNS, one row for each comparison."""
        estimator = subject.fit.estimator
        if estimator.name != "twfe":
            return Finding(self.name, "cannot_judge", f"{self.name}.another_estimator")
        if estimator.adjusts_for(subject.design):
            return Finding(self.name, "cannot_judge", f"{self.name}.covariates")
        rows = observe_periods(subject.design, subject.outcome, estimator.name)
        if rows.stacked:
            return Finding(self.name, "cannot_judge", f"{self.name}.stacked")
        if len(np.unique(rows.unit)) * len(np.unique(rows.period)) != len(rows.unit):
            return Finding(self.name, "cannot_judge", f"{self.name}.unbalanced")
        frame = _comparisons(rows)
        share = frame.groupby("kind")["weight"].sum()
        forbidden = float(share.get("later_earlier", 0.0))
        numbers = {
            "forbidden": forbidden,
            "estimate": _mean(frame),
            "without": _mean(frame[frame["kind"] != "later_earlier"]),
        }
        if not frame["kind"].isin(["earlier_later", "later_earlier"]).any():
            return Finding(self.name, "pass", f"{self.name}.one_start", numbers, frame)
        if forbidden < self.caution:
            return Finding(self.name, "pass", f"{self.name}.few", numbers, frame)
        verdict: Verdict = "fail" if forbidden >= self.fail else "caution"
        return Finding(self.name, verdict, f"{self.name}.many", numbers, frame)


def _comparisons(rows: UnitPeriods) -> pd.DataFrame:
    """COLUMNS of the balanced rows; a cohort by its label, the untreated as missing."""
    timeline = rows.design.panel.timeline
    periods = np.unique(rows.period)
    never = int(timeline.clock[-1]) + 1
    starts, group = np.unique(np.where(rows.treated, rows.cohort, never), return_inverse=True)
    place = np.searchsorted(periods, rows.period)
    cell = group * len(periods) + place
    shape = (len(starts), len(periods))
    mass = np.bincount(cell, rows.weights, minlength=shape[0] * shape[1]).astype(float).reshape(shape)
    means = np.bincount(cell, rows.weights * rows.response, minlength=mass.size).reshape(shape) / mass
    found = decompose(means, mass[:, 0], np.searchsorted(timeline.clock[periods], starts).astype(np.int64))
    labels = [None if start == never else timeline.label(start) for start in starts]
    values = [(one.kind, labels[one.treated], labels[one.comparison], one.weight, one.estimate) for one in found]
    return pd.DataFrame(values, columns=list(COLUMNS))


def _mean(frame: pd.DataFrame) -> float:
    """Weighted mean of the estimates."""
    return float(np.average(frame["estimate"], weights=frame["weight"]))
