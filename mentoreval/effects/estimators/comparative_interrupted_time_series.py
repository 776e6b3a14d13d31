"""Comparative interrupted time series: departures from the own trend, less those of the comparison."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np

from mentoreval.aliases import FloatArray, IntArray
from mentoreval.design.design import Design
from mentoreval.effects.cohort_cells import Shares
from mentoreval.effects.cohort_trends import CohortTrends, average_changes, averages, describe, find_trends
from mentoreval.effects.estimator import Estimator, Fit, LinearModel, make_terms
from mentoreval.effects.regression import ABSORBED, fit_linear
from mentoreval.effects.unit_periods import UnitPeriods, observe_periods
from mentoreval.errors import EffectError, OptionError, first_few
from mentoreval.numerics.unit_lines import remove_lines

OwnLine = Literal["cohort", "level", "level_and_slope"]


@dataclass(frozen=True)
class ComparativeInterruptedTimeSeries(Estimator):
    """Comparative interrupted time series (CITS): change of level and slope, with the own trend going on.

    units : what each unit has of its own: "cohort", nothing beyond the level and slope of its cohort; "level", its
        level, and the slope of its cohort; "level_and_slope", both
    periods_per_year : in the panel, such as 12 for months or 10 for months in session; with it there is the term
        ``end of year one``, the effect at event time periods_per_year − 1
    seasonal : whether each cohort has calendar effects of its own, one for each of the periods_per_year
    shares : whether errors carry the noise of the cohorts' shares ("estimated") or take them as given ("fixed")

    Estimand
        Average effects on the treated units that are seen: ``level change``, at the start; ``slope change``, by which
        the effect grows per period; ``event_time=k`` and ``end of year one``, k periods after the start, for the
        cohorts seen then; ``average``, over all treated unit-periods. The effect of a cohort is a line in the time
        since its start; cohorts have lines of their own and count by their treated units or unit-periods.

    Assumptions
        Without the program each cohort would have gone on along its own straight trend, but for what happened to the
        comparison in the same period. There are two counterfactuals in one: the own trend before the start, and the
        comparison's departure from its own. Trends may differ, which difference-in-differences rules out; but they
        must be straight relative to the comparison's, and they are carried forward: the further, the less sure.
        Relative calendar effects, such as another spring break, must be absent or in the model (``seasonal``).

    Estimator
        Least squares of the outcome on period effects, levels of units or cohorts, slopes of cohorts or units, and for
        each cohort an indicator of its start and the periods since then. With one cohort and a full panel it is the
        textbook regression on group, time, after, time since the start and their products with group, whatever the
        option ``units``. Time counts the panel's periods; texts such as "2009-09" are one apart, also over a summer
        without rows. In a design that chose comparison units for each of several cohorts, the cohorts are stacked.

    Standard errors
        From the scores of the regression, one row for each unit and period, so clusters are needed: schools, or what
        else holds the units. Own levels and slopes do not count as coefficients where clusters hold whole units
        (fixest's rule); with units = "cohort" every coefficient counts and CR1 is that of any least-squares program.
        CR2, CR3 and the wild bootstrap apply, and take the cohorts' shares as given.

    Edge cases
        All rows with a known outcome are used. A cohort that is not seen at two times before its start has no trend: it
        is left out and named in ``facts["cohorts_left_out"]``. Of one seen once after its start there is no change of
        slope. Treated rows of periods in which nobody is untreated are left out and counted as ``rows_not_compared``.
        Where every unit starts in the end, the last cohort, until its start, is the comparison. Calendar effects need
        a year before the start or more; ``seasonal`` in a panel whose texts name months is an error where
        periods_per_year would join different months.

    References
        Bloom (2003), Evaluation Review 27; Somers, Zhu, Jacob & Bloom (2013), MDRC Working Paper on Research
        Methodology; Hallberg, Williams, Swanlund & Eno (2018), Educational Researcher 47. Design of Balfanz & Byrnes
        (2013), Meeting the Challenge of Combating Chronic Absenteeism.

    Example
        >>> import pandas as pd
        >>> import mentoreval as me
        >>> frame = pd.DataFrame(
        ...     {
        ...         "school": ["A"] * 5 + ["B"] * 5 + ["C"] * 5,
        ...         "year": [2020, 2021, 2022, 2023, 2024] * 3,
        ...         "start": [2023] * 5 + [None] * 10,
        ...         "chronic": [0.30, 0.32, 0.34, 0.31, 0.31] + [0.2] * 5 + [0.25, 0.25, 0.25, 0.26, 0.25],
        ...     }
        ... )
        >>> panel = me.panel_from_frame(
        ...     frame, unit="school", period="year", first_treated="start", outcomes=["chronic"]
        ... )
        >>> effect = me.estimate_effect(me.choose_design(panel), "chronic", me.ComparativeInterruptedTimeSeries())
        >>> effect.frame[["term", "estimate"]].round(3).values.tolist()[:3]
        [['level change', -0.055], ['slope change', -0.015], ['event_time=0', -0.055]]
    """

    name: ClassVar[str] = "comparative_interrupted_time_series"
    compares_changes: ClassVar[bool] = True
    units: OwnLine = "level"
    periods_per_year: int | None = None
    seasonal: bool = False
    shares: Shares = "estimated"

    def check(self) -> None:
        """Calendar effects need to know how many periods a year has."""
        if self.periods_per_year is not None and self.periods_per_year < 2:
            raise OptionError(f"periods_per_year is 2 or more; got {self.periods_per_year}. Leave it out for years.")
        if self.seasonal and self.periods_per_year is None:
            raise OptionError("seasonal needs periods_per_year, such as 12 for months or 10 for months in session.")

    def fit(self, design: Design, outcome: str) -> Fit:
        """The changes of level and slope, effects over time, and each unit-period's influence on them."""
        observed = observe_periods(design, outcome, self.name)
        trends = find_trends(observed)
        rows = trends.rows
        terms = averages(trends, self.periods_per_year)
        linear = self._regression(trends)
        n_changes = int(trends.changes.sum() + trends.bends.sum())
        weights, noise = average_changes(trends, terms, linear.coefficients[:n_changes])
        contrasts = np.column_stack([weights, np.zeros((len(terms), linear.regressors.shape[1] - n_changes))])
        linear = replace(linear, contrasts=contrasts)
        influence = linear.arrays.influence
        return Fit(
            design=design,
            outcome=outcome,
            estimator=self,
            terms=make_terms(describe(trends, terms)),
            theta=linear.effects,
            influence=influence + noise if self.shares == "estimated" else influence,
            clusters=rows.clusters(),
            entries=np.unique(rows.entry),
            linear=linear,
            facts={
                **rows.facts,
                "rows_not_compared": len(observed.unit) - len(rows.unit),
                "cohorts_left_out": trends.left_out,
            },
        )

    def _regression(self, trends: CohortTrends) -> LinearModel:
        """The regression, departures from the trends first, with no contrast yet."""
        rows = trends.rows
        parts = [
            trends.departures(),
            trends.own_lines(levels=self.units == "cohort", slopes=self.units != "level_and_slope"),
        ]
        if self.seasonal and self.periods_per_year is not None:
            _check_months(rows, self.periods_per_year)
            parts.append(trends.seasons(self.periods_per_year))
        absorbed: tuple[IntArray, ...] = (rows.unit_effect, rows.period_effect)
        if self.units == "cohort":
            absorbed = (rows.period_effect,)
        if self.units == "level_and_slope":
            parts.append(_periods(rows))
            absorbed = (rows.unit_effect,)
        X = np.column_stack([values for values, _ in parts])
        y = rows.response
        if self.units == "level_and_slope":
            X, y = _without_lines(X, rows), _without_lines(y[:, None], rows)[:, 0]
        names = [name for _, labels in parts for name in labels]
        return fit_linear(X, y, rows.weights, names, absorbed, np.zeros((0, X.shape[1])))


def _periods(rows: UnitPeriods) -> tuple[FloatArray, list[str]]:
    """Indicators of periods but two of each stack, whose effects the units' own lines hold, and their names."""
    levels, first = np.unique(rows.period_effect, return_index=True)
    stack = rows.cohort[first] if rows.stacked else np.zeros(len(levels), dtype=np.int64)
    ends = [place for one in np.unique(stack) for place in np.flatnonzero(stack == one)[[0, -1]]]
    kept = np.delete(levels, ends)
    return (rows.period_effect[:, None] == kept).astype(float), [f"period {one + 1}" for one in kept]


def _without_lines(columns: FloatArray, rows: UnitPeriods) -> FloatArray:
    """(n, k) what the units' own lines leave of columns; exactly 0 where that is rounding."""
    left = remove_lines(columns, rows.unit_effect, (rows.clock - rows.clock.min()).astype(float), rows.weights)
    left[:, np.sqrt(rows.weights @ left**2) < ABSORBED * np.sqrt(rows.weights @ columns**2)] = 0.0
    return left


def _check_months(rows: UnitPeriods, turn: int) -> None:
    """EffectError where the labels are months ("2009-09") and one season of the turn holds different ones."""
    timeline = rows.design.panel.timeline
    labels = [str(label) for label in timeline.periods]
    if timeline.counts or not all(_is_month(label) for label in labels):
        return
    for season in range(turn):
        alike = [label for label, clock in zip(labels, timeline.clock, strict=True) if clock % turn == season]
        if len({label[-2:] for label in alike}) > 1:
            raise EffectError(
                f"With periods_per_year = {turn} one calendar effect would hold {first_few(alike)}. Give the number "
                "of months that the panel has in a year, and the same months in every year."
            )


def _is_month(label: str) -> bool:
    """Whether a text is a year and a month, such as 2009-09."""
    year, _, month = label.partition("-")
    return len(year) == 4 and year.isdigit() and len(month) == 2 and month.isdigit() and 1 <= int(month) <= 12
