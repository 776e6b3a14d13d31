"""Linear mixed models with random intercepts at several levels, nested or crossed, by restricted likelihood (REML).

y = Xβ + Σ u[level] + e, u ~ N(0, γ σ²), e ~ N(0, σ²/w), and for rows of a second arm N(0, σ²/(ρ w)). For given ratios
γ and ρ the rest is least squares with a sparse system of one unknown for each group (Bates et al. 2015, Journal of
Statistical Software 67, section 3); all that depends on the rows is summed once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from mentoreval.aliases import BoolArray, FloatArray, IntArray
from mentoreval.numerics.least_squares import solve_least_squares

NO_VARIANCE = 1e-6
"""A ratio γ below this is zero: the boundary, where a level adds nothing."""

STEP = 1e-3
"""Of the central differences, in logarithms of the variances; its square is their relative error."""

MAX_STEPS = 8
SETTLED = 1e-6
"""A step of Newton's method below this leaves an error of about its square."""


@dataclass(frozen=True, eq=False)
class MixedFit:
    """A fit of n rows on k columns.

    coefficients : (k,)
    vcov : (k, k) by the estimated variances
    variances : of each level; 0 at the boundary
    residual_variances : of the first and the second arm, at a weight of one; equal where they have one in common
    log_likelihood : restricted
    df : of a contrast (k,) of the coefficients, by Satterthwaite's formula
    """

    coefficients: FloatArray
    vcov: FloatArray
    variances: tuple[float, ...]
    residual_variances: tuple[float, float]
    log_likelihood: float
    df: Callable[[FloatArray], float]


@dataclass(frozen=True, eq=False)
class _Part:
    """Sums over the rows of one arm, X (k columns) and the response side by side in M (k + 1).

    within : (k + 1, k + 1) M'WM; groups : (q, k + 1) Z'WM; links : entries of Z'WZ, in the order of ``_Sums``
    """

    within: FloatArray
    groups: FloatArray
    links: FloatArray


@dataclass(frozen=True, eq=False)
class _Sums:
    """What the likelihood needs: parts of the two arms, rows in the second, the level (q,) of each group, n and k.

    row, column : groups of each entry of Z'WZ that is not zero, by columns and then rows; every group has its diagonal
    ends : (q + 1,) where the entries of each column begin and end
    """

    parts: tuple[_Part, _Part]
    n_second: int
    level: IntArray
    row: IntArray
    column: IntArray
    ends: IntArray
    n: int
    k: int


@dataclass(frozen=True, eq=False)
class _Profile:
    """The best for given ratios: coefficients (k,), inverse (k, k) of X'V⁻¹X, sum of squares, log determinants."""

    coefficients: FloatArray
    inverse: FloatArray
    squares: float
    determinants: float


def fit_mixed(
    X: FloatArray, y: FloatArray, weights: FloatArray, levels: Sequence[IntArray], second: BoolArray | None = None
) -> MixedFit:
    """REML fit of y (n,) on X (n, k), no column a combination of others, with weights (n,) above 0.

    levels : for each, codes (n,) of the groups 0 … g − 1; -1 where a row has no random intercept at it
    second : (n,) True where the residual variance may be another one; None = one for all
    """
    plain = solve_least_squares(X, y, weights)
    scale = float(np.sqrt(np.mean(plain.residuals**2)))
    sums = _sum_up(X, plain.residuals / scale, weights, levels, second)
    ratios = _best_ratios(sums, len(levels), second is not None)
    found = _profile(sums, ratios)
    sigma2 = scale**2 * found.squares / (sums.n - sums.k)
    log_det_weights = float(np.log(weights).sum()) - (sums.n - sums.k) * np.log(scale**2)
    deviance = _deviance(sums, ratios) - log_det_weights + (sums.n - sums.k) * (1.0 + np.log(2.0 * np.pi))
    return MixedFit(
        coefficients=plain.coefficients + scale * found.coefficients,
        vcov=sigma2 * found.inverse,
        variances=tuple(float(sigma2 * ratio) for ratio in ratios[:-1]),
        residual_variances=(sigma2, float(sigma2 / ratios[-1])),
        log_likelihood=-0.5 * float(deviance),
        df=lambda contrast: _satterthwaite(sums, ratios, second is not None, contrast),
    )


def _sum_up(
    X: FloatArray, y: FloatArray, weights: FloatArray, levels: Sequence[IntArray], second: BoolArray | None
) -> _Sums:
    n, M = len(y), np.column_stack([X, y])
    sizes = [int(codes.max()) + 1 for codes in levels]
    q = sum(sizes)
    starts = np.cumsum([0, *sizes])[:-1]
    group = [np.where(codes >= 0, codes + start, -1) for codes, start in zip(levels, starts, strict=True)]
    pairs = [(np.flatnonzero((one >= 0) & (two >= 0)), one, two) for one in group for two in group]
    at = np.concatenate([np.empty(0, dtype=np.int64), *(where for where, _, _ in pairs)])
    keys = [one[where] * q + two[where] for where, one, two in pairs]
    entry, place = np.unique(np.concatenate([np.empty(0, dtype=np.int64), *keys]), return_inverse=True)
    arm = np.zeros(n, dtype=bool) if second is None else second
    parts = []
    for inside in (~arm, arm):
        own = np.where(inside, weights, 0.0)
        sums = np.zeros((q, M.shape[1]))
        for codes in group:
            of = np.flatnonzero(codes >= 0)
            sums += np.column_stack([_count(codes[of], column[of], q) for column in M.T * own])
        parts.append(_Part((M * own[:, None]).T @ M, sums, _count(place, own[at], len(entry))))
    column, row = np.divmod(entry, max(q, 1))
    ends = np.searchsorted(column, np.arange(q + 1))
    level = np.repeat(np.arange(len(levels)), sizes)
    return _Sums((parts[0], parts[1]), int(arm.sum()), level, row, column, ends, n, X.shape[1])


def _count(codes: IntArray, values: FloatArray, size: int) -> FloatArray:
    """(size,) sums of values (n,) by codes (n,)."""
    return np.bincount(codes, values, minlength=size).astype(float)


def _profile(sums: _Sums, ratios: FloatArray) -> _Profile:
    """Least squares for ratios γ of the levels and, last, ρ."""
    first, other = sums.parts
    rho = float(ratios[-1])
    within = first.within + rho * other.within
    determinants = -sums.n_second * float(np.log(rho))
    if (ratios[:-1] > 0).any():
        spread = np.sqrt(ratios[:-1])[sums.level]
        solve, log_det = _factor(sums, spread, rho)
        groups = spread[:, None] * (first.groups + rho * other.groups)
        within = within - groups.T @ solve(groups)
        determinants += log_det
    k = sums.k
    inverse = np.asarray(np.linalg.inv(within[:k, :k]), dtype=float)
    coefficients = inverse @ within[:k, k]
    squares = float(within[k, k] - within[:k, k] @ coefficients)
    return _Profile(coefficients, inverse, squares, determinants - float(np.linalg.slogdet(inverse)[1]))


def _factor(sums: _Sums, spread: FloatArray, rho: float) -> tuple[Callable[[FloatArray], FloatArray], float]:
    """Solver and log determinant of I + ΛZ'WZΛ, Λ the spread (q,) of the groups."""
    from scipy import sparse
    from scipy.sparse.linalg import splu

    first, other = sums.parts
    links = spread[sums.row] * spread[sums.column] * (first.links + rho * other.links) + (sums.row == sums.column)
    matrix = sparse.csc_matrix((links, sums.row, sums.ends), shape=(len(spread), len(spread)))
    factor = splu(matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
    return factor.solve, float(np.log(np.abs(factor.U.diagonal())).sum())


def _deviance(sums: _Sums, ratios: FloatArray) -> float:
    """−2 restricted log likelihood at the best σ², but for constants."""
    found = _profile(sums, ratios)
    return found.determinants + (sums.n - sums.k) * float(np.log(found.squares / (sums.n - sums.k)))


def _best_ratios(sums: _Sums, n_levels: int, by_arm: bool) -> FloatArray:
    """γ of each level and ρ: by bounded quasi-Newton, then by Newton's method in logarithms away from the boundary."""
    from scipy.optimize import minimize

    def in_full(values: FloatArray) -> FloatArray:
        """All ratios, from those that are estimated."""
        return np.append(values[:n_levels], np.exp(values[n_levels]) if by_arm else 1.0)

    start = np.append(np.full(n_levels, 0.1), np.zeros(int(by_arm)))
    if not len(start):
        return np.ones(1)
    bounds = [(0.0, None)] * n_levels + [(-20.0, 20.0)] * int(by_arm)
    rough = minimize(lambda values: _deviance(sums, in_full(values)), start, method="L-BFGS-B", bounds=bounds)
    ratios = in_full(rough.x)
    ratios[:-1][ratios[:-1] < NO_VARIANCE] = 0.0
    return _polish(sums, ratios, by_arm)


def _polish(sums: _Sums, ratios: FloatArray, by_arm: bool) -> FloatArray:
    """Newton's method on the logarithms of the ratios that are not zero or given."""
    free = _free(ratios, by_arm)

    def deviance(logs: FloatArray) -> float:
        """The deviance at the free ratios' logarithms."""
        return _deviance(sums, _with(ratios, free, logs))

    logs = np.log(ratios[free])
    for _ in range(MAX_STEPS if len(free) else 0):
        gradient, hessian = _differences(deviance, logs)
        values, vectors = np.linalg.eigh(hessian)
        if values[0] <= 0:
            break
        step = vectors @ ((vectors.T @ gradient) / values)
        logs = logs - np.clip(step, -1.0, 1.0)
        if np.abs(step).max() < SETTLED:
            break
    return _with(ratios, free, logs)


def _free(ratios: FloatArray, by_arm: bool) -> IntArray:
    """Places of the ratios that are estimated and not at the boundary."""
    return np.flatnonzero(np.append(ratios[:-1] > 0, by_arm))


def _with(ratios: FloatArray, free: IntArray, logs: FloatArray) -> FloatArray:
    """The ratios with other logarithms in the free places."""
    out = ratios.copy()
    out[free] = np.exp(logs)
    return out


def _differences(function: Callable[[FloatArray], float], at: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Gradient (m,) and matrix of second derivatives (m, m) by central differences."""
    m = len(at)
    steps = STEP * np.eye(m)
    middle = function(at)
    up, down = (np.array([function(at + sign * step) for step in steps]) for sign in (1.0, -1.0))
    hessian = np.diag((up - 2.0 * middle + down) / STEP**2)
    for i in range(m):
        for j in range(i):
            corners = [function(at + a * steps[i] + b * steps[j]) * a * b for a in (1, -1) for b in (1, -1)]
            hessian[i, j] = hessian[j, i] = sum(corners) / (4.0 * STEP**2)
    return (up - down) / (2.0 * STEP), hessian


def _satterthwaite(sums: _Sums, ratios: FloatArray, by_arm: bool, contrast: FloatArray) -> float:
    """2 V² / (g' A g): V the variance of the contrast, g its gradient by the variances, A their own covariance.

    In logarithms of σ² and of the ratios that are not zero; a level at the boundary takes no part.
    """
    free = _free(ratios, by_arm)
    profile = _profile(sums, ratios)
    at = np.append(np.log(ratios[free]), np.log(profile.squares / (sums.n - sums.k)))

    def deviance(logs: FloatArray) -> float:
        """The deviance at the logarithms of the free ratios and of σ²."""
        found = _profile(sums, _with(ratios, free, logs[:-1]))
        return found.determinants + (sums.n - sums.k) * float(logs[-1]) + found.squares * float(np.exp(-logs[-1]))

    def log_variance(logs: FloatArray) -> float:
        """Logarithm of the contrast's variance."""
        inverse = _profile(sums, _with(ratios, free, logs[:-1])).inverse
        return float(logs[-1] + np.log(contrast @ inverse @ contrast))

    _, hessian = _differences(deviance, at)
    gradient = np.array([log_variance(at + step) - log_variance(at - step) for step in STEP * np.eye(len(at))])
    gradient /= 2.0 * STEP
    values, vectors = np.linalg.eigh(hessian)
    kept = values > 1e-8 * values[-1]
    spread = float((((vectors.T @ gradient)[kept]) ** 2 / values[kept]).sum())
    return 1.0 / spread
