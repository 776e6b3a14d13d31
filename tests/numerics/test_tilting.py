"""Tilting factors and exponential tilts on numbers that can be worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from mentoreval.aliases import Estimand
from mentoreval.numerics.tilting import tilt_to, tilting_weights


@pytest.mark.parametrize(
    ("estimand", "treated", "other"),
    [("ATE", 4.0, 4 / 3), ("ATT", 1.0, 1 / 3), ("ATC", 3.0, 1.0), ("ATO", 0.75, 0.25)],
)
def test_factors_of_a_score_of_a_quarter(estimand: Estimand, treated: float, other: float) -> None:
    found = tilting_weights(np.array([0.25, 0.25]), np.array([True, False]), estimand)
    np.testing.assert_allclose(found, [treated, other], rtol=1e-15)


def test_a_share_is_met_by_weighting_its_two_groups() -> None:
    """Of 4 rows 1 has the mark; to make the share ½ of a total of 8, it weighs 4 and the others 4/3 each."""
    Z = np.column_stack([np.ones(4), [1.0, 0, 0, 0]])
    tilt = tilt_to(Z, np.ones(4), np.array([8.0, 4.0]), total=8.0)
    assert tilt.converged
    np.testing.assert_allclose(tilt.weights, [4, 4 / 3, 4 / 3, 4 / 3], atol=1e-7)
    np.testing.assert_allclose(tilt.coefficients, [np.log(4 / 3), np.log(3)], atol=1e-7)


def test_a_target_that_is_met_at_the_start_changes_nothing() -> None:
    Z, base = np.ones((3, 1)), np.array([1.0, 2.0, 3.0])
    tilt = tilt_to(Z, base, np.array([6.0]), total=6.0)
    assert (tilt.converged, tilt.iterations) == (True, 0)
    np.testing.assert_array_equal(tilt.weights, base)


def test_many_random_targets_are_met_from_far_away() -> None:
    """Targets are the moments of other weights of the same rows, some of them a hundred times larger than others."""
    rng = np.random.default_rng(1)
    for _ in range(50):
        Z = np.column_stack([np.ones(300), rng.normal(size=(300, 4)), rng.exponential(size=300) ** 2])
        weights = np.exp(rng.normal(0, 1.5, 300)) * rng.choice([0.1, 10.0])
        target = weights @ Z
        tilt = tilt_to(Z, np.ones(300), target, total=weights.sum())
        assert tilt.converged
        np.testing.assert_allclose(tilt.weights @ Z, target, atol=1e-7 * weights.sum())


def test_a_target_outside_of_the_rows_is_said_not_to_be_met() -> None:
    Z = np.column_stack([np.ones(5), np.arange(5.0)])
    assert not tilt_to(Z, np.ones(5), np.array([1.0, 4.5]), total=1.0).converged
