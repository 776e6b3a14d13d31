"""Reading: what comes out of a clean district, from every kind of source."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import narwhals as nw
import pandas as pd
import pyarrow as pa
import pytest

from mentoreval.errors import DataError, OptionError
from mentoreval.records import Records, hash_sources, read_records
from mentoreval.records.tables import TABLES

District = dict[str, pd.DataFrame]
Make = Callable[..., District]


def rows(table: nw.LazyFrame[Any] | None) -> list[dict[str, Any]]:
    """The rows of a lazy table as dicts, sorted so that engines can be compared."""
    assert table is not None
    found: list[dict[str, Any]] = table.collect("pyarrow").to_native().to_pylist()
    return sorted(found, key=lambda row: [str(value) for value in row.values()])


def test_every_source_gives_the_same_canonical_tables(district: Make, engine: Callable[[District], Any]) -> None:
    records = read_records(engine(district()), attendance="absences_only")
    assert rows(records.students) == [
        {"student_id": "001", "gender": "F", "english_learner": 1, "distance_km": 0.5},
        {"student_id": "002", "gender": "M", "english_learner": 0, "distance_km": 12.0},
        {"student_id": "003", "gender": "F", "english_learner": None, "distance_km": None},
    ]
    spell = {"school_year": "2021-22", "entry_date": date(2021, 9, 1)}
    assert rows(records.enrolment) == [
        {"student_id": "001", "school_id": "north", "grade_level": 0, "exit_date": date(2022, 6, 10)} | spell,
        {"student_id": "002", "school_id": "north", "grade_level": 5, "exit_date": date(2021, 12, 17)} | spell,
        {"student_id": "003", "school_id": "south", "grade_level": 12, "exit_date": date(2022, 6, 13)}
        | spell
        | {"entry_date": date(2021, 9, 2)},
    ]
    assert rows(records.attendance) == [
        {"student_id": "001", "date": date(2021, 9, 2), "code": "absent_excused", "fraction": 1.0},
        {"student_id": "002", "date": date(2021, 9, 1), "code": "suspended", "fraction": 1.0},
        {"student_id": "003", "date": date(2022, 6, 13), "code": "absent", "fraction": 1.0},
    ]
    course = {"school_year": "2021-22", "course_id": "math", "credits": 1.0}
    assert rows(records.grades) == [
        {"student_id": "001", "term": "S1", "mark": "A-"} | course,
        {"student_id": "002", "term": "Y", "mark": "3.7"} | course,
    ]
    match = {"mentor_id": "t1", "start_date": date(2021, 10, 1), "model": "one_to_one"}
    assert rows(records.matches) == [
        {"match_id": "m1", "student_id": "001", "end_date": None} | match,
        {"match_id": "m2", "student_id": "002", "end_date": date(2021, 11, 30)} | match,
    ]
    session = {"match_id": "m1", "date": date(2021, 10, 5)}
    assert rows(records.sessions) == [session | {"minutes": 30.0}, session | {"minutes": 45.0}]


def test_every_source_gives_the_same_types(district: Make, engine: Callable[[District], Any]) -> None:
    records = read_records(engine(district()), attendance="absences_only")
    assert dict(records.enrolment.collect_schema()) == {
        "student_id": nw.String,
        "school_id": nw.String,
        "school_year": nw.String,
        "grade_level": nw.Int64,
        "entry_date": nw.Date,
        "exit_date": nw.Date,
    }
    assert records.students.collect_schema()["english_learner"] == nw.Int8
    assert records.table("attendance").collect_schema()["fraction"] == nw.Float64
    assert records.table("sessions").collect_schema()["minutes"] == nw.Float64
    assert records.table("matches").collect_schema()["end_date"] == nw.Date


def test_a_frame_with_types_of_its_own_is_read_like_a_file(district: Make) -> None:
    tables = district()
    tables["students"] = pd.DataFrame(
        {
            "student_id": [1, 2, 3],
            "english_learner": [True, False, None],
            "gender": pd.Categorical(["F", "M", "F"]),
            "birth_date": pd.to_datetime(["2010-01-31", None, "2011-02-28"]),
        }
    )
    for name in ("enrolment", "attendance", "grades", "matches"):
        # A missing value elsewhere makes pandas read whole numbers as decimal ones.
        tables[name]["student_id"] = tables[name]["student_id"].astype(float)
    tables["enrolment"]["grade_level"] = [0.0, 5.0, 12.0]
    tables["attendance"]["fraction"] = [0.5, float("nan"), 1]
    records = read_records(tables, attendance="absences_only")
    assert [row["student_id"] for row in rows(records.students)] == ["1", "2", "3"]
    assert [row["english_learner"] for row in rows(records.students)] == [1, 0, None]
    assert [row["birth_date"] for row in rows(records.students)] == [date(2010, 1, 31), None, date(2011, 2, 28)]
    assert [row["grade_level"] for row in rows(records.enrolment)] == [0, 5, 12]
    assert [row["fraction"] for row in rows(records.attendance)] == [0.5, 1.0, 1.0]
    assert len(records.ledger.frame.query("action != 'mapped'")) == 0


def test_leading_zeros_of_identifiers_stay_and_blanks_around_them_go(folder: Callable[..., Path]) -> None:
    source = folder(students=b"student_id,zip\n 001 ,01234\n002,90210\n003,10001\n")
    assert rows(read_records(source, attendance="absences_only").students) == [
        {"student_id": "001", "zip": "01234"},
        {"student_id": "002", "zip": "90210"},
        {"student_id": "003", "zip": "10001"},
    ]


def test_extra_columns_of_plain_numbers_are_numbers_unless_they_are_identifiers(folder: Callable[..., Path]) -> None:
    source = folder(students=b"student_id,score,state_id,club\n001,1.5,77,chess\n002,,78,\n003,-2,79,7\n")
    assert rows(read_records(source, attendance="absences_only").students) == [
        {"student_id": "001", "score": 1.5, "state_id": "77", "club": "chess"},
        {"student_id": "002", "score": None, "state_id": "78", "club": None},
        {"student_id": "003", "score": -2.0, "state_id": "79", "club": "7"},
    ]


def test_frames_of_several_libraries_can_be_mixed(district: Make) -> None:
    import duckdb

    tables: dict[str, Any] = dict(district())
    tables["attendance"] = pa.Table.from_pandas(tables["attendance"])
    connection = duckdb.connect()
    tables["calendar"] = connection.from_arrow(pa.Table.from_pandas(tables["calendar"]))
    tables["grades"] = nw.from_native(tables["grades"])
    assert len(rows(read_records(tables, attendance="absences_only").attendance)) == 3


def test_relations_of_several_duckdb_connections_can_be_mixed(district: Make) -> None:
    import duckdb

    connections = {name: duckdb.connect() for name in district()}
    tables = {
        name: connections[name].from_arrow(pa.Table.from_pandas(frame, preserve_index=False))
        for name, frame in district().items()
    }
    assert len(rows(read_records(tables, attendance="absences_only").enrolment)) == 3


def test_the_frames_that_were_given_stay_as_they_were(district: Make) -> None:
    tables, before = district(), district()
    read_records(tables, attendance="absences_only")
    for name, frame in before.items():
        pd.testing.assert_frame_equal(tables[name], frame)


def test_optional_tables_may_be_absent(district: Make) -> None:
    records = read_records(district(calendar=None, attendance=None, grades=None, matches=None, sessions=None))
    assert list(records.tables) == ["students", "enrolment"]
    with pytest.raises(
        DataError, match=r"There is no grades table in frames\. It has students, enrolment; add grades\."
    ):
        records.table("grades")


def test_the_mode_is_taken_from_the_file_and_a_parameter_wins_over_it(folder: Callable[..., Path]) -> None:
    source = folder()
    (source / "records.toml").write_text('attendance = "absences_only"\n', encoding="utf-8")
    assert read_records(source).attendance_mode == "absences_only"
    assert read_records(source, attendance="positive").attendance_mode == "positive"


def test_columns_of_yearly_totals_need_no_mode(district: Make) -> None:
    totals = """
        student_id | school_year | days_enrolled | days_absent
        001        | 2021-22     | 180           | 18.5
    """
    records = read_records(district(attendance=totals))
    assert records.attendance_mode == "yearly_totals"
    assert rows(records.attendance) == [
        {"student_id": "001", "school_year": "2021-22", "days_enrolled": 180.0, "days_absent": 18.5}
    ]


def test_an_option_that_does_not_exist_is_named() -> None:
    with pytest.raises(OptionError, match=r"attendance = 'absence_only' is not allowed\. Did you mean 'absences_only'"):
        read_records({}, attendance="absence_only")  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="orphans = 'keep' is not allowed"):
        read_records({}, orphans="keep")  # type: ignore[arg-type]


def test_progress_hears_of_every_table(district: Make) -> None:
    heard: list[str] = []
    read_records(district(), attendance="absences_only", progress=heard.append)
    there = [name for name in TABLES if name in district()]
    assert heard == ["Opening the tables", *(f"Checking {name}" for name in there)]


def test_records_say_where_they_come_from_and_show_themselves(folder: Callable[..., Path]) -> None:
    source = folder()
    records = read_records(source, attendance="absences_only")
    assert records.source == str(source)
    assert repr(records).startswith(f"Records from {source}, attendance: absences_only")
    assert "attendance" in records._repr_html_()
    assert list(records.frame["rows_kept"]) == [3, 3, 5, 3, 2, 2, 2]


def test_a_file_is_read_when_rows_are_asked_for_and_not_before(folder: Callable[..., Path]) -> None:
    """Lazy: the tables hold no rows, so that a table larger than memory can pass."""
    records = read_records(folder(), attendance="absences_only")
    assert isinstance(records, Records)
    assert all(isinstance(table, nw.LazyFrame) for table in records.tables.values())
    assert nw.dependencies.is_duckdb_relation(records.students.to_native())


def test_the_fingerprint_of_a_folder_is_that_of_its_files(folder: Callable[..., Path]) -> None:
    source = folder(students=b"student_id\n001\n002\n003\n")
    (source / "notes.txt").write_text("not a table", encoding="utf-8")
    hashes = hash_sources(source)
    assert list(hashes) == sorted(file.name for file in source.glob("*.csv"))
    # printf 'student_id\n001\n002\n003\n' | sha256sum
    assert hashes["students.csv"] == "8ca596ab124e1ce68968869f18e1a78021b38147bc383c8002f677eb276b81bd"
    assert hash_sources(read_records(source, attendance="absences_only")) == hashes
    with pytest.raises(DataError, match="There is no folder"):
        hash_sources(source / "nowhere")


def test_the_fingerprint_of_frames_is_that_of_their_content(district: Make) -> None:
    pandas, arrow = (
        district(),
        {name: pa.Table.from_pandas(frame, preserve_index=False) for name, frame in district().items()},
    )
    assert hash_sources(pandas) == hash_sources(arrow)
    shuffled = {name: frame.iloc[::-1, ::-1] for name, frame in pandas.items()}
    assert hash_sources(shuffled) == hash_sources(pandas)
    changed = pandas | {"grades": pandas["grades"].replace("A-", "A")}
    different = {name for name, digest in hash_sources(changed).items() if digest != hash_sources(pandas)[name]}
    assert different == {"grades"}


def test_the_fingerprint_of_records_from_frames_is_that_of_what_was_kept(district: Make) -> None:
    tables = district()
    tables["attendance"].loc[3] = ["001", "2021-12-25", "absent"]
    with_dirt = hash_sources(read_records(tables, attendance="absences_only"))
    assert with_dirt == hash_sources(read_records(district(), attendance="absences_only"))
