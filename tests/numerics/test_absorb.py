"""Absorbing effects is the same as regressing on all their dummies."""

from __future__ import annotations

import numpy as np
import pytest

from mentoreval.aliases import FloatArray, IntArray
from mentoreval.numerics.absorb import absorb, effects_rank, is_nested


def residuals_on_dummies(columns: FloatArray, factors: list[IntArray], weights: FloatArray) -> FloatArray:
    """The slow, obvious way: one dummy for each level."""
    dummies = np.column_stack([np.eye(codes.max() + 1)[codes] for codes in factors])
    root = np.sqrt(weights)[:, None]
    effects, *_ = np.linalg.lstsq(dummies * root, columns * root, rcond=None)
    return columns - dummies @ effects


@pytest.fixture
def data() -> tuple[FloatArray, IntArray, IntArray, FloatArray]:
    """60 students in up to 6 periods, about a third of the rows missing."""
    rng = np.random.default_rng(1)
    student, period = (codes.ravel() for codes in np.meshgrid(np.arange(60), np.arange(6), indexing="ij"))
    seen = rng.random(student.size) < 0.7
    student = np.unique(student[seen], return_inverse=True)[1]
    period = period[seen]
    return rng.normal(size=(seen.sum(), 3)), student, period, rng.uniform(0.2, 3.0, seen.sum())


def test_one_factor(data: tuple[FloatArray, IntArray, IntArray, FloatArray]) -> None:
    columns, student, _, weights = data
    expected = residuals_on_dummies(columns, [student], weights)
    np.testing.assert_allclose(absorb(columns, [student], weights), expected, atol=1e-12)


def test_two_factors_in_an_unbalanced_panel(data: tuple[FloatArray, IntArray, IntArray, FloatArray]) -> None:
    columns, student, period, weights = data
    expected = residuals_on_dummies(columns, [student, period], weights)
    np.testing.assert_allclose(absorb(columns, [student, period], weights), expected, atol=1e-12)
    np.testing.assert_allclose(absorb(columns, [period, student], weights), expected, atol=1e-12)


def test_a_single_column_keeps_its_shape(data: tuple[FloatArray, IntArray, IntArray, FloatArray]) -> None:
    columns, student, period, weights = data
    alone = absorb(columns[:, 0], [student, period], weights)
    assert alone.shape == weights.shape
    np.testing.assert_allclose(alone, absorb(columns, [student, period], weights)[:, 0], atol=1e-12)


def test_groups_without_a_link_between_them() -> None:
    """Two stacks that share neither units nor periods: each has a constant of its own to lose."""
    rng = np.random.default_rng(2)
    unit, period = np.repeat(np.arange(8), 3), np.tile(np.arange(3), 8)
    period = period + 3 * (unit >= 4)
    columns = rng.normal(size=(24, 2))
    expected = residuals_on_dummies(columns, [unit, period], np.ones(24))
    np.testing.assert_allclose(absorb(columns, [unit, period], np.ones(24)), expected, atol=1e-12)
    assert effects_rank([unit, period]) == 8 + 6 - 2


@pytest.mark.parametrize("seed", range(20))
def test_a_column_that_one_factor_holds_alone_leaves_nothing(seed: int) -> None:
    """What is left for the other factor is rounding, of which no direction can be followed."""
    rng = np.random.default_rng(seed)
    unit, period = np.repeat(np.arange(6), 3), np.tile(np.arange(3), 6)
    column, weights = np.repeat(rng.normal(10, 5, 6), 3), np.repeat(rng.integers(1, 200, 6).astype(float), 3)
    np.testing.assert_allclose(absorb(column, [unit, period], weights), 0.0, atol=1e-13)


def test_two_factors_with_many_levels_each() -> None:
    rng = np.random.default_rng(3)
    first, second = rng.integers(0, 80, 400), rng.integers(0, 70, 400)
    first, second = (np.unique(codes, return_inverse=True)[1] for codes in (first, second))
    columns = rng.normal(size=(400, 2))
    expected = residuals_on_dummies(columns, [first, second], np.ones(400))
    np.testing.assert_allclose(absorb(columns, [first, second], np.ones(400)), expected, atol=1e-10)


def test_the_rank_is_that_of_the_dummies(data: tuple[FloatArray, IntArray, IntArray, FloatArray]) -> None:
    _, student, period, _ = data
    dummies = np.column_stack([np.eye(60)[:, : student.max() + 1][student], np.eye(6)[period]])
    assert effects_rank([student, period]) == np.linalg.matrix_rank(dummies)
    assert effects_rank([period]) == 6
    assert effects_rank([]) == 1  # the intercept that absorbed effects stand for


def test_nesting() -> None:
    student = np.array([0, 0, 1, 1, 2, 2])
    assert is_nested(student, np.array([5, 5, 5, 5, 7, 7]))
    assert not is_nested(student, np.array([5, 5, 5, 7, 7, 7]))  # student 1 changes school
    many = np.arange(6_000) // 2
    school = many % 3
    assert is_nested(many, school)
    school[-1] += 1  # the last of many students changes school
    assert not is_nested(many, school)
