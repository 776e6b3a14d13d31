"""Inverse probability weighting: students count by how unlikely they were to be in the arm that they are in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from mentoreval.aliases import Estimand, FloatArray, IntArray
from mentoreval.design.design import Baseline, DesignMethod, Weighting
from mentoreval.design.propensity import PropensityModel
from mentoreval.design.reweighting import alike_totals, refuse_estimand, tilted, weighting_of
from mentoreval.errors import DesignError, OptionError
from mentoreval.registry import make


def _logit() -> PropensityModel:
    return make(PropensityModel, "logit")  # type: ignore[type-abstract]


@dataclass(frozen=True)
class InverseProbability(DesignMethod):
    """Weights 1/p for the treated and 1/(1 − p) for the others (ATE), or the odds for one arm (ATT, ATC).

    All cohorts share one propensity model; sampling weights multiply all weights.

    propensity : the propensity model
    stabilized : scale the weights within each cohort so that both arms sum to the students whose effect is asked for
        and, for the ATE, each arm to its overall share of them; False leaves the inverse probabilities as they are, as
        WeightIt (R) returns them. A difference of weighted means is the same with one cohort
    trim : percentile, as a share such as 0.99: of those who are weighted (of both arms together for the ATE), larger
        weights are lowered to the weight at it, as WeightIt does: the one whose rank is nearest to the percentile, an
        even one if two are. Sampling weights do not count in it, the shares of a stabilized ATE do. It buys precision
        with bias
    overlap : lowest and highest score to keep, such as (0.1, 0.9); the others leave the comparison. The estimand is
        then that of the students who stay. Scores are not estimated again

    The weights are estimated; errors that take them as given (``conditional`` is False) leave that out.
    References: Robins, Hernán & Brumback (2000), Epidemiology 11:550; Cole & Hernán (2008), American J. of
    Epidemiology 168:656; Crump, Hotz, Imbens & Mitnik (2009), Biometrika 96:187.
    """

    name: ClassVar[str] = "inverse_probability"
    estimands: ClassVar[tuple[Estimand, ...]] = ("ATE", "ATT", "ATC")
    propensity: PropensityModel = field(default_factory=_logit)
    stabilized: bool = True
    trim: float | None = None
    overlap: tuple[float, ...] | None = None

    def check(self) -> None:
        """Refuse a percentile or a region that does not exist."""
        if self.trim is not None and not 0.5 < self.trim < 1:
            raise OptionError(
                f"InverseProbability: trim is a percentile as a share, above 0.5 and below 1, such as 0.99; got "
                f"{self.trim:g}."
            )
        if self.overlap is not None and not (len(self.overlap) == 2 and 0 <= self.overlap[0] < self.overlap[1] <= 1):
            raise OptionError(
                f"InverseProbability: overlap takes the lowest and the highest score to keep, between 0 and 1, such as "
                f"(0.1, 0.9); got {self.overlap}."
            )

    def weigh(self, baseline: Baseline, estimand: Estimand) -> Weighting:
        """Inverse probabilities as weights; DesignError for the ATO, without a score, and for an empty region."""
        refuse_estimand(self.name, self.estimands, estimand)
        considered = baseline.comparable()
        scores = self.propensity.score(baseline, considered)
        rows = self._in_overlap(baseline, np.flatnonzero(considered), scores.probability)
        share = self._share(baseline, rows, estimand)
        weights = share * tilted(baseline, rows, scores.probability[rows], estimand)
        weights, n_trimmed = self._trimmed(weights, baseline, rows, estimand)
        if self.stabilized:
            weights = share * alike_totals(weights, baseline, rows, estimand)
        outside = int(considered.sum()) - len(rows)
        facts: dict[str, object] = {"n_trimmed": n_trimmed, "n_outside_overlap": outside}
        return weighting_of(baseline, considered, rows, weights, scores, facts)

    def _share(self, baseline: Baseline, rows: IntArray, estimand: Estimand) -> FloatArray:
        """(rows,) the share of the students that are in the own arm, where weights of an ATE are stabilized; else 1."""
        if not self.stabilized or estimand != "ATE":
            return np.ones(len(rows))
        sampling, treated = baseline.weight[rows], baseline.treated[rows]
        share = float(sampling[treated].sum() / sampling.sum())
        return np.where(treated, share, 1 - share)

    def _in_overlap(self, baseline: Baseline, rows: IntArray, probability: FloatArray) -> IntArray:
        """The entries with a score in the region, of the cohorts that keep both arms."""
        if self.overlap is None:
            return rows
        low, high = self.overlap
        inside = rows[(probability[rows] >= low) & (probability[rows] <= high)]
        treated, cohort = baseline.treated[inside], baseline.cohort[inside]
        inside = inside[np.isin(cohort, np.intersect1d(cohort[treated], cohort[~treated]))]
        if not len(inside):
            arms = (probability[rows[baseline.treated[rows] == arm]] for arm in (True, False))
            spans = (f"{arm.min():.3f} to {arm.max():.3f}" for arm in arms)
            raise DesignError(
                "No cohort has students of both arms with a score in the overlap region of {:g} to {:g}: scores are "
                "{} among the treated and {} among the others. Widen the region.".format(low, high, *spans)
            )
        return inside

    def _trimmed(
        self, weights: FloatArray, baseline: Baseline, rows: IntArray, estimand: Estimand
    ) -> tuple[FloatArray, int]:
        """Weights with those above the percentile lowered to it, and how many; sampling weights are not touched."""
        if self.trim is None:
            return weights, 0
        factor, treated = weights / baseline.weight[rows], baseline.treated[rows]
        weighted = {"ATT": ~treated, "ATC": treated}.get(estimand, np.ones(len(rows), dtype=bool))
        ordered = np.sort(factor[weighted])
        limit = ordered[max(round(self.trim * ordered.size), 1) - 1]
        over = weighted & (factor > limit)
        return np.where(over, limit * baseline.weight[rows], weights), int(over.sum())
