"""oster_delta: how does the estimate move as covariates enter, and what would the unobserved ones do at that pace?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import pandas as pd

from mentoreval.effects.estimate import Estimate
from mentoreval.errors import OptionError
from mentoreval.evidence.check import Check, Finding
from mentoreval.evidence.classical_regression import ClassicalRegression
from mentoreval.numerics.hidden_bias import oster_delta


@dataclass(frozen=True)
class OsterDelta(Check):
    """δ: how strong selection on the unobserved must be, relative to that on the covariates, for an effect of zero.

    r2_factor : the share explained by everything is this times the share that the impact model explains, at most 1;
        1.3 is Oster's proposal
    enough : |δ| from which on the verdict is pass; 1, as strong as the covariates, is Oster's proposal

    Verdict: pass also where δ is negative, for then the covariates move the estimate away from zero; caution below
    ``enough``; cannot_judge where the impact model has no covariates or explains everything.

    References: Oster (2019), Unobservable selection and coefficient stability, Journal of Business and Economic
    Statistics 37.
    """

    name: ClassVar[str] = "oster_delta"
    r2_factor: float = 1.3
    enough: float = 1.0

    def check(self) -> None:
        """A factor above 1 leaves room for the unobserved."""
        if self.r2_factor <= 1 or self.enough <= 0:
            raise OptionError(
                f"oster_delta: r2_factor is above 1 and enough is above 0; got {self.r2_factor} and {self.enough}."
            )

    def examine(self, subject: Estimate) -> Finding:
        """The verdict with δ and how the coefficient moved."""
        model = ClassicalRegression.of(subject)
        if model is None:
            return Finding(self.name, "cannot_judge", f"{self.name}.no_regression")
        if not model.covariates:
            return Finding(self.name, "cannot_judge", f"{self.name}.no_covariates")
        moved = model.movement()
        r2_max = min(self.r2_factor * moved.r2_full, 1.0)
        if not moved.r2_full < r2_max:
            return Finding(self.name, "cannot_judge", f"{self.name}.nothing_left_to_explain")
        delta = oster_delta(moved, r2_max)
        numbers = {"delta": delta, "without": moved.short, "with": moved.full, "r2_max": r2_max, "enough": self.enough}
        frame = pd.DataFrame(
            {"covariates": ["none", "all"], "estimate": [moved.short, moved.full],
             "r2": [moved.r2_short, moved.r2_full]}
        )  # fmt: skip
        if math.isinf(delta) or delta < 0:
            return Finding(self.name, "pass", f"{self.name}.moves_away_from_zero", numbers, frame)
        if delta >= self.enough:
            return Finding(self.name, "pass", f"{self.name}.sturdy", numbers, frame)
        return Finding(self.name, "caution", f"{self.name}.fragile", numbers, frame)
