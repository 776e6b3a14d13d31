"""Reweighting: what the methods share that keep everybody and let each student count for more or for less."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mentoreval.aliases import BoolArray, Estimand, FloatArray, IntArray
from mentoreval.design.design import NO_SET, Baseline, Weighting
from mentoreval.design.propensity import Scores
from mentoreval.errors import DesignError
from mentoreval.numerics.tilting import tilting_weights
from mentoreval.numerics.two_samples import effective_sample_size

HUGE_WEIGHT = 10.0
"""A weight more than this many times the mean weight of its arm is called huge: few students then decide the result."""

MEANING: dict[Estimand, str] = {
    "ATT": "those who were mentored",
    "ATC": "those who were not mentored",
    "ATE": "everybody",
    "ATO": "those who could as well have been in the other arm",
}

INSTEAD: dict[Estimand, str] = {
    "ATT": "odds_weighting, entropy_balancing or nearest",
    "ATC": "odds_weighting, entropy_balancing or nearest",
    "ATE": "inverse_probability, entropy_balancing, covariate_balancing or full",
    "ATO": "overlap_weighting",
}


def refuse_estimand(method: str, served: Sequence[Estimand], estimand: Estimand) -> None:
    """DesignError where a method does not serve an estimand; it names a method that does, and what this one serves."""
    if estimand in served:
        return
    can = " or ".join(f"{name} ({MEANING[name]})" for name in served)
    raise DesignError(
        f"The method {method!r} answers for the {can}, not for the {estimand} ({MEANING[estimand]}). For the "
        f"{estimand} use {INSTEAD[estimand]}, or keep the method and ask for the {' or the '.join(served)}."
    )


def tilted(baseline: Baseline, rows: IntArray, probability: FloatArray, estimand: Estimand) -> FloatArray:
    """(rows,) sampling weight times the tilting factor of each entry.

    probability : (rows,) of treatment
    """
    return baseline.weight[rows] * tilting_weights(probability, baseline.treated[rows], estimand)


def alike_totals(weights: FloatArray, baseline: Baseline, rows: IntArray, estimand: Estimand) -> FloatArray:
    """(rows,) weights scaled so that in each cohort both arms sum to the students whose effect is asked for.

    That is the sum of sampling weights of the treated for the ATT, of the others for the ATC and of both for the ATE;
    for the ATO, the treated's own sum of overlap weights. So a cohort counts by its size, and comparison students are
    not in excess because the scores were. Each cohort has both arms.
    """
    cohort = np.unique(baseline.cohort[rows], return_inverse=True)[1]
    treated = baseline.treated[rows]
    sums = {arm: np.bincount(cohort, weights * (treated == arm)) for arm in (True, False)}
    totals = sums[True]
    if estimand in ("ATE", "ATC"):
        counted = baseline.weight[rows] * (np.ones(len(rows)) if estimand == "ATE" else ~treated)
        totals = np.bincount(cohort, counted)
    scale = np.where(treated, (totals / sums[True])[cohort], (totals / sums[False])[cohort])
    return np.asarray(weights * scale, dtype=float)


def weighting_of(
    baseline: Baseline,
    considered: BoolArray,
    rows: IntArray,
    weights: FloatArray,
    scores: Scores,
    facts: dict[str, object],
) -> Weighting:
    """The Weighting of entries ``rows`` with ``weights`` (rows,); everyone else counts nothing.

    The weights are estimated, so ``conditional`` is False: a standard error that takes them as given leaves out that
    they were. For the ATE that makes it too large as a rule; for the ATT it may be either, usually by
    little. Refitting the design, as the bootstrap does, counts it.
    """
    everywhere = np.zeros(baseline.size)
    everywhere[rows] = weights
    return Weighting(
        weights=everywhere,
        matched_set=np.full(baseline.size, NO_SET, dtype=np.int64),
        propensity=scores.probability,
        pairs=np.empty((0, 2), dtype=np.int64),
        considered=considered,
        conditional=False,
        facts={**weight_facts(weights, baseline.treated[rows]), **facts, **scores.facts},
    )


def weight_facts(weights: FloatArray, treated: BoolArray) -> dict[str, object]:
    """How unequal the weights of each arm are.

    ess_<arm> : effective sample size (Σw)²/Σw²
    largest_weight_<arm> : the largest weight, in means of the arm's weights
    largest_share_<arm> : the share of its arm's weight that this one student holds
    huge_weights : number of weights above HUGE_WEIGHT means. There are some where students of one arm hardly occur in
        the other, so that the few who do stand for many; asking for the ATO, an overlap region or a coarser model
        leaves fewer of them
    """
    facts: dict[str, object] = {}
    huge = 0
    for name, arm in (("treated", treated), ("comparison", ~treated)):
        used = weights[arm & (weights > 0)]
        if len(used):
            facts[f"ess_{name}"] = effective_sample_size(used)
            facts[f"largest_weight_{name}"] = float(used.max() / used.mean())
            facts[f"largest_share_{name}"] = float(used.max() / used.sum())
            huge += int(np.count_nonzero(used > HUGE_WEIGHT * used.mean()))
    return {**facts, "huge_weights": huge}
