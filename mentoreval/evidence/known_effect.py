"""A known effect: how it runs over time, how it is added to outcomes, and what a headline should then say."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal, Self, cast

import numpy as np
import pandas as pd

from mentoreval.aliases import FloatArray, IntArray
from mentoreval.design.covariate_matrix import covariate_matrix
from mentoreval.design.design import Design
from mentoreval.effects.estimate import PoolBy
from mentoreval.effects.estimator import Fit
from mentoreval.effects.pooling import AVERAGE, pool_fit
from mentoreval.errors import EffectError
from mentoreval.numerics.nested_variance import nested_variance
from mentoreval.panel.panel import Panel
from mentoreval.panel.timeline import Timeline

EffectPath = Literal["growing", "constant"]

SAME_MEAN = 1e-9
"""Share of the largest effect within which an average is the plain mean of its event times."""


def shape(path: EffectPath, event_time: FloatArray) -> FloatArray:
    """The effect at each event time, up to a factor: 1, 2, 3, … periods of it, or always the same; 0 before the start.

    An analysis that is right for an effect that grows is right for a constant one; the reverse does not hold.
    """
    grown = event_time + 1.0 if path == "growing" else np.ones(len(event_time))
    return np.where(event_time >= 0, grown, 0.0)


def headline_average(fit: Fit, path: EffectPath) -> float:
    """What the headline of a fit averages ``shape`` to, on the units and periods that are in the fit.

    Group-time effects are pooled as the headline pools them. One term at an event time is the effect at that time; an
    average that is the mean of its event times is the mean of their shapes; any other average, and a single term of no
    event time, is over all treated unit-periods from the start on, by the design's weights: that is what static two-way
    fixed effects are read as.

    fit : as its estimator gave it, before pooling

    Raises EffectError for a fit that has no such headline.
    """
    terms = fit.terms
    if fit.group_time is not None:
        return _pooled(fit, path)
    named = terms["term"].astype(str)
    if len(terms) == 1 and terms["event_time"].notna().all():
        return float(shape(path, terms["event_time"].to_numpy(dtype=float))[0])
    if len(terms) > 1 and not (named == AVERAGE).any():
        raise EffectError(f"{fit.estimator.name} gives {len(terms)} effects and no average of them to rehearse.")
    times = terms["event_time"].to_numpy(dtype=float, na_value=np.nan)
    after = np.flatnonzero(times >= 0)
    if len(after):
        average = float(fit.theta[np.flatnonzero(named == AVERAGE)[0]])
        if abs(average - fit.theta[after].mean()) <= SAME_MEAN * np.abs(fit.theta).max():
            return float(shape(path, times[after]).mean())
    return _over_unit_periods(fit, path)


def _pooled(fit: Fit, path: EffectPath) -> float:
    assert fit.group_time is not None
    assert fit.influence is not None
    cells = fit.group_time
    known = shape(path, (cells.cell_period - cells.cell_cohort).astype(float))
    certain = replace(fit, theta=known, influence=np.zeros_like(fit.influence), pooled_by=None)
    pooled = pool_fit(certain, cast("PoolBy", fit.pooled_by or "simple"), fit.window)
    return float(pooled.theta[np.flatnonzero(pooled.terms["term"] == AVERAGE)[0]])


def _over_unit_periods(fit: Fit, path: EffectPath) -> float:
    design = fit.design
    panel, base = design.panel, design.baseline
    own = fit.entries[base.treated[fit.entries]]
    seen = ~np.isnan(panel.outcome_matrix(fit.outcome)[base.unit[own]])
    event_time = panel.timeline.clock - base.cohort[own][:, None]
    weight = design.weighting.weights[own][:, None] * (seen & (event_time >= 0))
    known = shape(path, event_time.ravel().astype(float)).reshape(event_time.shape)
    return float((weight * known).sum() / weight.sum())


@dataclass(frozen=True, eq=False)
class EffectRows:
    """Which rows of a panel get how much of a known effect.

    size : (rows,) ``shape``; 0 where nobody has started, or where the headline does not look
    group : (rows,) codes of the rows among which a yes or no is turned to move their share
    """

    size: FloatArray
    group: IntArray

    @classmethod
    def of(cls, fit: Fit, path: EffectPath) -> Self:
        """The rows that a fit's headline is about: those of its one event time, else all since the start.

        At one event time all who started are one group, for their average is the headline. An average over more may
        weigh cohorts and periods in any way, so that each cohort and period is a group of its own.
        """
        panel = fit.design.panel
        start, clock = panel.start[panel.row_unit], panel.timeline.clock[panel.row_period]
        since = np.where(start == Timeline.NEVER, -1, clock - np.where(start == Timeline.NEVER, clock, start))
        size = shape(path, since.astype(float))
        only = fit.terms["event_time"]
        if fit.group_time is None and len(only) == 1 and only.notna().all():
            return cls(np.where(since == int(only.iloc[0]), size, 0.0), np.zeros(len(size), dtype=np.int64))
        return cls(size, start * len(panel.timeline.clock) + panel.row_period)


def add_effect(
    panel: Panel, outcome: str, effect: EffectRows, shared: FloatArray, rng: np.random.Generator
) -> FloatArray:
    """(rows,) outcomes of a panel with an effect for those who have started.

    shared : (rows,) what a mentor's mentees get beyond it, together

    A number is added to a number, also where a rate then passes 1: the effect would otherwise not be the stated one. Of
    a yes or no some are turned: where a group's share of yes is p, an effect d > 0 turns a no into a yes with
    probability d / (1 − p), and d < 0 a yes into a no with |d| / p, so that the share moves by d on average.

    Raises EffectError where a share has no room for the effect.
    """
    values = panel.frame[outcome].to_numpy(dtype=float, na_value=np.nan)
    rows = np.flatnonzero((effect.size != 0) & ~np.isnan(values))
    changed = values.copy()
    if not is_flag(values):
        changed[rows] += effect.size[rows] + shared[rows]
        return changed
    group = np.unique(effect.group[rows], return_inverse=True)[1]
    changed[rows] = _turned(values[rows], group, effect.size[rows], shared[rows], rng)
    return changed


def _turned(
    yes: FloatArray, group: IntArray, effect: FloatArray, shared: FloatArray, rng: np.random.Generator
) -> FloatArray:
    share = (np.bincount(group, yes) / np.bincount(group))[group]
    if (effect > 1 - share).any() or (effect < -share).any():
        worst = int(np.argmax(np.abs(effect) - np.where(effect > 0, 1 - share, share)))
        raise EffectError(
            f"An effect of {effect[worst]:+.3f} has no room where {share[worst]:.1%} of the made-up mentees are at 1."
        )
    wanted = np.clip(effect + shared, -share, 1 - share)
    up = wanted > 0
    room = np.where(up, 1 - share, share)
    turn = rng.random(len(yes)) < np.divide(np.abs(wanted), room, out=np.zeros(len(yes)), where=room > 0)
    return np.where(turn & up, 1.0, np.where(turn & ~up, 0.0, yes))


def is_flag(values: FloatArray) -> bool:
    """Whether all known values are 0 or 1."""
    known = values[~np.isnan(values)]
    return bool(np.isin(known, (0.0, 1.0)).all())


def mentor_spread(design: Design, outcome: str) -> float:
    """Standard deviation between mentors of what their mentees have in common, in the outcome's unit; 0 without any.

    From the mentees' mean outcome from the start on, less that of all never-treated units in the same periods, and what
    their own covariates of the design, their prior outcome and their cohort explain by least squares: the variance
    between the mentors of a school beyond chance, by one-way analysis of variance of the deviations from the means of
    schools. Where a school has one mentor, mentors and schools can not be told apart and the deviations are from the
    mean of all.
    """
    panel, base = design.panel, design.baseline
    if panel.mentor is None:
        return 0.0
    entries = np.flatnonzero(base.treated & design.weighting.considered & base.at_risk & base.complete)
    mentor = np.append(pd.factorize(panel.frame[panel.mentor], sort=True)[0], -1)[
        panel.rows_at_start(base.unit[entries], base.cohort[entries])
    ]
    gained = _gained(design, outcome, entries)
    known = (mentor >= 0) & ~np.isnan(gained)
    entries, mentor, gained = entries[known], mentor[known], gained[known]
    if len(np.unique(mentor)) < 2 or len(np.unique(mentor)) == len(mentor):
        return 0.0
    school = panel.school_at_start(base.unit[entries], base.cohort[entries])
    nested = len(np.unique(np.column_stack([school, mentor]), axis=0)) > len(np.unique(school))
    residual = gained - _explained(design, entries, gained)
    return math.sqrt(nested_variance(residual, mentor, school if nested else np.zeros_like(school)))


def _gained(design: Design, outcome: str, entries: IntArray) -> FloatArray:
    """(m,) mean outcome of entries from their start on, less the mean of the never-treated in the same periods."""
    panel, base = design.panel, design.baseline
    y = panel.outcome_matrix(outcome)
    never = panel.start > panel.timeline.clock[-1]
    seen = ~np.isnan(y[never])
    level = np.nansum(y[never], axis=0) / np.maximum(seen.sum(axis=0), 1)
    after = (panel.timeline.clock >= base.cohort[entries][:, None]) & ~np.isnan(y[base.unit[entries]])
    count = after.sum(axis=1)
    total = np.where(after, y[base.unit[entries]] - level, 0.0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _explained(design: Design, entries: IntArray, values: FloatArray) -> FloatArray:
    """(m,) least-squares prediction of values of entries from their covariates and cohort."""
    base = design.baseline
    cohort = np.unique(base.cohort[entries], return_inverse=True)[1]
    columns = [np.eye(int(cohort.max()) + 1)[cohort]]
    if base.covariates:
        columns.append(covariate_matrix(base.frame.iloc[entries]).for_model().values)
    X = np.column_stack(columns)
    return np.asarray(X @ np.linalg.lstsq(X, values, rcond=None)[0])
