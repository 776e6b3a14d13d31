"""Sums with random weights are those of the weights themselves, however they are drawn and added up."""

import numpy as np
import pytest

from mentoreval.numerics import draws
from mentoreval.numerics.draws import Multiplier, multiplier_blocks, weighted_sums

SHAPES = [(1, 1), (3, 2), (41, 5), (1003, 11), (5000, 13)]
"""Clusters and columns: fewer than a byte has bits, no multiple of one, and several pieces of a block."""


def values_of(clusters: int, columns: int) -> np.ndarray:
    """Columns in units of measurement that are far apart."""
    return np.random.default_rng(1).normal(size=(clusters, columns)) * np.logspace(-6, 6, columns)


def in_one_product(kind: Multiplier, count: int, values: np.ndarray) -> np.ndarray:
    """All weights at once, times the values."""
    blocks = multiplier_blocks(kind, count, *values.shape, np.random.default_rng(2))
    return np.vstack([weights @ values for _, weights in blocks])


@pytest.mark.parametrize("kind", ["rademacher", "mammen", "webb"])
@pytest.mark.parametrize(("clusters", "columns"), SHAPES)
def test_sums_are_the_weights_times_the_values(kind: Multiplier, clusters: int, columns: int) -> None:
    values = values_of(clusters, columns)
    found = weighted_sums(kind, 77, values, np.random.default_rng(2))
    length = np.sqrt((values**2).sum(axis=0))
    np.testing.assert_allclose(found / length, in_one_product(kind, 77, values) / length, atol=1e-13)


@pytest.mark.parametrize("kind", ["rademacher", "mammen"])
def test_single_precision_is_off_by_some_millionths_of_the_spread(
    kind: Multiplier, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = values_of(30_001, 3)
    exact = weighted_sums(kind, 99, values, np.random.default_rng(2))
    monkeypatch.setattr(draws, "MANY_PRODUCTS", 1)
    rough = weighted_sums(kind, 99, values, np.random.default_rng(2))
    away = np.abs(rough - exact).max(axis=0) / np.sqrt((values**2).sum(axis=0))
    assert (away > 0).all()
    assert (away < 5e-6).all()


def test_a_column_of_zeros_stays_zero() -> None:
    found = weighted_sums("rademacher", 99, np.zeros((10, 2)), np.random.default_rng(0))
    np.testing.assert_array_equal(found, np.zeros((99, 2)))


def test_weights_have_mean_zero_and_variance_one() -> None:
    for kind in ("rademacher", "mammen"):
        drawn = weighted_sums(kind, 40_000, np.ones((1, 1)), np.random.default_rng(3))
        assert drawn.mean() == pytest.approx(0.0, abs=0.02)
        assert drawn.var() == pytest.approx(1.0, abs=0.03)
