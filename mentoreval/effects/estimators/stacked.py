"""Stacked differences in differences: each cohort and its clean comparison in one window, all in one regression."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np

from mentoreval.aliases import BoolArray, FloatArray, IntArray
from mentoreval.design.design import Design
from mentoreval.effects.estimator import Estimator, Fit
from mentoreval.effects.event_times import fit_event_times
from mentoreval.effects.unit_periods import UnitPeriods, observe_periods
from mentoreval.errors import EffectError, OptionError
from mentoreval.panel.timeline import Timeline


@dataclass(frozen=True)
class Stacked(Estimator):
    """One effect for each event time in a window, from stacks of one cohort and its comparison each.

    window : periods before the start and periods after it, such as (3, 2); () = the longest that every cohort has
    weights : "sample": rows have the weights of the design, and stacks count as least squares counts them.
        "trimmed_aggregate": the comparison of each stack is weighed to the stack's share of the treated, so that the
        effects are averages on the treated

    Estimand
        At each event time of the window an average of the effects of cohorts on the treated, the same cohorts at each;
        by cohort shares with "trimmed_aggregate", and with "sample" by weights that are positive but depend also on
        the sizes of the comparison groups. The term ``average`` is the mean over event times from 0 on.

    Assumptions
        Parallel trends between each cohort and its comparison within the window, no effect before the start.

    Estimator
        A stack for each cohort: its units, and the units that the design compares with at its start and that do not
        start within the window. Least squares of the outcome on effects of unit × cohort and period × cohort, and one
        indicator for each event time of the treated but the reference -1 (where no period has it, the last event time
        before 0).

    Standard errors
        From the scores of the regression, added up for each unit over its stacks and periods, so clusters are students
        or what holds them. With "trimmed_aggregate" the influence also carries that the shares of the stacks, and so
        the weights, are estimated. CR2, CR3 and the wild bootstrap, which need the regression itself, take those
        weights as given: where cohorts differ in their effects, too small an error for students like these, and too
        large a one for these very students. The weights of the design are taken as given always.

    Edge cases
        All rows of the window with a known outcome are used; one without is left out and counted in ``facts``. A cohort
        whose window is not inside the periods of the panel, or without comparison in it, is left out and named in
        ``facts["cohorts_left_out"]``. Comparison units that start within the window are left out of that stack.

    References
        Cengiz, Dube, Lindner & Zipperer (2019), Quarterly Journal of Economics 134; Wing, Freedman & Hollingsworth
        (2024), NBER working paper 32054, for the weights.

    Example
        >>> import pandas as pd
        >>> import mentoreval as me
        >>> frame = pd.DataFrame(
        ...     {
        ...         "student": [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4],
        ...         "year": [2022, 2023, 2024] * 4,
        ...         "start": [2024] * 6 + [None] * 6,
        ...         "absent": [19, 20, 12, 18, 18, 14, 9, 9, 8, 10, 12, 12],
        ...     }
        ... )
        >>> panel = me.panel_from_frame(
        ...     frame, unit="student", period="year", first_treated="start", outcomes=["absent"]
        ... )
        >>> effect = me.estimate_effect(me.choose_design(panel), "absent", me.Stacked(window=(1, 0)))
        >>> effect.frame[["term", "estimate"]].round(6).values.tolist()
        [['reference event_time=-1', 0.0], ['event_time=0', -5.5], ['average', -5.5]]
    """

    name: ClassVar[str] = "stacked"
    compares_changes: ClassVar[bool] = True
    window: tuple[int, ...] = ()
    weights: Literal["sample", "trimmed_aggregate"] = "sample"

    def check(self) -> None:
        """A window has a period before the start and the one of the start."""
        if self.window and (len(self.window) != 2 or self.window[0] < 1 or self.window[1] < 0):
            raise OptionError(
                f"Stacked: window = {list(self.window)} is not allowed. It takes two numbers, at least 1 period before "
                "the start and at least 0 after it, such as [3, 2]."
            )

    def fit(self, design: Design, outcome: str) -> Fit:
        """One effect for each event time, and each unit's influence on them."""
        observed = observe_periods(design, outcome, self.name, stacked=True)
        before, after = self.window or _longest(observed)
        rows = _in_window(observed, before, after)
        facts = {**rows.facts, "window": (before, after), "cohorts_left_out": _left_out(observed, rows)}
        if self.weights == "sample":
            return fit_event_times(self, outcome, rows, (), facts)
        weighted = replace(rows, weights=_aggregate_weights(rows))
        fit = fit_event_times(self, outcome, weighted, (), facts)
        assert fit.influence is not None
        return replace(fit, influence=fit.influence + _influence_of_shares(fit, rows))


def _longest(rows: UnitPeriods) -> tuple[int, int]:
    """The most periods before the start, and after it, that every cohort has."""
    clock = rows.design.panel.timeline.clock
    cohort = rows.cohort[rows.treated]
    return int(cohort.min() - clock[0]), int(clock[-1] - cohort.max())


def _in_window(rows: UnitPeriods, before: int, after: int) -> UnitPeriods:
    """The rows of the window of each stack whose window is whole, without comparisons that start in it."""
    panel = rows.design.panel
    clock = panel.timeline.clock
    apart = rows.clock - rows.cohort
    start = panel.start[rows.unit]
    clean = rows.treated | (start == Timeline.NEVER) | (start > rows.cohort + after)
    whole = (rows.cohort - before >= clock[0]) & (rows.cohort + after <= clock[-1])
    chosen = clean & whole & (apart >= -before) & (apart <= after)
    chosen &= _has_both_sides(rows, chosen)
    if not chosen.any():
        raise EffectError(
            f"No cohort has treated and comparison units with a known outcome before and after its start in the window "
            f"of {before} periods before and {after} after, all inside the periods of the panel. Give a shorter window."
        )
    return rows.keep(chosen)


def _has_both_sides(rows: UnitPeriods, chosen: BoolArray) -> BoolArray:
    """(n,) True where the stack of the row has both arms before and after the start among the chosen rows."""
    out = np.ones(len(chosen), dtype=bool)
    for arm in (rows.treated, ~rows.treated):
        for side in (rows.clock < rows.cohort, rows.clock >= rows.cohort):
            out &= np.isin(rows.cohort, rows.cohort[chosen & arm & side])
    return out


@dataclass(frozen=True, eq=False)
class _Stacks:
    """The entries of the stacks, each once; arrays of e entries.

    row : (e,) a row of each entry
    stack : (e,) codes of the stacks
    mass : (2, s) total weight of the treated, and of the comparison, of each stack
    """

    row: IntArray
    stack: IntArray
    mass: FloatArray

    @classmethod
    def of(cls, rows: UnitPeriods) -> _Stacks:
        """The stacks of rows that have the weights of the design."""
        _, first = np.unique(rows.entry, return_index=True)
        treated, weight = rows.treated[first], rows.weights[first]
        stacks, code = np.unique(rows.cohort[first], return_inverse=True)
        mass = [np.bincount(code[arm], weight[arm], minlength=len(stacks)) for arm in (treated, ~treated)]
        return cls(first, code, np.array(mass, dtype=float))

    @property
    def factor(self) -> FloatArray:
        """(s,) by what the weight of a comparison entry of each stack is multiplied."""
        share = self.mass / self.mass.sum(axis=1, keepdims=True)
        return np.asarray(share[0] / share[1])


def _aggregate_weights(rows: UnitPeriods) -> FloatArray:
    """(n,) weights with which each stack's comparison counts by the stack's share of the treated."""
    stacks = np.unique(rows.cohort)
    factor = _Stacks.of(rows).factor[np.searchsorted(stacks, rows.cohort)]
    return np.where(rows.treated, rows.weights, rows.weights * factor)


def _influence_of_shares(fit: Fit, rows: UnitPeriods) -> FloatArray:
    """(m, k) what each unit adds to the effects by moving the shares of the stacks, hence the weights.

    rows : with the weights of the design

    The coefficients solve Σ w x̃ û = 0, with x̃ less both effects. So a share more of the weight of one comparison moves
    them by bread · Σ w x̃ û over its rows, and an entry of share a among the treated of its stack, and b among all
    treated, moves that weight by a − b; one of the comparison by b − a.
    """
    linear, stacks = fit.linear, _Stacks.of(rows)
    assert linear is not None
    score = np.where(rows.treated, 0.0, linear.weights * linear.residuals)
    of_row = np.searchsorted(np.unique(rows.cohort), rows.cohort)
    sums = np.stack([np.bincount(of_row, score * column) for column in linear.regressors.T], axis=1)
    pull = sums @ (linear.bread @ linear.contrasts.T)
    arm, weight = (~rows.treated[stacks.row]).astype(int), rows.weights[stacks.row]
    of_entry = (
        pull[stacks.stack] / stacks.mass[arm, stacks.stack][:, None]
        - pull.sum(axis=0) / stacks.mass.sum(1)[arm][:, None]
    )
    of_entry *= np.where(arm == 0, weight, -weight)[:, None]
    owner, n_units = rows.owner[stacks.row], len(rows.units)
    moved = [np.bincount(owner, column, minlength=n_units) for column in of_entry.T]
    return np.asarray(n_units * np.stack(moved, axis=1))


def _left_out(observed: UnitPeriods, rows: UnitPeriods) -> tuple[object, ...]:
    """Labels of the cohorts that have no stack."""
    label = observed.design.panel.timeline.label
    lost = np.setdiff1d(observed.cohort[observed.treated], rows.cohort)
    return tuple(label(cohort) for cohort in lost)
