"""placebo_outcome: does the method find an effect on something that the program can not have moved?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pandas as pd

from mentoreval.effects.estimate import Estimate
from mentoreval.errors import OptionError, suggest
from mentoreval.evidence.check import Check, Finding
from mentoreval.evidence.placebo import estimate_again, estimate_on, judge_placebo
from mentoreval.panel.panel import PRIOR, Panel


@dataclass(frozen=True)
class PlaceboOutcome(Check):
    """The study again with an outcome that can not have changed.

    outcome : an outcome of the panel, for which the design stays as it is; or a numeric covariate, such as a score from
        before the program, which then leaves the design, since a design that made it alike would hide the answer
    small : pass needs an interval that stays below this share of the real effect, both in standard deviations

    Verdict: fail where the interval of the placebo effect leaves zero out, pass where it holds zero and nothing as
    large as ``small`` times the real effect, caution where it is too wide to tell.
    """

    name: ClassVar[str] = "placebo_outcome"
    outcome: str = ""
    small: float = 1.0

    def check(self) -> None:
        """A share above 0."""
        if self.small <= 0:
            raise OptionError(f"placebo_outcome: small is above 0; got {self.small}.")

    def examine(self, subject: Estimate) -> Finding:
        """The verdict; the frame has the real and the placebo effect, each in its own unit."""
        if not self.outcome:
            return Finding(self.name, "cannot_judge", f"{self.name}.not_named")
        if self.outcome == subject.outcome:
            return Finding(self.name, "cannot_judge", f"{self.name}.the_outcome_itself")
        panel = subject.design.panel
        spreads = _spread(panel, subject.outcome), _spread(panel, self._column(panel))
        if not min(spreads) > 0:
            return Finding(self.name, "cannot_judge", f"{self.name}.no_interval")
        finding = judge_placebo(self.name, subject, self._placebo(subject, panel), self.small, spreads)
        return replace(finding, numbers={**finding.numbers, "covariate": self.outcome})

    def _column(self, panel: Panel) -> str:
        """The column; OptionError for a name that is neither an outcome nor a numeric covariate."""
        numeric = [name for name in panel.covariates if pd.api.types.is_numeric_dtype(panel.frame[name])]
        known = [*panel.outcomes, *numeric]
        if self.outcome not in known:
            raise OptionError(
                f"placebo_outcome: {self.outcome!r} is neither an outcome nor a numeric covariate of this panel."
                f"{suggest(self.outcome, known)}"
            )
        return self.outcome

    def _placebo(self, subject: Estimate, panel: Panel) -> Estimate | str:
        if self.outcome in panel.outcomes:
            return estimate_on(subject, subject.design, self.outcome)
        others = tuple(name for name in panel.covariates if name != self.outcome)
        pretests = {name: column for name, column in panel.pretests.items() if column != self.outcome}
        moved = replace(panel, covariates=others, outcomes=(*panel.outcomes, self.outcome), pretests=pretests)
        covariates = [name for name in subject.design.covariates if name not in (self.outcome, PRIOR + self.outcome)]
        return estimate_again(subject, moved, covariates, self.outcome)


def _spread(panel: Panel, column: str) -> float:
    """Standard deviation over the rows of a panel."""
    return float(np.nanstd(panel.frame[column].to_numpy(dtype=float, na_value=np.nan)))
