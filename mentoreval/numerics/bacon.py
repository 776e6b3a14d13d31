"""Two-way fixed effects as an average of two-by-two comparisons (Goodman-Bacon 2021)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np

from mentoreval.aliases import FloatArray, IntArray

Comparison = Literal["treated_untreated", "earlier_later", "later_earlier"]


@dataclass(frozen=True)
class TwoByTwo:
    """One comparison of two groups in two stretches of time.

    kind : treated_untreated; earlier_later compares with a group that is not treated yet; later_earlier with one that
        is treated already, whose effect must not change for the comparison to be fair
    treated, comparison : positions of the groups
    weight : share in the coefficient; all of them sum to 1
    """

    kind: Comparison
    treated: int
    comparison: int
    weight: float
    estimate: float


def decompose(means: FloatArray, size: FloatArray, start: IntArray) -> list[TwoByTwo]:
    """The comparisons of a balanced panel; Σ weight · estimate is the coefficient of two-way fixed effects.

    means : (g, t) mean outcome of each group in each period
    size : (g,) number, or total weight, of its units
    start : (g,) position of its first treated period, at least 1; t or more = untreated
    """
    n_periods = means.shape[1]
    begin = np.minimum(start, n_periods)
    treated_share = 1 - begin / n_periods
    found: list[tuple[Comparison, int, int, float, float]] = []
    for one, other in combinations(np.argsort(begin, kind="stable").tolist(), 2):
        first, second = int(begin[one]), int(begin[other])
        if first == second:
            continue
        early, late, pair = treated_share[one], treated_share[other], size[one] * size[other]
        gap = means[one] - means[other]
        if second == n_periods:
            found.append(("treated_untreated", one, other, pair * early * (1 - early), _change(gap, 0, first, second)))
            continue
        found.append(("earlier_later", one, other, pair * (early - late) * (1 - early), _change(gap, 0, first, second)))
        after = _change(-gap, first, second, n_periods)
        found.append(("later_earlier", other, one, pair * late * (early - late), after))
    total = sum(weight for *_, weight, _ in found)
    return [TwoByTwo(kind, one, other, float(weight / total), value) for kind, one, other, weight, value in found]


def _change(gap: FloatArray, begin: int, turn: int, end: int) -> float:
    """Mean of a gap between two groups from ``turn`` to before ``end``, less that from ``begin`` to before ``turn``."""
    return float(gap[turn:end].mean() - gap[begin:turn].mean())
