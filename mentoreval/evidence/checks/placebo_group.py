"""placebo_group: does the method find an effect on students whom nobody mentored?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from mentoreval.aliases import BoolArray
from mentoreval.effects.estimate import Estimate
from mentoreval.errors import OptionError, suggest
from mentoreval.evidence.check import Check, Finding
from mentoreval.evidence.placebo import estimate_again, judge_placebo, without_treatment_columns
from mentoreval.panel.panel import Panel


@dataclass(frozen=True)
class PlaceboGroup(Check):
    """The study again without those who were really mentored, as if a group of the others had been.

    Such a group is one that nobody would have mentored, or one as much in need as those who were: students of schools
    without the program, or who met the rule and got no mentor. It starts when the largest cohort did.

    column : of the panel's frame, read in each unit's first row; it leaves the covariates of the design
    level : which of its values makes the group; "" = what is 1 or true
    small : pass needs an interval that stays below this share of the real effect

    Verdict: fail where the interval of the placebo effect leaves zero out, pass where it holds zero and nothing as
    large as ``small`` times the real effect, caution where it is too wide to tell.
    """

    name: ClassVar[str] = "placebo_group"
    column: str = ""
    level: str = ""
    small: float = 1.0

    def check(self) -> None:
        """A share above 0."""
        if self.small <= 0:
            raise OptionError(f"placebo_group: small is above 0; got {self.small}.")

    def examine(self, subject: Estimate) -> Finding:
        """The verdict; the frame has the real and the placebo effect."""
        if not self.column:
            return Finding(self.name, "cannot_judge", f"{self.name}.not_named")
        panel = subject.design.panel
        group = self._group(panel)
        never = panel.start > panel.timeline.clock[-1]
        if not (group & never).any() or not (~group & never).any():
            return Finding(self.name, "cannot_judge", f"{self.name}.nobody", {"level": self.level or self.column})
        covariates = [name for name in subject.design.covariates if name != self.column]
        placebo = estimate_again(subject, _as_if(panel, group, never), covariates)
        return judge_placebo(self.name, subject, placebo, self.small)

    def _group(self, panel: Panel) -> BoolArray:
        """(n_units,) True in the group."""
        if self.column not in panel.frame.columns:
            raise OptionError(
                f"placebo_group: the panel has no column {self.column!r}.{suggest(self.column, panel.frame.columns)}"
            )
        first = np.unique(panel.row_unit, return_index=True)[1]
        values = panel.frame[self.column].iloc[first].astype(object)
        if self.level:
            chosen = [str(value) == self.level for value in values]
        else:
            chosen = [not pd.isna(value) and value in (1, True) for value in values]
        return np.array(chosen, dtype=bool)


def _as_if(panel: Panel, group: BoolArray, never: BoolArray) -> Panel:
    """The never-mentored alone, the group starting with the largest cohort."""
    counts = [int((panel.start == cohort).sum()) for cohort in panel.cohorts]
    start = panel.timeline.label(panel.cohorts[int(np.argmax(counts))])
    frame = panel.frame[never[panel.row_unit]].copy()
    treated = group[panel.row_unit][never[panel.row_unit]]
    labels = pd.Series([start if one else None for one in treated], index=frame.index, dtype=object)
    frame[panel.first_treated] = pd.to_numeric(labels) if panel.timeline.counts else labels
    return without_treatment_columns(panel, frame)
