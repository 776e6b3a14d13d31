"""Days that come twice, or are no days of one's own, are found by their sums of powers of two, on every engine."""

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

from mentoreval.records.day_marks import BYTE, SPAN, DayMarks, mark_sums
from mentoreval.records.records import LazyTable
from mentoreval.records.tables.attendance import ABSENT_CODES, PRESENT_CODES

ENGINES: list[Callable[[pa.Table], Any]] = [
    lambda table: table,
    pl.from_arrow,
    lambda table: pl.from_arrow(table).lazy(),
    duckdb.from_arrow,
    lambda table: table.to_pandas(types_mapper=pd.ArrowDtype),
]
CODES = PRESENT_CODES + ABSENT_CODES
TYPES = {"student_id": pa.string(), "date": pa.date32(), "code": pa.string()}
LONG = pd.date_range("2020-08-01", periods=500).date
"""More dates than two spans have."""


def lazy(frame: pd.DataFrame, engine: Callable[[pa.Table], Any]) -> LazyTable:
    schema = pa.schema([(name, TYPES[name]) for name in frame.columns])
    return nw.from_native(engine(pa.Table.from_pandas(frame, schema=schema, preserve_index=False))).lazy()


def days_repeat(frame: pd.DataFrame, engine: Callable[[pa.Table], Any]) -> bool:
    return DayMarks.of(lazy(frame, engine), ["student_id"], "date").repeat()


def draw(rng: np.random.Generator, dates: Any, students: int, rows: int) -> pd.DataFrame:
    names = rng.integers(students, size=rows).astype(str)
    return pd.DataFrame({"student_id": names, "date": rng.choice(dates, rows), "code": rng.choice(CODES, rows)})


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("dates", [pd.date_range("2021-12-01", "2022-02-28").date, LONG])
def test_days_repeat_as_counting_each_of_them_says(engine: Callable[[pa.Table], Any], dates: Any):
    rng = np.random.default_rng(7)
    seen = set()
    for students in (2, 40, 4000):
        frame = draw(rng, dates, students, rows=60)[["student_id", "date"]]
        expected = bool(frame.duplicated().any())
        seen.add(expected)
        assert days_repeat(frame, engine) == expected
        assert not days_repeat(frame.drop_duplicates(), engine)
    assert seen == {True, False}


@pytest.mark.parametrize("times", [2, 3, 181, 600, 5000])
def test_a_day_that_comes_very_often_is_found(times: int):
    days = pd.DataFrame({"student_id": "001", "date": LONG[:SPAN]})
    last_days = pd.DataFrame({"student_id": "001", "date": [LONG[SPAN - 1]] * (times - 1)})
    assert days_repeat(pd.concat([days, last_days]), duckdb.from_arrow)


def test_a_whole_year_without_gaps_repeats_nothing():
    every_day = pd.DataFrame({"student_id": "001", "date": pd.date_range("2021-09-01", "2022-08-31").date})
    assert not days_repeat(every_day, duckdb.from_arrow)
    assert not days_repeat(every_day.assign(date=[None, *every_day["date"][1:]]), duckdb.from_arrow)


@pytest.mark.parametrize("engine", ENGINES)
def test_days_are_among_others_as_looking_up_each_of_them_says(engine: Callable[[pa.Table], Any]):
    rng = np.random.default_rng(11)
    seen = set()
    for share in (0.02, 0.2, 1.0):
        for _ in range(4):
            own = draw(rng, LONG, students=3, rows=900)[["student_id", "date"]].drop_duplicates()
            listed = own.sample(frac=share, random_state=rng.integers(1000))
            stray = draw(rng, LONG, students=3, rows=rng.integers(2))[["student_id", "date"]]
            listed = pd.concat([listed, stray]).drop_duplicates()
            marks = DayMarks.of(lazy(listed, engine), ["student_id"], "date")
            of_own = mark_sums(lazy(own, engine).join(marks.dates, on="date"), ["student_id", "_span"])
            expected = len(listed.merge(own)) == len(listed)
            seen.add(expected)
            assert marks.within(of_own) == expected
    assert seen == {True, False}


def test_it_can_not_be_told_of_days_among_days_that_come_twice():
    own = pd.DataFrame({"student_id": "001", "date": [LONG[0], LONG[0], LONG[1]]})
    marks = DayMarks.of(lazy(own.iloc[1:], duckdb.from_arrow), ["student_id"], "date")
    twice = mark_sums(lazy(own, duckdb.from_arrow).join(marks.dates, on="date"), ["student_id", "_span"])
    assert not marks.within(twice)


@pytest.mark.parametrize("engine", ENGINES)
def test_rows_of_each_code_are_as_counted(engine: Callable[[pa.Table], Any]):
    assert BYTE ** len(CODES) <= 2**53
    frame = draw(np.random.default_rng(3), LONG, students=4, rows=1500).drop_duplicates(["student_id", "date"])
    whole_span = pd.DataFrame({"student_id": "all", "date": LONG, "code": CODES[0]})
    frame = pd.concat([frame, whole_span, whole_span.assign(student_id="last", code=CODES[-1])])
    found = DayMarks.of(lazy(frame, engine), ["student_id"], "date", CODES).by_code.collect("pyarrow").to_native()
    expected = frame.pivot_table(index="student_id", columns="code", values="date", aggfunc="count", fill_value=0)
    counted = found.to_pandas().set_index("student_id").sort_index()[list(CODES)]
    assert counted.to_numpy().tolist() == expected[list(CODES)].to_numpy().tolist()
