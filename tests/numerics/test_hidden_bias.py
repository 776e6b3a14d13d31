"""E-values, Oster's δ and Rosenbaum's Γ against worked numbers, a world with known selection, and enumeration."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from scipy import stats

from mentoreval.numerics.hidden_bias import (
    Movement,
    critical_gamma,
    e_value,
    e_value_of_interval,
    hodges_lehmann_bounds,
    oster_delta,
    risk_ratio_of_g,
    signed_rank_p,
)


def test_e_values_of_the_paper():
    # VanderWeele and Ding (2017): a risk ratio of 3.9 [1.8, 8.7] has E-values 7.26 and 3.0.
    assert e_value(3.9) == pytest.approx(7.26, abs=0.005)
    assert e_value_of_interval(1.8, 8.7) == pytest.approx(3.0, abs=0.005)
    assert e_value(1 / 3.9) == pytest.approx(e_value(3.9))
    assert e_value_of_interval(0.8, 1.1) == 1
    assert e_value_of_interval(0.5, 0.8) == e_value(1 / 0.8)


def test_a_standardized_difference_as_a_risk_ratio():
    assert risk_ratio_of_g(0.42, 0.14) == pytest.approx(
        (math.exp(0.91 * 0.42), math.exp(0.91 * 0.42 - 1.78 * 0.14), math.exp(0.91 * 0.42 + 1.78 * 0.14))
    )


def selected_as(strength: float) -> tuple[Movement, float, float]:
    """Population moments where hidden selection is ``strength`` times that on the covariate; R² of all; the truth.

    x = w1 + a·w2 + v and y = truth·x + w1 + w2, w1 and w2 independent, so that cov(x, w2) / var(w2) is strength times
    cov(x, w1) / var(w1), which is 1.
    """
    truth, var1, var2, var_v, var_e = 0.7, 1.3, 0.8, 2.0, 0.5
    var_x = var1 + strength**2 * var2 + var_v
    cov_xy = truth * var_x + var1 + strength * var2
    var_y = truth**2 * var_x + var1 + var2 + var_e + 2 * truth * (var1 + strength * var2)
    left = var_x - var1
    full = truth + strength * var2 / left
    hidden = var2 - (strength * var2) ** 2 / left
    r2_full = 1 - (hidden + var_e) / var_y
    short = cov_xy / var_x
    return Movement(short, full, cov_xy**2 / (var_x * var_y), r2_full, var_y, var_x, left), 1.0 - var_e / var_y, truth


@pytest.mark.parametrize("strength", [1.0, 0.5, 2.0, -0.8])
def test_delta_finds_the_strength_of_hidden_selection(strength):
    moved, r2_max, truth = selected_as(strength)
    assert oster_delta(moved, r2_max, truth) == pytest.approx(strength)


def pairs(seed: int = 4, n: int = 40) -> np.ndarray:
    return np.round(np.random.default_rng(seed).normal(0.4, 1, n), 1)


def test_without_hidden_selection_the_signed_rank_test_is_wilcoxons():
    differences = pairs()
    expected = stats.wilcoxon(differences, alternative="greater", correction=False, method="approx").pvalue
    assert signed_rank_p(differences) == pytest.approx(expected, rel=0.02)  # scipy corrects the variance for ties


def test_the_largest_p_value_is_that_of_an_enumeration():
    differences = np.array([1.5, -0.4, 2.2, 0.9, 3.1, -1.1, 0.7, 2.9, 1.8, 0.3])
    ranks = stats.rankdata(np.abs(differences))
    observed, gamma = ranks[differences > 0].sum(), 1.5
    chance = gamma / (1 + gamma)
    exact = sum(
        np.prod(np.where(signs, chance, 1 - chance))
        for signs in map(np.array, product([False, True], repeat=10))
        if ranks[signs].sum() >= observed
    )
    assert signed_rank_p(differences, gamma) == pytest.approx(exact, abs=0.02)


def test_the_critical_gamma_is_where_the_p_value_passes_alpha():
    differences = pairs(n=200)
    gamma = critical_gamma(differences)
    assert gamma > 1
    assert signed_rank_p(differences, gamma) == pytest.approx(0.025, abs=1e-5)
    assert critical_gamma(-differences) == pytest.approx(gamma)
    assert critical_gamma(np.array([1.0, -1.0, 2.0, -2.0])) == 1
    assert critical_gamma(np.zeros(5)) == 1


def test_hodges_lehmann_bounds_open_with_gamma_around_the_median_of_walsh_averages():
    differences = pairs()
    walsh = np.add.outer(differences, differences)[np.triu_indices(len(differences))] / 2
    low, high = hodges_lehmann_bounds(differences, 1.0)
    assert low == pytest.approx(np.median(walsh), abs=0.03)
    assert high == pytest.approx(low, abs=1e-6)
    wide = hodges_lehmann_bounds(differences, 2.0)
    assert wide[0] < low < wide[1]
