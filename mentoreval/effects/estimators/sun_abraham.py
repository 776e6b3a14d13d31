"""Sun–Abraham: the event study with an effect for each cohort at each event time, averaged by cohort shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mentoreval.design.design import Design
from mentoreval.effects.cohort_cells import CellEstimates, Shares, fit_of_cells, group_cells
from mentoreval.effects.estimator import Estimator, Fit
from mentoreval.effects.period_regression import regress_periods
from mentoreval.effects.shared_cells import share_cells
from mentoreval.effects.unit_periods import observe_periods, seen_before_start
from mentoreval.errors import EffectError, OptionError


@dataclass(frozen=True)
class SunAbraham(Estimator):
    """Interaction-weighted event study against never-treated units.

    covariates : columns that change over time and that the program can not change, read in each period
    reference : event time that is zero by definition, before the start
    shares : "estimated": one term for each cohort and period, which ``Estimate.pool`` averages with the noise of the
        cohort shares, as in ``callaway_santanna``. "fixed": one term for each event time and ``average``, whose errors
        take cohort shares as given, as fixest does

    Estimand
        The average effect on the treated of each cohort in each period; averages by cohort shares.

    Assumptions
        Parallel trends of all cohorts and the never treated in all periods, no effect at the reference event time.

    Estimator
        Least squares of the outcome on unit effects, period effects, covariates and one indicator for each cohort and
        event time but the reference; a cohort that is not seen then has its last event time before the start as its
        reference. Averages weigh cohorts by the weight of their rows at that event time ("fixed"), or of their units
        ("estimated"); the two agree where no row is missing. In a design that chose comparison students for each of
        several cohorts, the cohorts are stacked.

    Standard errors
        From the scores of the regression, added up for each unit, so clusters are students or what holds them.
        ``Estimate.pool`` adds the noise of the estimated cohort shares. With ``shares="fixed"`` the
        averages are one regression, to which CR2 and the wild bootstrap apply, and ``ClusterRobust("student")`` gives
        the numbers of fixest's ``sunab`` (``average`` is its ATT).

    Edge cases
        All rows with a known outcome and known covariates are used; a unit-period without is left out and counted in
        ``facts``. Units treated from the first period on are left out, and so are, counted in
        ``facts["without_a_reference"]``, treated units of a cohort that is not seen before its start. Never-treated
        units are needed.

    References
        Sun & Abraham (2021), Journal of Econometrics 225; ``fixest::feols(y ~ sunab(start, period) | unit + period)``.

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
        >>> effect = me.estimate_effect(me.choose_design(panel), "absent", me.SunAbraham())
        >>> effect.pool("event_time").frame[["term", "estimate"]].round(6).values.tolist()
        [['event_time=-2', 0.5], ['reference event_time=-1', 0.0], ['event_time=0', -5.5], ['average', -5.5]]
    """

    name: ClassVar[str] = "sun_abraham"
    compares_changes: ClassVar[bool] = True
    covariates: tuple[str, ...] = ()
    reference: int = -1
    shares: Shares = "estimated"

    def check(self) -> None:
        """The reference is before the start."""
        if self.reference >= 0:
            raise OptionError(f"SunAbraham: reference = {self.reference} is not allowed. It is before the start: -1.")

    def fit(self, design: Design, outcome: str) -> Fit:
        """The effects, and each unit-period's influence on them."""
        rows = observe_periods(design, outcome, self.name, self.covariates)
        if rows.treated.all():
            raise EffectError(
                "sun_abraham compares with units that are never treated, and no outcome of one is known. Use "
                "callaway_santanna with control = 'not_yet_treated', or imputation."
            )
        shared = share_cells(rows)
        known = seen_before_start(rows.at(shared.first))[shared.cell]
        kept = rows.keep(known)
        if kept is not rows:
            shared = share_cells(kept)
        table = kept.at(shared.first)
        of_table = group_cells(table, table.treated, ~table.treated, self.reference)
        indicators, cells = of_table.columns(), of_table.spread(kept, shared)
        names = [label for label, one in zip(cells.labels(), cells.reference, strict=True) if not one]
        contrasts = cells.contrasts(indicators.shape[1] + len(self.covariates))
        fitted = regress_periods(kept, shared, indicators, [*names, *self.covariates], contrasts)
        found = CellEstimates(fitted.linear.effects, fitted.influence, fitted.unit, fitted.linear)
        facts = {**rows.facts, "without_a_reference": rows.n_units(~known)}
        return fit_of_cells(self, outcome, cells, found, self.shares, facts)
