"""Clusters in one arm: mentees share a mentor, comparison students share nobody.

Symbols of the What Works Clearinghouse and of Hedges & Citkowicz (2015): N students, N_T in the program and N_C in the
comparison, clusters of n students, ρ the share of the outcome's variance that lies between clusters (ICC). Effect
sizes g are differences in total standard deviations, with the small-sample factor of Hedges.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mentoreval.aliases import BoolArray, FloatArray, IntArray
from mentoreval.numerics.sandwich import cluster_sums


def two_arm_degrees(n: float, size: float, icc: float) -> float:
    """Degrees of freedom h of an effect size where both arms are clustered: n students, ``size`` in a cluster.

    WWC Procedures 5.0, equation E.21.
    """
    left, pairs = n - 2.0, n - 2.0 * size
    top = (left - 2.0 * (size - 1.0) * icc) ** 2
    return top / (left * (1.0 - icc) ** 2 + size * pairs * icc**2 + 2.0 * pairs * icc * (1.0 - icc))


def one_arm_shrinkage(n_treated: float, n_comparison: float, size: float, icc: float) -> float:
    """γ = 1 − (N_C + n − 2)ρ / (N − 2): the share of the total variance that pooled standard deviations show."""
    return 1.0 - (n_comparison + size - 2.0) * icc / (n_treated + n_comparison - 2.0)


def one_arm_design_effect(n_treated: float, n_comparison: float, size: float, icc: float) -> float:
    """η = 1 + (n·N_C/N − 1)ρ: by how much clusters in one arm inflate the variance of a difference in means."""
    return 1.0 + (size * n_comparison / (n_treated + n_comparison) - 1.0) * icc


def one_arm_degrees(n_treated: float, n_comparison: float, size: float, icc: float) -> float:
    """Degrees of freedom h of an effect size where only the treated are clustered."""
    left, rest = n_treated + n_comparison - 2.0, n_treated - size
    top = (left * (1.0 - icc) + rest * icc) ** 2
    return top / (left * (1.0 - icc) ** 2 + rest * size * icc**2 + 2.0 * rest * (1.0 - icc) * icc)


@dataclass(frozen=True)
class OneArmEffectSize:
    """An effect size corrected for clusters in one arm: g, its variance, and h."""

    g: float
    variance: float
    df: float


def correct_one_arm(
    g: float, n_treated: float, n_comparison: float, size: float, icc: float, *, adjusted: bool = False
) -> OneArmEffectSize:
    """g·√γ with variance (1/N_T + 1/N_C)·η + g²/(2h); Hedges & Citkowicz (2015), Behavior Research Methods 47.

    g : from the pooled standard deviation of students, clusters ignored
    adjusted : whether the test behind it took account of the clusters already: γ then stands for η
    """
    arms = (n_treated, n_comparison, size, icc)
    corrected = g * math.sqrt(one_arm_shrinkage(*arms))
    df = one_arm_degrees(*arms)
    inflation = one_arm_shrinkage(*arms) if adjusted else one_arm_design_effect(*arms)
    variance = (1.0 / n_treated + 1.0 / n_comparison) * inflation + corrected**2 / (2.0 * df)
    return OneArmEffectSize(corrected, variance, df)


@dataclass(frozen=True, eq=False)
class PartiallyNested:
    """Variances of a partially nested model, and what they make of k effects.

    vcov : (k, k)
    df : (k,) Satterthwaite
    between : variance between mentors, at least 0
    within : variance within mentors
    comparison : variance of the comparison students
    """

    vcov: FloatArray
    df: FloatArray
    between: float
    within: float
    comparison: float

    @property
    def icc(self) -> float:
        """Share of the variance of mentees that lies between mentors."""
        return self.between / (self.between + self.within)


def partially_nested(pull: FloatArray, residuals: FloatArray, treated: BoolArray, cluster: IntArray) -> PartiallyNested:
    """Variance of effects θ̂ = Σ a_i y_i when mentees share a mentor's effect and comparison students are alone.

    pull : (n, k) the a_i of each effect
    residuals : (n,)
    treated : (n,)
    cluster : (n,) codes of the mentor; those of comparison students are not used

    Variances are found by analysis of variance: σ²_W, the mean square within mentors; τ² = (MS_B − σ²_W)/n₀, not below
    0; σ²_C, that of the comparison. V is a sum of mean squares, so its degrees of freedom are Satterthwaite's, each
    with those of its own mean square.
    """
    codes = np.unique(cluster[treated], return_inverse=True)[1].astype(np.int64)
    found = _analysis_of_variance(residuals[treated], codes)
    alone = residuals[~treated]
    square_c, df_c = float(np.var(alone, ddof=1)), len(alone) - 1.0
    sums = cluster_sums(pull[treated], codes)
    own, shared, other = pull[treated].T @ pull[treated], sums.T @ sums, pull[~treated].T @ pull[~treated]
    parts: list[tuple[FloatArray, float]] = [(other * square_c, df_c)]
    if found.between > 0.0:
        shared = shared / found.typical_size
        parts += [
            ((own - shared) * found.square_within, found.df_within),
            (shared * found.square_between, found.df_between),
        ]
    else:
        parts.append((own * found.within, found.df_within + found.df_between))
    vcov = np.sum([part for part, _ in parts], axis=0)
    spread = np.sum([np.diag(part) ** 2 / df for part, df in parts], axis=0)
    total = np.diag(vcov) ** 2
    df = np.divide(total, spread, out=np.full(len(total), np.inf), where=spread > 0)
    return PartiallyNested(vcov, df, found.between, found.within, square_c)


@dataclass(frozen=True)
class _Anova:
    """Mean squares within and between clusters, their degrees of freedom, and the size n₀ of a typical cluster."""

    square_within: float
    square_between: float
    df_within: float
    df_between: float
    typical_size: float

    @property
    def between(self) -> float:
        """Variance between clusters, not below 0."""
        return max((self.square_between - self.square_within) / self.typical_size, 0.0)

    @property
    def within(self) -> float:
        """The mean square within, or where clusters differ no more than chance lets them, that of everything."""
        if self.between > 0.0:
            return self.square_within
        total = self.square_within * self.df_within + self.square_between * self.df_between
        return total / (self.df_within + self.df_between)


def intraclass_correlation(values: FloatArray, cluster: IntArray) -> float:
    """Share of the variance of values (n,) that lies between clusters, by one-way analysis of variance, at least 0.

    cluster : (n,) codes
    returns : NaN with fewer than two clusters, no cluster of two, or values that do not vary
    """
    codes = np.unique(cluster, return_inverse=True)[1].astype(np.int64)
    if len(codes) == 0 or codes.max() == 0 or codes.max() + 1 == len(codes):
        return math.nan
    found = _analysis_of_variance(values, codes)
    total = found.between + found.within
    return found.between / total if total > 0 else math.nan


def _analysis_of_variance(values: FloatArray, cluster: IntArray) -> _Anova:
    """One-way, for clusters of different sizes; cluster codes 0 … M − 1."""
    sizes = np.bincount(cluster).astype(float)
    n, m = len(values), len(sizes)
    means = np.bincount(cluster, values) / sizes
    within = float(np.sum((values - means[cluster]) ** 2))
    between = float(sizes @ (means - values.mean()) ** 2)
    typical = (n - float(sizes @ sizes) / n) / (m - 1)
    return _Anova(within / (n - m), between / (m - 1), float(n - m), float(m - 1), typical)
