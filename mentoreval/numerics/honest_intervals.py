"""Intervals for effects over time where trends need not be parallel (Rambachan & Roth 2023).

``Trajectory`` holds what was estimated. Under *relative magnitudes* no step between two periods after the reference is
larger than ``size`` times the largest step before it; the interval inverts the conditional / least-favourable hybrid
test of moment inequalities of Andrews, Roth & Pakes (2023). Under *smoothness* no slope changes by more than ``size``
from one period to the next; the interval is the shortest of fixed length about an affine estimator (Donoho 1994).

The test of relative magnitudes needs no linear programs here: for each step that may be the largest one, the dual
polytope of the test has one vertex that pushes the effect up, one that pushes it down, and one for each period after
the reference. All truncation points follow from them in closed form. Limits are found by bisection, and critical values
from a fixed low-discrepancy sequence, so that nothing is random.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from scipy.special import log_ndtr, ndtr, ndtri

from mentoreval.aliases import BoolArray, FloatArray

LOG2_POINTS = 14
FIRST_STAGE = 0.1
"""Share of the level that the first, least-favourable stage may use (the value of the authors)."""
GRID = 241
SAME = 1e-9
LARGEST = 1e4
"""Size beyond which a breakdown value is called infinite."""


@dataclass(frozen=True, eq=False)
class Trajectory:
    """Effects by period, without the reference period, which lies between those before and those after it.

    estimates : (n,) in the order of time, periods one step apart
    vcov : (n, n)
    n_before : how many of them lie before the reference
    target : (n − n_before,) weights of the effects after the reference in the effect of interest
    """

    estimates: FloatArray
    vcov: FloatArray
    n_before: int
    target: FloatArray

    @property
    def point(self) -> float:
        """The effect of interest if trends are parallel."""
        return float(self.target @ self.estimates[self.n_before :])

    @property
    def std_error(self) -> float:
        """Of ``point``."""
        after = self.vcov[self.n_before :, self.n_before :]
        return math.sqrt(max(float(self.target @ after @ self.target), 0.0))

    @cached_property
    def steps(self) -> FloatArray:
        """(n, n) the change into each period and, of those before the reference, out of it."""
        n = len(self.estimates)
        full: FloatArray = np.insert(np.eye(n), self.n_before, 0.0, axis=0)
        return np.asarray(np.diff(full, axis=0))

    def largest_step(self) -> float:
        """The largest absolute change between two periods up to the reference."""
        return float(np.abs(self.steps[: self.n_before] @ self.estimates).max())

    def largest_bend(self) -> float:
        """The largest absolute change of slope up to the reference; NaN with one period before it."""
        bends = np.diff(self.steps[: self.n_before] @ self.estimates)
        return float(np.abs(bends).max()) if len(bends) else math.nan

    @cached_property
    def draws(self) -> FloatArray:
        """(points, n) normal with this variance."""
        values, vectors = np.linalg.eigh(self.vcov)
        return np.asarray(_normal_points(len(values)) @ (vectors * np.sqrt(np.maximum(values, 0.0))).T)


@lru_cache(maxsize=8)
def _normal_points(dimension: int) -> FloatArray:
    """(points, dimension) of a Sobol sequence, centred in its cells, as standard normal values."""
    from scipy.stats import qmc

    points = qmc.Sobol(dimension, scramble=False).random_base2(LOG2_POINTS)
    return np.asarray(ndtri(points + 0.5 / 2**LOG2_POINTS))


# ---------------------------------------------------------------- relative magnitudes
@dataclass(frozen=True, eq=False)
class _Moments:
    """Moments that are not positive where the restriction holds: ``values − pull · effect``.

    values, pull : (j,)
    vcov : (j, j) of the values
    cutoff : critical value of the first stage; infinity = there is none
    level : of the second stage
    """

    values: FloatArray
    pull: FloatArray
    vcov: FloatArray
    cutoff: float
    level: float

    def span(self) -> tuple[float, float] | None:
        """The effects that the first stage accepts; None where it accepts none."""
        ends = (self.values - self.cutoff) / np.where(self.pull == 0, np.nan, self.pull)
        up, down = self.pull > 0, self.pull < 0
        if (self.values[~up & ~down] > self.cutoff).any():
            return None
        low, high = float(ends[up].max()), float(ends[down].min())
        return (low, high) if low <= high else None

    def accepts(self, effects: FloatArray) -> BoolArray:
        """(t,) True for the effects that the test does not reject."""
        moments = self.values[:, None] - self.pull[:, None] * effects
        binding = moments.argmax(axis=0)
        largest = moments.max(axis=0)
        variance = np.diag(self.vcov)
        certain = variance[binding] <= SAME * variance.max()
        spread = np.sqrt(np.where(certain, 1.0, variance[binding]))
        share = self.vcov[:, binding] / spread**2
        with np.errstate(divide="ignore", invalid="ignore"):
            meets = (moments - share * largest) / (1 - share)
        low = np.where(share < 1 - SAME, meets, -np.inf).max(axis=0)
        high = np.minimum(np.where(share > 1 + SAME, meets, np.inf).min(axis=0), self.cutoff)
        p = _upper_tail(largest / spread, low / spread, high / spread)
        rejects = (largest > 0) & (certain | (p < self.level) | (largest > self.cutoff))
        return np.asarray(~rejects)


def _upper_tail(x: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray:
    """P(Z > x) of a standard normal Z known to lie between low and high."""
    base = log_ndtr(-low)
    beyond = np.exp(log_ndtr(-high) - base)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((np.exp(log_ndtr(-x) - base) - beyond) / (1 - beyond))


def _all_moments(data: Trajectory, size: float, level: float, first_stage: float) -> Iterator[_Moments]:
    """The moments for each step up to the reference, and each sign, as the largest one."""
    kappa = level * first_stage
    for step in range(data.n_before):
        for sign in (1.0, -1.0):
            rows, pull = _vertices(data, size, sign * data.steps[step])
            cutoff = math.inf
            if kappa > 0:
                cutoff = float(np.quantile((data.draws @ rows.T).max(axis=1), 1 - kappa))
            yield _Moments(
                rows @ data.estimates, pull, rows @ data.vcov @ rows.T, cutoff, (level - kappa) / (1 - kappa)
            )


def _vertices(data: Trajectory, size: float, largest: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(j, n) combinations of the estimates, and (j,) their pull, that are the vertices of the dual polytope.

    With several periods after the reference only the moments that concern them are used, and the effects of no
    interest are free; with one there is nothing free, and all moments are used. Both as the authors do.
    """
    after = data.steps[data.n_before :]
    if len(after) == 1:
        return _single_rows(data, size, largest)
    reach = np.cumsum(data.target[::-1])[::-1]
    spread = {sign: _spread(sign * after - size * largest, data.vcov) for sign in (1.0, -1.0)}
    rows, pull = [], []
    for sign in (1.0, -1.0):
        norm = float(np.abs(reach) @ np.where(reach * sign > 0, spread[1.0], spread[-1.0]))
        rows.append((sign * reach @ after - size * np.abs(reach).sum() * largest) / norm)
        pull.append(sign / norm)
    pairs = -2 * size * largest / (spread[1.0] + spread[-1.0])[:, None]
    return np.vstack([*rows, pairs]), np.array([*pull, *np.zeros(len(pairs))])


def _single_rows(data: Trajectory, size: float, largest: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Every moment by itself, in its own standard errors; what is zero by construction is left out."""
    bound = np.where(np.arange(len(data.steps)) < data.n_before, 1.0, size)[:, None] * largest
    rows = np.vstack([data.steps - bound, -data.steps - bound])
    rows = rows[np.abs(rows).max(axis=1) > SAME]
    rows = rows / _spread(rows, data.vcov)[:, None]
    return rows, rows[:, -1] / data.target[0]


def _spread(rows: FloatArray, vcov: FloatArray) -> FloatArray:
    """(r,) standard errors of combinations (r, n)."""
    return np.asarray(np.sqrt(np.maximum(np.einsum("ri,ij,rj->r", rows, vcov, rows), 0.0)))


def relative_magnitudes(
    data: Trajectory, size: float, level: float = 0.05, first_stage: float = FIRST_STAGE
) -> tuple[float, float]:
    """The smallest and the largest effect that the hybrid test does not reject.

    size : M̄, 0 or more; first_stage : share of the level for the first stage, 0 = the conditional test alone

    Both are NaN where every effect is rejected: then no trends of this size fit what was seen.
    """
    lows, highs = [], []
    for moments in _all_moments(data, size, level, first_stage):
        span = moments.span() if math.isfinite(moments.cutoff) else _wide(data, moments)
        if span is None:
            continue
        grid = np.linspace(*span, GRID)
        accepted = np.flatnonzero(moments.accepts(grid))
        if len(accepted):
            lows.append(_edge(moments, grid, accepted[0], -1))
            highs.append(_edge(moments, grid, accepted[-1], 1))
    return (min(lows), max(highs)) if lows else (math.nan, math.nan)


def _wide(data: Trajectory, moments: _Moments) -> tuple[float, float]:
    """A span for the conditional test alone, which has no first stage to bound it."""
    reach = 40 * float(np.sqrt(np.diag(moments.vcov)).max() / np.abs(moments.pull).max())
    return data.point - reach, data.point + reach


def _edge(moments: _Moments, grid: FloatArray, place: int, side: int) -> float:
    """Where acceptance ends beyond a place of the grid."""
    inside = float(grid[place])
    if not 0 <= place + side < len(grid):
        return inside
    outside = float(grid[place + side])
    for _ in range(4):
        between = np.linspace(inside, outside, 66)
        first = int(np.argmin(moments.accepts(between)))
        inside, outside = float(between[first - 1]), float(between[first])
    return inside


def relative_breakdown(data: Trajectory, level: float = 0.05) -> float:
    """The largest M̄ at which the interval holds zero not yet; 0 where it does at once, infinity where never."""
    sign = 1.0 if data.point >= 0 else -1.0

    def holds_zero(size: float) -> bool:
        """Whether one of the tests accepts zero or beyond."""
        return any(_reaches_zero(moments, sign) for moments in _all_moments(data, size, level, FIRST_STAGE))

    return _largest_without(holds_zero, 1.0)


def _reaches_zero(moments: _Moments, sign: float) -> bool:
    """Whether zero, or an effect on its other side, is accepted."""
    span = moments.span()
    if span is None or (span[0] if sign > 0 else -span[1]) > 0:
        return False
    ends = (span[0], min(0.0, span[1])) if sign > 0 else (max(0.0, span[0]), span[1])
    return bool(moments.accepts(np.linspace(*ends, GRID)).any())


def _largest_without(happens: Callable[[float], bool], unit: float) -> float:
    """The size from which on something happens, to six digits."""
    if happens(0.0):
        return 0.0
    low, high = 0.0, unit
    while not happens(high):
        low, high = high, 2 * high
        if high > LARGEST * unit:
            return math.inf
    for _ in range(24):
        middle = (low + high) / 2
        low, high = (low, middle) if happens(middle) else (middle, high)
    return low


# ---------------------------------------------------------------- smoothness
def smoothness(data: Trajectory, size: float, level: float = 0.05) -> tuple[float, float]:
    """The shortest interval of fixed length that holds the effect if slopes change by at most ``size`` = M.

    The estimator takes a weighted sum of the effects before the reference from the effect of interest, so that a
    straight line costs nothing. Its weights are a lasso: as functions of the pulls u of the bends before the reference,
    its worst bias is M (constant + Σ|u|) and its variance is quadratic in u.
    """
    problem = _Bends.of(data)
    pulls = problem.best(size, level)
    weights = problem.start + problem.move @ pulls
    spread, bias = problem.spread(pulls), size * problem.bias(pulls)
    half = spread * folded_quantile(bias / spread, level)[0]
    centre = float(weights @ data.estimates)
    return centre - half, centre + half


def smoothness_breakdown(data: Trajectory, level: float = 0.05) -> float:
    """The largest M at which the interval does not hold zero; 0 where it does at once, infinity where never."""

    def holds_zero(size: float) -> bool:
        """Whether the interval holds zero."""
        low, high = smoothness(data, size, level)
        return low <= 0 <= high

    return _largest_without(holds_zero, data.std_error)


def folded_quantile(mean: float, level: float) -> tuple[float, float]:
    """The 1 − level quantile of |N(mean, 1)|, and its derivative by the mean (0 or more)."""
    from scipy.optimize import brentq

    if mean > 20:
        return mean + float(ndtri(1 - level)), 1.0

    def missing(x: float) -> float:
        """How much probability |N(mean, 1)| ≤ x has beyond 1 − level."""
        return float(ndtr(x - mean) - ndtr(-x - mean)) - (1 - level)

    x = float(brentq(missing, 0.0, mean + 10.0, xtol=1e-13))
    near, far = math.exp(-((x - mean) ** 2) / 2), math.exp(-((x + mean) ** 2) / 2)
    return x, (near - far) / (near + far)


@dataclass(frozen=True, eq=False)
class _Bends:
    """The estimators for which a straight line costs nothing: weights ``start + move @ u`` of the n estimates.

    start : (n,); move : (n, n_before − 1); constant : worst bias with M = 1 of the bends that weights can not change
    """

    start: FloatArray
    move: FloatArray
    constant: float
    vcov: FloatArray

    @classmethod
    def of(cls, data: Trajectory) -> _Bends:
        """The bend at −k, k periods before the reference, pulls by Σ_{j>k} w_j (j − k); at 0 it must undo the line."""
        before, after = data.n_before, len(data.target)
        distance = np.arange(before, 0, -1)
        bends = np.arange(before - 1, -1, -1)
        pulls = np.maximum(distance[None, :] - bends[:, None], 0.0)
        back = np.linalg.inv(pulls)
        time = np.arange(1, after + 1)
        line = float(data.target @ time)
        later = [abs(float(data.target @ np.maximum(time - k, 0))) for k in range(1, after)]
        start = np.concatenate([back[:, -1] * line, data.target])
        move = np.vstack([back[:, :-1], np.zeros((after, before - 1))])
        return cls(start, move, abs(line) + sum(later), data.vcov)

    def spread(self, pulls: FloatArray) -> float:
        """The standard error of the estimator."""
        weights = self.start + self.move @ pulls
        return math.sqrt(float(weights @ self.vcov @ weights))

    def bias(self, pulls: FloatArray) -> float:
        """Its worst bias with M = 1."""
        return self.constant + float(np.abs(pulls).sum())

    def best(self, size: float, level: float) -> FloatArray:
        """(n_before − 1,) the pulls of the shortest interval, by the root of its first-order condition."""
        from scipy.optimize import brentq

        if not self.move.shape[1] or size == 0:
            return self.lasso(0.0)

        def slope(penalty: float) -> float:
            """Of the half length along the lasso path, up to a positive factor."""
            pulls = self.lasso(penalty)
            spread = self.spread(pulls)
            mean = size * self.bias(pulls) / spread
            quantile, derivative = folded_quantile(mean, level)
            return penalty * (quantile - mean * derivative) - size * derivative * spread

        most = float(np.abs(self.move.T @ self.vcov @ self.start).max())
        if slope(most) <= 0:
            return self.lasso(most)
        return self.lasso(float(brentq(slope, 0.0, most, xtol=1e-14 * most, rtol=1e-12)))

    def lasso(self, penalty: float) -> FloatArray:
        """(n_before − 1,) the pulls that minimize variance / 2 + penalty · Σ|u|, by coordinate descent."""
        gram = self.move.T @ self.vcov @ self.move
        linear = self.move.T @ self.vcov @ self.start
        if penalty == 0:
            return np.asarray(np.linalg.lstsq(gram, -linear, rcond=None)[0])
        pulls = np.zeros(len(linear))
        for _ in range(10_000):
            before = pulls.copy()
            for k in range(len(pulls)):
                rest = linear[k] + gram[k] @ pulls - gram[k, k] * pulls[k]
                pulls[k] = -np.sign(rest) * max(abs(rest) - penalty, 0.0) / gram[k, k]
            if np.abs(pulls - before).max() <= 1e-13 * max(np.abs(pulls).max(), SAME):
                break
        return pulls
