"""Nearest: each mentored student is compared with the most similar students who were not."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

import numpy as np

from mentoreval.aliases import BoolArray, Estimand, FloatArray, IntArray
from mentoreval.design.calipers import (
    CovariateCalipers,
    Discard,
    caliper_columns,
    check_calipers,
    outside_support,
    written_out,
)
from mentoreval.design.design import NO_SET, Baseline, DesignMethod, Weighting
from mentoreval.design.matched_sets import PAIR_ESTIMANDS, exact_strata
from mentoreval.design.propensity import PropensityModel, Scores, known_covariates
from mentoreval.design.reweighting import refuse_estimand
from mentoreval.errors import DesignError, OptionError
from mentoreval.numerics.covariate_spaces import (
    CovariateSpace,
    mahalanobis_space,
    robust_mahalanobis_space,
    scaled_euclidean_space,
)
from mentoreval.numerics.matching import (
    match_covariates,
    match_nearest,
    matched_sets,
    matching_weights,
    varied_ratios,
)
from mentoreval.numerics.strata import UNMATCHED, Limits, MatchOrder, visiting_order
from mentoreval.registry import make

SPACES = {
    "mahalanobis": mahalanobis_space,
    "robust_mahalanobis": robust_mahalanobis_space,
    "scaled_euclidean": scaled_euclidean_space,
}


def _logit() -> PropensityModel:
    return make(PropensityModel, "logit")  # type: ignore[type-abstract]


@dataclass(frozen=True)
class Nearest(DesignMethod):
    """Nearest-neighbour matching, with the rules of MatchIt (R) on order, rounds, ties, calipers and weights.

    With several cohorts everybody is matched within the cohort, on one propensity model for all of them. "Without
    replacement" holds within a cohort: a student who was never mentored may serve in two cohorts, as the comparison of
    two different years, and inference clusters by student or above. Ties go by the order of the units in the panel.
    On the propensity score time grows as n log n, on covariates about so; memory as n.

    ratio : comparison students for each treated one; without replacement they are dealt in rounds
    min_ratio, max_ratio : let the number vary around ``ratio`` on average: those with the highest scores, who have the
        fewest students near, get ``min_ratio`` (None = 1), the others ``max_ratio``; None = the same for all. Those who
        are discarded count in the average
    replace : whether a comparison student may serve several treated ones
    caliper : largest difference of a pair in the propensity score (in its linear predictor where that is the distance),
        in standard deviations over all considered entries that are not discarded (n - 1), or in units of the score
        itself; also where the distance is one of covariates; None = no limit
    caliper_unit : "sd" or "raw"
    covariate_calipers : largest difference of a pair in a covariate, by covariate: a number of standard deviations
        (all, n - 1), or [number, "raw"] in its own units: {age = 0.25, prior_days_absent = [3, "raw"]}
    exact : covariates, or the school at the start, on which a pair must agree exactly
    discard : whether students outside the range of the other arm's propensity scores (of the cohort) are left out:
        "none", "treated", "comparison" or "both"
    order : who chooses first: by score ("largest", "smallest"), the closest pair of all ("closest"), the order of the
        panel ("data"), chance ("random", with ``seed``); None = the hardest to match, which are the largest scores for
        the ATT and the smallest for the ATC, and the order of the panel where there is no score
    distance : difference in the propensity score, in its linear predictor, or a distance of the covariates: Mahalanobis
        with the pooled within-arm covariance, robust Mahalanobis (of ranks), or Euclidean after division by the pooled
        within-arm standard deviation; sampling weights count in covariances and deviations
    propensity : the propensity model; unused where neither distance, caliper, order, discard nor a varying ratio needs
        the score
    seed : for order = "random"

    References: Rosenbaum & Rubin (1985), American Statistician 39:33; Ming & Rosenbaum (2000), Biometrics 56:118; Ho,
    Imai, King & Stuart (2007), Political Analysis 15:199; Stuart (2010), Statistical Science 25:1.
    """

    name: ClassVar[str] = "nearest"
    estimands: ClassVar[tuple[Estimand, ...]] = PAIR_ESTIMANDS
    ratio: int = 1
    replace: bool = False
    caliper: float | None = None
    caliper_unit: Literal["sd", "raw"] = "sd"
    exact: tuple[str, ...] = ()
    order: MatchOrder | None = None
    distance: Literal["propensity", "linear_propensity", "mahalanobis", "robust_mahalanobis", "scaled_euclidean"] = (
        "propensity"
    )
    propensity: PropensityModel = field(default_factory=_logit)
    seed: int | None = None
    min_ratio: int | None = None
    max_ratio: int | None = None
    covariate_calipers: CovariateCalipers = ()
    discard: Discard = "none"

    def __post_init__(self) -> None:
        """A table of calipers becomes a sorted tuple, so that the method can be hashed and nobody can change it."""
        object.__setattr__(self, "covariate_calipers", written_out(self.covariate_calipers))
        super().__post_init__()

    def check(self) -> None:
        """Refuse numbers out of range and options that do not go together."""
        if self.ratio < 1:
            raise OptionError(f"Nearest: ratio is the number of comparison students per treated; got {self.ratio}.")
        if self.caliper is not None and not 0 < self.caliper < np.inf:
            raise OptionError(f"Nearest: caliper is a width above 0; got {self.caliper}. Leave it out for no limit.")
        if self.order == "random" and self.seed is None:
            raise OptionError('Nearest: order = "random" needs a seed, so that the match can be repeated.')
        check_calipers(self.covariate_calipers, "Nearest")
        if (self.min_ratio, self.max_ratio) == (None, None):
            return
        fewest, most = self.min_ratio or 1, self.max_ratio
        if most is None or not 1 <= fewest <= self.ratio <= most or fewest == most or self.replace:
            raise OptionError(
                f"Nearest: min_ratio = {self.min_ratio}, ratio = {self.ratio}, max_ratio = {most} do not make a "
                "varying ratio: it needs 1 <= min_ratio <= ratio <= max_ratio, with ratio the mean, and no replacement."
            )

    @property
    def covariates_needed(self) -> tuple[str, ...]:
        """The columns to match exactly on, and those with a caliper."""
        return (*self.exact, *dict.fromkeys(str(item[0]) for item in tuple(self.covariate_calipers)))

    def weigh(self, baseline: Baseline, estimand: Estimand) -> Weighting:
        """Match; DesignError for an estimand that this can not serve, and where nobody can be matched."""
        refuse_estimand(self.name, self.estimands, estimand)
        considered = baseline.comparable(self.covariates_needed)
        rows = np.flatnonzero(considered)
        seekers = baseline.treated[rows] == (estimand == "ATT")
        scores = self._scores(baseline, considered)
        task = self._task(baseline, considered, seekers, scores)
        found = self._match(task, estimand)
        if not (found != UNMATCHED).any():
            raise DesignError(self._nobody(task, estimand))
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
            pair_distance=_apart(task.points, pairs),
            facts={**_counts(found), **task.facts, **scores.facts},
        )

    def _uses_score(self) -> bool:
        asked = self.caliper is not None or self.max_ratio is not None or self.discard != "none"
        return self.distance not in SPACES or asked or self.order in ("largest", "smallest")

    def _scores(self, baseline: Baseline, considered: BoolArray) -> Scores:
        if not self._uses_score():
            return Scores.none(baseline.size)
        return self.propensity.score(baseline, considered, within=self.exact)

    def _task(self, baseline: Baseline, considered: BoolArray, seekers: BoolArray, scores: Scores) -> _Task:
        """Who seeks among whom, within which limits; one entry for each considered one."""
        rows = np.flatnonzero(considered)
        score = (scores.linear if self.distance == "linear_propensity" else scores.probability)[rows]
        outside = outside_support(score, baseline.treated[rows], baseline.cohort[rows], self.discard)
        width = self._width(score[~outside])
        columns, widths = caliper_columns(baseline, rows, self.covariate_calipers, ~outside)
        points: FloatArray | CovariateSpace = score
        if self.distance in SPACES:
            numbers = known_covariates(baseline, considered).for_distance().values
            points = SPACES[self.distance](numbers, seekers, ~outside, baseline.weight[rows])
            if width is not None:
                columns, widths = [*columns, score], [*widths, width]
        limits = Limits(
            caliper=width if self.distance not in SPACES else None,
            strata=exact_strata(baseline, rows, self.exact),
            discarded=outside,
            covariates=np.column_stack(columns) if columns else None,
            widths=np.array(widths) if columns else None,
        )
        named = {str(item[0]): size for item, size in zip(tuple(self.covariate_calipers), widths, strict=False)}
        facts: dict[str, object] = {
            "caliper_width": width,
            "covariate_caliper_widths": named,
            "n_discarded": int(outside.sum()),
        }
        return _Task(points, score, seekers, baseline.cohort[rows], limits, facts)

    def _width(self, score: FloatArray) -> float | None:
        """The caliper in units of the score."""
        if self.caliper is None:
            return None
        return self.caliper * float(np.std(score, ddof=1)) if self.caliper_unit == "sd" else self.caliper

    def _match(self, task: _Task, estimand: Estimand) -> IntArray:
        """(seekers, ratio) places of the neighbours among the considered entries; UNMATCHED where there is none."""
        order = self.order or ("largest" if estimand == "ATT" else "smallest")
        if self.order is None and not self._uses_score():
            order = "data"
        rng = np.random.default_rng(self.seed) if order == "random" else None
        ratio = self._ratios(task, estimand)
        if not isinstance(task.points, CovariateSpace):
            return match_nearest(
                task.points, task.seekers, ratio=ratio, replace=self.replace, order=order, rng=rng, limits=task.limits
            )
        turns: MatchOrder | IntArray = order
        if order in ("largest", "smallest"):
            turns = visiting_order(order, int(task.seekers.sum()), task.score[task.seekers])
        return match_covariates(
            task.points, task.seekers, ratio=ratio, replace=self.replace, order=turns, rng=rng, limits=task.limits
        )

    def _ratios(self, task: _Task, estimand: Estimand) -> int | IntArray:
        """How many each seeker asks for: the same number, or more where the other arm's scores are near."""
        if self.max_ratio is None:
            return self.ratio
        hard = task.score if estimand == "ATT" else -task.score
        asked = np.full(task.score.size, self.ratio, dtype=np.int64)
        for cohort in np.unique(task.cohort):
            members = np.flatnonzero(task.seekers & (task.cohort == cohort))
            asked[members] = varied_ratios(hard[members], self.ratio, self.min_ratio or 1, self.max_ratio)
        return asked[task.seekers]

    def _nobody(self, task: _Task, estimand: Estimand) -> str:
        """Why nobody could be matched, and by how much the caliper misses."""
        unlimited = replace(self, caliper=None, replace=True, order="data", min_ratio=None, max_ratio=None)
        free = replace(task, limits=Limits(strata=task.limits.strata, discarded=task.limits.discarded))
        found = unlimited._match(free, estimand)
        if not (found != UNMATCHED).any():
            left = f" once {task.facts['n_discarded']:,} outside the common support are discarded"
            exactly = f" exactly on {', '.join(self.exact)}" if self.exact else ""
            return (
                f"Nobody can be matched{exactly}{left if self.discard != 'none' else ''}: no value is found in both "
                "arms of a cohort. Match exactly on fewer or coarser columns."
            )
        if self.covariate_calipers or isinstance(task.points, CovariateSpace):
            widths = {**task.facts["covariate_caliper_widths"], "propensity": task.facts["caliper_width"]}  # type: ignore[dict-item]
            named = ", ".join(f"{name} {width:.3g}" for name, width in widths.items() if width is not None)
            return f"No pair is within all calipers ({named}, in units of each). Widen or leave out one of them."
        nearest = float(_apart(task.points, _pairs(task.seekers, found, task.seekers)).min())
        return (
            f"The caliper of {self.caliper:g} {self.caliper_unit} is {task.limits.caliper:.3g} in units of the score, "
            f"and no pair is that near: the closest of {int(task.seekers.sum()):,} is {nearest:.3g} apart. Widen the "
            "caliper."
        )


@dataclass(frozen=True, eq=False)
class _Task:
    """Who seeks among whom: one element for each considered entry, and the limits of a pair."""

    points: FloatArray | CovariateSpace
    score: FloatArray
    seekers: BoolArray
    cohort: IntArray
    limits: Limits
    facts: dict[str, object]


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
