"""Subclass: students are compared within classes of the propensity score."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from mentoreval.aliases import BoolArray, Estimand, FloatArray, IntArray
from mentoreval.design.design import Baseline, DesignMethod, Weighting
from mentoreval.design.matched_sets import SET_ESTIMANDS, weighting_of_sets, within_each
from mentoreval.design.propensity import PropensityModel
from mentoreval.design.reweighting import refuse_estimand
from mentoreval.errors import OptionError
from mentoreval.numerics.coarsening import quantile_cuts, subclasses
from mentoreval.registry import make


def _logit() -> PropensityModel:
    return make(PropensityModel, "logit")  # type: ignore[type-abstract]


@dataclass(frozen=True)
class Subclass(DesignMethod):
    """Classes between quantiles of the propensity score, weighted as strata: marginal mean weighting.

    The quantiles are those of the students whose effect is asked for: the treated (ATT), the others (ATC), all (ATE),
    each cohort by its own. A class without one of the arms is given the nearest student of that arm, as MatchIt (R)
    does; a cohort with fewer students in an arm than classes is cut into that many. Nobody is left out. Time grows as
    n log n, memory as n.

    n : number of classes; five remove most of the bias that the score explains, more remove more
    propensity : the propensity model; all cohorts share it

    References: Rosenbaum & Rubin (1984), JASA 79:516; Hong (2010), Journal of Educational and Behavioral Statistics
    35:499.
    """

    name: ClassVar[str] = "subclass"
    estimands: ClassVar[tuple[Estimand, ...]] = SET_ESTIMANDS
    n: int = 6
    propensity: PropensityModel = field(default_factory=_logit)

    def check(self) -> None:
        """Refuse a single class."""
        if self.n < 2:
            raise OptionError(f"Subclass: n is the number of classes, at least 2; got {self.n}.")

    def weigh(self, baseline: Baseline, estimand: Estimand) -> Weighting:
        """Classes and their weights; DesignError for the ATO, and where there is no propensity score."""
        refuse_estimand(self.name, self.estimands, estimand)
        considered = baseline.comparable()
        scores = self.propensity.score(baseline, considered)
        rows = np.flatnonzero(considered)
        score, treated, cohort = scores.probability[rows], baseline.treated[rows], baseline.cohort[rows]
        asked = {"ATT": treated, "ATC": ~treated}.get(estimand, np.ones(len(rows), dtype=bool))
        quantiles: dict[int, tuple[float, ...]] = {}

        def cut(members: IntArray) -> IntArray:
            """Subclass of each of these rows of one cohort."""
            cuts = self._cuts(score[members], treated[members], asked[members])
            quantiles[int(cohort[members[0]])] = tuple(cuts.tolist())
            return subclasses(score[members], treated[members], cuts)

        codes = within_each(cohort, cut)
        return weighting_of_sets(baseline, considered, codes, estimand, scores, {"quantiles": quantiles})

    def _cuts(self, score: FloatArray, treated: BoolArray, asked: BoolArray) -> FloatArray:
        fewest = min(int(np.count_nonzero(treated)), int(np.count_nonzero(~treated)))
        return quantile_cuts(score[asked], min(self.n, fewest))
