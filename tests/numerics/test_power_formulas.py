"""Formulas of power, against what PowerUp! and its R package publish, against closed forms, and against drawing."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from mentoreval.numerics.power import (
    before_after_variance,
    blocked_variance,
    clustered_variance,
    detectable,
    detection_power,
    individual_variance,
    one_arm_parts,
    satterthwaite,
)

DRAWS = 20_000
FAR = 4.0
"""Standard errors of a simulated share beyond which it counts as another: chance goes as far once in 16,000 tests."""


def found(statistic: np.ndarray, df: float | np.ndarray) -> float:
    """Share of two-sided t tests at .05 that reject."""
    return float(np.mean(np.abs(statistic) > stats.t.ppf(0.975, df)))


def two_sample(treated: np.ndarray, comparison: np.ndarray) -> np.ndarray:
    """(draws,) pooled t statistics of (draws, n) arms."""
    n, m = treated.shape[1], comparison.shape[1]
    squares = treated.var(axis=1) * n + comparison.var(axis=1) * m
    error = np.sqrt(squares / (n + m - 2) * (1 / n + 1 / m))
    return (treated.mean(axis=1) - comparison.mean(axis=1)) / error


def near(simulated: float, expected: float, draws: int = DRAWS) -> bool:
    return abs(simulated - expected) < FAR * math.sqrt(expected * (1 - expected) / draws)


# ------------------------------------------------------------------ published numbers
# mdes.* and power.* of PowerUpR 1.1.0 (examples of its manual, with what they print), and Dong and Maynard (2013).
@pytest.mark.parametrize(
    ("variance", "df", "error", "mdes"),
    [
        (individual_variance(250, 0.5), 248, 0.126, 0.356),  # mdes.ira(n = 250)
        (blocked_variance(20, 15, 0.5, 0, 0, 0, 0), 279, 0.115, 0.325),  # mdes.bira2c1(n = 15, J = 20)
        (clustered_variance(20, 15, 0.5, 0.17), 18, 0.212, 0.629),  # mdes.cra2r2(rho2 = .17, n = 15, J = 20)
    ],
)
def test_standard_errors_and_smallest_effects_are_those_of_powerup(variance, df, error, mdes):
    assert round(math.sqrt(variance), 3) == error
    assert round(detectable(math.sqrt(variance), df, 0.8, 0.05), 3) == mdes


def test_an_effect_that_varies_between_blocks_is_that_of_powerup():
    """mdes.bira2r1(rho2 = .17, omega2 = .50, n = 15, J = 20) is .366."""
    variance = blocked_variance(20, 15, 0.5, 0.17, 0.5, 0, 0)
    assert round(detectable(math.sqrt(variance), 19, 0.8, 0.05), 3) == 0.366


def test_covariates_at_both_levels_are_those_of_dong_and_maynard():
    """Their example of model CRA2_2: rho .15, R² .40 and .53, one covariate, 40 clusters of 100: .250."""
    variance = clustered_variance(40, 100, 0.5, 0.15, 0.40, 0.53)
    assert round(detectable(math.sqrt(variance), 37, 0.8, 0.05), 3) == 0.250


@pytest.mark.parametrize(("size", "rho"), [(5, 0.1), (3, 0.25), (1, 0.0)])
def test_one_arm_clusters_are_those_of_lohr_schochet_and_sanders(size, rho):
    """PowerUpR's ira_pn after Lohr et al. (2014), which is in standard deviations of the comparison."""
    n, p = 250, 0.4
    treated, comparison = n * p, n * (1 - p)
    effect_of_design = 1 + rho * (1 - p) * (size - 1) / (1 - p * rho)
    theirs = 1 / (n * p * (1 - p)) * (1 - p * rho) / (1 - rho) * effect_of_design
    parts = one_arm_parts(treated / size, size, comparison, rho)
    assert sum(parts) / (1 - rho) == pytest.approx(theirs, rel=1e-12)
    clusters, ratio = treated / size, 1 / size + rho / (1 - rho)
    df = ((comparison - 1) * (clusters - 1) * (clusters + comparison * ratio) ** 2) / (
        (clusters - 1) * clusters**2 + (comparison - 1) * comparison**2 * ratio**2
    )
    assert satterthwaite(parts, (clusters - 1, comparison - 1)) == pytest.approx(df, rel=1e-12)


@pytest.mark.parametrize(("mentors", "size", "comparison", "rho"), [(20, 5, 100, 0.1), (12, 3, 300, 0.2)])
def test_one_arm_clusters_have_the_design_effect_of_hedges_and_citkowicz(mentors, size, comparison, rho):
    treated = mentors * size
    eta = 1 + (size * comparison / (treated + comparison) - 1) * rho
    assert sum(one_arm_parts(mentors, size, comparison, rho)) == pytest.approx((1 / treated + 1 / comparison) * eta)


def test_power_is_that_of_the_noncentral_t():
    """Where scipy's distribution gives an answer, and where it gives none far from the centre."""
    for df, effect in [(5, 1.0), (18, 2.96), (100, 0.5), (18, 0.0)]:
        limit = stats.t.ppf(0.975, df)
        expected = stats.nct.sf(limit, df, effect) + stats.nct.cdf(-limit, df, effect)
        assert detection_power(effect, 1.0, df, 0.05) == pytest.approx(expected, abs=1e-10)
        assert detection_power(-effect, 1.0, df, 0.05) == pytest.approx(expected, abs=1e-10)
    for df in (3, 40, 2000, 99_999, math.inf):
        assert detection_power(60.0, 1.0, df, 0.05) == pytest.approx(1.0)


def test_many_degrees_of_freedom_are_the_normal_distribution():
    assert detectable(1.0, math.inf, 0.8, 0.05) == pytest.approx(2.8015852, abs=1e-6)
    assert detectable(1.0, 99_000, 0.8, 0.05) == pytest.approx(detectable(1.0, math.inf, 0.8, 0.05), abs=1e-4)
    assert detection_power(2.0, 1.0, 99_000, 0.05) == pytest.approx(detection_power(2.0, 1.0, math.inf, 0.05), abs=1e-4)


# ------------------------------------------------------------------ before and after
@pytest.mark.parametrize(("before", "after"), [(1, 1), (3, 1), (4, 6)])
@pytest.mark.parametrize("serial", [-0.4, 0.0, 0.5, 0.9])
def test_change_over_time_is_equation_2_of_burlig_preonas_and_woerman(before, after, serial):
    """From mean covariances of pairs of periods before, after, and across, by loops."""
    old, new = range(before), range(before, before + after)

    def mean_of(pairs):
        return float(np.mean([serial ** abs(s - t) for s, t in pairs] or [0.0]))

    within_old = mean_of([(s, t) for s in old for t in old if s != t])
    within_new = mean_of([(s, t) for s in new for t in new if s != t])
    across = mean_of([(s, t) for s in old for t in new])
    expected = (
        1 / before + 1 / after + (before - 1) / before * within_old + (after - 1) / after * within_new - 2 * across
    )
    assert before_after_variance(before, after, 0.0, serial) == pytest.approx(expected, rel=1e-12)


def test_what_lasts_cancels():
    """Equal correlation ρ between all periods: (1/m + 1/r)(1 − ρ); one period before and after: 2(1 − r)."""
    assert before_after_variance(4, 2, 0.6, 0.0) == pytest.approx((1 / 4 + 1 / 2) * 0.4)
    correlation = 0.3 + 0.7 * 0.5
    assert before_after_variance(1, 1, 0.3, 0.5) == pytest.approx(2 * (1 - correlation))


# ------------------------------------------------------------------ against drawing
def test_power_of_individual_and_blocked_plans_is_what_drawing_gives():
    rng = np.random.default_rng(1)
    treated, comparison = rng.normal(0.6, 1, (DRAWS, 20)), rng.normal(0, 1, (DRAWS, 30))
    expected = detection_power(0.6, math.sqrt(individual_variance(50, 0.4)), 48, 0.05)
    assert near(found(two_sample(treated, comparison), 48), expected)

    draws, schools, half, icc, omega = 8000, 10, 6, 0.3, 0.5
    effects = rng.normal(0.5, math.sqrt(icc * omega), (draws, schools, 1))
    noise = rng.normal(0, math.sqrt(1 - icc), (draws, schools, 2 * half))
    gaps = (effects + noise[..., :half]).mean(axis=2) - noise[..., half:].mean(axis=2)
    statistic = gaps.mean(axis=1) / (gaps.std(axis=1, ddof=1) / math.sqrt(schools))
    expected = detection_power(0.5, math.sqrt(blocked_variance(schools, 2 * half, 0.5, icc, omega, 0, 0)), 9, 0.05)
    assert near(found(statistic, schools - 1), expected, draws)


def test_power_of_whole_schools_is_what_drawing_gives():
    rng, draws, schools, size, icc = np.random.default_rng(2), 6000, 12, 8, 0.2
    students = rng.normal(0, math.sqrt(icc), (draws, schools, 1)) + rng.normal(
        0, math.sqrt(1 - icc), (draws, schools, size)
    )
    means = students.mean(axis=2)
    expected = detection_power(0.9, math.sqrt(clustered_variance(schools, size, 0.5, icc)), schools - 2, 0.05)
    assert near(found(two_sample(means[:, :6] + 0.9, means[:, 6:]), schools - 2), expected, draws)


def test_power_with_mentors_in_one_arm_is_what_drawing_gives():
    rng, draws, mentors, size, alone, icc = np.random.default_rng(3), 10_000, 12, 4, 60, 0.25
    mentees = rng.normal(0, math.sqrt(icc), (draws, mentors, 1)) + rng.normal(
        0, math.sqrt(1 - icc), (draws, mentors, size)
    )
    means, others = mentees.mean(axis=2) + 0.6, rng.normal(0, math.sqrt(1 - icc), (draws, alone))
    parts = one_arm_parts(mentors, size, alone, icc)
    differences = means.mean(axis=1) - others.mean(axis=1)
    assert np.var(differences) == pytest.approx(sum(parts), rel=FAR * math.sqrt(2 / draws))
    own, other = means.var(axis=1, ddof=1) / mentors, others.var(axis=1, ddof=1) / alone
    df = (own + other) ** 2 / (own**2 / (mentors - 1) + other**2 / (alone - 1))
    expected = detection_power(0.6, math.sqrt(sum(parts)), satterthwaite(parts, (mentors - 1, alone - 1)), 0.05)
    satterthwaite_is_near = 0.01
    assert found(differences / np.sqrt(own + other), df) == pytest.approx(expected, abs=satterthwaite_is_near)


def changes(rng, draws, units, before, after, lasting, serial):
    """(draws, units) mean after the start less mean before it, of what lasts and an AR(1)."""
    rest = np.empty((draws, units, before + after))
    rest[..., 0] = rng.normal(0, 1, (draws, units))
    for period in range(1, before + after):
        rest[..., period] = serial * rest[..., period - 1] + rng.normal(0, math.sqrt(1 - serial**2), (draws, units))
    outcome = math.sqrt(lasting) * rng.normal(0, 1, (draws, units, 1)) + math.sqrt(1 - lasting) * rest
    return outcome[..., before:].mean(axis=2) - outcome[..., :before].mean(axis=2)


@pytest.mark.parametrize("serial", [0.0, 0.6])
def test_power_of_differences_in_differences_is_what_drawing_gives(serial):
    rng, draws, units = np.random.default_rng(4), 6000, 20
    change = changes(rng, draws, units, 3, 2, 0.4, serial)
    variance = individual_variance(units, 0.5) * before_after_variance(3, 2, 0.4, serial)
    expected = detection_power(0.7, math.sqrt(variance), units - 2, 0.05)
    assert near(found(two_sample(change[:, :10] + 0.7, change[:, 10:]), units - 2), expected, draws)


@pytest.mark.slow
@pytest.mark.parametrize("r2_schools", [0.0, 0.6])
def test_power_with_covariates_at_both_levels_is_what_drawing_gives(r2_schools):
    """Schools' means regressed on arm and the schools' mean of a covariate; a covariate of students is taken out."""
    rng, draws, schools, size, icc, r2 = np.random.default_rng(5), 20_000, 16, 10, 0.2, 0.5
    fact = rng.normal(0, 1, (draws, schools))
    school = math.sqrt(r2_schools) * fact + math.sqrt(1 - r2_schools) * rng.normal(0, 1, (draws, schools))
    rest = rng.normal(0, math.sqrt((1 - r2) / size), (draws, schools))
    arm = np.tile(np.repeat([1.0, 0.0], schools // 2), (draws, 1))
    means = 0.7 * arm + math.sqrt(icc) * school + math.sqrt(1 - icc) * rest
    matrix = np.stack([np.ones_like(arm), arm, fact], axis=2)
    inverse = np.linalg.inv(matrix.transpose(0, 2, 1) @ matrix)
    beta = inverse @ (matrix.transpose(0, 2, 1) @ means[..., None])
    free = schools - 3
    spread = ((means[..., None] - matrix @ beta) ** 2).sum(axis=(1, 2)) / free
    statistic = beta[:, 1, 0] / np.sqrt(spread * inverse[:, 1, 1])
    # Chance imbalance of the covariate widens the variance by about 1/(df − 1), which the formula leaves out.
    variance = clustered_variance(schools, size, 0.5, icc, r2, r2_schools) * (1 + 1 / (free - 1))
    assert found(statistic, free) == pytest.approx(detection_power(0.7, math.sqrt(variance), free, 0.05), abs=0.015)
