"""Validation: every rule with the message that it gives, and all of them at once."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from mentoreval.errors import DataError
from mentoreval.records import Problem, ValidationReport, read_records, validate_records

District = dict[str, pd.DataFrame]
Make = Callable[..., District]
Folder = Callable[..., Path]
MODE = {"attendance": "absences_only"}


def only_problem(source: Any, **options: Any) -> Problem:
    """The one problem of a source; that reading it says the same is part of the promise."""
    report = validate_records(source, **({} if "attendance" in options else MODE), **options)
    assert len(report.found) == 1, report.message
    with pytest.raises(DataError) as error:
        read_records(source, **({} if "attendance" in options else MODE), **options)
    assert str(error.value) == report.message == str(report.found[0])
    return report.found[0]


# The source


def test_missing_folder(tmp_path: Path) -> None:
    problem = only_problem(tmp_path / "nowhere")
    assert str(problem) == (
        f"The folder '{tmp_path / 'nowhere'}' does not exist. Give the folder that holds students.csv."
    )


def test_a_file_instead_of_a_folder(folder: Folder) -> None:
    assert "students.csv' is a file, not a folder." in str(only_problem(folder() / "students.csv"))


def test_no_table_in_the_folder(tmp_path: Path) -> None:
    (tmp_path / "student.csv").write_text("student_id\n1\n", encoding="utf-8")
    problem = only_problem(tmp_path)
    assert (problem.rule, problem.share) == ("no_table", 1.0)
    assert f"There is no table in the folder '{tmp_path}'. Did you mean 'student'?" in str(problem)
    assert "each as .csv, .csv.gz or .parquet" in problem.advice


def test_a_required_file_is_missing(folder: Folder) -> None:
    source = folder(enrolment=None)
    (source / "enrollment.csv").write_text("student_id\n1\n", encoding="utf-8")
    problem = only_problem(source)
    assert (problem.table, problem.rule) == ("enrolment", "missing_table")
    assert f"There is no enrolment table in the folder '{source}'. Did you mean 'enrollment'?" in str(problem)
    assert "with the columns student_id, school_id, school_year, grade_level, entry_date." in str(problem)


def test_a_table_that_another_one_needs_is_missing(district: Make) -> None:
    problem = only_problem(district(matches=None))
    assert str(problem) == (
        "sessions refers to matches by match_id, and there is no matches table in the mapping. "
        "Add matches, or take sessions out."
    )


def test_an_unknown_name_in_a_mapping(district: Make) -> None:
    tables = district()
    tables["marks"] = tables.pop("grades")
    tables["session"] = tables.pop("sessions")
    messages = [str(problem) for problem in validate_records(tables, attendance="absences_only").found]
    assert [message.split(" Available")[0] for message in messages] == [
        "There is no table of the name 'marks'.",
        "There is no table of the name 'session'. Did you mean 'sessions'?",
    ]


def test_something_that_is_no_frame(district: Make) -> None:
    problem = only_problem({**district(), "grades": [1, 2]})
    assert str(problem).startswith("grades can not be read: it is a list; give a pandas, Polars, Arrow, DuckDB or ")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"student_id,sex\n001,F\n002\n", "line 3 has 1 column and the names have 2"),
        (b"student_id,name\n001,Jos\xe9\n", "it is not UTF-8 text; save it as CSV UTF-8"),
        (b"student_id,nam\xe9\n001,Ana\n", "it is not UTF-8 text; save it as CSV UTF-8"),
        (b"student_id;sex\n001;F\n", "its columns are parted by ';'; save it with commas"),
        (b"student_id,sex,Sex\n001,F,F\n", "its first line has the column 'sex', 'Sex' more than once"),
        (b"", "its first line is empty, so it has no column names"),
    ],
    ids=["ragged", "not UTF-8", "header not UTF-8", "semicolons", "a column twice", "no bytes"],
)
def test_a_file_that_can_not_be_read(folder: Folder, content: bytes, why: str) -> None:
    problem = only_problem(folder(students=content))
    assert (problem.table, problem.rule, problem.rows, problem.share) == ("students", "unreadable_table", 0, 1.0)
    assert str(problem).startswith(f"students.csv can not be read: {why}")
    assert "001" not in str(problem), "a message does not quote students' rows"


@pytest.mark.parametrize(("name", "content"), [("grades.parquet", b"PAR1"), ("grades.csv.gz", b"a,b\n1,2\n")])
def test_a_broken_parquet_or_zipped_file(folder: Folder, name: str, content: bytes) -> None:
    source = folder(grades=None)
    (source / name).write_bytes(content)
    assert str(only_problem(source)).startswith(f"{name} can not be read: ")


def test_a_zipped_file_that_breaks_off(folder: Folder) -> None:
    source = folder(grades=None)
    text = "student_id,school_year,term,course_id,mark\n" + "".join(f"001,2021-22,S1,c{i},A\n" for i in range(5000))
    (source / "grades.csv.gz").write_bytes(gzip.compress(text.encode())[:-2000])
    assert str(only_problem(source)).startswith("grades.csv.gz can not be read: ")


def test_two_files_for_one_table(folder: Folder) -> None:
    source = folder()
    (source / "grades.csv.gz").write_bytes(gzip.compress((source / "grades.csv").read_bytes()))
    problem = only_problem(source)
    assert str(problem) == "grades is there more than once: grades.csv and grades.csv.gz. Keep one of them."


def test_an_empty_table(district: Make) -> None:
    problem = only_problem(district(sessions="match_id | date | minutes"))
    assert str(problem) == "sessions has no rows. Export it again, or take it out of the source."


def test_a_name_with_a_quote_and_a_star_is_just_a_name(tmp_path: Path, folder: Folder) -> None:
    source = folder()
    moved = tmp_path / "o'brien [2021]"
    moved.mkdir()
    for file in source.glob("*.csv"):
        file.rename(moved / file.name)
    assert validate_records(moved, attendance="absences_only").ok


def test_a_frame_saved_with_its_index_is_read(folder: Folder) -> None:
    assert validate_records(folder(students=b",student_id\n0,001\n1,002\n2,003\n"), attendance="absences_only").ok


# Conventions


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('attendence = "positive"', "records.toml has an unknown key 'attendence'. Did you mean 'attendance'?"),
        ('exit_date_is = "last"', "records.toml: exit_date_is = 'last' is not allowed. Did you mean 'last_day'?"),
        ("attendance = positive", "records.toml can not be read: Invalid value (at line 1, column 14)."),
    ],
)
def test_a_mistake_in_the_conventions(folder: Folder, text: str, message: str) -> None:
    source = folder()
    (source / "records.toml").write_text(text, encoding="utf-8")
    assert str(only_problem(source)).startswith(message)


def test_the_attendance_mode_is_never_guessed(district: Make) -> None:
    problem = only_problem(district(), attendance=None)
    assert (problem.table, problem.rule) == ("attendance", "attendance_mode")
    assert 'Set attendance = "absences_only" if only absences are listed, "positive"' in str(problem)


def test_absences_only_needs_a_calendar(district: Make) -> None:
    problem = only_problem(district(calendar=None))
    assert (problem.table, problem.rule) == ("calendar", "missing_calendar")
    assert "there is no calendar that says which other days were in session" in str(problem)


# Columns


def test_a_missing_column(district: Make) -> None:
    tables = district()
    tables["enrolment"] = tables["enrolment"].rename(columns={"grade_level": "grade", "entry_date": "enter"})
    report = validate_records(tables, attendance="absences_only")
    assert [(p.column, p.rule, p.rows, p.share) for p in report.found] == [
        ("grade_level", "missing_column", 0, 1.0),
        ("entry_date", "missing_column", 0, 1.0),
    ]
    assert str(report.found[0]) == (
        "enrolment has no column grade_level. Did you mean 'grade'? Available: enter, exit_date, grade, school_id, "
        "school_year, student_id. Add the column, or rename the one that holds grade_level."
    )


def test_missing_values_in_a_required_column(district: Make) -> None:
    tables = district()
    tables["enrolment"].loc[2, "school_id"] = "  "
    problem = only_problem(tables, attendance="positive")
    assert (problem.column, problem.rule, problem.rows) == ("school_id", "missing_value", 1)
    assert str(problem) == (
        "enrolment has 1 row without school_id (first student_id: 003). 33.3 % of enrolment is affected. "
        "Fill in school_id."
    )


def test_text_in_a_number_column(district: Make) -> None:
    tables = district()
    tables["sessions"]["minutes"] = ["30 min", "1,200"]
    problem = only_problem(tables)
    assert (problem.column, problem.rule, problem.rows, problem.share) == ("minutes", "unreadable", 2, 1.0)
    assert problem.examples == ("1,200 (1)", "30 min (1)")
    assert str(problem) == (
        "sessions has 2 rows whose minutes is not a number (found: 1,200 (1), 30 min (1)). 100 % of sessions is "
        "affected. Write numbers as 12.5, without units or thousands separators; leave unknown empty."
    )


def test_dates_in_mixed_formats(district: Make) -> None:
    calendar = """
        school_id | date       | school_year
        north     | 2021-09-01 | 2021-22
        north     | 2021-09-02 | 2021-22
        north     | 9/3/2021   | 2021-22
        north     | 10/13/2021 | 2021-22
        north     | 2021-02-30 | 2021-22
        north     | Oct 4 2021 | 2021-22
        south     | 2021-09-02 | 2021-22
        south     | 2022-06-13 | 2021-22
    """
    problem = only_problem(district(calendar=calendar))
    assert (problem.table, problem.column, problem.rule, problem.rows) == ("calendar", "date", "unreadable", 4)
    assert problem.examples == ("10/13/2021 (2)", "2021-02-30 (1)", "Oct 4 2021 (1)", "2021-09-01 (4)")
    assert "4 rows whose date is not a date as YYYY-MM-DD (formats seen: 10/13/2021 (2), " in str(problem)
    assert "50.0 % of calendar is affected." in str(problem)


@pytest.mark.parametrize(
    ("value", "good"),
    [
        ("2024-02-29", True), ("2000-02-29", True), ("2021-12-31T00:00:00", True), ("2021-12-31 00:00:00", True),
        ("2023-02-29", False), ("1900-02-29", False), ("2021-04-31", False), ("2021-13-01", False),
        ("2021-00-10", False), ("2021-1-2", False), ("0021-01-02", False), ("20210102", False), ("44562", False),
        ("2021-12-31 08:15:00", False),
    ],
)  # fmt: skip
def test_only_days_that_exist_are_dates(district: Make, value: str, good: bool) -> None:
    tables = district()
    tables["students"]["birth_date"] = value
    assert validate_records(tables, attendance="absences_only").ok is good


@pytest.mark.parametrize(
    ("table", "column", "value", "message"),
    [
        ("students", "english_learner", "maybe", "whose english_learner is not a flag (found: maybe (3))"),
        ("grades", "school_year", "2022", "whose school_year is not a school year (found: 2022 (2))"),
        ("grades", "school_year", "2021-23", "whose school_year is not a school year (found: 2021-23 (2))"),
        ("enrolment", "grade_level", "13", "whose grade_level is not a grade level (found: 13 (3))"),
        ("matches", "mentor_id", "1.2E+11", "mentor_id was exported in scientific notation, so digits are lost (found"),
        ("grades", "credits", "-1", "whose credits is not 0 or more (found: -1 (2))"),
        ("grades", "term", "Q1", "whose term is none of S1, S2, Y (found: Q1 (2))"),
        ("sessions", "minutes", "1441", "whose minutes is not between 0 and 1440 (found: 1441 (2))"),
        ("attendance", "fraction", "1.5", "whose fraction is not between 0 and 1 (found: 1.5 (3))"),
    ],
)
def test_a_value_that_can_not_be(district: Make, table: str, column: str, value: str, message: str) -> None:
    tables = district()
    tables[table][column] = value
    if (table, column) == ("grades", "term"):
        tables[table]["course_id"] = ["math", "art"]
    problem = only_problem(tables)
    assert (problem.table, problem.column) == (table, column)
    assert message in str(problem)


def test_codes_that_are_not_known_are_listed_with_counts(district: Make) -> None:
    attendance = """
        student_id | date       | code
        001        | 2021-09-01 | T
        001        | 2021-09-02 | tardy
        002        | 2021-09-01 | T
        003        | 2022-06-13 | absent
    """
    problem = only_problem(district(attendance=attendance))
    assert problem.rule == "not_allowed"
    assert str(problem) == (
        "attendance has 3 rows whose code is none of absent, absent_excused, absent_unexcused, suspended "
        "(found: T (2), tardy (1)). 75.0 % of attendance is affected. Map every other code to one of these."
    )
    report = validate_records(district(attendance=attendance), attendance="positive")
    assert report.found[0].examples == ("T (2)",), "where every day is listed, tardy is known"


# Keys


def orphaned(tables: District, table: str, column: str = "student_id") -> District:
    tables[table].loc[0, column] = "999"
    return tables


@pytest.mark.parametrize("table", ["enrolment", "attendance", "grades", "matches"])
def test_a_student_who_is_not_in_students(district: Make, table: str) -> None:
    tables = orphaned(district(), table)
    problem = next(p for p in validate_records(tables, attendance="absences_only").found if p.rule == "orphan")
    share = "33.3" if table in ("enrolment", "attendance") else "50.0"
    assert str(problem) == (
        f"{table} has 1 row whose student_id is not in students (first: 999). {share} % of {table} is affected. "
        'Add those students, or set orphans = "drop".'
    )


def test_a_session_whose_match_is_not_in_matches(district: Make) -> None:
    problem = only_problem(orphaned(district(), "sessions", "match_id"))
    assert str(problem).startswith("sessions has 1 row whose match_id is not in matches (first: 999).")


def test_orphans_can_be_dropped_and_take_their_sessions_with_them(district: Make) -> None:
    tables = orphaned(district(), "matches")
    records = read_records(tables, attendance="absences_only", orphans="drop")
    dropped = records.ledger.frame.query("action == 'dropped'")
    assert dropped[["table", "rule", "rows", "examples"]].to_numpy().tolist() == [
        ["matches", "orphan_student", 1, "999"],
        ["sessions", "orphan_match", 2, "m1"],
    ]


def test_conflicting_rows_of_one_key(district: Make) -> None:
    tables = district()
    tables["grades"] = pd.concat([tables["grades"], tables["grades"].assign(mark="F")])
    problem = only_problem(tables)
    assert (problem.rule, problem.rows, problem.share) == ("duplicate_key", 4, 1.0)
    assert str(problem) == (
        "grades has 4 rows that share student_id, school_year, term, course_id but differ elsewhere (first: 001 "
        "2021-22 S1 math, 002 2021-22 Y math). 100 % of grades is affected. Keep one row for each student_id, "
        "school_year, term, course_id."
    )


def test_equal_rows_are_dropped_but_for_one(district: Make) -> None:
    tables = district()
    tables["grades"] = pd.concat([tables["grades"]] * 3)
    records = read_records(tables, attendance="absences_only")
    assert records.ledger.frame.query("action == 'dropped'").to_numpy().tolist() == [
        ["grades", "exact_duplicate", "dropped", 4, "001 2021-22 S1 math, 002 2021-22 Y math"]
    ]
    assert (records.ledger.rows_read["grades"], records.ledger.rows_kept["grades"]) == (6, 2)
    problem = only_problem(tables, duplicates="error")
    assert str(problem).startswith("grades has 6 rows that share student_id, school_year, term, course_id (first: ")
    assert 'set duplicates = "drop_exact"' in str(problem)


def test_two_equal_sessions_are_two_sessions(district: Make) -> None:
    tables = district()
    tables["sessions"] = pd.concat([tables["sessions"]] * 2)
    assert read_records(tables, attendance="absences_only").ledger.rows_kept["sessions"] == 4


def test_yearly_totals_may_have_one_row_for_each_school(district: Make) -> None:
    totals = """
        student_id | school_year | days_enrolled | days_absent | school_id
        001        | 2021-22     | 90            | 3           | north
        001        | 2021-22     | 90            | 5           | south
    """
    assert validate_records(district(attendance=totals)).ok
    by_student = "\n".join(line.rsplit("|", 1)[0] for line in totals.strip().splitlines())
    problem = only_problem(district(attendance=by_student), attendance="yearly_totals")
    assert "2 rows that share student_id, school_year but differ elsewhere (first: 001 2021-22)" in str(problem)


# Rows


@pytest.mark.parametrize(
    ("table", "values", "rule", "message"),
    [
        (
            "enrolment",
            {"exit_date": "2021-08-31"},
            "exit_before_entry",
            "enrolment has 1 row whose exit_date is before their entry_date (first student_id: 001).",
        ),
        (
            "matches",
            {"end_date": "2021-09-30"},
            "end_before_start",
            "matches has 1 row whose end_date is before their start_date (first match_id: m1).",
        ),
        (
            "calendar",
            {"date": "2020-09-01"},
            "date_outside_school_year",
            "calendar has 1 row whose date lies outside its school_year (first school_id: north).",
        ),
        (
            "enrolment",
            {"exit_date": "2023-01-10", "entry_date": "2023-01-10"},
            "date_outside_school_year",
            "enrolment has 1 row whose entry_date lies outside their school_year (first student_id: 001).",
        ),
    ],
)
def test_a_row_that_contradicts_itself(
    district: Make, table: str, values: dict[str, str], rule: str, message: str
) -> None:
    tables = district()
    for column, value in values.items():
        tables[table].loc[0, column] = value
    report = validate_records(tables, attendance="absences_only")
    assert [problem.rule for problem in report.found] == [rule]
    assert message in report.message


def test_more_days_absent_than_enrolled(district: Make) -> None:
    totals = """
        student_id | school_year | days_enrolled | days_absent
        001        | 2021-22     | 180           | 181
        002        | 2021-22     | 180           | 180
    """
    problem = only_problem(district(attendance=totals), attendance="yearly_totals")
    assert (problem.rule, problem.column) == ("more_absent_than_enrolled", "days_absent, days_enrolled")
    assert "attendance has 1 row with more days_absent than days_enrolled (first student_id: 001)." in str(problem)


def test_a_table_of_which_most_would_be_dropped_is_a_mixup_and_not_dirt(district: Make) -> None:
    """School identifiers that differ between two exports must not end in an evaluation without absences."""
    days = pd.bdate_range("2021-09-01", periods=120).strftime("%Y-%m-%d")
    tables = district()
    tables["calendar"] = pd.DataFrame({"school_id": "north", "date": days, "school_year": "2021-22"})
    tables["enrolment"]["school_id"] = "NORTH HIGH"
    tables["attendance"] = pd.DataFrame({"student_id": "001", "date": days, "code": "absent"})
    report = validate_records(tables, attendance="absences_only")
    assert "attendance has 120 rows on days that are not in the calendar of the school (first: 001)." in report.message
    assert "compare the school identifiers" in report.message


# The report


def test_all_problems_of_all_tables_at_once_the_worst_first(district: Make) -> None:
    tables = orphaned(district(), "attendance")
    tables["grades"]["term"] = ["S1", "Q1"]
    tables["sessions"]["minutes"] = "half an hour"
    report = validate_records(tables, attendance="absences_only")
    assert [(p.table, p.rule, round(p.share, 2)) for p in report.found] == [
        ("sessions", "unreadable", 1.0),
        ("grades", "not_allowed", 0.5),
        ("attendance", "orphan", 0.33),
    ]
    columns = ["table", "column", "rule", "rows", "share", "examples", "finding", "advice"]
    assert list(report.problems.columns) == columns
    assert report.problems["rows"].tolist() == [2, 1, 1]
    with pytest.raises(DataError) as error:
        read_records(tables, attendance="absences_only")
    lines = str(error.value).splitlines()
    assert lines[0] == "The tables in frames have 3 problems, the worst first."
    assert [line[:12] for line in lines[1:]] == ["1. sessions ", "2. grades ha", "3. attendanc"]


def test_a_clean_district_has_an_empty_report(district: Make) -> None:
    report = validate_records(district(), attendance="absences_only")
    assert report.ok
    assert len(report.problems) == 0
    assert str(report).startswith(
        "The tables in frames hold every rule.\n  students: 3 rows read = 3 kept + 0 in the ledger\n"
    )
    assert "enrolment: 2 rows mapped (open_exit: 001, 003)" in str(report)
    assert "Every rule holds." in report._repr_html_()


def test_a_share_is_never_rounded_to_none_or_all() -> None:
    def said(share: float) -> str:
        return str(Problem("grades", "mark", "rule", "Wrong.", "Do.", rows=1, share=share))

    assert said(0.00001) == "Wrong. less than 0.1 % of grades is affected. Do."
    assert said(0.024) == "Wrong. 2.4 % of grades is affected. Do."
    assert said(0.99999) == "Wrong. more than 99.9 % of grades is affected. Do."
    assert said(1.0) == "Wrong. 100 % of grades is affected. Do."


def dirty(district: Make) -> District:
    """Some of every kind of dirt."""
    tables = orphaned(orphaned(district(), "attendance"), "sessions", "match_id")
    tables["students"]["english_learner"] = [" yes", "NO ", "perhaps"]
    tables["enrolment"].loc[1, ["grade_level", "exit_date"]] = ["pk", "12/17/2021"]
    tables["attendance"] = pd.concat([tables["attendance"]] * 2, ignore_index=True)
    tables["attendance"].loc[6] = ["002", "2021-09-04", "absent"]
    tables["attendance"].loc[7] = ["003", "2021-09-01", "absent"]
    tables["attendance"].loc[8] = ["001", "  ", "absent"]
    tables["attendance"].loc[9] = ["001.0", "2021-09-01", "absent"]
    tables["grades"]["mark"] = ["A-", "Z"]
    tables["matches"].loc[1, "end_date"] = "2020-01-01"
    return tables


def test_every_engine_says_the_same(district: Make, engine: Callable[[District], Any]) -> None:
    def said(source: Any) -> tuple[str, list[list[Any]], dict[str, int]]:
        report: ValidationReport = validate_records(source, attendance="absences_only")
        text = "\n".join(str(problem) for problem in report.found)
        return text, report.ledger.frame.to_numpy().tolist(), report.ledger.rows_kept

    tables = dirty(district)
    assert said(engine(tables)) == said(tables)
    text, ledger, kept = said(tables)
    assert text.count("\n") == 6 - 1
    assert {(row[0], row[1], row[3]) for row in ledger} == {
        ("attendance", "exact_duplicate", 3),
        ("attendance", "id_read_as_decimal", 1),
        ("attendance", "not_in_session", 1),
        ("attendance", "not_enrolled", 2),
        ("enrolment", "open_exit", 3),
        ("grades", "unparsed_mark", 1),
    }
    assert kept["attendance"] == 10 - 3 - 1 - 2
