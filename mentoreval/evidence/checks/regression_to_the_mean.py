"""regression_to_the_mean: how much would students have changed with no program at all?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from mentoreval.effects.estimate import Estimate
from mentoreval.evidence.check import Check, Finding


@dataclass(frozen=True)
class RegressionToTheMean(Check):
    """The change from the year before to the year of the start, in both arms of the estimate's sample.

    Students who were picked in a bad year have a better one next, mentor or not. What the comparison students gained
    without the program is what a before/after of the mentored students alone would have claimed for it.
    """

    name: ClassVar[str] = "regression_to_the_mean"

    def examine(self, subject: Estimate) -> Finding:
        """info, with the change in each arm; cannot_judge where nothing was measured before the start."""
        design, panel = subject.design, subject.design.panel
        if panel.is_cross_section:
            return Finding(self.name, "cannot_judge", f"{self.name}.no_period_before")
        base, entries = design.baseline, subject.fit.entries
        unit, cohort = base.unit[entries], base.cohort[entries]
        values = np.append(panel.frame[subject.outcome].to_numpy(dtype=float, na_value=np.nan), np.nan)
        before = values[panel.rows_at(unit, panel.baseline_clock(cohort))]
        after = values[panel.rows_at(unit, cohort)]
        weight = np.where(np.isnan(before) | np.isnan(after), 0.0, design.weighting.weights[entries])
        rows = []
        for arm, mask in (("treated", base.treated[entries]), ("comparison", ~base.treated[entries])):
            chosen = mask & (weight > 0)
            if not chosen.any():
                return Finding(self.name, "cannot_judge", f"{self.name}.no_pairs_of_years")
            means = [float(np.average(v[chosen], weights=weight[chosen])) for v in (before, after)]
            rows.append((arm, int(chosen.sum()), *means, means[1] - means[0]))
        frame = pd.DataFrame(rows, columns=["arm", "n", "before", "after", "change"])
        numbers = {"change_treated": frame["change"][0], "change_comparison": frame["change"][1]}
        return Finding(self.name, "info", f"{self.name}.changes", numbers, frame)
