"""placebo_period: does the method find an effect before there was a program?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from mentoreval.aliases import FloatArray
from mentoreval.effects.estimate import Estimate
from mentoreval.errors import OptionError
from mentoreval.evidence.check import Check, Finding
from mentoreval.evidence.placebo import estimate_again, estimate_on, judge_placebo, without_treatment_columns
from mentoreval.panel.panel import PRIOR, Panel


@dataclass(frozen=True)
class PlaceboPeriod(Check):
    """The study again as if the program had begun some periods earlier, on what was seen before it really did.

    The design is chosen anew from the earlier baseline. Rows of a unit from its own start on are left out, for everyone
    also those from the last start on.

    Where the design makes the outcome of the baseline alike (``prior_<outcome>`` is among its covariates or rules), as
    when students are chosen for their absences of last year, that would fail in every sound study: the placebo would be
    looked for in the very period for which students were chosen. There the design stays as it is, and the outcome of
    ``periods`` before the baseline takes the place of the real one. Of students who are alike in what decided who was
    chosen, those chosen and others have the same past; where they have not, something else decided too. That takes one
    more period before the start.

    periods : how many periods earlier; an estimator that looks at a later event time needs more
    small : pass needs an interval that stays below this share of the real effect

    Verdict: fail where the interval of the placebo effect leaves zero out, pass where it holds zero and nothing as
    large as ``small`` times the real effect, caution where it is too wide to tell, cannot_judge where too
    few periods are on record.

    References: Imbens and Rubin (2015), Causal Inference, chapter 21 (lagged outcomes as pseudo-outcomes).
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
        if _made_alike(subject):
            return self._before_selection(subject)
        earlier = _begin_earlier(panel, self.periods)
        if earlier is None:
            return Finding(self.name, "cannot_judge", f"{self.name}.too_few_periods", {"periods": self.periods})
        placebo = estimate_again(subject, earlier, subject.design.covariates)
        return judge_placebo(self.name, subject, placebo, self.small)

    def _before_selection(self, subject: Estimate) -> Finding:
        """The verdict where the outcome of the baseline was made alike, on what was seen before it."""
        design, outcome = subject.design, subject.outcome
        panel, lag = design.panel, self.periods + 1
        name = f"{outcome}_{lag}_periods_earlier"
        frame = panel.frame.assign(**{name: _lagged(panel, outcome, lag)})
        earlier = replace(panel, frame=frame, outcomes=(*panel.outcomes, name))
        placebo = estimate_on(subject, replace(design, panel=earlier), name)
        if isinstance(placebo, str):
            return Finding(self.name, "cannot_judge", f"{self.name}.selection_period", {"reason": placebo})
        finding = judge_placebo(self.name, subject, placebo, self.small)
        return replace(finding, key=BEFORE_SELECTION.get(finding.key, finding.key))


BEFORE_SELECTION = {
    f"placebo_period.{key}": f"placebo_period.{key}_before" for key in ("found", "none_found", "too_wide")
}
"""Keys of what is found before the period by which students were chosen."""


def _made_alike(subject: Estimate) -> bool:
    """Whether the design conditions on the outcome of the baseline."""
    design, prior = subject.design, PRIOR + subject.outcome
    return prior in design.covariates or any(rule.covariate == prior for rule in design.eligibility)


def _lagged(panel: Panel, outcome: str, lag: int) -> FloatArray:
    """(rows,) the outcome of the same unit so many periods of the panel earlier; missing where there is none."""
    place = panel.row_period - lag
    values = panel.outcome_matrix(outcome)[panel.row_unit, np.maximum(place, 0)]
    return np.where(place >= 0, values, np.nan)


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
