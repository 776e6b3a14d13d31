"""Clusters: for each unit of a design the school, matched set and mentor whose fate it shares."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mentoreval.aliases import IntArray
from mentoreval.design.design import Design
from mentoreval.panel.panel import Panel

NO_CLUSTER = -1


def unit_clusters(design: Design) -> dict[str, IntArray]:
    """For each cluster variable that this design has, the (n_units,) codes of the panel's units; -1 = has none.

    student : the unit itself, always
    school : the school at the start of the unit's own cohort; for a comparison unit, of the first cohort it is compared
        with. One school for each unit, so that schools nest students also where students move
    matched_set : where every unit of the comparison is in exactly one set
    mentor : the mentor at the same start; units without one stand for themselves
    """
    panel = design.panel
    entry = entry_of_unit(design)
    units = np.flatnonzero(entry >= 0)
    cohort = design.baseline.cohort[entry[units]]
    clusters = {"student": np.arange(panel.n_units, dtype=np.int64)}
    if panel.school is not None:
        clusters["school"] = _spread(panel.n_units, units, panel.school_at_start(units, cohort))
    if _has_sets(design):
        clusters["matched_set"] = _spread(panel.n_units, units, design.weighting.matched_set[entry[units]])
    if panel.mentor is not None:
        rows = panel.rows_at(units, cohort)
        codes = np.append(pd.factorize(panel.frame[panel.mentor], sort=True)[0], NO_CLUSTER)
        mentor = np.where(rows >= 0, codes[rows], NO_CLUSTER)
        alone = codes.max() + 1 + np.arange(len(units))
        clusters["mentor"] = _spread(panel.n_units, units, np.where(mentor >= 0, mentor, alone))
    return clusters


def entry_of_unit(design: Design) -> IntArray:
    """(n_units,) the entry that speaks for each unit: that of its own cohort, else its first; -1 = not compared."""
    used = np.flatnonzero(design.weighting.weights > 0)
    entry = np.full(design.panel.n_units, -1, dtype=np.int64)
    for arm in (~design.baseline.treated[used], design.baseline.treated[used]):
        chosen = used[arm][::-1]  # written last, the first entry stays
        entry[design.baseline.unit[chosen]] = chosen
    return entry


def own_school(panel: Panel) -> IntArray:
    """(n_units,) code of each unit's school at its own start, or at the first if it has none; -1 where it is missing.

    What refits draw or leave out is settled by the panel alone, whatever a design compares a unit with.
    """
    start = np.where(panel.start <= panel.timeline.clock[-1], panel.start, panel.cohorts[0])
    return panel.school_at_start(np.arange(panel.n_units), start)


def keeps_everyone(design: Design) -> bool:
    """Whether everyone stands in the comparison of every cohort with the sampling weight.

    Where there was an eligibility rule, or weights differ, students were chosen for one cohort and not for another.
    """
    screened = any(step.key == "eligible" for step in design.baseline.screened)
    return not screened and bool(np.array_equal(design.weighting.weights, design.baseline.weight))


def _has_sets(design: Design) -> bool:
    used = design.weighting.weights > 0
    units = design.baseline.unit[used]
    return bool((design.weighting.matched_set[used] >= 0).all() and len(np.unique(units)) == len(units))


def _spread(n_units: int, units: IntArray, codes: IntArray) -> IntArray:
    out = np.full(n_units, NO_CLUSTER, dtype=np.int64)
    out[units] = codes
    return out
