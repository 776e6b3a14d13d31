"""The analytic sample: entries of a design whose outcome and covariates are known, and what was lost on the way.

The rule for missing rows and missing outcomes, in this module, in ``unit_periods`` and in every estimator: an outcome
is never filled in, and a missing row is a missing outcome. A comparison uses every unit whose outcome, and whose
covariates if it has any, are known in all the periods that it needs: both of a change, the one of a unit-period. A unit
that is left out of one comparison stays in those that need less of it, and what is left out is counted.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentoreval.aliases import BoolArray, FloatArray, IntArray
from mentoreval.design.covariate_matrix import CovariateMatrix, covariate_matrix
from mentoreval.design.design import Design
from mentoreval.errors import EffectError
from mentoreval.panel.panel import Panel


@dataclass(frozen=True, eq=False)
class Sample:
    """Entries of a design that are analysed; arrays have one element per entry.

    entries : (m,) positions in the design's baseline
    response : (m,) what is explained: an outcome, or its change
    covariates : m rows without missing values
    facts : how many distinct units each condition cost, by arm
    """

    design: Design
    entries: IntArray
    response: FloatArray
    covariates: pd.DataFrame
    facts: dict[str, object]

    @property
    def unit(self) -> IntArray:
        """(m,) unit codes."""
        return self.design.baseline.unit[self.entries]

    @property
    def cohort(self) -> IntArray:
        """(m,) clock time of the start that the entry belongs to."""
        return self.design.baseline.cohort[self.entries]

    @property
    def treated(self) -> BoolArray:
        """(m,) True in the treated arm."""
        return self.design.baseline.treated[self.entries]

    @property
    def weights(self) -> FloatArray:
        """(m,) weights of the design."""
        return self.design.weighting.weights[self.entries]


def outcome_at(design: Design, outcome: str, event_time: int) -> FloatArray:
    """(baseline.size,) outcome of each entry event_time periods after its start; NaN where it is not known."""
    panel, baseline = design.panel, design.baseline
    if panel.is_cross_section and event_time != 0:
        raise EffectError(f"This panel has one period: event_time is 0, not {event_time}.")
    position = panel.timeline.position_of_clock(baseline.cohort + event_time)
    known = panel.outcome_matrix(outcome)[baseline.unit, position]
    return np.where(position >= 0, known, np.nan)


def outcome_before(design: Design, outcome: str) -> FloatArray:
    """(baseline.size,) outcome of each entry in its baseline period; NaN where it is not known."""
    panel, baseline = design.panel, design.baseline
    if panel.is_cross_section:
        raise EffectError(
            "This panel has one period, so nothing is known from before the program and no change can be compared. "
            "Use difference_in_means or regression_adjustment, or give a panel with period= and first_treated=."
        )
    position = panel.timeline.position_of_clock(panel.baseline_clock(baseline.cohort))
    known = panel.outcome_matrix(outcome)[baseline.unit, position]
    return np.where(position >= 0, known, np.nan)


def analytic_sample(design: Design, response: FloatArray, event_time: int, covariates: Iterable[str]) -> Sample:
    """Complete cases of the design's entries, by the same rule in both arms.

    response : (baseline.size,) NaN where it is not known
    covariates : names, read at the baseline

    A comparison unit that has started by the period of the outcome compares no longer and is left out; so is a cohort
    that is left with one arm. Raises EffectError where nothing remains.
    """
    panel, baseline = design.panel, design.baseline
    used = np.flatnonzero(design.weighting.weights > 0)
    facts: dict[str, object] = {"always_treated": n_always_treated(panel)}

    def keep(mask: BoolArray, reason: str) -> None:
        """Keep the entries of the mask, and count the units of the others by arm."""
        nonlocal used
        lost, used = used[~mask], used[mask]
        for arm, flag in (("treated", True), ("comparison", False)):
            units = baseline.unit[lost[baseline.treated[lost] == flag]]
            facts[f"{arm}_{reason}"] = len(np.unique(units))

    started = panel.start[baseline.unit[used]] <= baseline.cohort[used] + event_time
    keep(baseline.treated[used] | ~started, "started_by_then")
    keep(~np.isnan(response[used]), "without_outcome")
    frame = panel.covariates_at_baseline(baseline.unit[used], baseline.cohort[used], covariates)
    complete = frame.notna().all(axis=1).to_numpy(dtype=bool)
    keep(complete, "without_covariates")
    frame = frame[complete]
    paired = _has_both_arms(baseline.cohort[used], baseline.treated[used])
    keep(paired, "without_the_other_arm")
    if not len(used):
        raise EffectError(_nothing_left(facts))
    return Sample(design, used, response[used], frame[paired].reset_index(drop=True), facts)


def n_always_treated(panel: Panel) -> int:
    """Units treated from the first period on; no estimator sees them before the program, and none uses them."""
    return 0 if panel.is_cross_section else int(np.count_nonzero(panel.start <= panel.timeline.clock[0]))


def _has_both_arms(cohort: IntArray, treated: BoolArray) -> BoolArray:
    """(m,) True where the entry's cohort has treated and comparison entries."""
    if not len(cohort):
        return np.zeros(0, dtype=bool)
    _, codes = np.unique(cohort, return_inverse=True)
    n_treated = np.bincount(codes, treated)
    return np.asarray(((n_treated > 0) & (n_treated < np.bincount(codes)))[codes], dtype=bool)


def _nothing_left(facts: dict[str, object]) -> str:
    losses = "; ".join(f"{key.replace('_', ' ')}: {count:,}" for key, count in facts.items() if count)
    return (
        "No cohort has both a treated and a comparison unit whose outcome and covariates are known. "
        f"Units lost: {losses or 'none'}. Choose an event_time that was observed, or fewer covariates."
    )


def refuse_weighted(design: Design, what: str) -> None:
    """EffectError unless everyone considered keeps the sampling weight; ``what`` says what the estimator does."""
    weighting = design.weighting
    as_sampled = np.where(weighting.considered, design.baseline.weight, 0.0)
    if len(weighting.pairs) or not np.array_equal(weighting.weights, as_sampled):
        raise EffectError(
            f"{what}, and the design {design.method.name!r} has matched or weighted them already. Choose the design "
            "with Unadjusted(), or use regression_adjustment, which takes the weights of this design."
        )


def fixed_covariates(panel: Panel, names: Iterable[str]) -> frozenset[str]:
    """The covariates that are the same in all rows of each unit, so that any row tells them."""
    first = first_rows(panel)[panel.row_unit]
    fixed = set()
    for name in set(names) & set(panel.covariates) - {panel.school}:
        column = panel.frame[name]
        if not pd.api.types.is_numeric_dtype(column):
            column = pd.Series(pd.factorize(column)[0])
        values = column.to_numpy(dtype=float, na_value=np.nan)
        if np.array_equal(values, values[first], equal_nan=True):
            fixed.add(name)
    return frozenset(fixed)


def first_rows(panel: Panel) -> IntArray:
    """(n_units,) the first row of each unit; rows are in the order of units."""
    return np.flatnonzero(np.diff(panel.row_unit, prepend=-1))


def covariates_before(
    panel: Panel, units: IntArray, start: IntArray, names: Iterable[str], fixed: frozenset[str]
) -> pd.DataFrame:
    """(m, names) covariates of units in the last period before a start, and the fixed ones from any row."""
    others = [name for name in names if name not in fixed]
    frame = panel.covariates_at_baseline(units, start, others)
    rows = first_rows(panel)[units] if fixed else units
    for place, name in enumerate(names):
        if name in fixed:
            frame.insert(place, name, panel.frame[name].take(rows).reset_index(drop=True))
    return frame


def model_matrix(covariates: pd.DataFrame) -> CovariateMatrix:
    """Complete covariates as columns of a regression with an intercept; DesignError names those that are constant.

    A text is one column for each level but its first.
    """
    matrix = covariate_matrix(covariates)
    matrix.refuse_constants()
    return matrix.for_model()
