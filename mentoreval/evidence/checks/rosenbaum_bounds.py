"""rosenbaum_bounds: how far could hidden differences bend the odds within matched pairs before the effect is gone?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from mentoreval.aliases import FloatArray
from mentoreval.effects.estimate import Estimate
from mentoreval.effects.sample import outcome_at, outcome_before
from mentoreval.errors import OptionError
from mentoreval.evidence.check import Check, Finding
from mentoreval.numerics.hidden_bias import critical_gamma, hodges_lehmann_bounds, signed_rank_p


@dataclass(frozen=True)
class RosenbaumBounds(Check):
    """Wilcoxon's signed-rank test and the Hodges–Lehmann estimate of matched pairs under hidden selection.

    Within a pair, something unobserved may make one student up to Γ times as likely (in odds) to be mentored as the
    other. The finding is the largest Γ at which the pairs still show an effect.

    gammas : for which p-values and estimates are tabled
    level : two-sided
    enough : the Γ from which on the verdict is pass; a convention of the reader, 1.5 is one that is often met
    change : compare changes since the baseline period instead of the outcome itself

    References: Rosenbaum (2002), Observational Studies, chapter 4.
    """

    name: ClassVar[str] = "rosenbaum_bounds"
    gammas: tuple[float, ...] = (1.0, 1.25, 1.5, 2.0, 3.0)
    level: float = 0.05
    enough: float = 1.5
    change: bool = False

    def check(self) -> None:
        """Γ is 1 or more, the level a share."""
        if not self.gammas or min((*self.gammas, self.enough)) < 1 or not 0 < self.level < 1:
            raise OptionError(
                f"rosenbaum_bounds: gammas and enough are 1 or more, and level is between 0 and 1; got gammas = "
                f"{list(self.gammas)}, enough = {self.enough}, level = {self.level}."
            )

    def examine(self, subject: Estimate) -> Finding:
        """pass, caution or (where there is no effect to undo) info; cannot_judge without matched pairs."""
        differences = self._differences(subject)
        if len(differences) < 2:
            return Finding(self.name, "cannot_judge", f"{self.name}.no_pairs")
        sign = 1.0 if signed_rank_p(differences) <= 0.5 else -1.0
        rows = []
        for gamma in self.gammas:
            low, high = hodges_lehmann_bounds(differences, gamma)
            rows.append((gamma, signed_rank_p(sign * differences, gamma), low, high))
        frame = pd.DataFrame(rows, columns=["gamma", "p_value", "estimate_low", "estimate_high"])
        gamma = critical_gamma(differences, self.level / 2)
        numbers = {"gamma": gamma, "n_pairs": len(differences), "enough": self.enough}
        if gamma <= 1:
            return Finding(self.name, "info", f"{self.name}.nothing_to_undo", numbers, frame)
        if gamma < self.enough:
            return Finding(self.name, "caution", f"{self.name}.fragile", numbers, frame)
        return Finding(self.name, "pass", f"{self.name}.sturdy", numbers, frame)

    def _differences(self, subject: Estimate) -> FloatArray:
        """Treated less comparison of every pair whose students are in no other pair and whose outcomes are known."""
        design, pairs = subject.design, subject.design.weighting.pairs
        values = outcome_at(design, subject.outcome, subject.headline_event_time)
        if self.change:
            values = values - outcome_before(design, subject.outcome)
        analysed = np.zeros(design.baseline.size, dtype=bool)
        analysed[subject.fit.entries] = True
        times_used = np.bincount(pairs.ravel(), minlength=design.baseline.size)
        alone = (analysed[pairs] & (times_used[pairs] == 1) & ~np.isnan(values[pairs])).all(axis=1)
        return np.asarray(values[pairs[alone, 0]] - values[pairs[alone, 1]], dtype=float)
