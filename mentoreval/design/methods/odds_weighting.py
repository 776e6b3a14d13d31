"""Odds weighting: comparison students count by their odds of having been mentored."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from mentoreval.aliases import Estimand
from mentoreval.design.design import Baseline, DesignMethod, Weighting
from mentoreval.design.propensity import PropensityModel
from mentoreval.design.reweighting import alike_totals, refuse_estimand, tilted, weighting_of
from mentoreval.registry import make


def _logit() -> PropensityModel:
    return make(PropensityModel, "logit")  # type: ignore[type-abstract]


@dataclass(frozen=True)
class OddsWeighting(DesignMethod):
    """Weights p/(1 − p) for the comparison students (ATT), or (1 − p)/p for the treated (ATC), times sampling weights.

    All cohorts share one propensity model. The other arm keeps its sampling weights.

    propensity : the propensity model
    normalized : scale the weights so that in each cohort both arms sum to the students whose effect is asked for;
        False leaves the odds as they are, as WeightIt (R) returns them

    The weights are estimated; errors that take them as given (``conditional`` is False) leave that out.
    References: Hirano, Imbens & Ridder (2003), Econometrica 71:1161; Morgan & Todd (2008), Sociological Methodology 38.
    """

    name: ClassVar[str] = "odds_weighting"
    estimands: ClassVar[tuple[Estimand, ...]] = ("ATT", "ATC")
    propensity: PropensityModel = field(default_factory=_logit)
    normalized: bool = True

    def weigh(self, baseline: Baseline, estimand: Estimand) -> Weighting:
        """Odds as weights; DesignError for the ATE and the ATO, and where there is no propensity score."""
        refuse_estimand(self.name, self.estimands, estimand)
        considered = baseline.comparable()
        scores = self.propensity.score(baseline, considered)
        rows = np.flatnonzero(considered)
        weights = tilted(baseline, rows, scores.probability[rows], estimand)
        if self.normalized:
            weights = alike_totals(weights, baseline, rows, estimand)
        return weighting_of(baseline, considered, rows, weights, scores, {})
