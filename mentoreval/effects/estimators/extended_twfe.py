"""Extended two-way fixed effects (Wooldridge): the regression with an effect for each cohort in each later period."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pandas as pd

from mentoreval.aliases import BoolArray, FloatArray, IntArray
from mentoreval.design.design import Design
from mentoreval.effects.cohort_cells import CellEstimates, CohortCells, Shares, fit_of_cells, group_cells
from mentoreval.effects.estimator import Estimator, Fit
from mentoreval.effects.period_regression import PeriodRegression, regress_periods
from mentoreval.effects.sample import covariates_before, fixed_covariates, model_matrix
from mentoreval.effects.shared_cells import share_cells
from mentoreval.effects.unit_periods import UnitPeriods, compares_untreated, observe_periods, seen_before_start
from mentoreval.errors import EffectError


@dataclass(frozen=True)
class ExtendedTwfe(Estimator):
    """Two-way fixed effects saturated in cohorts and periods from the start on.

    covariates : on which trends and effects may depend, read at the baseline
    shares : "estimated": one term for each cohort and period, which ``Estimate.pool`` averages with the noise of the
        cohort shares, as in ``callaway_santanna``. "fixed": one term for each event time and ``average``, over all
        treated unit-periods, whose errors take cohort shares and covariate means as given, as in R's etwfe

    Estimand
        The average effect on the treated of each cohort in each period from its start on.

    Assumptions
        Parallel trends of all cohorts and the comparison in all periods, given the covariates and linear in them; no
        effect before the start.

    Estimator
        Least squares of the outcome on unit effects, period effects and one indicator for each cohort and period from
        the start on. With covariates also covariate × period, and covariate × indicator with the covariate less its
        mean over the treated rows of the indicator, so that the indicator's coefficient is their average effect.
        Without covariates and missing rows the estimates are those of ``imputation``. In a design that chose comparison
        students for each of several cohorts, the cohorts are stacked.

    Standard errors
        From the scores of the regression, added up for each unit, so clusters are students or what holds them.
        "estimated" adds the noise of the covariate means, and ``Estimate.pool`` that of the cohort shares;
        CR2, CR3 and the wild bootstrap take both as given.

    Edge cases
        All rows with a known outcome are used, of units whose covariates are known at the baseline, which takes a row
        in that period unless a covariate never changes; a unit-period without is left out and counted in ``facts``.
        Left out and counted as
        ``rows_not_compared`` are treated rows of cohorts that are not seen before their start, and of periods in which
        nobody is untreated. Units treated from the first period on are left out. A comparison unit's covariates are
        those before the first start that it is compared at.

    References
        Wooldridge (2021), "Two-way fixed effects, the two-way Mundlak regression, and difference-in-differences
        estimators"; R etwfe.

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
        >>> effect = me.estimate_effect(me.choose_design(panel), "absent", me.ExtendedTwfe())
        >>> effect.frame[["term", "estimate"]].round(6).values.tolist()
        [['att(2024,2024)', -5.75]]
    """

    name: ClassVar[str] = "extended_twfe"
    compares_changes: ClassVar[bool] = True
    covariates: tuple[str, ...] = ()
    shares: Shares = "estimated"

    def fit(self, design: Design, outcome: str) -> Fit:
        """The effects, and each unit's influence on them."""
        observed = observe_periods(design, outcome, self.name)
        known, frame = _baseline(observed, self.covariates)
        compared = known & _is_compared(observed, known)
        rows = observed.keep(compared)
        cells = group_cells(rows, rows.started, compares_untreated(rows))
        if not len(cells.cohort):
            raise EffectError(
                "No effect of any cohort is identified: no cohort is seen before its start and after it beside "
                "untreated units with known covariates."
            )
        values, labels = _columns(frame, compared[known])
        adjusted, names = _adjustments(cells, values, labels)
        shared = share_cells(rows)
        contrasts = cells.contrasts(len(names))
        fitted = regress_periods(
            replace(rows, covariates=adjusted), shared, cells.columns(shared.first), names, contrasts
        )
        influence = fitted.influence
        if self.shares == "estimated" and labels:
            influence = influence + _noise_of_means(cells, values, fitted)
        facts = {
            **rows.facts,
            "rows_without_covariates": int(np.count_nonzero(~known)),
            "rows_not_compared": int(np.count_nonzero(known & ~compared)),
        }
        found = CellEstimates(fitted.linear.effects, influence, fitted.unit, fitted.linear)
        return fit_of_cells(self, outcome, cells, found, self.shares, facts)


def _baseline(rows: UnitPeriods, names: tuple[str, ...]) -> tuple[BoolArray, pd.DataFrame]:
    """(n,) rows whose covariates are known, and the covariates of their units at the baseline."""
    if not names:
        return np.ones(len(rows.unit), dtype=bool), pd.DataFrame(index=range(len(rows.unit)))
    entries, row = np.unique(rows.entry, return_inverse=True)
    baseline, panel = rows.design.baseline, rows.design.panel
    fixed = fixed_covariates(panel, names)
    frame = covariates_before(panel, baseline.unit[entries], baseline.cohort[entries], names, fixed)
    known = frame.notna().all(axis=1).to_numpy(dtype=bool)[row]
    return known, frame.iloc[row[known]].reset_index(drop=True)


def _is_compared(rows: UnitPeriods, known: BoolArray) -> BoolArray:
    """(n,) rows of units seen before their start, if treated, in periods with somebody untreated."""
    untreated = np.zeros(int(rows.period_effect.max()) + 1, dtype=bool)
    untreated[rows.period_effect[known & ~rows.started]] = True
    return seen_before_start(rows, known) & untreated[rows.period_effect]


def _columns(frame: pd.DataFrame, kept: BoolArray) -> tuple[FloatArray, list[str]]:
    """(n, p) covariates of the kept rows as columns, and their names."""
    if not len(frame.columns):
        return np.empty((int(kept.sum()), 0)), []
    matrix = model_matrix(frame[kept].reset_index(drop=True))
    return matrix.values, [column.label for column in matrix.columns]


def _adjustments(cells: CohortCells, values: FloatArray, labels: list[str]) -> tuple[FloatArray, list[str]]:
    """(n, q) indicators × centred covariates and periods × covariates; names of all regressors, indicators first."""
    rows, names = cells.rows, cells.labels()
    if not labels:
        return np.empty((len(rows.unit), 0)), names
    blocks, indicators = [], cells.columns()
    periods = _later_periods(rows)
    dummies = (rows.period_effect[:, None] == periods).astype(float)
    for centred, value, label in zip(_centred(cells, values).T, values.T, labels, strict=True):
        blocks += [indicators * centred[:, None], dummies * value[:, None]]
        names += [f"{name} × {label}" for name in cells.labels()]
        names += [f"period {period} × {label}" for period in periods]
    return np.column_stack(blocks), names


def _later_periods(rows: UnitPeriods) -> IntArray:
    """Codes of the period effects but one for each stack."""
    levels, first = np.unique(rows.period_effect, return_index=True)
    stack = rows.cohort[first] if rows.stacked else np.zeros(len(levels))
    return np.delete(levels, np.unique(stack, return_index=True)[1])


def _centred(cells: CohortCells, values: FloatArray) -> FloatArray:
    """(n, p) covariates less their mean over the rows of the cell; 0 in rows of no cell."""
    inside = cells.cell >= 0
    code, weight = cells.cell[inside], cells.rows.weights[inside]
    out = np.zeros_like(values)
    for column, value in enumerate(values.T):
        mean = np.bincount(code, weight * value[inside], minlength=len(cells.cohort)) / cells.mass
        out[inside, column] = value[inside] - mean[code]
    return out


def _noise_of_means(cells: CohortCells, values: FloatArray, fitted: PeriodRegression) -> FloatArray:
    """(m, k) influence of treated units through the covariate means at which effects are taken."""
    k, n_periods, n_units = len(cells.cohort), len(_later_periods(cells.rows)), len(fitted.unit)
    out = np.zeros((n_units, k))
    inside = np.flatnonzero(cells.cell >= 0)
    code, unit = cells.cell[inside], np.searchsorted(fitted.unit, cells.rows.unit[inside])
    for column, centred in enumerate(_centred(cells, values).T):
        slopes = fitted.linear.coefficients[k + column * (k + n_periods) :][:k]
        out[unit, code] += cells.rows.weights[inside] * centred[inside] * slopes[code] / cells.mass[code]
    return n_units * out
