"""Covariates as numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mentoreval.design.covariate_matrix import covariate_matrix
from mentoreval.errors import DataError, DesignError


def labels(frame: pd.DataFrame) -> list[str]:
    return [column.label for column in covariate_matrix(frame).columns]


def test_numbers_booleans_and_texts() -> None:
    matrix = covariate_matrix(
        pd.DataFrame({"age": [9, 10, 11], "lunch": [True, False, True], "race": ["b", "a", "c"], "late": [0, 1, 1]})
    )
    assert [c.label for c in matrix.columns] == ["age", "lunch", "race = a", "race = b", "race = c", "late"]
    assert [c.binary for c in matrix.columns] == [False, True, True, True, True, True]
    np.testing.assert_array_equal(matrix.values, [[9, 1, 0, 1, 0, 0], [10, 0, 1, 0, 0, 1], [11, 1, 0, 0, 1, 1]])
    assert [c.label for c in matrix.for_model().columns] == ["age", "lunch", "race = b", "race = c", "late"]


def test_a_missing_value_is_missing_in_every_level() -> None:
    matrix = covariate_matrix(pd.DataFrame({"race": ["b", None, "a"], "age": [1.0, 2.0, None]}))
    np.testing.assert_array_equal(matrix.values, [[0, 1, 1], [np.nan, np.nan, 2], [1, 0, np.nan]])


@pytest.mark.parametrize(
    "series",
    [
        pd.Series([True, False, None], dtype=object),
        pd.Series([True, False, None], dtype="boolean"),
        pd.Series([1, 0, None], dtype="Int64"),
        pd.Series([1, 0, None], dtype=object),
        pd.Series([1.0, 0.0, np.nan]),
    ],
    ids=["object of bool", "boolean", "Int64", "object of int", "float"],
)
def test_flags_with_gaps_in_every_usual_type(series: pd.Series) -> None:
    matrix = covariate_matrix(pd.DataFrame({"flag": series}))
    np.testing.assert_array_equal(matrix.values[:, 0], [1, 0, np.nan])
    assert matrix.columns[0].binary


def test_a_category_keeps_its_order_and_only_the_levels_that_occur() -> None:
    grade = pd.Categorical(["9th", "10th", "9th"], ["8th", "9th", "10th"])
    assert labels(pd.DataFrame({"grade": grade})) == ["grade = 9th", "grade = 10th"]
    assert labels(pd.DataFrame({"grade": ["9th", "10th", "9th"]})) == ["grade = 10th", "grade = 9th"]


def test_nothing_known_is_one_column_of_nan() -> None:
    matrix = covariate_matrix(pd.DataFrame({"x": [None, None], "y": [np.nan, np.nan]}))
    assert matrix.values.shape == (2, 2)
    assert np.isnan(matrix.values).all()


def test_for_distance_two_students_of_different_levels_differ_by_one() -> None:
    matrix = covariate_matrix(pd.DataFrame({"sex": ["f", "m", "f"], "race": ["a", "b", "c"]})).for_distance()
    assert [c.label for c in matrix.columns] == ["sex = f", "sex = m", "race = a", "race = b", "race = c"]
    gaps = matrix.values[0] - matrix.values[1]
    assert (gaps[:2] ** 2).sum() == pytest.approx(1)
    assert (gaps[2:] ** 2).sum() == pytest.approx(1)


def test_constants_are_named_with_their_value() -> None:
    frame = pd.DataFrame({"grade": ["9", "9"], "age": [15, 15], "gpa": [2.0, 3.0]})
    with pytest.raises(DesignError, match=r"Covariates 'grade' \(always 9\), 'age' \(always 15\) are constant.*all 2"):
        covariate_matrix(frame).refuse_constants()
    covariate_matrix(frame[["gpa"]]).refuse_constants()


def test_infinite_numbers_dates_and_identifiers_are_refused() -> None:
    with pytest.raises(DataError, match=r"'age' is infinite for 1 of 2 students"):
        covariate_matrix(pd.DataFrame({"age": [np.inf, 1.0]}))
    with pytest.raises(DataError, match=r"'born' holds dates.*such as age in years"):
        covariate_matrix(pd.DataFrame({"born": pd.to_datetime(["2010-01-01", "2011-01-01"])}))
    with pytest.raises(DataError, match=r"'name' has 40 different values for 40 students.*tells nearly everyone apart"):
        covariate_matrix(pd.DataFrame({"name": [f"student {n}" for n in range(40)]}))
