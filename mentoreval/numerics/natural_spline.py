"""Natural cubic splines: smooth curves that are straight beyond their outer knots."""

from __future__ import annotations

import numpy as np

from mentoreval.aliases import FloatArray


def natural_cubic(x: FloatArray, knots: FloatArray) -> FloatArray:
    """(n, K − 1) columns that with a constant span all natural cubic splines with these knots; the first is x itself.

    x : (n,)
    knots : (K,) rising, at least 3

    Truncated cubes whose squares and cubes cancel beyond the last knot, divided by the squared distance of the outer
    knots, so that all columns have the unit of x. Harrell (2015), Regression Modeling Strategies, section 2.4.5.
    """
    last, before = knots[-1], knots[-2]
    inner = knots[:-2]
    cubes = _cube(x[:, None] - inner)
    cubes -= _cube(x - before)[:, None] * (last - inner) / (last - before)
    cubes += _cube(x - last)[:, None] * (before - inner) / (last - before)
    return np.column_stack([x, cubes / (last - knots[0]) ** 2])


def _cube(distance: FloatArray) -> FloatArray:
    """The cube of what is above 0."""
    return np.asarray(np.maximum(distance, 0.0) ** 3)
