"""Pooling: group-time effects averaged over cohorts and periods, and tests of several effects at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mentoreval.aliases import BoolArray, FloatArray, IntArray
from mentoreval.effects.estimator import Fit, GroupTime, make_terms
from mentoreval.errors import EffectError, OptionError, suggest

if TYPE_CHECKING:
    from mentoreval.effects.estimate import Estimate, JointTest, PoolBy

AVERAGE = "average"
SINGULAR = 1e-10
"""Share of the largest eigenvalue of a correlation matrix below which effects can not be told apart."""


@dataclass(frozen=True, eq=False)
class _Pooled:
    """One average, as what moves it, so that no array of all rows is made before all averages are known.

    term : what it is called
    theta : its value
    weights : (k,) of the effects
    pull : (c + 1,) what a row of each cohort, per unit of its weight, adds by moving the cohort shares; 0 at the end
    cells : (k,) True for the effects it is made of
    """

    term: dict[str, object]
    theta: float
    weights: FloatArray
    pull: FloatArray
    cells: BoolArray


@dataclass(frozen=True, eq=False)
class _Shares:
    """The cohorts of the effects and their shares.

    of_cell : (k,) codes 0 … c − 1 of the cohorts of the effects, in the order of their starts
    of_row : (n,) codes of the rows; c for a row of none of them
    share : (c,) total weight of the rows of each cohort, per row
    """

    of_cell: IntArray
    of_row: IntArray
    share: FloatArray

    @classmethod
    def of(cls, cells: GroupTime) -> _Shares:
        """The shares of the cohorts of some effects."""
        distinct, of_cell = np.unique(cells.cell_cohort, return_inverse=True)
        of_row = np.full(len(cells.cohort), len(distinct))
        for code, cohort in enumerate(distinct):
            of_row[cells.cohort == cohort] = code
        total = np.bincount(of_row, cells.weight, minlength=len(distinct) + 1)[: len(distinct)]
        return cls(of_cell, of_row, total / len(of_row))


@dataclass(frozen=True)
class Window:
    """Which cells are averaged, by their event time.

    earliest, latest : event times, None = all (did's ``min_e`` and ``max_e``)
    balance : only cohorts that are seen at this event time, and no later event time, so that the averages from the
        start on are all over the same cohorts (did's ``balance_e``)
    """

    earliest: int | None = None
    latest: int | None = None
    balance: int | None = None

    def __post_init__(self) -> None:
        """OptionError for a balance before the start."""
        if self.balance is not None and self.balance < 0:
            raise OptionError(
                f"balance = {self.balance} is not allowed. It is an event time from the start on: 0 or more."
            )

    def holds(self, cells: GroupTime, clock: IntArray) -> BoolArray:
        """(k,) True for the cells in the window; clock are the times of all periods."""
        event_time = cells.cell_period - cells.cell_cohort
        chosen = np.ones(len(event_time), dtype=bool)
        if self.earliest is not None:
            chosen &= event_time >= self.earliest
        if self.latest is not None:
            chosen &= event_time <= self.latest
        if self.balance is not None:
            longest = clock[-1] - clock[0]
            chosen &= (event_time <= self.balance) & (event_time >= self.balance - longest)
            chosen &= clock[-1] - cells.cell_cohort >= self.balance
        return chosen


def pool_fit(fit: Fit, by: PoolBy, window: Window | None = None) -> Fit:
    """Averages of group-time effects, as did's ``aggte``; cohorts count by their shares of the treated.

    simple : one average over all cells from the start on
    event_time : one for each event time, and ``average``: the mean over event times from 0 on
    cohort : one for each cohort, the mean over its periods from the start on, and ``average``: by cohort shares
    period : one for each period, over the cohorts that have started, and ``average``: the mean over periods
    window : the cells that are averaged; None = all

    The influence carries the noise of the cohort shares. n_treated and n_comparison are distinct units.
    """
    if fit.group_time is None or fit.influence is None or fit.pooled_by is not None:
        what = "is pooled already" if fit.pooled_by else "has no group-time effects to pool"
        raise EffectError(f"{fit.estimator.name} {what}. Pool the estimate of callaway_santanna.")
    if by not in _BY:
        raise OptionError(f"There is no pooling by {by!r}.{suggest(by, _BY)}")
    chosen = _in_window(fit, fit.group_time, window or Window())
    assert chosen.group_time is not None
    shares = _Shares.of(chosen.group_time)
    pooled = _BY[by](chosen, chosen.group_time, shares)
    return replace(
        fit,
        terms=make_terms([{**one.term, **_count(chosen.group_time, one.cells)} for one in pooled]),
        theta=np.array([one.theta for one in pooled]),
        influence=_influence(chosen, chosen.group_time, shares, pooled),
        pooled_by=by,
        window=window,
    )


def _in_window(fit: Fit, cells: GroupTime, window: Window) -> Fit:
    """The fit with the cells of the window alone; EffectError where none of them is from the start on."""
    chosen = window.holds(cells, fit.design.panel.timeline.clock)
    if not (cells.cell_period >= cells.cell_cohort)[chosen].any():
        raise EffectError(
            "No effect from a start on could be estimated in these event times, so there is nothing to average."
        )
    if chosen.all():
        return fit
    assert fit.influence is not None
    kept = replace(
        cells,
        in_cell=cells.in_cell[:, chosen],
        cell_cohort=cells.cell_cohort[chosen],
        cell_period=cells.cell_period[chosen],
    )
    terms = fit.terms[chosen].reset_index(drop=True)
    return replace(fit, terms=terms, theta=fit.theta[chosen], influence=fit.influence[:, chosen], group_time=kept)


def _simple(fit: Fit, cells: GroupTime, shares: _Shares) -> list[_Pooled]:
    return [_by_shares(fit, shares, cells.cell_period >= cells.cell_cohort, {"term": AVERAGE})]


def _by_event_time(fit: Fit, cells: GroupTime, shares: _Shares) -> list[_Pooled]:
    event_time = cells.cell_period - cells.cell_cohort
    reference = fit.terms["term"].str.startswith("reference").to_numpy(dtype=bool)
    pooled = []
    for time in np.unique(event_time):
        chosen = event_time == time
        prefix = "reference " if reference[chosen].all() else ""
        term = {"term": f"{prefix}event_time={time}", "event_time": int(time)}
        pooled.append(_by_shares(fit, shares, chosen, term))
    return [*pooled, _mean([one for one in pooled if int(str(one.term["event_time"])) >= 0])]


def _by_cohort(fit: Fit, cells: GroupTime, shares: _Shares) -> list[_Pooled]:
    started = cells.cell_period >= cells.cell_cohort
    cohorts = np.unique(cells.cell_cohort[started])
    label = fit.design.panel.timeline.label
    pooled = [
        _by_shares(
            fit,
            shares,
            started & (cells.cell_cohort == cohort),
            {"term": f"cohort={label(cohort)}", "cohort": label(cohort)},
        )
        for cohort in cohorts
    ]
    return [*pooled, _over_cohorts(pooled, shares)]


def _by_period(fit: Fit, cells: GroupTime, shares: _Shares) -> list[_Pooled]:
    started = cells.cell_period >= cells.cell_cohort
    label = fit.design.panel.timeline.label
    pooled = [
        _by_shares(
            fit,
            shares,
            started & (cells.cell_period == period),
            {"term": f"period={label(period)}", "period": label(period)},
        )
        for period in np.unique(cells.cell_period[started])
    ]
    return [*pooled, _mean(pooled)]


_BY: dict[str, Callable[[Fit, GroupTime, _Shares], list[_Pooled]]] = {
    "simple": _simple,
    "event_time": _by_event_time,
    "cohort": _by_cohort,
    "period": _by_period,
}


def _by_shares(fit: Fit, shares: _Shares, chosen: BoolArray, term: dict[str, object]) -> _Pooled:
    """Average of the chosen cells (k,), each weighted by the share of its cohort."""
    places = np.flatnonzero(chosen)
    theta, each, pull = _weigh(fit.theta[places], shares.of_cell[places], shares)
    weights = np.zeros(len(chosen))
    weights[places] = each
    return _Pooled(term, theta, weights, pull, chosen)


def _over_cohorts(pooled: list[_Pooled], shares: _Shares) -> _Pooled:
    """Average of one effect for each cohort, by cohort shares."""
    cohort = np.array([shares.of_cell[one.cells][0] for one in pooled])
    theta, each, pull = _weigh(np.array([one.theta for one in pooled]), cohort, shares)
    pull += each @ np.array([one.pull for one in pooled])
    return _Pooled({"term": AVERAGE}, theta, each @ np.array([one.weights for one in pooled]), pull, _any(pooled))


def _weigh(theta: FloatArray, cohort: IntArray, shares: _Shares) -> tuple[float, FloatArray, FloatArray]:
    """Σ p_g θ / Σ p_g for effects (j,) of cohorts (j,), the weights (j,) in it, and the pull of the cohorts (c + 1,).

    A row of cohort g moves p_g by its weight, hence the average by its weight times the distance of the effects of
    cohort g from the average.
    """
    share = shares.share[cohort]
    total = share.sum()
    average = float(share @ theta / total)
    pull = np.bincount(cohort, theta - average, minlength=len(shares.share) + 1) / total
    return average, share / total, pull


def _mean(pooled: list[_Pooled]) -> _Pooled:
    theta = float(np.mean([one.theta for one in pooled]))
    weights = np.mean([one.weights for one in pooled], axis=0)
    return _Pooled({"term": AVERAGE}, theta, weights, np.mean([one.pull for one in pooled], axis=0), _any(pooled))


def _any(pooled: Iterable[_Pooled]) -> BoolArray:
    return np.asarray(np.any([one.cells for one in pooled], axis=0))


def _influence(fit: Fit, cells: GroupTime, shares: _Shares, pooled: list[_Pooled]) -> FloatArray:
    """(n, t) influence on the averages, of effects and shares together."""
    assert fit.influence is not None
    out = np.array([one.weights for one in pooled]) @ fit.influence.T
    moves = np.array([one.pull for one in pooled]).take(shares.of_row, axis=1)
    moves *= cells.weight
    out += moves
    return np.asarray(out.T)


def _count(cells: GroupTime, chosen: BoolArray) -> dict[str, object]:
    """Distinct treated and comparison units of the chosen cells (k,)."""
    treated = np.zeros(len(cells.cohort), dtype=bool)
    comparison = np.zeros(len(cells.cohort), dtype=bool)
    for cohort in np.unique(cells.cell_cohort[chosen]):
        seen = np.logical_or.reduce(
            [cells.in_cell[:, place] for place in np.flatnonzero(chosen & (cells.cell_cohort == cohort))]
        )
        own = cells.cohort == cohort
        treated |= seen & own
        comparison |= seen & ~own
    return {"n_treated": int(treated.sum()), "n_comparison": int(comparison.sum())}


def wald_test(estimate: Estimate, terms: list[str] | None = None) -> JointTest:
    """Wald test that effects are all zero: θ'V⁻¹θ, chi-squared, or F with the estimate's degrees of freedom.

    CR2 has degrees of freedom for several effects together, by which θ'V⁻¹θ is taken as Hotelling's T² (HTZ in
    Pustejovsky & Tipton 2018); other methods those of single effects, of which the fewest are taken.

    terms : names of terms; by default those before the start (and before any anticipation), save references

    Raises EffectError where there is none, and where V is singular, as it is with fewer clusters than effects.
    """
    from scipy import special

    from mentoreval.effects.estimate import JointTest

    chosen = _chosen(estimate, terms)
    theta, vcov = estimate.fit.theta[chosen], estimate.vcov[np.ix_(chosen, chosen)]
    names = tuple(estimate.fit.terms["term"].iloc[chosen])
    error = np.sqrt(np.diag(vcov))
    if not (error > 0).all() or _rank(vcov / np.outer(error, error)) < len(theta):
        raise EffectError(
            f"The variance of {len(theta)} effects can not be inverted: there are {estimate.n_clusters:,} "
            f"{estimate.cluster or 'row'} clusters behind it. Test fewer effects, or cluster at a lower level."
        )
    statistic, k = float(theta @ np.linalg.solve(vcov, theta)), len(theta)
    df, scale = _denominator(estimate, chosen)
    p_value = special.chdtrc(k, statistic) if np.isinf(df) else special.fdtrc(k, df, statistic * scale / k)
    return JointTest(statistic, k, float(p_value), names, df, scale)


def _denominator(estimate: Estimate, chosen: IntArray) -> tuple[float, float]:
    """Degrees of freedom of the F of a joint test, and what its statistic is multiplied by."""
    if estimate.joint_df is None:
        return float(estimate.df[chosen].min()), 1.0
    joint = estimate.joint_df(chosen)
    left = joint - len(chosen) + 1.0
    if not left > 0:
        raise EffectError(
            f"{estimate.n_clusters:,} {estimate.cluster} clusters tell {len(chosen)} effects with {joint:.1f} degrees "
            "of freedom, which is too few to test them together. Test fewer effects."
        )
    return left, left / joint


def _chosen(estimate: Estimate, terms: list[str] | None) -> IntArray:
    frame = estimate.fit.terms
    if terms is not None:
        known = list(frame["term"])
        unknown = [name for name in terms if name not in known]
        if unknown:
            raise EffectError(f"There is no term {unknown[0]!r}.{suggest(unknown[0], known)}")
        return np.array([known.index(name) for name in terms], dtype=np.int64)
    cells = estimate.fit.group_time
    first: Any = frame["event_time"].to_numpy(dtype=float, na_value=np.nan)
    before = (first < -(cells.anticipation if cells is not None else 0)) & ~estimate.is_reference
    if not before.any():
        raise EffectError(
            f"{estimate.fit.estimator.name} gives no effect from before the start here, so no trend can be tested."
        )
    return np.flatnonzero(before)


def _rank(correlation: FloatArray) -> int:
    values = np.linalg.eigvalsh(correlation)
    return int((values > SINGULAR * values[-1]).sum())
