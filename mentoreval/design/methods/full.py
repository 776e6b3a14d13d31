"""Full: everybody is in a matched set of one treated and several others, or of one other and several treated."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np

from mentoreval.aliases import Estimand, FloatArray
from mentoreval.design.design import Baseline, DesignMethod, Weighting
from mentoreval.design.matched_sets import SET_ESTIMANDS, exact_strata, refuse_empty, weighting_of_pairs
from mentoreval.design.propensity import PropensityModel
from mentoreval.design.reweighting import refuse_estimand
from mentoreval.errors import DesignError, OptionError
from mentoreval.numerics.full_matching import full_on_line
from mentoreval.numerics.full_restricted import SetSizes, full_within_sizes
from mentoreval.numerics.strata import Limits
from mentoreval.registry import make


def _logit() -> PropensityModel:
    return make(PropensityModel, "logit")  # type: ignore[type-abstract]


@dataclass(frozen=True)
class Full(DesignMethod):
    """Optimal full matching on the propensity score: of all ways to put everybody in sets, the least total distance.

    Nobody is left out but those beyond the caliper from everybody of the other arm, in strata with one arm only, and,
    with ``mean_controls``, the comparison students that are not needed. Sets lie within a cohort and weigh as strata
    do: ``Exact`` says how. Many matches have the same total; the one is taken in which who is joined across a gap is
    joined nearest to farthest. Without sizes time grows as n log n and memory as n. With sizes every pair within the
    caliper is a variable of a network (600 bytes each): what that needs is known before it starts.

    min_controls : fewest comparison students for each treated one in a set; 0.5 = at most two treated share one
    max_controls : most comparison students for each treated one in a set; 0.5 = at least two treated share each
    mean_controls : comparison students that are used, for each treated one; the best are, the others are left out
    caliper : largest distance of a joined pair, in standard deviations of the score over all considered entries
        (n - 1), or in units of the score itself; None = no limit
    caliper_unit : "sd" or "raw"
    exact : covariates, or the school at the start, on which a set must agree exactly
    distance : difference in the propensity score, or in its linear predictor
    propensity : the propensity model
    memory_gb : most memory that a network may take, in 10⁹ bytes

    References: Rosenbaum (1991), JRSS B 53:597; Hansen (2004), JASA 99:609; Hansen & Klopfer (2006), JCGS 15:609;
    Colannino et al. (2007), Graphs and Combinatorics 23:169.
    """

    name: ClassVar[str] = "full"
    estimands: ClassVar[tuple[Estimand, ...]] = SET_ESTIMANDS
    min_controls: float | None = None
    max_controls: float | None = None
    mean_controls: float | None = None
    caliper: float | None = None
    caliper_unit: Literal["sd", "raw"] = "sd"
    exact: tuple[str, ...] = ()
    distance: Literal["propensity", "linear_propensity"] = "propensity"
    propensity: PropensityModel = field(default_factory=_logit)
    memory_gb: float = 4.0

    def check(self) -> None:
        """Refuse numbers out of range, and sizes that contradict each other."""
        if self.caliper is not None and not 0 < self.caliper < np.inf:
            raise OptionError(f"Full: caliper is a width above 0; got {self.caliper}. Leave it out for no limit.")
        low, mean, high = self.min_controls or 0.0, self.mean_controls, self.max_controls or np.inf
        if low < 0 or high <= 0 or low > high or not (mean is None or low <= mean <= high) or mean == 0:
            raise OptionError(
                f"Full: min_controls, mean_controls, max_controls = {self.min_controls}, {mean}, {self.max_controls}: "
                "they are numbers above 0 in this order. Leave one out for no limit."
            )

    @property
    def covariates_needed(self) -> tuple[str, ...]:
        """The columns to match exactly on."""
        return self.exact

    def weigh(self, baseline: Baseline, estimand: Estimand) -> Weighting:
        """Sets and their weights; DesignError for the ATO, where nobody can be matched, and for too much memory."""
        refuse_estimand(self.name, self.estimands, estimand)
        considered = baseline.comparable(self.exact)
        rows = np.flatnonzero(considered)
        treated, strata = baseline.treated[rows], exact_strata(baseline, rows, self.exact)
        named = ", ".join(("cohort", *self.exact))
        refuse_empty(strata, treated, f"strata of {named}", "Match exactly on fewer or coarser columns.")
        scores = self.propensity.score(baseline, considered, within=self.exact)
        score = (scores.linear if self.distance == "linear_propensity" else scores.probability)[rows]
        width = self._width(score)
        limits, sizes = Limits(caliper=width, strata=strata), self._sizes()
        if sizes == SetSizes():
            pairs = full_on_line(score, treated, limits)
        else:
            pairs = full_within_sizes(score, treated, limits, sizes, self.memory_gb * 1e9)
        if not len(pairs):
            raise DesignError(f"No pair is within the caliper of {width:.3g} in units of the score. Widen the caliper.")
        apart = np.abs(score[pairs[:, 0]] - score[pairs[:, 1]])
        return weighting_of_pairs(baseline, considered, pairs, apart, estimand, scores, {"caliper_width": width})

    def _sizes(self) -> SetSizes:
        return SetSizes(self.min_controls or None, self.max_controls, self.mean_controls)

    def _width(self, score: FloatArray) -> float | None:
        """The caliper in units of the score."""
        if self.caliper is None:
            return None
        return self.caliper * float(np.std(score, ddof=1)) if self.caliper_unit == "sd" else self.caliper
