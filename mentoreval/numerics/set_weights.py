"""Weights of matched sets, whatever made them: strata, subclasses, pairs or full matching."""

from __future__ import annotations

from typing import Literal

import numpy as np

from mentoreval.aliases import BoolArray, FloatArray, IntArray
from mentoreval.numerics.strata import UNMATCHED

SetEstimand = Literal["ATT", "ATC", "ATE"]


def sets_with_both_arms(codes: IntArray, treated: BoolArray) -> IntArray:
    """(n,) number of each row's set, 0, 1, … in the order of the codes; UNMATCHED for sets without one of the arms.

    codes : (n,) set of each row, UNMATCHED (−1) where there is none; treated : (n,)
    """
    both = np.intersect1d(codes[treated], codes[~treated])
    both = both[both >= 0]
    place = np.minimum(np.searchsorted(both, codes), max(both.size - 1, 0))
    known = both[place] == codes if both.size else np.zeros(codes.size, dtype=bool)
    return np.where(known, place, UNMATCHED).astype(np.int64)


def set_weights(sets: IntArray, treated: BoolArray, estimand: SetEstimand) -> FloatArray:
    """(n,) weights that make the sets of both arms alike: MatchIt's stratum weights (R), nonzero in sets only.

    sets : (n,) as ``sets_with_both_arms`` returns them; treated : (n,)

    ATT: 1 for the treated and (treated / controls) of the set for its controls; ATC the other way round; ATE: members
    of the set by those of the row's own arm. Then each arm's weights are scaled to a mean of 1.
    """
    matched = sets != UNMATCHED
    number, arm = sets[matched], treated[matched]
    weights = np.zeros(sets.size)
    if not number.size:
        return weights
    n_treated = np.bincount(number[arm], minlength=int(number.max()) + 1)
    n_control = np.bincount(number[~arm], minlength=int(number.max()) + 1)
    stands_for = {"ATT": n_treated, "ATC": n_control, "ATE": n_treated + n_control}[estimand]
    raw = np.where(arm, stands_for[number] / n_treated[number], stands_for[number] / n_control[number])
    for side in (arm, ~arm):
        raw[side] /= raw[side].mean()
    weights[matched] = raw
    return weights
