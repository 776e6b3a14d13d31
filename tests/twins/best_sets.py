"""The best pairs and the best full match, found the slow way: a linear program, or every set of edges there is.

Nothing here is clever; ``mentoreval.numerics.assignment`` and ``full_matching`` must have the same totals.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp


def edges_allowed(score, treated, caliper=None, strata=None):
    """[(treated row, control row, distance)] of all that may be joined."""
    rows = range(len(score))
    return [
        (t, c, abs(score[t] - score[c]))
        for t in rows
        for c in rows
        if treated[t]
        and not treated[c]
        and (caliper is None or abs(score[t] - score[c]) <= caliper)
        and (strata is None or strata[t] == strata[c])
    ]


def best_pairs(edges, ratio=1):
    """(number of pairs, their total distance): most pairs first, then the least total, by two linear programs."""
    if not edges:
        return 0, 0.0
    who = sorted({t for t, _, _ in edges}), sorted({c for _, c, _ in edges})
    degree = np.array(
        [[t == unit for t, _, _ in edges] for unit in who[0]] + [[c == unit for _, c, _ in edges] for unit in who[1]],
        dtype=float,
    )
    limits = LinearConstraint(degree, ub=[ratio] * len(who[0]) + [1] * len(who[1]))
    most = round(-milp(-np.ones(len(edges)), constraints=limits, bounds=Bounds(0, 1)).fun)
    exactly = LinearConstraint(np.ones((1, len(edges))), lb=most, ub=most)
    return most, milp([d for _, _, d in edges], constraints=[limits, exactly], bounds=Bounds(0, 1)).fun


def best_cover(edges):
    """(units that can be joined at all, least total distance of edges that leave none of them alone)."""
    if not edges:
        return 0, 0.0
    units = sorted({unit for t, c, _ in edges for unit in (t, c)})
    touches = np.array([[unit in (t, c) for t, c, _ in edges] for unit in units], dtype=float)
    found = milp(
        [d for _, _, d in edges],
        constraints=LinearConstraint(touches, lb=1),
        bounds=Bounds(0, 1),
        integrality=np.ones(len(edges)),
    )
    return len(units), found.fun


def best_full_match(edges, fewest=None, most=None, n_controls=None):
    """Least total distance over every set of edges that is a full match of these sizes; None where there is none.

    Every unit that can be joined is in a set, but that with ``n_controls`` so many controls are. In a set the number
    of controls by that of treated lies between ``fewest`` and ``most``.
    """
    treated, controls = {t for t, _, _ in edges}, {c for _, c, _ in edges}
    best = None
    for size in range(len(edges) + 1):
        for chosen in combinations(edges, size):
            if {t for t, _, _ in chosen} != treated:
                continue
            used = {c for _, c, _ in chosen}
            if len(used) != (len(controls) if n_controls is None else n_controls):
                continue
            if not all(_is_set(chosen, unit, fewest, most) for unit in treated):
                continue
            total = sum(d for _, _, d in chosen)
            best = total if best is None else min(best, total)
    return best


def _is_set(chosen, unit, fewest, most):
    """Whether the set of a treated unit has a centre and a size that is allowed."""
    partners = [c for t, c, _ in chosen if t == unit]
    others = [sum(c == control for _, c, _ in chosen) for control in partners]
    if len(partners) > 1 and max(others) > 1:
        return False
    ratio = Fraction(len(partners), max(others))
    return (fewest is None or ratio >= fewest) and (most is None or ratio <= most)
