"""Matched sets: what the design methods share that put students of both arms into sets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import cast

import numpy as np
import pandas as pd

from mentoreval.aliases import BoolArray, Estimand, FloatArray, IntArray
from mentoreval.design.design import Baseline, Weighting
from mentoreval.design.propensity import Scores
from mentoreval.errors import DesignError
from mentoreval.numerics.set_weights import SetEstimand, set_weights, sets_with_both_arms
from mentoreval.numerics.strata import UNMATCHED

SET_ESTIMANDS: tuple[Estimand, ...] = ("ATT", "ATC", "ATE")
PAIR_ESTIMANDS: tuple[Estimand, ...] = ("ATT", "ATC")

NO_PAIRS = np.empty((0, 2), dtype=np.int64)


def exact_strata(baseline: Baseline, rows: IntArray, exact: tuple[str, ...]) -> IntArray:
    """(rows,) code of the cohort and the values of the columns to agree on exactly; nobody is compared across codes."""
    codes = pd.factorize(baseline.cohort[rows])[0]
    for name in exact:
        codes = finer(codes, baseline.codes(name)[rows])
    return codes.astype(np.int64)


def finer(codes: IntArray, values: IntArray) -> IntArray:
    """(n,) codes of the pairs of (n,) codes and (n,) values, both from 0, in the order in which they first occur."""
    return pd.factorize(codes * (int(values.max(initial=0)) + 1) + values)[0].astype(np.int64)


def within_each(cohort: IntArray, choose: Callable[[IntArray], IntArray]) -> IntArray:
    """(n,) codes that ``choose`` gives to the rows of each cohort by themselves, made distinct between cohorts."""
    codes = np.full(cohort.size, UNMATCHED, dtype=np.int64)
    for clock in np.unique(cohort):
        rows = np.flatnonzero(cohort == clock)
        found = choose(rows)
        codes[rows] = np.where(found == UNMATCHED, UNMATCHED, found + int(codes.max(initial=-1)) + 1)
    return codes


def weighting_of_sets(
    baseline: Baseline,
    considered: BoolArray,
    codes: IntArray,
    estimand: Estimand,
    scores: Scores,
    facts: dict[str, object],
) -> Weighting:
    """The Weighting of sets of considered entries, without pairs; sets without one of the arms count nothing.

    codes : (considered entries,) set of each, UNMATCHED where it is in none
    """
    rows = np.flatnonzero(considered)
    treated = baseline.treated[rows]
    number = sets_with_both_arms(codes, treated)
    weights, sets = np.zeros(baseline.size), np.full(baseline.size, UNMATCHED, dtype=np.int64)
    weights[rows] = set_weights(number, treated, cast("SetEstimand", estimand)) * baseline.weight[rows]
    sets[rows] = number
    return Weighting(
        weights=weights,
        matched_set=sets,
        propensity=scores.probability,
        pairs=NO_PAIRS,
        considered=considered,
        facts={**set_facts(number, treated, estimand), **facts, **scores.facts},
    )


def weighting_of_pairs(
    baseline: Baseline,
    considered: BoolArray,
    pairs: IntArray,
    apart: FloatArray,
    estimand: Estimand,
    scores: Scores,
    facts: dict[str, object],
) -> Weighting:
    """The Weighting of pairs that share a student only as the centre of a set, such as one treated and two others.

    pairs : (p, 2) places of treated and comparison among the considered entries; apart : (p,) their distances
    """
    shared = [np.bincount(side)[side] if side.size else side for side in pairs.T]
    centre = np.where((shared[1] > 1) | ((estimand == "ATC") & (shared[0] <= 1)), pairs[:, 1], pairs[:, 0])
    codes = np.full(int(considered.sum()), UNMATCHED, dtype=np.int64)
    codes[pairs[:, 0]] = codes[pairs[:, 1]] = centre
    total: dict[str, object] = {"n_pairs": len(pairs), "total_distance": float(apart.sum())}
    found = weighting_of_sets(baseline, considered, codes, estimand, scores, total | facts)
    return replace(found, pairs=np.flatnonzero(considered)[pairs], pair_distance=apart)


def set_facts(sets: IntArray, treated: BoolArray, estimand: Estimand) -> dict[str, object]:
    """How much of those whose effect is asked for is in a set, and how large the sets are."""
    asked = {"ATT": treated, "ATC": ~treated}.get(estimand, np.ones(treated.size, dtype=bool))
    matched = sets != UNMATCHED
    sizes = np.bincount(sets[matched])
    return {
        "n_to_match": int(asked.sum()),
        "n_matched": int((asked & matched).sum()),
        "n_unmatched": int((asked & ~matched).sum()),
        "share_matched": float(matched[asked].mean()),
        "n_sets": len(sizes),
        "largest_set": int(sizes.max(initial=0)),
    }


def refuse_empty(codes: IntArray, treated: BoolArray, rule: str, advice: str) -> None:
    """DesignError where no set has both arms. ``rule`` says what a set is, ``advice`` what to do."""
    if (sets_with_both_arms(codes, treated) == UNMATCHED).all():
        raise DesignError(
            f"Nobody can be matched: none of the {len(np.unique(codes)):,} {rule} holds students of both arms "
            f"({int(treated.sum()):,} treated and {int((~treated).sum()):,} others were looked at). {advice}"
        )
