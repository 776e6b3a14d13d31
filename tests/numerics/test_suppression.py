"""Cell suppression: small counts stay open in tables with margins, and no more is hidden than has to be."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from mentoreval.numerics.suppression import CountSystem, feasible_range, suppress


def table_system(table: np.ndarray, limit: int) -> CountSystem:
    """A two-way table with both margins and its total; small counts are printed as below the limit."""
    rows, columns = table.shape
    full = np.zeros((rows + 1, columns + 1))
    full[:rows, :columns] = table
    full[rows, :columns] = table.sum(axis=0)
    full[:, columns] = full[:, :columns].sum(axis=1)
    cell = np.arange(full.size).reshape(full.shape)
    sums = [(int(cell[r, -1]), tuple(map(int, cell[r, :-1]))) for r in range(rows + 1)]
    sums += [(int(cell[-1, c]), tuple(map(int, cell[:-1, c]))) for c in range(columns + 1)]
    values, sensitive = full.ravel(), full.ravel() < limit
    return CountSystem(
        values=values, low=values, high=values, hidden_high=np.where(sensitive, limit - 1.0, np.inf),
        sensitive=sensitive, printable=np.ones(full.size, dtype=bool), costs=np.ones(full.size), sums=tuple(sums),
        limit=limit,
    )  # fmt: skip


def test_one_small_cell_of_a_table_takes_three_others_with_it():
    system = table_system(np.array([[4, 30, 25], [40, 35, 50], [60, 20, 45]]), 10)
    hidden = suppress(system)
    assert hidden[0]
    assert hidden.sum() == 4  # a rectangle: every row and column with a hidden cell has another one
    assert feasible_range(system, hidden, 0) == pytest.approx((0, 9))


def test_a_small_cell_alone_is_known_from_its_row():
    system = table_system(np.array([[4, 30, 25], [40, 35, 50], [60, 20, 45]]), 10)
    assert feasible_range(system, system.sensitive, 0) == pytest.approx((4, 4))


def test_nothing_is_hidden_where_nothing_is_small():
    assert not suppress(table_system(np.array([[14, 30], [40, 35]]), 10)).any()


@pytest.mark.parametrize("seed", range(4))
def test_every_small_number_fits_what_is_printed(seed: int):
    rng = np.random.default_rng(seed)
    system = table_system(rng.poisson(rng.choice([6, 25], size=(3, 4))), 10)
    hidden = suppress(system)
    assert (hidden >= system.sensitive).all()
    for cell in np.flatnonzero(system.sensitive):
        low, high = feasible_range(system, hidden, int(cell))
        assert low == pytest.approx(0, abs=1e-6)
        assert high == pytest.approx(9, abs=1e-6)


def test_the_range_is_that_of_all_whole_tables_with_the_same_print():
    """Twin: every 2 x 2 table is written out, and those that agree with what is printed are kept."""
    system = table_system(np.array([[2, 5], [6, 3]]), 4)
    hidden = suppress(system)
    shown = ~hidden
    kept = []
    for a, b, c, d in product(range(17), repeat=4):
        values = np.array([a, b, a + b, c, d, c + d, a + c, b + d, a + b + c + d], dtype=float)
        below = values[system.sensitive] < system.limit
        if (values[shown] == system.values[shown]).all() and below.all():
            kept.append(values)
    for cell in np.flatnonzero(system.sensitive):
        found = [values[cell] for values in kept]
        assert (min(found), max(found)) == (0, 3)
        assert feasible_range(system, hidden, int(cell)) == pytest.approx((0, 3))
