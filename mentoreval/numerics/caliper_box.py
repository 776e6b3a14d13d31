"""Covariate calipers as a box: which rows lie within all widths of a given row?"""

from __future__ import annotations

import numpy as np

from mentoreval.aliases import FloatArray, IntArray
from mentoreval.numerics.strata import Limits

FAR_APART = 3.0
"""Coordinate step between codes that must be equal: anything clearly above the box's radius of 1."""

RADIUS = 1.0 + 1e-6
"""Of the search, a little wide for rounding; members are checked exactly."""


class CaliperBox:
    """Some rows in a tree in which distance is counted in widths, so that the calipers are a cube of radius 1.

    limits  : with covariates and widths; strata, where given, are one more coordinate
    members : rows that can be found
    """

    def __init__(self, limits: Limits, members: IntArray, n: int) -> None:
        from scipy.spatial import cKDTree  # slow to import, and only covariate calipers need it

        covariates, widths = limits.box()
        self.covariates, self.widths, self.members = covariates, widths, members
        axes = [
            column / width if width > 0 else FAR_APART * np.unique(column, return_inverse=True)[1]
            for column, width in zip(covariates.T, widths, strict=True)
        ]
        if limits.strata is not None:
            axes.append(FAR_APART * limits.codes(n))
        self.points: FloatArray = np.column_stack(axes).astype(np.float64)
        self.tree = cKDTree(self.points[members], balanced_tree=False, compact_nodes=False)

    def count(self, row: int) -> int:
        """About how many members lie in the box around a row, without listing them."""
        return int(self.tree.query_ball_point(self.points[row], RADIUS, p=np.inf, return_length=True))

    def around(self, row: int) -> IntArray:
        """Positions in ``members`` of those within every width of the row (inclusive), ascending."""
        near = np.array(self.tree.query_ball_point(self.points[row], RADIUS, p=np.inf), dtype=np.int64)
        apart = np.abs(self.covariates[self.members[near]] - self.covariates[row])
        return np.sort(near[np.all(apart <= self.widths, axis=1)])
