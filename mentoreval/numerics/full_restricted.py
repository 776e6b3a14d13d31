"""Optimal full matching with limits on the sizes of the sets, or on how many controls are used: a network by HiGHS."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from mentoreval.aliases import BoolArray, FloatArray, IntArray
from mentoreval.errors import DesignError
from mentoreval.numerics.assignment import refuse_above, rows_by_code
from mentoreval.numerics.full_matching import FULL_MATCHING, NOBODY, reachable, without_surplus
from mentoreval.numerics.progress import watched
from mentoreval.numerics.strata import Limits, checked_groups

BYTES_PER_EDGE = 600
"""Peak memory of the network for each pair that may be joined: matrices, and the solver's own copies."""


@dataclass(frozen=True)
class SetSizes:
    """How large the sets of a full match may be, in controls for each treated unit; below 1: treated for each control.

    fewest, most : of each set, such as 0.5 = at most two treated share a control, 3 = at most three controls
    mean         : of all sets of a stratum together: ⌊mean · treated⌋ controls are used, the others are left out
    """

    fewest: float | None = None
    most: float | None = None
    mean: float | None = None

    @property
    def of_treated(self) -> tuple[float, float]:
        """Fewest and most partners of a treated unit."""
        fewest = float(np.floor(self.fewest)) if self.fewest is not None and self.fewest >= 1 else 1.0
        return fewest, np.inf if self.most is None else max(1.0, float(np.floor(self.most)))

    @property
    def of_controls(self) -> tuple[float, float]:
        """Fewest and most partners of a control that is used."""
        most = np.inf if not self.fewest else max(1.0, float(np.floor(1 / self.fewest + 1e-9)))
        fewest = float(np.ceil(1 / self.most - 1e-9)) if self.most is not None and self.most < 1 else 1.0
        return fewest, most


def full_within_sizes(
    score: FloatArray, treated: BoolArray, limits: Limits, sizes: SetSizes, memory: float
) -> IntArray:
    """(p, 2) rows of treated and control that are joined, with the least sum of differences that the sizes allow.

    score : (n,) finite; treated : (n,); limits : caliper, strata, discarded

    Every pair within the caliper is a variable, so that memory grows with their number: DesignError above ``memory``
    bytes, before anything starts, and where no match has such sizes.
    """
    treated, limits = checked_groups(treated, score.size), limits.checked(score.size)
    found, strata = [NOBODY], []
    for rows in rows_by_code(limits.codes(score.size), limits.usable(score.size)):
        order = rows[np.argsort(score[rows], kind="stable")]
        order = order[reachable(score[order], treated[order], limits.reach)]
        if order.size:
            strata.append((order[treated[order]], order[~treated[order]]))
    windows = [_window(score[some], score[others], limits.reach) for some, others in strata]
    largest = max((int((last - first).sum()) for first, last in windows), default=0)
    refuse_above(float(largest) * BYTES_PER_EDGE, memory, f"{largest:,} pairs within the caliper")
    for (some, others), (first, last) in zip(strata, windows, strict=True):
        count = last - first
        line = np.repeat(np.arange(some.size), count)
        column = np.arange(count.sum()) - np.repeat(np.cumsum(count) - last, count)
        apart = np.abs(score[some[line]] - score[others[column]])
        joined = _solved(line, column, apart, (some.size, others.size), sizes)
        found.append(np.column_stack([some[line[joined]], others[column[joined]]]))
    pairs = np.concatenate(found)
    if sizes.of_treated[0] == 1 and sizes.of_controls[0] == 1:
        pairs = without_surplus(pairs, score.size)
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


def _window(some: FloatArray, others: FloatArray, reach: float) -> tuple[IntArray, IntArray]:
    """First and one past the last place in ``others`` within reach of each of ``some``; both are sorted."""
    if reach > 1e300:
        return np.zeros(some.size, dtype=np.int64), np.full(some.size, others.size)
    first = np.searchsorted(others, some - reach, side="left")
    return first.astype(np.int64), np.searchsorted(others, some + reach, side="right").astype(np.int64)


def _solved(line: IntArray, column: IntArray, apart: FloatArray, shape: tuple[int, int], sizes: SetSizes) -> BoolArray:
    """(e,) which of the edges (line, column) are taken.

    Without a mean the vertices of this network are whole numbers by themselves. With one, each control is used or
    not, and only an edge of a used one can be taken.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csr_array, eye_array, hstack, vstack

    edges, used = line.size, shape[1] if sizes.mean is not None else 0
    place = np.arange(edges)
    of_line = csr_array((np.ones(edges), (line, place)), shape=(shape[0], edges + used))
    of_column = csr_array((np.ones(edges), (column, place)), shape=(shape[1], edges))
    rows, low, high = [of_line], [np.full(shape[0], sizes.of_treated[0])], [np.full(shape[0], sizes.of_treated[1])]
    fewest, most = sizes.of_controls
    if sizes.mean is None:
        rows, low, high = [*rows, of_column], [*low, np.full(shape[1], fewest)], [*high, np.full(shape[1], most)]
    else:
        most = min(most, float(shape[0]))
        n_used = float(min(shape[1], int(np.floor(sizes.mean * shape[0] + 1e-9))))
        chosen = eye_array(shape[1], format="csr")
        rows += [hstack([of_column, -fewest * chosen]), hstack([of_column, -most * chosen])]
        rows += [hstack([eye_array(edges, format="csr"), -csr_array((np.ones(edges), (place, column)))])]
        rows += [csr_array(np.append(np.zeros(edges), np.ones(used))[None, :])]
        low += [np.zeros(used), np.full(used, -np.inf), np.full(edges, -np.inf), np.array([n_used])]
        high += [np.full(used, np.inf), np.zeros(used), np.zeros(edges), np.array([n_used])]
    limits = LinearConstraint(vstack(rows, format="csr"), np.concatenate(low), np.concatenate(high))
    cost, is_choice = np.append(apart, np.zeros(used)), np.append(np.zeros(edges), np.ones(used))
    solve = partial(milp, cost, constraints=limits, bounds=Bounds(0, 1), integrality=is_choice)
    found = watched(FULL_MATCHING, solve)
    if found.x is None:
        raise DesignError(
            f"{shape[0]:,} treated and {shape[1]:,} comparison students of one stratum can not be put in sets of these "
            "sizes within the caliper. Loosen min_controls, max_controls or mean_controls, or widen the caliper."
        )
    return np.asarray(found.x[:edges] > 0.5, dtype=bool)
