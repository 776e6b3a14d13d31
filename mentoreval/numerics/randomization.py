"""Randomization inference for the coefficient of treatment: what it would have been under every other assignment.

With r the response less its regression on everything but treatment, the coefficient under an assignment T is
T'Wr / T'WM T, with M the matrix that takes that regression out. Under a constant effect τ the response that the
assignment of the data makes is moved by τ·T₀, so that each coefficient is a − τ·c: the effect and the overlap of the
assignment. Both numbers give the p-value of every τ. Rosenbaum (2002), Observational Studies, chapter 2.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from mentoreval.aliases import FloatArray, IntArray
from mentoreval.numerics.absorb import absorb
from mentoreval.numerics.blocks import row_blocks

TIE = 1e-9
"""Share by which a statistic may fall short of that of the data and still count as large; less is rounding."""

COLLINEAR = 1e-9
"""Share of an assignment's variation below which the covariates determine it."""


@dataclass(frozen=True, eq=False)
class Adjustment:
    """A weighted regression without its treatment, of n rows.

    others : (n, q) regressors, residuals on the absorbed factors
    response : (n,) likewise
    weights : (n,)
    absorbed : codes (n,) of each absorbed factor
    """

    others: FloatArray
    response: FloatArray
    weights: FloatArray
    absorbed: tuple[IntArray, ...] = ()

    def residuals(self, columns: FloatArray) -> FloatArray:
        """(n, b) columns less their regression on the absorbed factors and the other regressors."""
        left = absorb(columns, self.absorbed, self.weights) if self.absorbed else columns
        if not self.others.shape[1]:
            return left
        gram = self.others.T @ (self.weights[:, None] * self.others)
        return np.asarray(left - self.others @ np.linalg.solve(gram, self.others.T @ (self.weights[:, None] * left)))


@dataclass(frozen=True, eq=False)
class Assignments:
    """For each of B assignments its coefficient and its overlap with the assignment of the data; each (B,).

    exact : whether they are all that are possible
    """

    coefficient: FloatArray
    overlap: FloatArray
    exact: bool

    def p_value(self, distance: float, estimate: float) -> float:
        """Share of assignments whose \\|statistic\\| is at least that of the data, if the effect is the estimate less a
        distance; the data themselves count as one where the assignments are a sample."""
        far = np.abs(self.coefficient - (estimate - distance) * self.overlap) >= (1.0 - TIE) * abs(distance)
        extra = 0 if self.exact else 1
        return float((np.count_nonzero(far) + extra) / (len(far) + extra))

    def std_error(self, estimate: float) -> float:
        """Standard deviation over assignments of the statistic when the effect is the estimate."""
        return float(np.std(self.coefficient - estimate * self.overlap))


def assign(
    problem: Adjustment,
    group: IntArray,
    observed: FloatArray,
    places: Sequence[IntArray] | Iterator[IntArray],
    exact: bool,
) -> tuple[Assignments, int]:
    """The assignments whose treated groups are given, and the number of those that the covariates determine.

    group : (n,) codes 0 … G − 1 of what is assigned as a whole: a row, or its school
    observed : (n,) 0 or 1, the assignment of the data
    places : codes of the treated groups, for each assignment
    """
    n_groups = int(group.max()) + 1
    left = problem.weights * problem.residuals(problem.response[:, None])[:, 0]
    drawn = list(places)
    coefficient, overlap = np.zeros(len(drawn)), np.zeros(len(drawn))
    determined = 0
    own = problem.residuals(observed[:, None])[:, 0] * problem.weights
    for block in row_blocks(len(drawn), len(observed), 1 + problem.others.shape[1]):
        chosen = np.zeros((n_groups, block.stop - block.start))
        for column, treated in enumerate(drawn[block]):
            chosen[treated, column] = 1.0
        columns = chosen[group]
        residuals = problem.residuals(columns)
        variation = problem.weights @ (residuals * columns)
        alive = variation > COLLINEAR * (problem.weights @ columns)
        determined += int(np.count_nonzero(~alive))
        safe = np.where(alive, variation, 1.0)
        coefficient[block], overlap[block] = (left @ columns) / safe, (own @ columns) / safe
    return Assignments(coefficient, overlap, exact), determined
