"""spillover: do comparison students in schools with the program do otherwise than those elsewhere?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from mentoreval.design.design import choose_design
from mentoreval.effects.estimate import Estimate, estimate_effect
from mentoreval.effects.estimators import RegressionAdjustment
from mentoreval.effects.inference_methods import ClusterRobust
from mentoreval.effects.sample import outcome_at
from mentoreval.errors import MentorevalError
from mentoreval.evidence.check import Check, Finding
from mentoreval.panel.panel import panel_from_frame

FEWEST_SCHOOLS = 2
"""Of each kind; a difference between two single schools is theirs, not the program's."""


@dataclass(frozen=True)
class Spillover(Check):
    """The comparison students of the estimate in schools where someone is mentored, against those in other schools.

    The difference is adjusted for the design's covariates, with the estimate's own weights, and clustered by school
    (CR2). It is not free of differences between schools that have nothing to do with the program, so that a difference
    found is a reason to look, not a measure of spillover.

    Verdict: fail where a difference is found and it is at least half as large as the effect, caution where a smaller
    one is found or the interval could hide one that large, pass where it holds zero and nothing that large.
    """

    name: ClassVar[str] = "spillover"

    def examine(self, subject: Estimate) -> Finding:
        """The verdict with the difference; cannot_judge where comparison students are in one kind of school only."""
        frame, names = self._comparison(subject)
        if frame.empty:
            return Finding(self.name, "cannot_judge", f"{self.name}.no_schools")
        schools = frame.groupby("beside_mentees")["school"].nunique()
        if len(schools) < 2 or schools.min() < FEWEST_SCHOOLS:
            return Finding(self.name, "cannot_judge", f"{self.name}.one_kind_of_school")
        try:
            panel = panel_from_frame(
                frame, unit="entry", treated="beside_mentees", school="school", covariates=names, outcomes=["outcome"],
                weight="weight",
            )  # fmt: skip
            found = estimate_effect(
                choose_design(panel, covariates=names), "outcome", RegressionAdjustment(),
                inference=ClusterRobust(cluster="school", small_sample="CR2"),
            ).frame.iloc[0]  # fmt: skip
        except MentorevalError as error:
            return Finding(self.name, "cannot_judge", f"{self.name}.no_estimate", {"why": str(error)})
        return self._judge(subject, found)

    def _comparison(self, subject: Estimate) -> tuple[pd.DataFrame, list[str]]:
        """One row for each comparison entry whose school is known, and the names of the covariates."""
        design, entries = subject.design, subject.fit.entries
        base, panel = design.baseline, design.panel
        when = subject.headline_event_time
        school = panel.school_at_start(base.unit, base.cohort)
        with_mentees = np.unique(school[base.treated & (school >= 0)])
        chosen = entries[~base.treated[entries] & (school[entries] >= 0)]
        names = [name for name in design.covariates if name != panel.school]
        frame = panel.covariates_at_baseline(base.unit[chosen], base.cohort[chosen], names)
        frame = frame.set_axis([f"covariate {number}" for number in range(len(names))], axis=1)
        given = list(frame.columns)
        return frame.assign(
            entry=np.arange(len(chosen)),
            school=school[chosen],
            beside_mentees=np.isin(school[chosen], with_mentees).astype(int),
            weight=design.weighting.weights[chosen],
            outcome=outcome_at(design, subject.outcome, when)[chosen],
        ), given

    def _judge(self, subject: Estimate, found: pd.Series) -> Finding:
        effect = abs(float(subject.headline()["estimate"]))
        low, high = float(found["conf_low"]), float(found["conf_high"])
        numbers = {"difference": float(found["estimate"]), "low": low, "high": high}
        frame = found[["estimate", "std_error", "conf_low", "conf_high", "n_treated", "n_comparison"]].to_frame().T
        if low > 0 or high < 0:
            large = abs(numbers["difference"]) >= effect / 2
            return Finding(self.name, "fail" if large else "caution", f"{self.name}.found", numbers, frame)
        if max(-low, high) >= effect / 2:
            return Finding(self.name, "caution", f"{self.name}.can_not_tell", numbers, frame)
        return Finding(self.name, "pass", f"{self.name}.none_found", numbers, frame)
