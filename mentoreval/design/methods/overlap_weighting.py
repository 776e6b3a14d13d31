"""Overlap weighting: students count by how likely they were to be in the other arm."""

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
class OverlapWeighting(DesignMethod):
    """Weights 1 − p for the treated and p for the others, times sampling weights: the effect where the arms overlap.

    No weight can be huge, and with a logit by maximum likelihood the weighted means of all covariates are equal in
    both arms, exactly. The price is another question: the ATO is the effect for students who could as well have been
    in the other arm, and the report must say who they are.

    propensity : the propensity model; all cohorts share it
    normalized : scale the weights so that in each cohort the comparison students weigh what the treated do; False
        leaves 1 − p and p as they are, as WeightIt (R) returns them

    The weights are estimated; errors that take them as given (``conditional`` is False) leave that out.
    References: Li, Morgan & Zaslavsky (2018), JASA 113:390; Li, Thomas & Li (2019), AJE 188:250.
    """

    name: ClassVar[str] = "overlap_weighting"
    estimands: ClassVar[tuple[Estimand, ...]] = ("ATO",)
    propensity: PropensityModel = field(default_factory=_logit)
    normalized: bool = True

    def weigh(self, baseline: Baseline, estimand: Estimand) -> Weighting:
        """Overlap weights; DesignError for any estimand but the ATO, and where there is no propensity score."""
        refuse_estimand(self.name, self.estimands, estimand)
        considered = baseline.comparable()
        scores = self.propensity.score(baseline, considered)
        rows = np.flatnonzero(considered)
        weights = tilted(baseline, rows, scores.probability[rows], estimand)
        if self.normalized:
            weights = alike_totals(weights, baseline, rows, estimand)
        return weighting_of(baseline, considered, rows, weights, scores, {})
