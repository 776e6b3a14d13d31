"""Unit-periods: the rows of a regression over all periods, and what was lost on the way."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, reduce
from typing import Any

import numpy as np
import pandas as pd

from mentoreval.aliases import BoolArray, FloatArray, IntArray
from mentoreval.design.design import Design
from mentoreval.effects.clusters import entry_of_unit, keeps_everyone, unit_clusters
from mentoreval.effects.sample import n_always_treated
from mentoreval.errors import EffectError
from mentoreval.numerics.codes import number


@dataclass(frozen=True, eq=False)
class UnitPeriods:
    """Unit-periods whose outcome and covariates are known; arrays have one element per row.

    entry : (n,) entries of the design's baseline
    unit : (n,) unit codes
    cohort : (n,) clock time of the start that the entry belongs to
    treated : (n,) True in the treated arm, before the start too
    period : (n,) positions in the timeline
    response : (n,)
    covariates : (n, p) values in each period
    weights : (n,) weights of the design
    unit_effect, period_effect : (n,) codes of the two fixed effects; where cohorts are stacked, of unit × cohort and
        period × cohort
    stacked : whether cohorts are stacked, so that a unit may enter once for each
    facts : what was left out
    """

    design: Design
    entry: IntArray
    unit: IntArray
    cohort: IntArray
    treated: BoolArray
    period: IntArray
    response: FloatArray
    covariates: FloatArray
    weights: FloatArray
    unit_effect: IntArray
    period_effect: IntArray
    stacked: bool
    facts: dict[str, object]

    @cached_property
    def clock(self) -> IntArray:
        """(n,) clock time of each row."""
        return np.asarray(self.design.panel.timeline.clock.take(self.period))

    @cached_property
    def started(self) -> BoolArray:
        """(n,) True where the unit is treated by now."""
        return self.treated & (self.clock >= self.cohort)

    @cached_property
    def event_time(self) -> IntArray:
        """(n,) periods since the start; 0 for comparison rows, which have none."""
        return np.where(self.treated, self.clock - np.where(self.treated, self.cohort, self.clock), 0)

    @cached_property
    def compares(self) -> BoolArray:
        """(n,) True where a unit that the design compares with is not treated yet."""
        return _in_pool(self.design)[self.unit] & ~self.started & (~self.treated if self.stacked else True)

    @cached_property
    def units(self) -> IntArray:
        """(m,) codes of the units that have a row, in their order."""
        has_row = np.zeros(self.design.panel.n_units, dtype=bool)
        has_row[self.unit] = True
        return np.flatnonzero(has_row)

    @cached_property
    def owner(self) -> IntArray:
        """(n,) the place of each row's unit in ``units``; the code of its unit effect where the two have one order."""
        of_effect = np.zeros(int(self.unit_effect.max()) + 1, dtype=np.int64)
        of_effect[self.unit_effect] = self.unit
        return self.unit_effect if (of_effect[1:] > of_effect[:-1]).all() else number(self.unit)

    @cached_property
    def entries(self) -> IntArray:
        """The entries that have a row, each once."""
        has_row = np.zeros(self.design.baseline.size, dtype=bool)
        has_row[self.entry] = True
        return np.flatnonzero(has_row)

    def clusters(self) -> dict[str, IntArray]:
        """For each cluster variable the (n,) codes of the rows."""
        return {name: codes[self.unit] for name, codes in unit_clusters(self.design).items()}

    def n_units(self, chosen: BoolArray | IntArray) -> int:
        """Distinct units of chosen rows: a mask (n,) or positions."""
        seen = np.zeros(self.design.panel.n_units, dtype=bool)
        seen[self.unit[chosen]] = True
        return int(seen.sum())

    def keep(self, mask: BoolArray) -> UnitPeriods:
        """The rows of a mask (n,), effects numbered again."""
        return self if mask.all() else self.at(mask)

    def at(self, chosen: BoolArray | IntArray) -> UnitPeriods:
        """Chosen rows, a mask (n,) or positions, effects numbered again."""
        names = ("entry", "unit", "cohort", "treated", "period", "response", "covariates", "weights")
        kept: dict[str, Any] = {name: getattr(self, name)[chosen] for name in names}
        kept |= {name: number(getattr(self, name)[chosen]) for name in ("unit_effect", "period_effect")}
        return replace(self, **kept)


def observe_periods(
    design: Design, outcome: str, name: str, covariates: tuple[str, ...] = (), *, stacked: bool | None = None
) -> UnitPeriods:
    """The unit-periods of a design in which outcome and covariates are known and the unit compares.

    name : of the estimator, for messages
    covariates : columns that change over time, read in each period
    stacked : whether a unit enters once for each cohort that it is compared in; None = where the design chose
        comparison units for each of several cohorts

    A comparison unit that is stacked leaves at its own start. Raises EffectError for a panel of one period and where
    no outcome of an arm is known.
    """
    panel, baseline = design.panel, design.baseline
    if panel.is_cross_section:
        raise EffectError(f"This panel has one period, and {name} needs periods before and after the start.")
    entries, stacked = _entries(design, stacked)
    unit, cohort, treated = baseline.unit[entries], baseline.cohort[entries], baseline.treated[entries]
    clock = panel.timeline.clock
    response = panel.outcome_matrix(outcome)[unit]
    columns = [time_varying(design, covariate, name)[unit] for covariate in covariates]
    compares = treated[:, None] | (clock < panel.start[unit][:, None])
    unknown = np.isnan(response)
    incomplete = reduce(np.logical_or, (np.isnan(column) for column in columns), unknown)
    chosen = compares & ~incomplete
    started = treated[:, None] & (clock >= cohort[:, None])
    _check_arms(chosen, started, treated, _in_pool(design)[unit] & ~(treated & stacked))
    whole = bool(chosen.all())
    count = np.full(len(unit), len(clock)) if whole else np.count_nonzero(chosen, axis=1)
    where: Any = ... if whole else chosen
    period = np.broadcast_to(np.arange(len(clock)), chosen.shape)[where].ravel()
    lost = np.nonzero(unknown & compares)
    of_cohort = np.repeat(cohort, count)
    period_effect = of_cohort * len(clock) + period if stacked else period
    return UnitPeriods(
        design=design,
        entry=np.repeat(entries, count),
        unit=np.repeat(unit, count),
        cohort=of_cohort,
        treated=np.repeat(treated, count),
        period=period,
        response=response[where].ravel(),
        covariates=np.column_stack([column[where].ravel() for column in columns] or [np.empty((len(period), 0))]),
        weights=np.repeat(design.weighting.weights[entries], count),
        unit_effect=np.repeat(np.cumsum(count > 0) - 1, count),
        # Where nothing is left out every period is there, and its place is its code.
        period_effect=period if whole and not stacked else number(period_effect),
        stacked=stacked,
        facts={
            "always_treated": n_always_treated(panel),
            "rows_without_outcome": int(np.count_nonzero(panel.row_of[unit[lost[0]], lost[1]] >= 0)),
            "rows_without_covariates": int(np.count_nonzero(incomplete & compares)) - len(lost[0]),
            "stacked": stacked,
        },
    )


def compares_untreated(rows: UnitPeriods) -> BoolArray:
    """(n,) True where a unit that the design compares with is not treated yet."""
    return rows.compares


def seen_before_start(rows: UnitPeriods, chosen: BoolArray | None = None) -> BoolArray:
    """(n,) True but in treated rows of a cohort of which nobody is seen before its start in the chosen rows (n,)."""
    before = rows.treated & ~rows.started & (True if chosen is None else chosen)
    return ~rows.treated | np.isin(rows.cohort, rows.cohort[before])


def _in_pool(design: Design) -> BoolArray:
    """(n_units,) True for units that the design compares with in some cohort."""
    used = (design.weighting.weights > 0) & ~design.baseline.treated
    pool = np.zeros(design.panel.n_units, dtype=bool)
    pool[design.baseline.unit[used]] = True
    return pool


def _check_arms(chosen: BoolArray, started: BoolArray, treated: BoolArray, compares: BoolArray) -> None:
    """EffectError where an arm has no known outcome, or the treated have none from their start on.

    chosen, started : (m, periods) of entries
    treated, compares : (m,)
    """
    if not (chosen & compares[:, None] & ~started).any():
        raise EffectError(
            "No outcome of a comparison unit is known in any period. Check the outcome, or make the design with "
            "choose_design(..., pool='not_yet_treated')."
        )
    if not (chosen & started).any():
        raise EffectError("No treated unit has an outcome from its start on, so no effect can be seen.")
    if not (chosen & treated[:, None] & ~started).any():
        raise EffectError("No treated unit has an outcome before its start, so no change can be compared.")


def _entries(design: Design, stacked: bool | None) -> tuple[IntArray, bool]:
    """Entries whose units enter, and whether cohorts are stacked."""
    if stacked is None and keeps_everyone(design):
        entry = entry_of_unit(design)
        return entry[entry >= 0], False
    used = np.flatnonzero(design.weighting.weights > 0)
    return used, bool(stacked) or len(np.unique(design.baseline.cohort[used])) > 1


def time_varying(design: Design, name: str, estimator: str) -> FloatArray:
    """(n_units, n_periods) values of a numeric covariate in each period; EffectError for one that is none."""
    panel = design.panel
    if name not in panel.covariates or not pd.api.types.is_numeric_dtype(panel.frame[name]):
        numeric = [c for c in panel.covariates if pd.api.types.is_numeric_dtype(panel.frame[c])]
        raise EffectError(
            f"{estimator} reads covariates in each period, and {name!r} is no numeric covariate of this panel. "
            f"It has: {', '.join(numeric) or 'none'}."
        )
    return panel.matrix(name)
