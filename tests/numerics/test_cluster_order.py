"""The order of clusters in which random weights are dealt out: by values alone."""

from __future__ import annotations

import numpy as np

from mentoreval.numerics.draws import canonical_order


def test_it_follows_the_rows_and_not_their_places() -> None:
    rng = np.random.default_rng(1)
    values, places = rng.normal(size=(30, 3)), rng.permutation(30)
    np.testing.assert_array_equal(values[canonical_order(values)], values[places][canonical_order(values[places])])


def test_a_column_of_rounding_decides_nothing() -> None:
    rng = np.random.default_rng(2)
    values = rng.normal(size=(30, 2))
    orders = [canonical_order(np.column_stack([values, 1e-16 * rng.normal(size=30)])) for _ in range(5)]
    for order in orders:
        np.testing.assert_array_equal(order, canonical_order(np.column_stack([values, np.zeros(30)])))


def test_another_unit_of_measurement_changes_nothing() -> None:
    values = np.random.default_rng(3).normal(size=(30, 2))
    np.testing.assert_array_equal(canonical_order(values), canonical_order(1e-15 * values))
