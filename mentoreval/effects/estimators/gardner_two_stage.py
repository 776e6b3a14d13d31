"""Two-stage differences in differences (Gardner): effects per event time after a first stage on untreated rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np

from mentoreval.aliases import FloatArray
from mentoreval.design.design import Design
from mentoreval.effects.cohort_cells import fit_of_cells
from mentoreval.effects.estimator import Estimator, Fit
from mentoreval.effects.imputed_cells import ImputedCells, impute_cells


@dataclass(frozen=True)
class GardnerTwoStage(Estimator):
    """One effect for each event time and their average, the two stages estimated together.

    covariates : columns that change over time and that the program can not change, read in each period

    Estimand
        The average effect at each event time from 0 on over the treated units whose outcome is known then; ``average``
        is over all treated unit-periods.

    Assumptions
        Parallel trends of all cohorts and the comparison in all periods, no effect before the start.

    Estimator
        First stage: least squares of the outcome in untreated unit-periods on unit effects, period effects and
        covariates. Second stage: the outcome less its prediction, in all unit-periods, on indicators of event time
        (without an intercept). The estimates are those of ``imputation``; the errors differ. In a design that chose
        comparison students for each of several cohorts, the cohorts are stacked, each with its own first stage.

    Standard errors
        The two stages as one system of moments: influence functions, one row for each unit, that carry the noise of the
        first stage, of the effects around the average they belong to, and so of the cohort shares.
        ``ClusterRobust(cluster="student", small_sample="CR0")`` gives the numbers of R's did2s.

    Edge cases
        All rows with a known outcome and known covariates are used. A treated unit-period whose outcome can not be
        predicted is left out and counted in ``facts["rows_not_imputed"]`` (see ``imputation``). Units treated from the
        first period on are left out. A unit with one untreated unit-period stays: its effect is fitted exactly.

    References
        Gardner (2022), "Two-stage differences in differences", arXiv 2207.05943; R did2s.

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
        >>> effect = me.estimate_effect(me.choose_design(panel), "absent", me.GardnerTwoStage())
        >>> effect.frame[["term", "estimate"]].round(6).values.tolist()
        [['event_time=0', -5.75], ['average', -5.75]]
    """

    name: ClassVar[str] = "gardner_two_stage"
    compares_changes: ClassVar[bool] = True
    lead_rows: ClassVar[Literal["untreated", "all"] | None] = "untreated"
    covariates: tuple[str, ...] = ()

    def fit(self, design: Design, outcome: str) -> Fit:
        """The effects, and each unit's influence on them."""
        imputed = impute_cells(design, outcome, self.name, self.covariates, None)
        fit = fit_of_cells(self, outcome, imputed.cells, imputed.found, "fixed", imputed.rows.facts)
        assert fit.influence is not None
        return replace(fit, influence=fit.influence + _between_cells(imputed, fit))


def _between_cells(imputed: ImputedCells, fit: Fit) -> FloatArray:
    """(n, k) influence of each unit through how far its cells are from the averages that they belong to."""
    rows, cells, found = imputed.rows, imputed.cells, imputed.found
    inside = np.flatnonzero(cells.cell >= 0)
    row = np.searchsorted(found.unit, rows.unit[inside])
    out = np.zeros((len(found.unit), len(fit.theta)))
    time = fit.terms["event_time"].to_numpy(dtype=float, na_value=np.nan)
    for place, (one, average) in enumerate(zip(time, fit.theta, strict=True)):
        weight = rows.weights[inside] * ((rows.event_time[inside] == one) | np.isnan(one))
        apart = found.theta[cells.cell[inside]] - average
        out[:, place] = np.bincount(row, weight * apart / weight.sum(), minlength=len(found.unit))
    return len(found.unit) * out
