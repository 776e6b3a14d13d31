"""Event times: one effect for each time since, or before, the start, from one regression of unit-periods."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from mentoreval.aliases import FloatArray, IntArray
from mentoreval.effects.estimator import Estimator, Fit, make_terms
from mentoreval.effects.period_regression import regress_periods
from mentoreval.effects.shared_cells import share_cells
from mentoreval.effects.unit_periods import UnitPeriods, observe_periods
from mentoreval.errors import EffectError

REFERENCE = -1


def fit_event_times(
    estimator: Estimator,
    outcome: str,
    rows: UnitPeriods,
    covariates: tuple[str, ...],
    facts: Mapping[str, object],
    reference: int = REFERENCE,
) -> Fit:
    """One effect for each event time of the treated but the reference, and ``average`` over those from 0 on.

    covariates : names of the rows' covariates
    reference : event time that is zero by definition; where no treated row has it, the last one before 0

    Raises EffectError where no never-treated unit is seen, and where event times can not be told apart.
    """
    if rows.treated.all():
        raise EffectError(
            f"{estimator.name} compares with units that are never treated, and no outcome of one is known. Use "
            "callaway_santanna with control = 'not_yet_treated', or imputation."
        )
    times = np.unique(rows.event_time[rows.treated])
    reference = reference if reference in times else int(times[times < 0].max())
    estimated = times[times != reference]
    shared = share_cells(rows)
    event_time, treated = rows.event_time[shared.first], rows.treated[shared.first]
    indicators = ((event_time[:, None] == estimated) & treated[:, None]).astype(float)
    names = [*(f"event_time={time}" for time in estimated), *covariates]
    fitted = regress_periods(rows, shared, indicators, names, _contrasts(times, estimated, len(names)))
    return Fit(
        design=rows.design,
        outcome=outcome,
        estimator=estimator,
        terms=_terms(rows, times, reference),
        theta=fitted.linear.effects,
        influence=fitted.influence,
        clusters=fitted.clusters(rows.design),
        entries=rows.entries,
        linear=fitted.linear,
        facts=facts,
    )


def _contrasts(times: IntArray, estimated: IntArray, n_columns: int) -> FloatArray:
    """(k + 1, p) the coefficient of each event time, zeros for the reference, and their mean from 0 on, if any."""
    each = np.zeros((len(times), n_columns))
    each[:, : len(estimated)] = times[:, None] == estimated
    return np.vstack([each, each[times >= 0].mean(axis=0)]) if (times >= 0).any() else each


def _terms(rows: UnitPeriods, times: IntArray, reference: int) -> pd.DataFrame:
    terms: list[dict[str, object]] = []
    for time in times:
        prefix = "reference " if time == reference else ""
        seen = rows.treated & (rows.event_time == time)
        terms.append({"term": f"{prefix}event_time={time}", "event_time": int(time), "n_treated": rows.n_units(seen)})
    if rows.started.any():
        terms.append({"term": "average", "n_treated": rows.n_units(rows.started)})
    n_comparison = rows.n_units(~rows.treated)
    return make_terms([{**term, "n_comparison": n_comparison} for term in terms])


def fit_leads(fit: Fit) -> Fit | None:
    """Effects at the event times before the start, for an estimator that has none; None where it needs no such test.

    untreated : the rows of units that are not treated yet, alone, with all event times before the start but the
        earliest, so that a test of trends does not move the estimate (Borusyak, Jaravel & Spiess 2024, section 4.4)
    all : the event study on all rows

    Raises EffectError where fewer than two event times before the start are seen, or they can not be told apart.
    """
    estimator = fit.estimator
    if estimator.lead_rows is None:
        return None
    covariates: tuple[str, ...] = getattr(estimator, "covariates", ())
    rows = observe_periods(fit.design, fit.outcome, estimator.name, covariates)
    before = np.unique(rows.event_time[rows.treated & ~rows.started])
    if len(before) < 2:
        raise EffectError(
            f"{estimator.name} can not be tested for trends: {len(before)} event time before the start is seen, and a "
            "trend needs two."
        )
    if estimator.lead_rows == "all":
        return fit_event_times(estimator, fit.outcome, rows, covariates, rows.facts)
    return fit_event_times(
        estimator, fit.outcome, rows.keep(~rows.started), covariates, rows.facts, reference=int(before[0])
    )
