"""Optimal pairs: the pairs whose distances have the least sum, not those that were made first."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np

from mentoreval.aliases import BoolArray, Estimand, FloatArray, IntArray
from mentoreval.design.design import Baseline, DesignMethod, Weighting
from mentoreval.design.matched_sets import PAIR_ESTIMANDS, exact_strata, refuse_empty, weighting_of_pairs
from mentoreval.design.propensity import PropensityModel, Scores, known_covariates
from mentoreval.design.reweighting import refuse_estimand
from mentoreval.errors import DesignError, OptionError
from mentoreval.numerics.assignment import optimal_in_space, optimal_on_line
from mentoreval.numerics.covariate_spaces import mahalanobis_space, robust_mahalanobis_space, scaled_euclidean_space
from mentoreval.numerics.strata import Limits
from mentoreval.registry import make

SPACES = {
    "mahalanobis": mahalanobis_space,
    "robust_mahalanobis": robust_mahalanobis_space,
    "scaled_euclidean": scaled_euclidean_space,
}


def _logit() -> PropensityModel:
    return make(PropensityModel, "logit")  # type: ignore[type-abstract]


@dataclass(frozen=True)
class OptimalPairs(DesignMethod):
    """As many pairs as there can be within the limits and, of all ways to make so many, the least total distance.

    Without a caliper every treated student (ATT; every other student for the ATC) has ``ratio`` partners, if there are
    so many; which pairs are made does not depend on who chooses first. Everybody is matched within the cohort. Where
    two ways have the same total, that of the order of the panel is taken. On the propensity score time grows as
    n log n and memory as n without a caliper; within one, only the few comparison students that an optimal pair can
    have are looked at. On covariates the matrix of distances of a stratum is needed whole: treated × comparison × 24
    bytes. What a match needs is known before it starts, and refused above ``memory_gb``.

    ratio : comparison students for each treated one
    caliper : largest difference of a pair in the propensity score (in its linear predictor where that is the distance),
        in standard deviations over all considered entries (n - 1), or in units of the score itself; None = no limit
    caliper_unit : "sd" or "raw"
    exact : covariates, or the school at the start, on which a pair must agree exactly
    distance : difference in the propensity score, in its linear predictor, or one of the covariates as in Nearest
    propensity : the propensity model; unused where neither distance nor caliper needs it
    memory_gb : most memory that the search may take, in 10⁹ bytes

    References: Rosenbaum (1989), JASA 84:1024; Hansen & Klopfer (2006), JCGS 15:609.
    """

    name: ClassVar[str] = "optimal_pairs"
    estimands: ClassVar[tuple[Estimand, ...]] = PAIR_ESTIMANDS
    ratio: int = 1
    caliper: float | None = None
    caliper_unit: Literal["sd", "raw"] = "sd"
    exact: tuple[str, ...] = ()
    distance: Literal["propensity", "linear_propensity", "mahalanobis", "robust_mahalanobis", "scaled_euclidean"] = (
        "propensity"
    )
    propensity: PropensityModel = field(default_factory=_logit)
    memory_gb: float = 4.0

    def check(self) -> None:
        """Refuse numbers out of range."""
        if self.ratio < 1:
            raise OptionError(
                f"OptimalPairs: ratio is the number of comparison students, at least 1; got {self.ratio}."
            )
        if self.caliper is not None and not 0 < self.caliper < np.inf:
            raise OptionError(
                f"OptimalPairs: caliper is a width above 0; got {self.caliper}. Leave it out for no limit."
            )

    @property
    def covariates_needed(self) -> tuple[str, ...]:
        """The columns to match exactly on."""
        return self.exact

    def weigh(self, baseline: Baseline, estimand: Estimand) -> Weighting:
        """Pairs and weights; DesignError for the ATE and ATO, where nobody can be matched, and for too much memory."""
        refuse_estimand(self.name, self.estimands, estimand)
        considered = baseline.comparable(self.exact)
        rows = np.flatnonzero(considered)
        seekers = baseline.treated[rows] == (estimand == "ATT")
        strata = exact_strata(baseline, rows, self.exact)
        named = ", ".join(("cohort", *self.exact))
        refuse_empty(strata, seekers, f"strata of {named}", "Match exactly on fewer or coarser columns.")
        scores = Scores.none(baseline.size)
        if self.caliper is not None or self.distance not in SPACES:
            scores = self.propensity.score(baseline, considered, within=self.exact)
        score = (scores.linear if self.distance == "linear_propensity" else scores.probability)[rows]
        width = self._width(score)
        found, apart = self._matched(baseline, considered, seekers, score, strata)
        if not len(found):
            raise DesignError(f"No pair is within the caliper of {width:.3g} in units of the score. Widen the caliper.")
        pairs = found if estimand == "ATT" else found[:, ::-1]
        facts: dict[str, object] = {"caliper_width": width}
        return weighting_of_pairs(baseline, considered, pairs, apart, estimand, scores, facts)

    def _width(self, score: FloatArray) -> float | None:
        """The caliper in units of the score."""
        if self.caliper is None:
            return None
        return self.caliper * float(np.std(score, ddof=1)) if self.caliper_unit == "sd" else self.caliper

    def _matched(
        self, baseline: Baseline, considered: BoolArray, seekers: BoolArray, score: FloatArray, strata: IntArray
    ) -> tuple[IntArray, FloatArray]:
        """(p, 2) places of the seeker and its neighbour among the considered entries, and (p,) their distances."""
        width, memory = self._width(score), self.memory_gb * 1e9
        if self.distance not in SPACES:
            pairs = optimal_on_line(score, seekers, self.ratio, Limits(caliper=width, strata=strata), memory)
            return pairs, np.abs(score[pairs[:, 0]] - score[pairs[:, 1]])
        numbers = known_covariates(baseline, considered).for_distance().values
        space = SPACES[self.distance](numbers, seekers, weights=baseline.weight[considered])
        limits = Limits(strata=strata)
        if width is not None:
            limits = Limits(strata=strata, covariates=score[:, None], widths=np.array([width]))
        pairs = optimal_in_space(space, seekers, self.ratio, limits, memory)
        at = space.points[space.point[pairs]]
        return pairs, np.asarray(np.linalg.norm(at[:, 0] - at[:, 1], axis=1), dtype=np.float64)
