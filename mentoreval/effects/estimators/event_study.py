"""Event study: the classical two-way fixed-effects regression with one effect for each time since the start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from mentoreval.aliases import BoolArray, FloatArray, IntArray
from mentoreval.design.design import Design
from mentoreval.effects.clusters import entry_of_unit, keeps_everyone, unit_clusters
from mentoreval.effects.estimator import Estimator, Fit, make_terms
from mentoreval.effects.regression import fit_linear
from mentoreval.effects.sample import n_always_treated
from mentoreval.errors import EffectError

REFERENCE = -1


@dataclass(frozen=True)
class EventStudy(Estimator):
    """Two-way fixed effects with event-time indicators; the reference is the period before the start.

    covariates : columns that change over time and that the program can not change, read in each period

    Estimand
        With one cohort, or effects that are the same in every cohort: the average effect on the treated at each event
        time. With several cohorts whose effects differ, each coefficient mixes effects of other event times, some with
        negative weights; then use ``callaway_santanna``. The term ``average`` is the mean over event times from 0 on.

    Assumptions
        Parallel trends of all cohorts and the comparison in all periods, no effect before the start, effects that are
        the same across cohorts.

    Estimator
        Least squares of the outcome on unit effects, period effects, covariates and one indicator for each event time
        of the treated but the reference -1 (where no period has it, the last event time before 0). Effects are absorbed
        exactly. In a design that leaves everyone the sampling weight each unit enters once. In a design that chose
        comparison students for each of several cohorts, the cohorts are stacked: a unit enters once for each cohort it
        is compared in, with its weight there, and unit and period effects are those of unit × cohort and
        period × cohort.

    Standard errors
        From the scores of the regression, one row for each unit and period, so clusters are needed: students or what
        holds them. Unit effects nested in the clusters do not count as coefficients, period effects do (fixest's rule).

    Edge cases
        A unit-period without outcome or covariate is left out and counted in ``facts``; the unit stays with its other
        periods. Units treated from the first period on are left out. In stacks of not-yet-treated comparisons, their
        periods from their own start on are left out. Without never-treated units the event times are not identified.

    References
        Sun & Abraham (2021), Journal of Econometrics 225, for what goes wrong; Cengiz et al. (2019), Quarterly Journal
        of Economics 134, for stacking. Numbers as
        ``fixest::feols(y ~ i(event_time, treated, ref = -1) | unit + period, vcov = ~unit)``.

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
        >>> effect = me.estimate_effect(me.choose_design(panel), "absent", me.EventStudy())
        >>> effect.frame[["term", "estimate"]].round(6).values.tolist()
        [['event_time=-2', 0.5], ['reference event_time=-1', 0.0], ['event_time=0', -5.5], ['average', -5.5]]
    """

    name: ClassVar[str] = "event_study"
    covariates: tuple[str, ...] = ()

    def fit(self, design: Design, outcome: str) -> Fit:
        """One effect for each event time, and each unit-period's influence on them."""
        rows = _observe(design, outcome, self.covariates)
        times = np.unique(rows.event_time[rows.treated])
        estimated = times[times != rows.reference]
        effects = (rows.event_time[:, None] == estimated) & rows.treated[:, None]
        X = np.column_stack([effects.astype(float), rows.covariates])
        names = [f"event_time={time}" for time in estimated] + list(self.covariates)
        contrasts = _contrasts(times, estimated, X.shape[1])
        linear = fit_linear(X, rows.response, rows.weights, names, (rows.unit_effect, rows.period_effect), contrasts)
        return Fit(
            design=design,
            outcome=outcome,
            estimator=self,
            terms=_terms(rows, times),
            theta=linear.effects,
            influence=linear.arrays.influence,
            clusters={name: codes[rows.unit] for name, codes in unit_clusters(design).items()},
            entries=np.unique(rows.entry),
            linear=linear,
            facts=rows.facts,
        )


@dataclass(frozen=True, eq=False)
class _Rows:
    """Unit-periods; arrays of n elements. event_time is 0 for comparison rows, which have none."""

    entry: IntArray
    unit: IntArray
    treated: BoolArray
    event_time: IntArray
    response: FloatArray
    covariates: FloatArray
    weights: FloatArray
    unit_effect: IntArray
    period_effect: IntArray
    reference: int
    facts: dict[str, object]


def _observe(design: Design, outcome: str, covariates: tuple[str, ...]) -> _Rows:
    """The unit-periods of a design in which outcome and covariates are known and the unit compares."""
    panel, baseline = design.panel, design.baseline
    if panel.is_cross_section:
        raise EffectError("This panel has one period, and an event study needs periods before and after the start.")
    entries, stacked = _entries(design)
    unit, cohort, treated = baseline.unit[entries], baseline.cohort[entries], baseline.treated[entries]
    if treated.all() or not treated.any():
        raise EffectError("The event study needs treated units and units that are not; this design has one arm only.")
    clock = panel.timeline.clock
    response = panel.outcome_matrix(outcome)[unit]
    columns = [_time_varying(design, name)[unit] for name in covariates]
    compares = treated[:, None] | (clock < panel.start[unit][:, None])
    known = ~np.isnan(response)
    complete = known & np.all([~np.isnan(column) for column in columns] or [known], axis=0)
    place, period = np.nonzero(complete & compares)
    event_time = np.where(treated[place], clock[period] - cohort[place], 0)
    return _Rows(
        entry=entries[place],
        unit=unit[place],
        treated=treated[place],
        event_time=event_time,
        response=response[place, period],
        covariates=np.column_stack([column[place, period] for column in columns] or [np.empty((len(place), 0))]),
        weights=design.weighting.weights[entries][place],
        unit_effect=_codes(place),
        period_effect=_codes((cohort[place] if stacked else 0) * len(clock) + period),
        reference=_reference(event_time[treated[place]]),
        facts={
            "always_treated": n_always_treated(panel),
            "rows_without_outcome": int(np.count_nonzero(~known & compares & (panel.row_of[unit] >= 0))),
            "rows_without_covariates": int(np.count_nonzero(known & ~complete & compares)),
            "stacked": stacked,
        },
    )


def _entries(design: Design) -> tuple[IntArray, bool]:
    """Entries whose units enter, and whether cohorts are stacked."""
    if keeps_everyone(design):
        entry = entry_of_unit(design)
        return entry[entry >= 0], False
    used = np.flatnonzero(design.weighting.weights > 0)
    return used, len(np.unique(design.baseline.cohort[used])) > 1


def _time_varying(design: Design, name: str) -> FloatArray:
    """(n_units, n_periods) values of a covariate in each period."""
    panel = design.panel
    if name not in panel.covariates or not pd.api.types.is_numeric_dtype(panel.frame[name]):
        numeric = [c for c in panel.covariates if pd.api.types.is_numeric_dtype(panel.frame[c])]
        raise EffectError(
            f"The event study reads covariates in each period, and {name!r} is no numeric covariate of this panel. "
            f"It has: {', '.join(numeric) or 'none'}."
        )
    return panel.matrix(name)


def _codes(labels: IntArray) -> IntArray:
    return np.unique(labels, return_inverse=True)[1].astype(np.int64)


def _reference(event_time: IntArray) -> int:
    """The event time that is zero by definition."""
    before = event_time[event_time < 0]
    if not len(before) or event_time.max() < 0:
        side = "after" if len(before) else "before"
        raise EffectError(f"No treated unit has an outcome {side} its start, so no change can be compared.")
    return REFERENCE if REFERENCE in before else int(before.max())


def _contrasts(times: IntArray, estimated: IntArray, n_columns: int) -> FloatArray:
    """(k + 1, p) the coefficient of each event time, zeros for the reference, and their mean from 0 on."""
    each = np.zeros((len(times), n_columns))
    each[:, : len(estimated)] = times[:, None] == estimated
    return np.vstack([each, each[times >= 0].mean(axis=0)])


def _terms(rows: _Rows, times: IntArray) -> pd.DataFrame:
    n_comparison = len(np.unique(rows.unit[~rows.treated]))
    terms: list[dict[str, object]] = []
    for time in times:
        prefix = "reference " if time == rows.reference else ""
        seen = rows.treated & (rows.event_time == time)
        terms.append(
            {"term": f"{prefix}event_time={time}", "event_time": int(time), "n_treated": _distinct(rows, seen)}
        )
    terms.append({"term": "average", "n_treated": _distinct(rows, rows.treated & (rows.event_time >= 0))})
    return make_terms([{**term, "n_comparison": n_comparison} for term in terms])


def _distinct(rows: _Rows, mask: BoolArray) -> int:
    return len(np.unique(rows.unit[mask]))
