"""Switchers against those who have not switched yet: totals, and how each unit moves them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mentoreval.aliases import BoolArray, FloatArray


@dataclass(frozen=True, eq=False)
class SwitchTotal:
    """The summed effect on the switchers of one cohort, with each unit's part (n,) in its noise.

    total : Σ over switchers of weight times (own change less the mean change of the comparison)
    moving : derivative of the total by the log of each unit's weight
    within : each unit's deviation from the mean of its own kind, which is its noise where nobody's switch is random
    """

    total: float
    moving: FloatArray
    within: FloatArray


def total_effect(change: FloatArray, switches: BoolArray, weights: FloatArray, sign: int) -> SwitchTotal:
    """The total of one cohort at one distance from its switch.

    change : (n,) outcome at that distance less outcome before the switch
    switches : (n,) True in the cohort, False in its comparison; both occur
    weights : (n,) above 0
    sign : 1 where the cohort switches on, −1 where it switches off
    """
    share = np.where(switches, 0.0, weights) / weights[~switches].sum()
    away = change - share @ change
    moved = np.where(switches, sign * weights * away, 0.0)
    compared = -sign * weights[switches].sum() * share * away
    own = np.where(switches, sign * weights * _deviation(change, switches, weights), 0.0)
    return SwitchTotal(
        float(moved.sum()), moved + compared, own + compared * _inflation(int(np.count_nonzero(~switches)))
    )


def _deviation(change: FloatArray, switches: BoolArray, weights: FloatArray) -> FloatArray:
    """(n,) changes less the cohort's mean, inflated for estimating it; a cohort of one is held against everyone."""
    kind = switches if np.count_nonzero(switches) > 1 else np.ones_like(switches)
    mean = np.average(change[kind], weights=weights[kind])
    return np.asarray((change - mean) * _inflation(int(np.count_nonzero(kind))))


def _inflation(n: int) -> float:
    """√(n / (n − 1)), and 1 for one unit."""
    return float(np.sqrt(n / (n - 1.0))) if n > 1 else 1.0


@dataclass(frozen=True, eq=False)
class Ratio:
    """One total over another, with the influence (n,) of each unit as a sum."""

    value: float
    influence: FloatArray


def ratio_of_totals(numerator: FloatArray, parts: FloatArray, denominator: FloatArray, *, fixed: bool) -> Ratio:
    """Σ numerator / Σ denominator.

    numerator : (j,) totals; parts : (n, j) what moves them
    denominator : (n, j) each unit's part, of which the total is the sum
    fixed : whether the denominator is taken as given
    """
    below = denominator.sum()
    value = float(numerator.sum() / below)
    moved = parts.sum(axis=1) - (0.0 if fixed else value * denominator.sum(axis=1))
    return Ratio(value, np.asarray(moved / below))
