"""Draws of a fixed number with unequal probabilities, and the odds behind them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import logit

from mentoreval.numerics.nested_variance import nested_variance
from mentoreval.numerics.one_arm import intraclass_correlation
from mentoreval.numerics.unequal_draws import draw_cells, tilt


def test_odds_keep_their_ratios_and_probabilities_add_up() -> None:
    rng = np.random.default_rng(1)
    linear, cell, number = 2 * rng.normal(size=300), rng.integers(0, 4, 300), np.array([5, 40, 0, 60])
    p = tilt(linear, cell, number)
    np.testing.assert_allclose(np.bincount(cell, p), number, atol=1e-6)
    for one in (0, 1, 3):
        np.testing.assert_allclose(np.ptp((logit(p) - linear)[cell == one]), 0, atol=1e-9)


def test_everybody_and_nobody() -> None:
    cell, number = np.array([0, 0, 1, 1, 1]), np.array([2, 0])
    p = tilt(np.zeros(5), cell, number)
    assert p.tolist() == [1, 1, 0, 0, 0]
    assert draw_cells(p, cell, number, np.random.default_rng(1)).tolist() == [True, True, False, False, False]


def test_every_cell_has_its_number_and_every_unit_its_probability() -> None:
    rng = np.random.default_rng(2)
    linear, cell, number = rng.normal(size=60), rng.permutation(np.repeat([0, 1, 3], 20)), np.array([3, 11, 0, 20])
    p = tilt(linear, cell, number)
    drawn = np.array([draw_cells(p, cell, number, rng) for _ in range(8000)])
    assert (np.array([np.bincount(cell, one, minlength=4) for one in drawn]) == number).all()
    error = np.sqrt(p * (1 - p) / 8000)
    assert (np.abs(drawn.mean(axis=0) - p) <= 4 * error + 1e-12).all()


def test_no_units_at_all() -> None:
    nothing = np.zeros(0, dtype=np.int64)
    assert (
        draw_cells(tilt(np.zeros(0), nothing, np.array([0])), nothing, np.array([0]), np.random.default_rng(1)).size
        == 0
    )


def test_variance_between_clusters_of_one_block_is_that_of_the_one_way_analysis() -> None:
    rng = np.random.default_rng(3)
    cluster = rng.integers(0, 15, 200)
    values = rng.normal(size=15)[cluster] + rng.normal(size=200)
    found = nested_variance(values, cluster, np.zeros(200, dtype=np.int64))
    sizes = np.bincount(cluster)
    means = np.bincount(cluster, values) / sizes
    within = np.sum((values - means[cluster]) ** 2) / (200 - 15)
    assert intraclass_correlation(values, cluster) == pytest.approx(found / (found + within))


def test_differences_between_blocks_are_not_between_clusters() -> None:
    """Two blocks of two clusters of two: within 2, between clusters 25 · 2 / 1 in each block."""
    block, cluster = np.repeat([0, 1], 4), np.repeat([0, 1, 2, 3], 2)
    values = np.array([-1.0, 1, 4, 6, 99, 101, 104, 106])
    assert nested_variance(values, cluster, block) == pytest.approx((2 * (2 * 2.5**2) * 2 / 2 - 2) / 2)
    assert nested_variance(values, block, block) == 0
    assert nested_variance(values, np.arange(8), block) == 0
