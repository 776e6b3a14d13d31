"""Weights of synthetic difference-in-differences: the optimum of a general solver, and what they must do."""

from __future__ import annotations

import numpy as np
import pytest

from mentoreval.numerics.synthetic_did import (
    frank_wolfe,
    leave_one_out,
    noise_level,
    partial_out,
    simplex_weights,
    synthesize,
)
from tests.twins.synthetic_weights import weights_by_slsqp

RATE = 2e-4
"""Share by which 20,000 steps may miss the optimum where it lies on a face of the simplex."""


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_frank_wolfe_finds_the_optimum_of_a_general_solver(seed: int, intercept: bool) -> None:
    """Frank–Wolfe nears the optimum as one over the number of steps, and comes from above."""
    rng = np.random.default_rng(seed)
    A, b, ridge = rng.normal(size=(12, 7)) + 3.0, rng.normal(size=12) + 3.0, 0.8
    gaps = A - b[:, None]
    gaps = gaps - gaps.mean(axis=0) if intercept else gaps
    H = gaps.T @ gaps + 12 * ridge**2 * np.eye(7)
    found, best = frank_wolfe(H, np.full(7, 1 / 7), -1.0, 20_000), weights_by_slsqp(A, b, ridge, intercept)
    assert -1e-9 < found @ H @ found / (best @ H @ best) - 1 < RATE
    assert found.sum() == pytest.approx(1.0, abs=1e-12)
    assert (found >= 0).all()


def test_all_weight_in_one_place_is_found_at_once() -> None:
    """A first column that is the target itself, and no ridge to speak of."""
    b = np.array([1.0, 4.0, 2.0])
    A = np.column_stack([b, b[::-1], [9.0, 0.0, 0.0]])
    np.testing.assert_allclose(simplex_weights(A, b, 0.0, 1.0, np.full(3, 1 / 3)), [1.0, 0.0, 0.0], atol=1e-12)


def test_the_ridge_spreads_the_weights() -> None:
    rng = np.random.default_rng(3)
    A, b, start = rng.normal(size=(10, 5)), rng.normal(size=10), np.full(5, 0.2)
    spread = [simplex_weights(A, b, ridge, 1.0, start).max() for ridge in (0.01, 1.0, 100.0)]
    assert spread[0] > spread[1] > spread[2]
    assert spread[2] == pytest.approx(0.2, abs=1e-3)


def test_noise_is_the_spread_of_changes() -> None:
    before = np.array([[1.0, 2.0, 4.0], [0.0, 3.0, 3.0]])  # changes 1, 2, 3, 0
    assert noise_level(before) == pytest.approx(np.sqrt((0.25 + 0.25 + 2.25 + 2.25) / 3))
    assert noise_level(before[:, :1]) == 0.0


def test_one_period_before_leaves_nothing_to_weigh_by() -> None:
    donors, treated = np.array([[1.0, 5.0], [2.0, 7.0], [4.0, 9.0]]), np.array([9.0, 9.0])
    found = synthesize(donors, treated, 1, 1, np.full(3, 1 / 3), "synthetic_did")
    np.testing.assert_allclose(found.unit, 1 / 3)
    np.testing.assert_allclose(found.contrast(2), [-1.0, 1.0])


def test_leaving_one_out_keeps_the_others_in_proportion() -> None:
    found = leave_one_out(np.array([1.0, 2.0, 6.0]), np.array([0.5, 0.25, 0.25]))
    np.testing.assert_allclose(found, [(0.25 * 2 + 0.25 * 6) / 0.5, (0.5 + 1.5) / 0.75, (0.5 + 0.5) / 0.75])
    assert np.isnan(leave_one_out(np.array([1.0, 2.0]), np.array([1.0, 0.0]))[0])


def test_covariates_are_taken_out_with_the_coefficients_of_the_free() -> None:
    """Outcomes that are unit + period + 2x + 3z among the free leave no trace of x and z there."""
    rng = np.random.default_rng(4)
    X, unit, period = rng.normal(size=(6, 5, 2)), rng.normal(size=(6, 1)), rng.normal(size=5)
    y = unit + period + X @ np.array([2.0, 3.0])
    y[4:] += 7.0 * X[4:, :, 0]  # those not free have other coefficients, which must not matter
    left = partial_out(y, X, np.arange(4))
    np.testing.assert_allclose(left[:4], (unit + period)[:4], atol=1e-10)
