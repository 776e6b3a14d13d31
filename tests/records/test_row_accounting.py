"""The law of the ledger: rows read are rows kept plus rows dropped, whatever the dirt; and a slow twin agrees."""

from __future__ import annotations

from collections import Counter
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from mentoreval.records import Records, read_records, validate_records

STUDENTS = ["001", "002", "003"]
DAYS = ["2021-09-01", "2021-09-02", "2021-09-03"]
CALENDAR = pd.DataFrame(
    [("north", day, "2021-22") for day in DAYS] + [("south", DAYS[1], "2021-22"), ("south", DAYS[2], "2021-22")],
    columns=["school_id", "date", "school_year"],
)
LIMITED = settings(max_examples=12, deadline=None, derandomize=True)


def table(columns: dict[str, list[Any]], size: int) -> st.SearchStrategy[pd.DataFrame]:
    """Frames of at most ``size`` rows whose cells are drawn from these values; repeated rows are likely."""
    row = st.tuples(*(st.sampled_from(values) for values in columns.values()))
    rows = st.lists(row, min_size=1, max_size=size)
    return rows.map(lambda drawn: pd.DataFrame(drawn, columns=list(columns), dtype="str"))


SPELLS = table(
    {
        "student_id": [*STUDENTS, "999"],
        "school_id": ["north", "south"],
        "school_year": ["2021-22"],
        "grade_level": ["5"],
        "entry_date": DAYS[:2],
        "exit_date": [*DAYS[1:], None],
    },
    6,
)
ABSENCES = table(
    {"student_id": [*STUDENTS, "999"], "date": [*DAYS, "2021-09-04"], "code": ["absent"], "school_id": ["north", None]},
    12,
)
DIRTY_ABSENCES = table(
    {
        "student_id": [*STUDENTS, " 001 ", "1.0", "", None],
        "date": [*DAYS, "2021-09-04", "9/1/2021", None],
        "code": ["absent", "absent_excused", "T", None],
        "fraction": ["1", "0.5", "2", "half", None],
    },
    12,
)
DIRTY_MARKS = table(
    {
        "student_id": [*STUDENTS, "999"],
        "school_year": ["2021-22", "2021-2022", "2022", None],
        "term": ["S1", "Q1"],
        "course_id": ["math", "math "],
        "mark": ["A", "4.0", "4.5", None],
    },
    8,
)


def in_duckdb(tables: dict[str, pd.DataFrame]) -> dict[str, Any]:
    """The same tables as DuckDB relations."""
    return {
        name: duckdb.from_arrow(
            pa.table({column: pa.array(frame[column], pa.string(), from_pandas=True) for column in frame.columns})
        )
        for name, frame in tables.items()
    }


def rows(records: Records, name: str) -> list[dict[str, Any]]:
    """The rows of one table that are really there, sorted; as many as the ledger says were kept."""
    frame = records.table(name)
    columns = frame.collect_schema().names()  # the index of a pandas frame would come along as a column
    found: list[dict[str, Any]] = frame.collect("pyarrow").to_native().select(columns).to_pylist()
    assert len(found) == records.ledger.rows_kept[name]
    return sorted(found, key=str)


def attended_school(row: Any, spells: list[Any]) -> bool:
    """The slow twin: a student of the district, enrolled on that day in an open school (in the one that is named)."""
    return row.student_id in STUDENTS and any(
        spell.student_id == row.student_id
        and spell.entry_date <= row.date <= (DAYS[2] if pd.isna(spell.exit_date) else spell.exit_date)
        and (pd.isna(row.school_id) or row.school_id == spell.school_id)
        and ((CALENDAR["school_id"] == spell.school_id) & (CALENDAR["date"] == row.date)).any()
        for spell in spells
    )


@LIMITED
@given(spells=SPELLS, absences=ABSENCES, repeated=st.integers(0, 3))
def test_what_is_kept_is_what_a_person_would_keep(spells: pd.DataFrame, absences: pd.DataFrame, repeated: int) -> None:
    spells = spells.drop_duplicates(["student_id", "school_id", "entry_date"])
    absences = absences.drop_duplicates(["student_id", "date"])
    expected = [
        (row.student_id, row.date) for row in absences.itertuples() if attended_school(row, list(spells.itertuples()))
    ]
    tables = {
        "students": pd.DataFrame({"student_id": STUDENTS}),
        "calendar": CALENDAR,
        "enrolment": spells,
        "attendance": pd.concat([absences, absences.head(repeated)]),
    }
    options: dict[str, Any] = {"attendance": "absences_only", "orphans": "drop"}
    by_pandas, by_duckdb = read_records(tables, **options), read_records(in_duckdb(tables), **options)
    found = rows(by_pandas, "attendance")
    assert Counter((row["student_id"], str(row["date"])) for row in found) == Counter(expected)
    assert rows(by_duckdb, "attendance") == found
    assert rows(by_duckdb, "enrolment") == rows(by_pandas, "enrolment")


@LIMITED
@given(spells=SPELLS, absences=DIRTY_ABSENCES, marks=DIRTY_MARKS, orphans=st.sampled_from(["error", "drop"]))
def test_no_row_is_lost_and_the_engines_agree(
    spells: pd.DataFrame, absences: pd.DataFrame, marks: pd.DataFrame, orphans: Any
) -> None:
    tables = {
        "students": pd.DataFrame({"student_id": STUDENTS}),
        "calendar": CALENDAR,
        "enrolment": spells,
        "attendance": absences,
        "grades": marks,
    }
    options: dict[str, Any] = {"attendance": "absences_only", "orphans": orphans}
    before = {name: frame.copy() for name, frame in tables.items()}
    report, other = validate_records(tables, **options), validate_records(in_duckdb(tables), **options)
    for name, frame in tables.items():
        dropped = sum(e.rows for e in report.ledger.entries if e.table == name and e.action == "dropped")
        assert report.ledger.rows_read[name] == len(frame) == report.ledger.rows_kept[name] + dropped
        pd.testing.assert_frame_equal(frame, before[name])
    assert [str(problem) for problem in report.found] == [str(problem) for problem in other.found]
    assert report.ledger == other.ledger
