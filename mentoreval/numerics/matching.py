"""Greedy nearest-neighbour matching: the treated choose one after the other, and a choice is never taken back.

``match_nearest`` matches on one number (a propensity score), ``match_mahalanobis`` on covariates. Both follow the
rules of MatchIt 4.7.2 on order, rounds and ties, so that they give its pairs, and neither ever holds a
treated × controls matrix. Their answer is a matrix of control rows; ``matching_weights`` and ``matched_sets`` read it.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from mentoreval.aliases import BoolArray, FloatArray, IntArray
from mentoreval.errors import DataError, OptionError
from mentoreval.numerics.covariate_cells import CellSearch
from mentoreval.numerics.covariate_spaces import CovariateSpace, mahalanobis_space
from mentoreval.numerics.progress import Progress, in_parts
from mentoreval.numerics.score_line import FreeControls, lay_out
from mentoreval.numerics.score_line_within import FreeControlsWithin
from mentoreval.numerics.strata import (
    NO_LIMITS,
    UNMATCHED,
    Limits,
    MatchOrder,
    checked_groups,
    stable_order,
    visiting_order,
)

MATCHING, PART = "Matching", 2048
"""What progress is called, and how many treated units are matched between two looks at the clock."""


class Controls(Protocol):
    """What the matching rules ask of a search structure. Treated units and controls are its own numbers."""

    def serve(self, sequence: IntArray, /) -> Sequence[int] | IntArray:
        """The nearest free control of each treated unit in turn, which it takes; UNMATCHED for who finds nobody."""

    def nearest(self, treated: int, /) -> tuple[int, float]:
        """The nearest free control and its distance; (UNMATCHED, infinity) if none is allowed."""

    def take(self, control: int, /) -> None:
        """Remove a control from all later searches."""

    def several(self, treated: int, count: int, /) -> list[int]:
        """Up to ``count`` nearest controls, nearest first, none of which is removed."""


def match_nearest(
    score: FloatArray,
    treated: BoolArray,
    *,
    ratio: int | IntArray = 1,
    replace: bool = False,
    order: MatchOrder | IntArray = "largest",
    rng: np.random.Generator | None = None,
    limits: Limits = NO_LIMITS,
) -> IntArray:
    """Match each treated unit to the controls with the nearest score.

    score   : (n,)  finite, except in discarded rows
    treated : (n,)  boolean
    ratio   : controls for each treated unit, or (treated,) for each by itself; without replacement they are dealt in
              rounds
    replace : whether a control may serve several treated units (never the same one twice)
    order   : who chooses first: by score ("largest", "smallest"), the closest pair of all ("closest"), the rows
              ("data"), chance ("random", with ``rng``), or a permutation of 0 … treated − 1
    limits  : caliper on the score, exact strata, covariate calipers, discarded rows

    Returns (treated, ratio) row numbers of controls, one line for each treated row in the order of the rows, filled
    from the left; UNMATCHED (−1) where there was nobody left within the limits.

    Ties: see ``score_line``. Time grows as n log n (searches within covariate calipers may take longer), memory as n.

    Raises DataError for scores that are missing or infinite and for shapes that do not agree, OptionError for options.
    """
    score = np.asarray(score, dtype=np.float64)
    treated, wanted, limits = _checked(treated, score.size, ratio, limits)
    score = np.where(limits.usable(score.size), score, 0.0)
    missing = np.count_nonzero(~np.isfinite(score))
    if missing:
        raise DataError(
            f"{missing:,} of the {score.size:,} scores to match on are missing or infinite. Find out why the score "
            "has no value there, or discard those rows."
        )
    line = lay_out(score, treated, limits)
    sequence = visiting_order(order, line.chooser.size, line.chooser, rng)
    sequence = sequence[line.active[sequence]]
    controls = (
        FreeControls(line, limits.reach)
        if limits.covariates is None
        else FreeControlsWithin(line, treated, limits, sequence)
    )
    slots = np.full((line.chooser.size, int(np.max(ratio, initial=1))), UNMATCHED, dtype=np.int64)
    closest = isinstance(order, str) and order == "closest"
    pair(controls, sequence, slots, wanted, replace=replace, closest=closest)
    return np.where(slots == UNMATCHED, UNMATCHED, line.row[slots])


def match_covariates(
    space: CovariateSpace,
    treated: BoolArray,
    *,
    ratio: int | IntArray = 1,
    replace: bool = False,
    order: MatchOrder | IntArray = "data",
    rng: np.random.Generator | None = None,
    limits: Limits = NO_LIMITS,
) -> IntArray:
    """Match each treated unit to the nearest controls of a covariate space (``mahalanobis_space`` and its siblings).

    Arguments and answer as in ``match_nearest``; the caliper is on the distance of the space. A caliper on the
    propensity score is a covariate caliper. "largest" and "smallest" need a score: give the order as an array
    (``visiting_order``).

    Ties: see ``covariate_cells``. Time grows about as n log n in few dimensions, memory as n.

    Raises DataError for shapes that do not agree, OptionError for options.
    """
    treated, wanted, limits = _checked(treated, space.point.size, ratio, limits)
    sequence = visiting_order(order, int(np.count_nonzero(treated)), None, rng)
    sequence = sequence[limits.usable(treated.size)[treated][sequence]]
    pairs = np.full((wanted.size, int(np.max(ratio, initial=1))), UNMATCHED, dtype=np.int64)
    search = CellSearch(space, treated, limits, sequence)
    closest = isinstance(order, str) and order == "closest"
    pair(search, sequence, pairs, wanted, replace=replace, closest=closest)
    return pairs


def match_mahalanobis(
    X: FloatArray,
    treated: BoolArray,
    *,
    ratio: int | IntArray = 1,
    replace: bool = False,
    order: MatchOrder | IntArray = "data",
    rng: np.random.Generator | None = None,
    limits: Limits = NO_LIMITS,
) -> IntArray:
    """Match on the Mahalanobis distance of the covariates X (n, k); all else as in ``match_covariates``."""
    flags = checked_groups(treated, np.shape(X)[0])
    space = mahalanobis_space(X, flags, limits.usable(flags.size))
    return match_covariates(space, flags, ratio=ratio, replace=replace, order=order, rng=rng, limits=limits)


def pair(
    controls: Controls, sequence: IntArray, pairs: IntArray, wanted: IntArray, *, replace: bool, closest: bool
) -> None:
    """Fill ``pairs`` (treated, most) for the treated in ``sequence``, from the left, each with as many as wanted."""
    if replace:
        for part in in_parts(MATCHING, sequence, PART):
            for unit, count in zip(part.tolist(), wanted[part].tolist(), strict=True):
                found = controls.several(unit, count)
                pairs[unit, : len(found)] = found
        return
    for place in range(pairs.shape[1]):
        if place > 0:
            sequence = sequence[wanted[sequence] > place]
        if closest:
            pairs[sequence, place] = _closest_round(controls, sequence.tolist())
        else:
            for part in in_parts(MATCHING, sequence, PART):
                pairs[part, place] = controls.serve(part)
        sequence = sequence[pairs[sequence, place] != UNMATCHED]  # who found nobody will find nobody later


def _closest_round(controls: Controls, sequence: list[int]) -> list[int]:
    """One control for each treated unit, always the closest pair of all that are left; UNMATCHED for the others.

    Equally close pairs come in the sequence of the treated; a unit that had to look again comes before them.
    """
    served: dict[int, int] = {}
    taken: set[int] = set()
    queue = list[tuple[float, int, int, int]]()
    turn = {unit: place for place, unit in enumerate(sequence)}
    for part in in_parts(MATCHING, sequence, PART):
        for unit in part:
            control, distance = controls.nearest(unit)
            if control != UNMATCHED:
                queue.append((distance, turn[unit], unit, control))
    heapq.heapify(queue)
    again, waiting = -1, max(len(queue), 1)
    with Progress(MATCHING) as progress:
        while queue:
            progress.tell(1 - len(queue) / waiting)
            _, _, unit, control = queue[0]
            if control not in taken:
                heapq.heappop(queue)
                controls.take(control)
                taken.add(control)
                served[unit] = control
                continue
            control, distance = controls.nearest(unit)
            if control == UNMATCHED:
                heapq.heappop(queue)
            else:
                heapq.heapreplace(queue, (distance, again, unit, control))
                again -= 1
    return [served.get(unit, UNMATCHED) for unit in sequence]


def matching_weights(pairs: IntArray, treated: BoolArray) -> FloatArray:
    """(n,) weights of a match: 1 for matched treated rows, 0 for unmatched rows.

    A control collects 1 / (number of controls in the set) from each treated unit it serves; then the weights of
    each arm are scaled to a mean of 1 over its matched rows, so that they sum to the number of matched controls.
    """
    treated = checked_groups(treated, np.size(treated))
    matched = pairs != UNMATCHED
    in_set = matched.sum(axis=1)
    share = np.broadcast_to((1.0 / np.maximum(in_set, 1))[:, None], pairs.shape)
    weights = np.bincount(pairs[matched], weights=share[matched], minlength=treated.size).astype(np.float64)
    if matched.any():
        weights *= np.count_nonzero(weights) / weights.sum()
    weights[np.flatnonzero(treated)[in_set > 0]] = 1.0
    return weights


def matched_sets(pairs: IntArray, treated: BoolArray) -> IntArray:
    """(n,) number of the set each row belongs to: 0, 1, … by treated row, UNMATCHED (−1) for unmatched rows.

    Raises OptionError for a match with replacement, where a control belongs to several sets.
    """
    treated = checked_groups(treated, np.size(treated))
    matched = pairs != UNMATCHED
    used = np.bincount(pairs[matched], minlength=treated.size)
    if np.any(used > 1):
        raise OptionError(
            f"{np.count_nonzero(used > 1):,} controls serve more than one treated unit, so the match has no sets. "
            "Use its weights, or match without replacement."
        )
    number = np.cumsum(matched.any(axis=1)) - 1
    sets = np.full(treated.size, UNMATCHED, dtype=np.int64)
    sets[np.flatnonzero(treated)] = np.where(matched.any(axis=1), number, UNMATCHED)
    sets[pairs[matched]] = np.broadcast_to(number[:, None], pairs.shape)[matched]
    return sets


def _checked(
    treated: BoolArray, rows: int, ratio: int | IntArray, limits: Limits
) -> tuple[BoolArray, IntArray, Limits]:
    treated = checked_groups(treated, rows)
    if np.ndim(ratio) and np.shape(ratio) != (np.count_nonzero(treated),):
        raise DataError(
            f"ratio has the shape {np.shape(ratio)}, but there are {np.count_nonzero(treated):,} treated rows."
        )
    wanted = np.broadcast_to(np.asarray(ratio, dtype=np.int64), int(np.count_nonzero(treated)))
    if np.any(np.less(ratio, 1)):
        raise OptionError(f"ratio is the number of controls for each treated unit, at least 1; got {np.min(ratio)}.")
    return treated, wanted, limits.checked(rows)


def varied_ratios(score: FloatArray, mean: int, fewest: int, most: int) -> IntArray:
    """(n,) numbers of controls for treated units with these scores, (n,), that sum to about ``mean`` for each.

    Those with the highest scores, who have the fewest controls near, get ``fewest``, the lowest get ``most``, and one
    between takes what is left (Ming & Rosenbaum 2000, Biometrics 56:118). Equal scores go by row.
    """
    spare = (mean - fewest) * score.size
    ratios = np.full(score.size, fewest, dtype=np.int64)
    if most > fewest:
        by_score = stable_order(score)
        full, rest = divmod(spare, most - fewest)
        ratios[by_score[:full]] = most
        ratios[by_score[full : full + 1]] += rest
    return ratios
