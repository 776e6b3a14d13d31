"""Caliper cells: the controls in a box on a stretch of the line, as looking at every one of them finds them."""

from __future__ import annotations

from unittest import mock

import numpy as np
import pytest

from mentoreval.numerics import caliper_cells
from mentoreval.numerics.caliper_cells import CaliperCells

COLUMNS = {
    "normal": lambda rng, n: rng.normal(size=n),
    "yes or no": lambda rng, n: (rng.random(n) < 0.3).astype(float),
    "counts": lambda rng, n: rng.poisson(4, n).astype(float),
    "constant": lambda rng, n: np.full(n, 7.0),
    "far from zero": lambda rng, n: 1e9 + rng.integers(0, 50, n) / 8,
    "with an outlier": lambda rng, n: np.append(rng.normal(size=n - 1), 1e12),
}


def everyone_in_the_box(covariates, widths, treated, row, low, high):
    """Pairs of unit and slot, by looking at every slot of the stretch."""
    units = np.flatnonzero(treated)
    return {
        (unit, slot)
        for unit, of_unit in enumerate(units)
        for slot in range(low[unit], high[unit])
        if row[slot] >= 0 and (np.abs(covariates[row[slot]] - covariates[of_unit]) <= widths).all()
    }


@pytest.mark.parametrize("most_cells", [2**20, 30])
@pytest.mark.parametrize("width", [0.0, 0.125, 1.0, 100.0])
@pytest.mark.parametrize("names", [("normal",), ("normal", "yes or no", "counts"), tuple(COLUMNS), ("constant",)])
def test_members_are_those_that_a_look_at_everybody_finds(names, width, most_cells):
    rng = np.random.default_rng(len(names))
    n = 240
    covariates = np.column_stack([COLUMNS[name](rng, n) for name in names])
    treated = rng.random(n) < 0.25
    row = np.concatenate([[-1], rng.permutation(np.flatnonzero(~treated)), [-1]])
    low = rng.integers(0, row.size // 2, treated.sum())
    high = rng.integers(row.size // 2, row.size + 1, treated.sum())
    widths = np.full(len(names), width)
    with mock.patch.multiple(caliper_cells, MOST_CELLS=most_cells, AT_ONCE=50):
        cells = CaliperCells(covariates, widths, treated, row)
        who, slot = cells.within(np.arange(treated.sum()), low, high)
    found = list(zip(who.tolist(), slot.tolist(), strict=True))
    assert len(set(found)) == len(found)
    assert set(found) == everyone_in_the_box(covariates, widths, treated, row, low, high)
    assert (np.diff(who) >= 0).all()


def test_an_axis_with_two_values_takes_one_look_up_and_a_wide_one_none():
    rng = np.random.default_rng(1)
    treated = np.arange(100) < 20
    covariates = np.column_stack([rng.random(100) < 0.5, rng.normal(size=100), rng.normal(size=100)]).astype(float)
    cells = CaliperCells(covariates, np.array([0.25, 0.1, 50.0]), treated, np.arange(20, 100))
    assert sorted(cells.splits) == [False, True]


def test_there_may_be_no_controls():
    cells = CaliperCells(np.zeros((3, 1)), np.ones(1), np.ones(3, dtype=bool), np.array([-1, -1]))
    who, slot = cells.within(np.arange(3), np.zeros(3, dtype=int), np.full(3, 2))
    assert who.size == slot.size == 0
