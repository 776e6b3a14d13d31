"""Callaway–Sant'Anna: one effect for each cohort and period, from comparisons that are never forbidden."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar

import numpy as np

from mentoreval.aliases import FloatArray
from mentoreval.design.design import Design
from mentoreval.effects.cells import (
    BasePeriod,
    Cell,
    Control,
    Members,
    check_pool,
    members_of,
    plan_cells,
    share_members,
)
from mentoreval.effects.clusters import entry_of_unit, unit_clusters
from mentoreval.effects.compared_cells import (
    ComparedCell,
    CrossSections,
    Missing,
    compare_pairs,
    group_by_reading,
    pair_covariates,
)
from mentoreval.effects.estimator import Estimator, Fit, GroupTime, make_terms
from mentoreval.effects.sample import fixed_covariates, n_always_treated
from mentoreval.errors import EffectError, OptionError, first_few
from mentoreval.numerics.did_cells import CellError, CellMethod
from mentoreval.panel.panel import Panel
from mentoreval.panel.timeline import Timeline


@dataclass(frozen=True)
class CallawaySantAnna(Estimator):
    """Group-time effects; ``Estimate.pool`` averages them over cohorts and periods.

    control : whom to compare with; ``not_yet_treated`` needs a design made with pool="not_yet_treated"
    method : doubly_robust, inverse_probability or outcome_regression; without covariates they are the same
    base_period : of the cells before the start: varying (the period before) or universal (the last before the start)
    anticipation : periods before the start in which the program may already act
    covariates : on which trends may depend
    missing : complete_pairs compares the changes of units whose outcome is known in both periods of a cell;
        cross_sections the means of all rows of either period, so that units may come and go, or be other ones in
        each period

    Estimand
        ATT(g, t): the average effect in period t on the units that start in g and whose outcome is known in t and in
        the base period, or with cross_sections in either. Cells before the start are placebos.

    Assumptions
        Parallel trends between each cohort and its comparison units, given the covariates, from the base period on;
        no effect earlier than ``anticipation`` periods before the start; overlap of the covariates. With
        cross_sections also: the units of a group that are seen before and after are alike, so that who is missing has
        nothing to do with the outcome, and covariates are such as the program can not change.

    Estimator
        For each cell the 2x2 comparison of changes with the design's weights of that cohort's entries, so that a
        matched design needs nothing special. From ``g - anticipation`` on the base is the last period before that.
        Covariates are read in the earlier period of each cell, which is the base from then on. doubly_robust is
        Sant'Anna & Zhao (2020), eq. 3.1: logit by maximum likelihood, least squares in the comparison group. With
        cross_sections each row has its own covariates, the logit is over the rows of both periods, and doubly_robust
        is the locally efficient estimator of eq. 3.4, with a regression in each group and period.

    Standard errors
        Influence functions, one row for each unit, with the noise of the propensity score and the outcome regression;
        the design's weights are taken as given; with cross_sections the rows of a unit are added up, so that they may
        be dependent. ``ClusterRobust(cluster="student", small_sample="CR0")`` gives the
        numbers of did::att_gt(bstrap = FALSE). Pooled effects add the noise of the estimated cohort shares.

    Edge cases
        Missing rows: each cell uses the units whose outcome is known in both its periods, and whose covariates are
        known; a unit stays in the other cells. (did's default drops a unit with any missing row from all cells.)
        ``missing="cross_sections"`` is did's ``allow_unbalanced_panel=TRUE`` and, for a frame in which each unit has
        one row, its ``panel=FALSE``; there the influence of doubly_robust through the regressions before the start has
        the sign of its derivative, where DRDID 1.2 has the other and errors that differ in the third figure. Units
        treated in the first period are left out and counted. A cohort without comparison in the design, and a cell
        without units in one arm, without overlap, or whose comparison group can not carry the covariates, is left
        out; ``facts["cells_left_out"]`` has each with its reason. Cells before the start also use units that start
        between cell and cohort if the design keeps everyone (control = "not_yet_treated"). Comparison units with a
        probability of treatment of 0.995 or more get no weight.

    References
        Callaway & Sant'Anna (2021), Journal of Econometrics 225; Sant'Anna & Zhao (2020), Journal of Econometrics 219;
        the conventions of did 2.5 and DRDID 1.2.

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
        >>> effect = me.estimate_effect(me.choose_design(panel), "absent", me.CallawaySantAnna())
        >>> effect.frame[["term", "estimate"]].round(6).values.tolist()
        [['att(2024,2023)', -0.5], ['att(2024,2024)', -5.5]]
    """

    name: ClassVar[str] = "callaway_santanna"
    compares_changes: ClassVar[bool] = True
    control: Control = "never_treated"
    method: CellMethod = "doubly_robust"
    base_period: BasePeriod = "varying"
    anticipation: int = 0
    covariates: tuple[str, ...] = ()
    missing: Missing = "complete_pairs"

    def check(self) -> None:
        """Anticipation is a number of periods."""
        if self.anticipation < 0:
            raise OptionError(f"CallawaySantAnna: anticipation = {self.anticipation} is not allowed. It is 0 or more.")

    def fit(self, design: Design, outcome: str) -> Fit:
        """The group-time effects, and each unit's influence on them."""
        panel = design.panel
        if panel.is_cross_section:
            raise EffectError(
                "This panel has one period, and callaway_santanna needs periods before and after a start."
            )
        check_pool(design, self.control)
        y, omitted = panel.outcome_matrix(outcome), _Omitted(panel)
        fixed = fixed_covariates(panel, self.covariates)
        columns = [
            column for cohort in panel.cohorts for column in self._cohort(design, y, int(cohort), omitted, fixed)
        ]
        if all(column.cell.is_reference for column in columns):
            raise EffectError(omitted.message())
        return _assemble(self, design, outcome, columns, omitted)

    def _cohort(
        self, design: Design, y: FloatArray, cohort: int, omitted: _Omitted, fixed: frozenset[str]
    ) -> list[ComparedCell]:
        """The cells of one cohort, in the order of their periods."""
        timeline = design.panel.timeline
        cells = plan_cells(timeline, cohort, self.base_period, self.anticipation)
        members = members_of(design, cohort, self.control)
        if not cells:
            omitted.add(cohort, None, "no period before its start")
            return []
        if not members.can_compare:
            omitted.add(cohort, None, "the design has no treated or no comparison units")
            return []
        columns = partial(self._pairs, fixed) if self.missing == "complete_pairs" else self._cross_sections
        return sorted(columns(design, y, cells, members, omitted), key=lambda column: column.cell.period)

    def _pairs(
        self,
        fixed: frozenset[str],
        design: Design,
        y: FloatArray,
        cells: list[Cell],
        members: Members,
        omitted: _Omitted,
    ) -> list[ComparedCell]:
        """The cells of one cohort from the changes of units known in both periods."""
        columns, panel = [], design.panel
        clock = panel.timeline.clock
        for reading, alike in group_by_reading(cells, fixed.issuperset(self.covariates)):
            X, complete = pair_covariates(panel, members, self.covariates, fixed, reading)
            known = ~np.isnan(y[members.unit]) & complete[:, None]
            columns += [ComparedCell.of_reference(cell, members, known) for cell in alike if cell.is_reference]
            for places, mask in share_members(alike, members, known, clock, self.anticipation):
                together = [alike[place] for place in places]
                try:
                    columns += compare_pairs(together, y, members, mask, X, self.method)
                except CellError as error:
                    for cell in together:
                        omitted.add(members.cohort, int(clock[cell.period]), str(error))
        return columns

    def _cross_sections(
        self, design: Design, y: FloatArray, cells: list[Cell], members: Members, omitted: _Omitted
    ) -> list[ComparedCell]:
        """The cells of one cohort from all rows in their two periods."""
        sections = CrossSections(design, members, y, self.covariates, self.anticipation)
        columns = []
        for cell in cells:
            if cell.is_reference:
                columns.append(ComparedCell.of_reference(cell, members, sections.known(cell)[:, [1] * len(y[0])]))
                continue
            try:
                columns.append(sections.compare(cell, self.method))
            except CellError as error:
                omitted.add(members.cohort, int(design.panel.timeline.clock[cell.period]), str(error))
        return columns


@dataclass(frozen=True, eq=False)
class _Omitted:
    """Cells that can not be estimated: cohort and period (missing = all) as labels, and the reason."""

    panel: Panel
    cells: list[tuple[object, object, str]] = field(default_factory=list)

    def add(self, cohort: int, period: int | None, reason: str) -> None:
        """Note a cell, or with no period a cohort, by its clock times."""
        label = self.panel.timeline.label
        self.cells.append((label(cohort), None if period is None else label(period), reason))

    def message(self) -> str:
        """What to tell somebody for whom no cell is left."""
        shown = first_few(
            f"{cohort}: {reason}" if period is None else f"{cohort} in {period}: {reason}"
            for cohort, period, reason in self.cells
        )
        return (
            f"No effect of any cohort in any period can be estimated ({shown}). Check that outcomes are known before "
            "and after the starts, use fewer covariates, or another pool of comparison units."
        )


def _assemble(
    estimator: CallawaySantAnna, design: Design, outcome: str, columns: list[ComparedCell], omitted: _Omitted
) -> Fit:
    """One row for each unit that is in some cell, one column for each cell."""
    panel, timeline = design.panel, design.panel.timeline
    taking_part = np.zeros(panel.n_units, dtype=bool)
    for column in columns:
        taking_part[column.unit] = True
    units = np.flatnonzero(taking_part)
    row = np.cumsum(taking_part) - 1
    influence = np.zeros((len(columns), len(units)))
    in_cell = np.zeros((len(columns), len(units)), dtype=bool)
    for place, column in enumerate(columns):
        influence[place, row[column.unit]] = len(units) * column.influence
        in_cell[place, row[column.unit]] = True
    entry = entry_of_unit(design)[units]
    own = design.baseline.treated[entry]
    group_time = GroupTime(
        cohort=np.where(own, panel.start[units], Timeline.NEVER),
        weight=design.weighting.weights[entry],
        in_cell=in_cell.T,
        cell_cohort=np.array([column.cell.cohort for column in columns]),
        cell_period=timeline.clock[[column.cell.period for column in columns]],
        anticipation=estimator.anticipation,
    )
    used = (design.weighting.weights > 0) & taking_part[design.baseline.unit]
    facts = {
        "always_treated": n_always_treated(panel),
        "cells_left_out": tuple(omitted.cells),
        "trimmed": max(column.n_trimmed for column in columns),
    }
    return Fit(
        design=design,
        outcome=outcome,
        estimator=estimator,
        terms=make_terms([_term(column, timeline) for column in columns]),
        theta=np.array([column.att for column in columns]),
        influence=influence.T,
        clusters={name: codes[units] for name, codes in unit_clusters(design).items()},
        entries=np.flatnonzero(used & np.isin(design.baseline.cohort, group_time.cell_cohort)),
        group_time=group_time,
        facts=facts,
    )


def _term(column: ComparedCell, timeline: Timeline) -> dict[str, object]:
    cohort, period = column.cell.cohort, int(timeline.clock[column.cell.period])
    prefix = "reference " if column.cell.is_reference else ""
    n_treated = int(column.treated.sum())
    return {
        "term": f"{prefix}att({timeline.label(cohort)},{timeline.label(period)})",
        "cohort": timeline.label(cohort),
        "period": timeline.label(period),
        "event_time": period - cohort,
        "n_treated": n_treated,
        "n_comparison": len(column.treated) - n_treated,
    }
