"""What a study can find: the variance of a difference under common plans, the smallest effect, and power.

Variances are in units of the outcome's total variance between students, so that their roots are standard errors of a
standardized difference. Symbols: p the share in the program, ρ the share of variance between groups (ICC), R² the share
of the variance of a level that covariates explain.

Sources: Bloom (1995), Evaluation Review 19, for the smallest detectable effect; Dong and Maynard (2013), Journal of
Research on Educational Effectiveness 6, whose PowerUp! models are named with each function; Hedges and Citkowicz
(2015), Behavior Research Methods 47, and Lohr, Schochet and Sanders (2014), NCER 2014-2000, for groups in one arm;
Burlig, Preonas and Woerman (2020), Journal of Development Economics 144, for panels.
"""

from __future__ import annotations

import numpy as np
from scipy.special import nctdtr, ndtr, ndtri, stdtrit

from mentoreval.aliases import FloatArray

MANY = 1e5
"""Degrees of freedom from which on t is normal to the digits that matter."""


def detectable(std_error: float, df: float, power: float, alpha: float) -> float:
    """Smallest effect that a two-sided test finds with this power: (t₁₋α⸝₂ + t_power) · SE, both t with df.

    std_error : above 0, in any unit; df : above 0, may be infinite; power, alpha : between 0 and 1
    """
    return (_quantile(df, 1 - alpha / 2) + _quantile(df, power)) * std_error


def detection_power(effect: float, std_error: float, df: float, alpha: float) -> float:
    """Probability that a two-sided test finds an effect: of |T| beyond its limit, T noncentral t with effect / SE.

    At the effect of ``detectable`` it is the power asked for, but for the skew of the noncentral t: of .80 it is
    .80 with 8 degrees of freedom or more, .795 with 5, and .766 with 2.
    """
    limit, shift = _quantile(df, 1 - alpha / 2), abs(effect) / std_error
    if df >= MANY:
        return float(ndtr(shift - limit) + ndtr(-shift - limit))
    # P(T < −limit) from the mirrored distribution: directly, so far from its centre, the routine has no answer.
    return float((1 - nctdtr(df, shift, limit)) + (1 - nctdtr(df, -shift, limit)))


def _quantile(df: float, probability: float) -> float:
    return float(ndtri(probability) if df >= MANY else stdtrit(df, probability))


def individual_variance(n: float, share: float, r2: float = 0.0) -> float:
    """(1 − R²) / (p(1−p)n) for n students; PowerUp! model IRA1_1."""
    return (1 - r2) / (share * (1 - share) * n)


def blocked_variance(
    blocks: float, size: float, share: float, icc: float, omega: float, r2: float, r2_effect: float
) -> float:
    """ρω(1 − R²_T)/J + (1 − ρ)(1 − R²)/(p(1−p)Jn) for J blocks of n students, both arms in each.

    omega : variance of the effect between blocks over the variance of the outcome between blocks; 0 where the effect is
        the same everywhere, or stands for these blocks only
    r2, r2_effect : explained of the students' variance within blocks, and of the variance of the effect

    PowerUp! model BIRA2_1r; with ρ = 0 it is BIRA2_1c.
    """
    between = icc * omega * (1 - r2_effect) / blocks
    return between + (1 - icc) * individual_variance(blocks * size, share, r2)


def clustered_variance(
    clusters: float, size: float, share: float, icc: float, r2: float = 0.0, r2_cluster: float = 0.0
) -> float:
    """ρ(1 − R²_2)/(p(1−p)J) + (1 − ρ)(1 − R²_1)/(p(1−p)Jn) for J whole clusters of n students; PowerUp! model CRA2_2r.

    r2, r2_cluster : explained of the students' variance within clusters, and of the variance between clusters
    """
    return icc * individual_variance(clusters, share, r2_cluster) + (1 - icc) * individual_variance(
        clusters * size, share, r2
    )


def one_arm_parts(
    clusters: float, size: float, n_comparison: float, icc: float, r2: float = 0.0, r2_cluster: float = 0.0
) -> tuple[float, float]:
    """Variance of the mean of M clusters of n students, and of the mean of comparison students who are in none.

    ρ(1 − R²_2)/M + (1 − ρ)(1 − R²_1)/(Mn), and (1 − ρ)(1 − R²_1)/N_C. The unit is the total variance of clustered
    students, as with the What Works Clearinghouse: a cluster adds its variance to what students have without one.
    Without covariates the sum is (1/N_T + 1/N_C)·η with η = 1 + (n·N_C/N − 1)ρ, equation for one-arm clusters of Hedges
    and Citkowicz.
    """
    within = (1 - icc) * (1 - r2)
    return icc * (1 - r2_cluster) / clusters + within / (clusters * size), within / n_comparison


def satterthwaite(parts: tuple[float, ...], degrees: tuple[float, ...]) -> float:
    """(ΣV)² / Σ(V²/d): degrees of freedom of a sum of independent variances V that have d each."""
    return sum(parts) ** 2 / sum(part**2 / free for part, free in zip(parts, degrees, strict=True))


def before_after_variance(before: int, after: int, lasting: float, serial: float) -> float:
    """Variance of a unit's mean after the start less its mean before it, in units of its variance in one period.

    before, after : periods, 1 or more
    lasting : share of the variance that stays with the unit for ever, and cancels
    serial : correlation φ of what is left from one period to the next, AR(1), so that corr(s, t) = φ^|s−t|

    With weights w of −1/m before and 1/r after it is (1 − lasting)·w'Φw, Φ the correlations. For any correlations that
    is (1/m + 1/r)σ² + (m−1)/m·ψᴮ + (r−1)/r·ψᴬ − 2ψˣ, equation 2 of Burlig, Preonas and Woerman, with ψ the mean
    covariances of pairs of periods before, after, and across.
    """
    time = np.arange(before + after)
    weights: FloatArray = np.where(time < before, -1 / before, 1 / after)
    gaps = np.abs(time[:, None] - time)
    return float((1 - lasting) * (weights @ (float(serial) ** gaps) @ weights))
