"""The 2x2 cell from two cross-sections: four means, exact recovery, and influence that is the derivative by weights."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pytest

from mentoreval.numerics.did_cells import CellError, CellMethod
from mentoreval.numerics.did_cross_sections import compare_cross_sections

METHODS = get_args(CellMethod)


def draw(n: int = 400, seed: int = 1) -> tuple[Any, ...]:
    """Outcome, after, treated, weights and covariates; trends depend on the covariate, the effect is 3."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    treated = rng.random(n) < 1 / (1 + np.exp(-0.7 * x))
    after = rng.random(n) < 0.5
    y = 5 + 2 * x + treated + after * (1 + 0.8 * x) + 3.0 * (treated & after) + rng.normal(size=n)
    return y, after, treated, rng.uniform(0.5, 2.0, n), np.column_stack([np.ones(n), x])


@pytest.mark.parametrize("method", METHODS)
def test_without_covariates_it_is_four_weighted_means(method: CellMethod) -> None:
    y, after, treated, weights, X = draw()
    found = compare_cross_sections(y, after, treated, weights, X[:, :1], method)

    def mean(chosen: Any) -> float:
        return float(np.average(y[chosen], weights=weights[chosen]))

    expected = mean(treated & after) - mean(treated & ~after) - (mean(~treated & after) - mean(~treated & ~after))
    assert found.att[0] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("p", [1, 2])
def test_influence_is_the_derivative_by_the_weight_of_each_row(method: CellMethod, p: int) -> None:
    y, after, treated, weights, X = draw(n=120)
    found = compare_cross_sections(y, after, treated, weights, X[:, :p], method)
    step = 1e-5
    for row in range(0, 120, 7):
        ends = []
        for sign in (1, -1):
            moved = weights.copy()
            moved[row] *= 1 + sign * step
            ends.append(compare_cross_sections(y, after, treated, moved, X[:, :p], method).att[0])
        assert found.influence[row, 0] == pytest.approx((ends[0] - ends[1]) / (2 * step), abs=1e-8)
    np.testing.assert_allclose(found.influence.sum(axis=0), 0.0, atol=1e-10)


@pytest.mark.parametrize("method", METHODS)
def test_each_method_finds_the_effect_where_trends_depend_on_the_covariate(method: CellMethod) -> None:
    y, after, treated, weights, X = draw(n=40_000, seed=2)
    found = compare_cross_sections(y, after, treated, np.ones_like(weights), X, method)
    error = float(np.sqrt(found.influence[:, 0] @ found.influence[:, 0]))
    assert abs(found.att[0] - 3.0) < 4 * error
    naive = compare_cross_sections(y, after, treated, np.ones_like(weights), X[:, :1], method)
    assert abs(naive.att[0] - 3.0) > 4 * error


def test_a_covariate_that_does_not_vary_in_a_group_is_refused() -> None:
    y, after, treated, weights, X = draw()
    X[treated & ~after, 1] = 0.0
    with pytest.raises(CellError, match="does not vary among the treated units"):
        compare_cross_sections(y, after, treated, weights, X, "doubly_robust")
