"""Clusters in both arms: an effect size and a test that took students for independent, corrected.

Symbols as in ``one_arm``: N students, M clusters of n = N/M students, ρ the intraclass correlation (ICC). Sources: WWC
Procedures 5.0, appendix E; the correction of a t is that of WWC 2.0, appendix C, after Hedges (2007), Journal of
Educational and Behavioral Statistics 32.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.special import stdtr

from mentoreval.numerics.one_arm import two_arm_degrees


@dataclass(frozen=True)
class TwoArmEffectSize:
    """An effect size corrected for clusters in both arms: g, its variance, and h."""

    g: float
    variance: float
    df: float


@dataclass(frozen=True)
class CorrectedTest:
    """A t-test corrected for clusters: statistic, degrees of freedom h, two-sided p-value."""

    statistic: float
    df: float
    p_value: float


def two_arm_shrinkage(n: float, size: float, icc: float) -> float:
    """1 − 2(n − 1)ρ/(N − 2): its root brings a g from the pooled SD of students to the total SD.

    n : students, ``size`` in a cluster
    """
    return 1.0 - 2.0 * (size - 1.0) * icc / (n - 2.0)


def two_arm_design_effect(size: float, icc: float) -> float:
    """η = 1 + (n − 1)ρ: by how much clusters in both arms inflate the variance of a difference in means."""
    return 1.0 + (size - 1.0) * icc


def correct_two_arms(g: float, n_treated: float, n_comparison: float, size: float, icc: float) -> TwoArmEffectSize:
    """g·√(1 − 2(n − 1)ρ/(N − 2)) with variance (1/N_T + 1/N_C)·η + g²/(2h).

    g : from the pooled standard deviation of students, clusters ignored
    """
    n = n_treated + n_comparison
    corrected = g * math.sqrt(two_arm_shrinkage(n, size, icc))
    df = two_arm_degrees(n, size, icc)
    noise = (1.0 / n_treated + 1.0 / n_comparison) * two_arm_design_effect(size, icc)
    return TwoArmEffectSize(corrected, noise + corrected**2 / (2.0 * df), df)


def correct_test(t: float, n: float, n_clusters: float, icc: float) -> CorrectedTest:
    """The t of a test that took students for independent though whole clusters were in one arm.

    t · √([(N − 2) − 2(N/M − 1)ρ] / [(N − 2)(1 + (N/M − 1)ρ)]) with h degrees of freedom.
    """
    size = n / n_clusters
    ratio = two_arm_shrinkage(n, size, icc) / two_arm_design_effect(size, icc)
    statistic, df = t * math.sqrt(ratio), two_arm_degrees(n, size, icc)
    return CorrectedTest(statistic, df, float(2.0 * stdtr(df, -abs(statistic))))
