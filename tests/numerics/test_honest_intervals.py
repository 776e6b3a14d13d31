"""Intervals where trends part: the numbers of R's HonestDiD on its own data, closed forms, and a brute-force twin.

Data and expected values: HonestDiD 0.2.8 under R 4.5.2, BCdata_EventStudy (Benzarti & Carloni 2019, profits), four
periods before and four after; the conditional test and the fixed-length intervals as recorded by StatsPAI (MIT), the
hybrid of the average effect on a grid of 10,000 points as recorded by did_methods. HonestDiD reports points of its
grid, draws the first-stage critical value 1,000 times and the folded normal quantile at random.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import chndtrix
from scipy.stats import foldnorm, norm

from mentoreval.numerics.honest_intervals import (
    Trajectory,
    folded_quantile,
    relative_breakdown,
    relative_magnitudes,
    smoothness,
    smoothness_breakdown,
)

BETA = np.array([
    0.00669635180383921, 0.0293450336903334, -0.00647297222167253, 0.0730149894952774,
    0.195961117744446, 0.312063902616501, 0.239541545510292, 0.126042500138283,
])  # fmt: skip
LOWER = [
    [0.000842835812363774],
    [0.00047686867765151, 0.000642542028799653],
    [0.000261805107584223, 0.000398742500692606, 0.000522994960192591],
    [0.000235422034165822, 0.00024355151981581, 0.000211768609005958, 0.000308959541143849],
    [0.000167637146660127, 0.000220196030568331, 0.000184072225238197, 0.000119786607683636, 0.000359970435965806],
    [0.000112870766315609, 0.00018045911565423, 0.000145852784044109, 0.000133408131659962, 0.000247881864197552,
     0.000426394981332123],
    [1.99281621462433e-05, 3.84376508009154e-05, 7.00519740348682e-05, 0.000101633500889875, 0.000174957924173214,
     0.000217143780901097, 0.000488669786136597],
    [-0.000136826536618173, -2.96042198897339e-05, 5.95299497945234e-05, 0.000107905172626488, 0.000165425692102872,
     0.000289274787064642, 0.000380532204871997, 0.000761739443987608],
]  # fmt: skip
SIGMA = np.array([[LOWER[max(i, j)][min(i, j)] for j in range(8)] for i in range(8)])
FIRST, AVERAGE = np.array([1.0, 0, 0, 0]), np.full(4, 0.25)


def profits(target: np.ndarray) -> Trajectory:
    return Trajectory(BETA, SIGMA, 4, target)


@pytest.mark.parametrize(
    ("target", "size", "low", "high"),
    [
        (FIRST, 0.0, 0.159151943866762, 0.232840433389798),
        (FIRST, 0.5, 0.118889160931495, 0.270824190875899),
        (FIRST, 1.0, 0.0672312507503984, 0.317924050158664),
        (AVERAGE, 0.0, 0.184149669339541, 0.252719795734687),
        (AVERAGE, 0.5, 0.0689235806549147, None),  # R's upper limits are the end of its grid from here on
        (AVERAGE, 1.0, -0.0682166721353771, None),
    ],
)
def test_the_conditional_test_equals_honestdid_up_to_its_grid(target, size, low, high):
    data = profits(target)
    step = 40 * data.std_error / 999
    found = relative_magnitudes(data, size, first_stage=0.0)
    assert 0 <= low - found[0] <= step
    if high is not None:
        assert 0 <= found[1] - high <= step


@pytest.mark.parametrize(
    ("size", "low", "high"),
    [(0.5, 0.06775439808538886, 0.3691913893670205), (1.0, -0.06968617947647976, 0.506631966928889)],
)
def test_the_hybrid_equals_honestdid_up_to_its_draws(size, low, high):
    # Its 0.995 quantile of 1,000 draws has a standard error of about 0.14, which moves limits by about 2e-4.
    assert relative_magnitudes(profits(AVERAGE), size) == pytest.approx((low, high), abs=4e-4)


def test_parallel_trends_give_the_usual_interval():
    """With size 0 the two stages are two-sided normal tests, of 0.5 % and of the rest of the 5 %."""
    data = profits(AVERAGE)
    half = norm.isf(0.025) * data.std_error
    found = relative_magnitudes(data, 0.0, first_stage=0.0)
    assert found == pytest.approx((data.point - half, data.point + half), abs=1e-7)
    assert relative_magnitudes(data, 0.0) == pytest.approx(found, abs=0.01 * half)


def test_one_period_after_the_start():
    data = Trajectory(BETA[:5], SIGMA[:5, :5], 4, np.ones(1))
    small, large = relative_magnitudes(data, 0.5), relative_magnitudes(data, 1.0)
    assert large[0] < small[0] < data.point < small[1] < large[1]


def test_a_confidence_set_holds_what_is_identified():
    """With exact estimates only the interval of point ± M̄ · Σ reach · largest step is left (M̄ ≤ 1: step 0.0795)."""
    data = Trajectory(BETA, SIGMA * 1e-12, 4, AVERAGE)
    reach = np.array([1.0, 0.75, 0.5, 0.25]).sum() * 0.5 * np.abs(np.diff([*BETA[:4], 0.0])).max()
    assert relative_magnitudes(data, 0.5) == pytest.approx((data.point - reach, data.point + reach), abs=1e-6)


@pytest.mark.parametrize(
    ("target", "size", "low", "high"),
    [
        (FIRST, 0.0, 0.131411315937022, 0.216169648182799),
        (FIRST, 0.01, 0.154965267080773, 0.27038453032652),
        (FIRST, 0.02, 0.177301087900198, 0.315956468194821),
        (AVERAGE, 0.0, 0.133193369303247, 0.230362614090703),
        (AVERAGE, 0.01, 0.124138265521726, 0.368035364887987),
        (AVERAGE, 0.02, 0.113901858858792, 0.476743542104818),
    ],
)
def test_fixed_length_intervals_equal_honestdid_up_to_its_draws(target, size, low, high):
    assert smoothness(profits(target), size) == pytest.approx((low, high), abs=1e-3)


@pytest.mark.parametrize("size", [0.0, 0.003, 0.01, 0.05])
def test_no_straight_estimator_has_a_shorter_interval(size):
    """Worst bias by enumerating the bends, variance by its definition; minimized over all weights without a line."""
    data = profits(AVERAGE)
    time_of = np.array([-4.0, -3, -2, -1, 1, 2, 3, 4])

    def half(free: np.ndarray) -> float:
        weights = np.concatenate([free, [0.0], AVERAGE])
        weights[3] = weights @ time_of  # what is left of the line, at time −1
        pulls = [weights @ np.maximum(time_of - k, 0) for k in (1, 2, 3)]
        pulls += [weights @ np.maximum(k - time_of, 0) for k in (0, -1, -2, -3)]
        spread = np.sqrt(weights @ SIGMA @ weights)
        return float(spread * np.sqrt(chndtrix(0.95, 1, (size * np.abs(pulls).sum() / spread) ** 2)))

    starts = (np.zeros(3), np.full(3, 0.5), np.array([0.2, -0.3, 0.1]))
    best = min(
        minimize(half, start, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-13, "maxiter": 20_000}).fun
        for start in starts
    )
    low, high = smoothness(data, size)
    assert (high - low) / 2 == pytest.approx(best, rel=1e-6)


def test_straight_trends_are_taken_off_by_least_squares():
    """With M = 0 the interval is that of the weighted regression on a line before and effects after."""
    data = profits(FIRST)
    line = np.array([-4.0, -3, -2, -1, 1, 2, 3, 4])[:, None]
    X = np.hstack([line, np.vstack([np.zeros((4, 4)), np.eye(4)])])
    precision = np.linalg.inv(SIGMA)
    variance = np.linalg.inv(X.T @ precision @ X)
    effect = (variance @ X.T @ precision @ BETA)[1]
    half = norm.isf(0.025) * np.sqrt(variance[1, 1])
    assert smoothness(data, 0.0) == pytest.approx((effect - half, effect + half), abs=1e-9)


def test_breakdown_values_are_where_intervals_reach_zero():
    data = profits(FIRST)
    relative, bend = relative_breakdown(data), smoothness_breakdown(data)
    assert relative_magnitudes(data, relative * 0.999)[0] > 0 > relative_magnitudes(data, relative * 1.001)[0]
    assert smoothness(data, bend * 0.999)[0] > 0 > smoothness(data, bend * 1.001)[0]
    mirrored = Trajectory(-BETA, SIGMA, 4, FIRST)
    assert relative_breakdown(mirrored) == pytest.approx(relative, rel=1e-3)


@pytest.mark.parametrize("mean", [0.0, 0.3, 2.0, 15.0, 30.0])
def test_the_folded_quantile_is_scipys(mean):
    value, slope = folded_quantile(mean, 0.05)
    assert value == pytest.approx(foldnorm.ppf(0.95, mean), rel=1e-9)
    ahead, behind = foldnorm.ppf(0.95, mean + 1e-4), foldnorm.ppf(0.95, max(mean - 1e-4, 0.0))
    assert slope == pytest.approx((ahead - behind) / (1e-4 + min(mean, 1e-4)), abs=1e-3)


@pytest.mark.slow
def test_the_hybrid_covers_the_effect_at_the_edge_of_what_it_allows():
    """Trends that step by exactly the worst step before: 95 % intervals hold the effect in at least 95 % of draws."""
    rng = np.random.default_rng(5)
    vcov = 0.04 * (np.eye(4) + 1)
    truth = np.array([-0.2, 0.0, 0.2, 0.4])
    draws = rng.multivariate_normal(truth, vcov, 300)
    held = [
        low <= 0 <= high
        for low, high in (relative_magnitudes(Trajectory(d, vcov, 2, np.array([1.0, 0.0])), 1.0) for d in draws)
    ]
    assert np.mean(held) > 0.95 - 3 * np.sqrt(0.05 * 0.95 / 300)
