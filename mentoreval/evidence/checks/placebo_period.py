"""placebo_period: does the method find an effect before there was a program?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mentoreval.effects.estimate import Estimate
from mentoreval.errors import OptionError
from mentoreval.evidence.check import Check, Finding
from mentoreval.evidence.placebo import estimate_again, judge_placebo, without_treatment_columns
from mentoreval.panel.panel import Panel


@dataclass(frozen=True)
class PlaceboPeriod(Check):
    """The study again as if the program had begun some periods earlier, on what was seen before it really did.

    The design is chosen anew from the earlier baseline. Rows of a unit from its own start on are left out, for everyone
    also those from the last start on.

    periods : how many periods earlier; an estimator that looks at a later event time needs more
    small : pass needs an interval that stays below this share of the real effect

    Verdict: fail where the interval of the placebo effect leaves zero out, pass where it holds zero and nothing as
    large as ``small`` times the real effect, caution where it is too wide to tell.
    """

    name: ClassVar[str] = "placebo_period"
    periods: int = 1
    small: float = 1.0

    def check(self) -> None:
        """At least one period, and a share above 0."""
        if self.periods < 1 or self.small <= 0:
            raise OptionError(
                f"placebo_period: periods is 1 or more and small above 0; got {self.periods} and {self.small}."
            )

    def examine(self, subject: Estimate) -> Finding:
        """The verdict; the frame has the real and the placebo effect."""
        panel = subject.design.panel
        if panel.is_cross_section:
            return Finding(self.name, "cannot_judge", f"{self.name}.one_period")
        earlier = _begin_earlier(panel, self.periods)
        if earlier is None:
            return Finding(self.name, "cannot_judge", f"{self.name}.too_few_periods", {"periods": self.periods})
        placebo = estimate_again(subject, earlier, subject.design.covariates)
        return judge_placebo(self.name, subject, placebo, self.small)


def _begin_earlier(panel: Panel, periods: int) -> Panel | None:
    """The panel before the program, begun earlier; None where nobody is then seen before."""
    timeline, cohorts = panel.timeline, panel.cohorts
    place = np.searchsorted(timeline.clock, cohorts) - periods
    if (place < 1).all():
        return None
    moved = {timeline.label(cohort): timeline.periods[max(at, 0)] for cohort, at in zip(cohorts, place, strict=True)}
    clock = timeline.clock[panel.row_period]
    before = (clock < panel.start[panel.row_unit]) & (clock < cohorts.max())
    frame = panel.frame[before].copy()
    starts = frame[panel.first_treated]
    frame[panel.first_treated] = starts.map(lambda label: moved.get(label, label), na_action="ignore")
    return without_treatment_columns(panel, frame)
