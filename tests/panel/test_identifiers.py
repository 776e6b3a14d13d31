"""Identifiers are found among others, and rows are joined, as pandas itself does it."""

from __future__ import annotations

import pandas as pd
import pytest

from mentoreval.panel.identifiers import among, left_join, same_rows, stand_in_order
from mentoreval.records.engines import hold_if_embedded, scan_arrow, wrap_frame

KEYS = ["student_id", "period"]
ROWS = pd.DataFrame({"student_id": ["ana", "ana", "ben"], "period": ["2020-21", "2021-22", "2020-21"], "n": [1, 2, 3]})


@pytest.mark.parametrize("dtype", ["str", object])
def test_an_identifier_is_among_others_of_either_type(dtype):
    identifiers = pd.Series(["ana", "ben", None, "040"], dtype=dtype)
    others = pd.Series(["040", "ana", "ana", "40"], dtype="str")
    assert among(identifiers, others).tolist() == [True, False, False, True]
    assert among(others, identifiers).tolist() == [True, True, True, False]


def test_nothing_is_among_nobody():
    assert not among(pd.Series(["ana"]), pd.Series([], dtype="str")).any()


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 0, 1], [1], []])
def test_rows_are_joined_as_by_a_merge_in_whatever_order_they_stand(order):
    found = ROWS[KEYS].assign(value=[0.5, None, 1.5]).iloc[order].reset_index(drop=True)
    expected = ROWS.merge(found, on=KEYS, how="left")
    pd.testing.assert_frame_equal(left_join(ROWS, found, KEYS), expected)
    assert same_rows(ROWS, found, KEYS) == (order == [0, 1, 2])


def test_a_table_of_duckdb_is_held_with_the_same_rows_and_any_other_is_left_alone():
    arrow = wrap_frame(ROWS).collect("pyarrow").to_native().select([*KEYS, "n"])
    embedded = scan_arrow(arrow)
    held = hold_if_embedded(embedded)
    assert held.collect("pyarrow").to_native().to_pylist() == arrow.to_pylist()
    of_pandas = wrap_frame(ROWS)
    assert hold_if_embedded(of_pandas) is of_pandas


@pytest.mark.parametrize("dtype", ["str", object])
@pytest.mark.parametrize(
    ("order", "in_order"),
    [([0, 1, 2], True), ([1, 0, 2], False), ([2, 0], False), ([0, 0], False), ([1], True), ([], True)],
)
def test_rows_stand_in_order_where_sorting_would_move_none_and_none_is_there_twice(order, in_order, dtype):
    rows = ROWS[KEYS].astype(dtype).iloc[order]
    assert stand_in_order(rows, KEYS) == in_order
