"""The attendance measures of every engine equal a slow, plain count, on random little districts."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb
import narwhals as nw
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mentoreval.panel.attendance_days import DAY
from mentoreval.panel.measures import AttendanceRate, ChronicAbsence, DaysAbsent
from mentoreval.panel.periods import PeriodRule
from mentoreval.panel.records_by_period import RecordsByPeriod
from mentoreval.records.records import Records

TWIN = runpy.run_path(str(Path(__file__).parents[1] / "twins" / "attendance_days.py"))
count_days, all_schools, school_of_day = TWIN["count_days"], TWIN["all_schools"], TWIN["school_of_day"]

DATES = [date(2021, 9, day) for day in (6, 7, 8, 9, 30)] + [date(2021, 10, 1), date(2022, 1, 28), date(2022, 1, 31)]
DATES += [date(2022, 2, 1), date(2022, 6, 24), date(2022, 9, 5), date(2022, 9, 6), date(2022, 10, 3), date(2023, 2, 1)]
YEARS = ("2021-22", "2022-23")
STUDENTS, SCHOOLS = ("ana", "bo"), ("elm", "oak")
TEXT, DATE = pa.string(), pa.date32()
SCHEMAS = {
    "students": {"student_id": TEXT},
    "enrolment": {
        "student_id": TEXT,
        "school_id": TEXT,
        "school_year": TEXT,
        "grade_level": pa.int64(),
        "entry_date": DATE,
        "exit_date": DATE,
    },
    "calendar": {"school_id": TEXT, "date": DATE, "school_year": TEXT},
    "attendance": {"student_id": TEXT, "date": DATE, "code": TEXT, "school_id": TEXT, "fraction": pa.float64()},
}
Tables = dict[str, list[dict[str, Any]]]


@st.composite
def districts(draw: st.DrawFn, codes: tuple[str, ...]) -> Tables:
    """Two schools with calendars and one without, two students with spells that may overlap, and attendance rows."""
    every_day = [(school, day) for school in SCHOOLS for day in DATES]
    closed = draw(st.sets(st.sampled_from(every_day), max_size=9))
    session = [pair for pair in every_day if pair not in closed]
    spells = draw(
        st.lists(
            st.tuples(
                st.sampled_from(STUDENTS),
                st.sampled_from((*SCHOOLS, *SCHOOLS, "ash")),
                st.sampled_from((*YEARS[:1] * 3, *YEARS)),
                st.sampled_from(DATES[:6] + DATES[-4:]),
                st.one_of(st.none(), st.sampled_from(DATES)),
            ),
            min_size=3,
            max_size=8,
            unique_by=lambda spell: spell[:4],
        )
    )
    listed = draw(
        st.lists(
            st.tuples(
                st.sampled_from(STUDENTS),
                st.sampled_from(DATES),
                st.sampled_from(codes),
                st.sampled_from((None, None, *SCHOOLS)),
                st.sampled_from(("1", "0.5", "0.1", "0.333")),
            ),
            min_size=4,
            max_size=20,
            unique_by=lambda row: row[:2],
        )
    )
    return {
        "students": [{"student_id": student} for student in STUDENTS],
        "enrolment": [
            dict(zip(SCHEMAS["enrolment"], (student, school, year, 6, entry, leave), strict=True))
            for student, school, year, entry, leave in spells
        ],
        "calendar": [
            {"school_id": school, "date": day, "school_year": YEARS[day >= date(2022, 7, 1)]} for school, day in session
        ],
        "attendance": [dict(zip(SCHEMAS["attendance"], row, strict=True)) for row in listed],
    }


def arrow_table(name: str, rows: list[dict[str, Any]]) -> pa.Table:
    plain = [{key: float(cell) if key == "fraction" else cell for key, cell in row.items()} for row in rows]
    return pa.Table.from_pylist(plain, schema=pa.schema(SCHEMAS[name].items()))


def pandas_of_arrow(table: pa.Table) -> Any:
    return nw.from_native(table.to_pandas(types_mapper=pd.ArrowDtype)).lazy()


def pandas_of_numpy(table: pa.Table) -> Any:
    return nw.from_native(table.to_pandas(date_as_object=False)).lazy()


CONNECTION = duckdb.connect()


def duckdb_relation(table: pa.Table) -> Any:
    return nw.from_native(CONNECTION.from_arrow(table))


ENGINES = pytest.mark.parametrize("engine", [pandas_of_arrow, pandas_of_numpy, duckdb_relation])
QUICK = settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


def view(tables: Tables, engine: Callable[[pa.Table], Any], period: Any, mode: Any) -> RecordsByPeriod:
    frames = {name: engine(arrow_table(name, rows)) for name, rows in tables.items()}
    return RecordsByPeriod(Records(**frames, attendance_mode=mode), PeriodRule(period))


def values(frame: pd.DataFrame, name: str) -> dict[tuple[str, str], float]:
    return {
        (student, period): value
        for student, period, value in zip(frame["student_id"], frame["period"], frame[name], strict=True)
        if not pd.isna(value)
    }


def expect_plain_count(tables: Tables, engine: Callable[[pa.Table], Any], period: str, mode: str) -> None:
    by_school = count_days(
        tables["enrolment"], tables["calendar"], tables["attendance"], period, positive=mode == "positive"
    )
    expected = all_schools(by_school)
    records = view(tables, engine, period, mode)
    days = records.attendance.frame
    found = {
        (row.student_id, row.period): (Fraction(row.enrolled, DAY), Fraction(row.absent, DAY))
        for row in days.itertuples()
    }
    assert found == expected
    known = {key: pair for key, pair in expected.items() if pair[0] > 0}
    rates = {key: float((enrolled - absent) / enrolled) for key, (enrolled, absent) in known.items()}
    assert values(AttendanceRate().compute(records), "attendance_rate") == rates
    assert values(DaysAbsent().compute(records), "days_absent") == {
        key: float(absent) for key, (_, absent) in known.items()
    }
    assert values(ChronicAbsence(min_enrolled_days=2).compute(records), "chronic_absence") == {
        key: float(10 * absent >= enrolled) for key, (enrolled, absent) in known.items() if enrolled >= 2
    }
    if mode == "absences_only":
        keys = ["student_id", "school_id", "period"]
        schools = records.enrolled.frame.set_index(keys)["days"].to_dict()
        assert schools == {key: enrolled for key, (enrolled, _) in by_school.items()}
        assert values(records.student_periods, "days_enrolled") == {
            key: float(days) for key, (days, _) in expected.items()
        }


@ENGINES
@QUICK
@given(data=st.data(), period=st.sampled_from(["year", "semester", "month"]))
def test_absences_only_equals_the_plain_count(engine: Callable[[pa.Table], Any], data: st.DataObject, period: str):
    expect_plain_count(data.draw(districts(("absent", "absent_excused", "suspended"))), engine, period, "absences_only")


@ENGINES
@QUICK
@given(data=st.data(), period=st.sampled_from(["year", "semester", "month"]))
def test_listed_days_equal_the_plain_count(engine: Callable[[pa.Table], Any], data: st.DataObject, period: str):
    expect_plain_count(
        data.draw(districts(("absent", "present", "tardy", "absent_unexcused"))), engine, period, "positive"
    )


@ENGINES
@QUICK
@given(tables=districts(("absent",)))
def test_every_row_that_does_not_count_is_in_the_ledger(engine: Callable[[pa.Table], Any], tables: Tables):
    sessions = {(row["school_id"], row["date"]): row for row in tables["calendar"]}
    lost = []
    for row in tables["attendance"]:
        own = [spell for spell in tables["enrolment"] if spell["student_id"] == row["student_id"]]
        session = school_of_day(own, sessions, row["date"])
        if session is None or row["school_id"] not in (None, session["school_id"]):
            lost.append(row["student_id"])
    records = view(tables, engine, "year", "absences_only")
    assert records.attendance is not None
    entry = next(entry for entry in records.entries if entry.rule == "not_enrolled_in_session")
    assert (entry.action, entry.rows, entry.examples) == ("dropped", len(lost), tuple(sorted(set(lost))))
