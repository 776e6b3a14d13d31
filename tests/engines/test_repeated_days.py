"""Days that come twice are found by their sum of powers of two, on every engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import duckdb
import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from mentoreval.records.keys import _days_repeat

ENGINES: list[Callable[[pa.Table], Any]] = [lambda table: table, pl.from_arrow, duckdb.from_arrow]


def days_repeat(frame: pd.DataFrame, engine: Callable[[pa.Table], Any]) -> bool:
    schema = pa.schema([("student_id", pa.string()), ("date", pa.date32())])
    table = nw.from_native(engine(pa.Table.from_pandas(frame, schema=schema, preserve_index=False))).lazy()
    return _days_repeat(table, ["student_id"], "date")


@pytest.mark.parametrize("engine", ENGINES)
def test_days_repeat_as_counting_each_of_them_says(engine: Callable[[pa.Table], Any]):
    rng = np.random.default_rng(7)
    dates = pd.date_range("2021-12-01", "2022-02-28").date
    seen = set()
    for students in (2, 40, 400):
        drawn = {"student_id": rng.integers(students, size=60).astype(str), "date": rng.choice(dates, 60)}
        frame = pd.DataFrame(drawn)
        expected = bool(frame.duplicated().any())
        seen.add(expected)
        assert days_repeat(frame, engine) == expected
        assert not days_repeat(frame.drop_duplicates(), engine)
    assert seen == {True, False}


@pytest.mark.parametrize("times", [2, 3, 600, 5000])
def test_a_day_that_comes_very_often_is_found(times: int):
    last_days = pd.DataFrame({"student_id": "001", "date": [pd.Timestamp("2022-01-31").date()] * times})
    assert days_repeat(last_days, duckdb.from_arrow)


def test_a_whole_year_without_gaps_repeats_nothing():
    every_day = pd.DataFrame({"student_id": "001", "date": pd.date_range("2021-09-01", "2022-08-31").date})
    assert not days_repeat(every_day, duckdb.from_arrow)
    assert not days_repeat(every_day.assign(date=[None, *every_day["date"][1:]]), duckdb.from_arrow)
