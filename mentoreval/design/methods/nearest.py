"""Nearest: each mentored student is compared with the most similar students who were not."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

import numpy as np
import pandas as pd

from mentoreval.aliases import BoolArray, Estimand, FloatArray, IntArray
from mentoreval.design.design import NO_SET, Baseline, DesignMethod, Weighting
from mentoreval.design.propensity import PropensityModel, Scores, known_covariates
from mentoreval.errors import DesignError, OptionError
from mentoreval.numerics.covariate_spaces import CovariateSpace, mahalanobis_space
from mentoreval.numerics.matching import match_covariates, match_nearest, matched_sets, matching_weights
from mentoreval.numerics.strata import UNMATCHED, Limits, MatchOrder
from mentoreval.registry import make


def _logit() -> PropensityModel:
    return make(PropensityModel, "logit")  # type: ignore[type-abstract]


@dataclass(frozen=True)
class Nearest(DesignMethod):
    """Nearest-neighbour matching, with the rules of MatchIt (R) on order, rounds, ties, calipers and weights.

    With several cohorts everybody is matched within the cohort, on one propensity model for all of them. "Without
    replacement" holds within a cohort: a student who was never mentored may serve in two cohorts, as the comparison of
    two different years, and inference clusters by student or above. Ties go by the order of the units in the panel.

    ratio : comparison students for each treated one; without replacement they are dealt in rounds
    replace : whether a comparison student may serve several treated ones
    caliper : largest distance of a pair, in standard deviations of the score over all considered entries (n - 1), or
        in units of the score itself; None = no limit
    caliper_unit : "sd" or "raw"
    exact : covariates, or the school at the start, on which a pair must agree exactly
    order : who chooses first: by score ("largest", "smallest"), the closest pair of all ("closest"), the order of the
        panel ("data"), chance ("random", with ``seed``); None = the hardest to match, which are the largest scores for
        the ATT and the smallest for the ATC, and the order of the panel where there is no score
    distance : difference in the propensity score, in its linear predictor, or Mahalanobis distance of the covariates
        with their pooled within-arm covariance
    propensity : the propensity model; unused for Mahalanobis distance
    seed : for order = "random"

    References: Rosenbaum & Rubin (1985), American Statistician 39:33; Ho, Imai, King & Stuart (2007), Political
    Analysis 15:199; Stuart (2010), Statistical Science 25:1.
    """

    name: ClassVar[str] = "nearest"
    ratio: int = 1
    replace: bool = False
    caliper: float | None = None
    caliper_unit: Literal["sd", "raw"] = "sd"
    exact: tuple[str, ...] = ()
    order: MatchOrder | None = None
    distance: Literal["propensity", "linear_propensity", "mahalanobis"] = "propensity"
    propensity: PropensityModel = field(default_factory=_logit)
    seed: int | None = None

    def check(self) -> None:
        """Refuse numbers out of range and options that do not go together."""
        if self.ratio < 1:
            raise OptionError(f"Nearest: ratio is the number of comparison students per treated; got {self.ratio}.")
        if self.caliper is not None and not 0 < self.caliper < np.inf:
            raise OptionError(f"Nearest: caliper is a width above 0; got {self.caliper}. Leave it out for no limit.")
        if self.order == "random" and self.seed is None:
            raise OptionError('Nearest: order = "random" needs a seed, so that the match can be repeated.')
        if self.distance == "mahalanobis" and self.caliper is not None:
            raise OptionError(
                "Nearest: a caliper is a width in the propensity score, which distance = 'mahalanobis' does not have. "
                "Leave it out, or match on the propensity score."
            )
        if self.distance == "mahalanobis" and self.order in ("largest", "smallest"):
            raise OptionError(
                f"Nearest: order = {self.order!r} goes by the propensity score, which distance = 'mahalanobis' does "
                "not have. Use 'closest', 'data' or 'random'."
            )

    @property
    def covariates_needed(self) -> tuple[str, ...]:
        """The columns to match exactly on."""
        return self.exact

    def weigh(self, baseline: Baseline, estimand: Estimand) -> Weighting:
        """Match; DesignError for an estimand that this can not serve, and where nobody can be matched."""
        _refuse_estimand(estimand)
        considered = baseline.comparable(self.exact)
        rows = np.flatnonzero(considered)
        seekers = baseline.treated[rows] == (estimand == "ATT")
        scores = self._scores(baseline, considered)
        points = self._points(baseline, considered, seekers, scores)
        limits = Limits(caliper=self._width(points), strata=_strata(baseline, rows, self.exact))
        found = self._match(points, seekers, limits, self.order or self._hardest_first(estimand))
        if not (found != UNMATCHED).any():
            raise DesignError(self._nobody(points, seekers, limits))
        pairs = _pairs(seekers, found, baseline.treated[rows])
        weights, sets = np.zeros(baseline.size), np.full(baseline.size, NO_SET, dtype=np.int64)
        weights[rows] = matching_weights(found, seekers) * baseline.weight[rows]
        if not self.replace:
            sets[rows] = matched_sets(found, seekers)
        return Weighting(
            weights=weights,
            matched_set=sets,
            propensity=scores.probability,
            pairs=rows[pairs],
            considered=considered,
            pair_distance=_apart(points, pairs),
            facts={**_counts(found), "caliper_width": limits.caliper, **scores.facts},
        )

    def _hardest_first(self, estimand: Estimand) -> MatchOrder:
        if self.distance == "mahalanobis":
            return "data"
        return "largest" if estimand == "ATT" else "smallest"

    def _scores(self, baseline: Baseline, considered: BoolArray) -> Scores:
        if self.distance == "mahalanobis":
            return Scores.none(baseline.size)
        return self.propensity.score(baseline, considered, within=self.exact)

    def _points(
        self, baseline: Baseline, considered: BoolArray, seekers: BoolArray, scores: Scores
    ) -> FloatArray | CovariateSpace:
        """Where the considered entries lie: on the line of scores, or in the space of covariates."""
        if self.distance == "mahalanobis":
            return mahalanobis_space(known_covariates(baseline, considered).for_distance().values, seekers)
        return (scores.probability if self.distance == "propensity" else scores.linear)[considered]

    def _width(self, points: FloatArray | CovariateSpace) -> float | None:
        """The caliper in units of the score."""
        if self.caliper is None or isinstance(points, CovariateSpace):
            return None
        return self.caliper * float(np.std(points, ddof=1)) if self.caliper_unit == "sd" else self.caliper

    def _match(
        self, points: FloatArray | CovariateSpace, seekers: BoolArray, limits: Limits, order: MatchOrder
    ) -> IntArray:
        """(seekers, ratio) places of the neighbours among the considered entries; UNMATCHED where there is none."""
        rng = np.random.default_rng(self.seed) if order == "random" else None
        if isinstance(points, CovariateSpace):
            return match_covariates(
                points,
                seekers,
                ratio=self.ratio,
                replace=self.replace,
                order=order,
                rng=rng,
                limits=limits,
            )
        return match_nearest(
            points, seekers, ratio=self.ratio, replace=self.replace, order=order, rng=rng, limits=limits
        )

    def _nobody(self, points: FloatArray | CovariateSpace, seekers: BoolArray, limits: Limits) -> str:
        """Why nobody could be matched, and by how much the caliper misses."""
        unlimited = replace(self, caliper=None, replace=True, order="data")
        found = unlimited._match(points, seekers, Limits(strata=limits.strata), "data")
        if not (found != UNMATCHED).any():
            return (
                f"Nobody can be matched exactly on {', '.join(self.exact)}: no value is found in both arms of a "
                "cohort. Match exactly on fewer or coarser columns."
            )
        nearest = float(_apart(points, _pairs(seekers, found, seekers)).min())
        return (
            f"The caliper of {self.caliper:g} {self.caliper_unit} is {limits.caliper:.3g} in units of the score, and "
            f"no pair is that near: the closest of {int(seekers.sum()):,} is {nearest:.3g} apart. Widen the caliper."
        )


def _refuse_estimand(estimand: Estimand) -> None:
    instead = {
        "ATE": "every student, mentored or not, needs weights: use inverse probability weighting or full matching",
        "ATO": "students count by how comparable they are: use overlap weighting",
    }
    if estimand in instead:
        raise DesignError(
            f"Nearest matching answers for those who were mentored (ATT) or for those who were not (ATC), not for the "
            f"{estimand}: there {instead[estimand]}."
        )


def _strata(baseline: Baseline, rows: IntArray, exact: tuple[str, ...]) -> IntArray:
    """(rows,) code of the cohort and the values to match exactly on."""
    codes = pd.factorize(baseline.cohort[rows])[0]
    for name in exact:
        values, levels = pd.factorize(baseline.column(name).iloc[rows])
        codes = np.unique(codes * len(levels) + values, return_inverse=True)[1]
    return codes.astype(np.int64)


def _pairs(seekers: BoolArray, found: IntArray, treated: BoolArray) -> IntArray:
    """(p, 2) places of the treated and of its comparison, whichever of the two did the seeking."""
    line, place = np.nonzero(found != UNMATCHED)
    pairs = np.column_stack([np.flatnonzero(seekers)[line], found[line, place]])
    return pairs if treated[pairs[:1, 0]].all() else pairs[:, ::-1]


def _apart(points: FloatArray | CovariateSpace, pairs: IntArray) -> FloatArray:
    """(p,) distance of each pair."""
    if isinstance(points, CovariateSpace):
        at = points.points[points.point[pairs]]
        return np.asarray(np.linalg.norm(at[:, 0] - at[:, 1], axis=1), dtype=float)
    return np.abs(points[pairs[:, 0]] - points[pairs[:, 1]])


def _counts(found: IntArray) -> dict[str, object]:
    """How much of the arm whose effect is asked for was matched, and how hard its neighbours were used."""
    matched = (found != UNMATCHED).any(axis=1)
    uses = np.bincount(found[found != UNMATCHED])
    return {
        "n_to_match": len(matched),
        "n_matched": int(matched.sum()),
        "n_unmatched": int((~matched).sum()),
        "share_matched": float(matched.mean()),
        "n_neighbours_used": int((uses > 0).sum()),
        "most_uses_of_a_neighbour": int(uses.max(initial=0)),
    }
