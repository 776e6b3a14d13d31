"""Every engine reads the same dirty tables the same way: the same problems, the same ledger, the same measures."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mentoreval.errors import DataError
from mentoreval.panel.collect import collect_frame
from mentoreval.panel.measures import AttendanceRate, ChronicAbsence, Truancy
from mentoreval.panel.periods import PeriodRule
from mentoreval.panel.records_by_period import RecordsByPeriod
from mentoreval.records.read import read_records

STUDENTS, SCHOOLS = ("001", "002", "003"), ("elm", "oak")
DATES = ("2021-09-01", "2021-09-02", "2021-09-30", "2021-10-01", "2022-01-31", "2022-02-01", "2022-02-28")
CODES = ("absent", "absent_excused", "absent_unexcused", "suspended", "present", "tardy")
FRACTIONS = ("1", "0.5", "0.25", "")
MEASURES = (AttendanceRate(), ChronicAbsence(min_enrolled_days=2), Truancy(days=1))
Rows = list[dict[str, str]]
Tables = dict[str, Rows]
Answers = tuple[Any, ...]


@st.composite
def exports(draw: st.DrawFn) -> Tables:
    """Texts as a district exports them: rows may repeat, and days may be outside of enrolment or calendar."""
    days = draw(st.lists(st.tuples(st.sampled_from(SCHOOLS), st.sampled_from(DATES)), min_size=6, unique=True))
    spells = draw(st.lists(st.tuples(st.sampled_from(SCHOOLS), st.sampled_from(DATES[:3])), min_size=3, max_size=3))
    exits = draw(st.lists(st.sampled_from((*DATES[3:], "")), min_size=3, max_size=3))
    row = st.tuples(
        st.sampled_from(STUDENTS), st.sampled_from(DATES), st.sampled_from(CODES), st.sampled_from(FRACTIONS)
    )
    listed = draw(st.lists(row, min_size=1, max_size=14, unique_by=lambda cells: cells[:2]))
    listed += draw(st.lists(st.sampled_from(listed), max_size=2))
    enrolled = zip(STUDENTS, spells, exits, strict=True)
    return {
        "students": [{"student_id": student, "gender": "F"} for student in STUDENTS],
        "calendar": [{"school_id": school, "date": day, "school_year": "2021-22"} for school, day in days],
        "enrolment": [
            {
                "student_id": student,
                "school_id": school,
                "school_year": "2021-22",
                "grade_level": "5",
                "entry_date": entry,
                "exit_date": leave,
            }
            for student, (school, entry), leave in enrolled
        ],
        "attendance": [dict(zip(("student_id", "date", "code", "fraction"), cells, strict=True)) for cells in listed],
    }


def arrow(rows: Rows) -> pa.Table:
    """A table of texts, as a CSV file is read."""
    return pa.table({name: pa.array([row[name] for row in rows], pa.string()) for name in rows[0]})


ENGINES: dict[str, Callable[[pa.Table], Any]] = {
    "pandas": lambda table: table.to_pandas(),
    "polars": pl.from_arrow,
    "polars_lazy": lambda table: pl.from_arrow(table).lazy(),
    "arrow": lambda table: table,
    "duckdb": duckdb.from_arrow,
}


def answers_of(tables: Tables, engine: Callable[[pa.Table], Any], period: str) -> Answers:
    """What is said of the tables in words, in the ledger, and in numbers."""
    source = {name: engine(arrow(rows)) for name, rows in tables.items()}
    try:
        records = read_records(source, attendance="positive")
    except DataError as error:
        return (str(error),)
    view = RecordsByPeriod(records, PeriodRule(period))
    measured = [_listed(measure.compute(view), ["student_id", "period"]) for measure in MEASURES]
    kept = _listed(collect_frame(records.table("attendance")), ["student_id", "date"])
    return (kept, measured, records.ledger.rows_read, records.ledger.rows_kept, records.ledger.entries, view.entries)


def _listed(frame: pd.DataFrame, keys: list[str]) -> list[list[Any]]:
    """The rows in order, missing values as None."""
    ordered = frame.sort_values(keys, ignore_index=True)[sorted(frame.columns)]
    return [[None if pd.isna(cell) else cell for cell in row] for row in ordered.itertuples(index=False)]


@settings(max_examples=4, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(tables=exports(), period=st.sampled_from(["year", "semester", "month"]))
def test_every_engine_answers_as_duckdb(tables: Tables, period: str):
    answers = {name: answers_of(tables, engine, period) for name, engine in ENGINES.items()}
    assert {name: answer == answers["duckdb"] for name, answer in answers.items()} == dict.fromkeys(ENGINES, True)


def test_the_drawn_exports_are_dirty_and_can_be_read():
    tables: Tables = {
        "students": [{"student_id": "001", "gender": "F"}],
        "calendar": [{"school_id": "elm", "date": day, "school_year": "2021-22"} for day in DATES[:4]],
        "enrolment": [
            {
                "student_id": "001",
                "school_id": "elm",
                "school_year": "2021-22",
                "grade_level": "5",
                "entry_date": DATES[0],
                "exit_date": "",
            }
        ],
        "attendance": [
            {"student_id": "001", "date": day, "code": code, "fraction": ""}
            for day, code in zip(
                (*DATES[:4], DATES[3], DATES[6]), ("present", *CODES[:3], CODES[2], "absent"), strict=True
            )
        ],
    }
    kept, measured, read, left, *_ = answers_of(tables, ENGINES["duckdb"], "year")
    assert (read["attendance"], left["attendance"], len(kept)) == (6, 4, 4)
    assert [rows[0][0] for rows in measured[:1]] == [1 / 4]


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    """A local Spark with two threads."""
    if importlib.util.find_spec("pyspark") is None:
        pytest.skip("pyspark is not installed: make engines installs the extra spark")
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.skip("Spark needs Java 17, and there is no java")
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    builder = builder.config("spark.sql.shuffle.partitions", "2").config("spark.sql.session.timeZone", "UTC")
    session = builder.config("spark.driver.bindAddress", "127.0.0.1").config("spark.driver.host", "127.0.0.1")
    running = session.getOrCreate()
    yield running
    running.stop()


@pytest.mark.spark
@settings(max_examples=2, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(tables=exports(), period=st.sampled_from(["year", "semester", "month"]))
def test_spark_answers_as_duckdb(spark: Any, tables: Tables, period: str):
    def frame(table: pa.Table) -> Any:
        return spark.createDataFrame(
            table.to_pylist(), schema=", ".join(f"{name} string" for name in table.column_names)
        )

    assert answers_of(tables, frame, period) == answers_of(tables, ENGINES["duckdb"], period)
