"""Files that have totals of a year instead of days: California's absence summary, and OpenSDP's columns."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from mentoreval.panel.build import build_panel
from mentoreval.panel.measures import AttendanceRate, ChronicAbsence
from mentoreval.panel.programs import OneToOne
from mentoreval.records import Records, ValidationReport, read_records, validate_records

OURS = {
    "students": "student_id\n8000000001\n8000000002\n8000000003",
    "enrolment": """student_id,school_id,school_year,grade_level,entry_date,exit_date
8000000001,1930924,2021-22,9,2021-08-18,2022-06-03
8000000002,1930924,2021-22,9,2021-08-18,2022-06-03
8000000003,1930924,2021-22,9,2021-08-18,2022-06-03""",
}
FIELDS = (
    "Record Type Code,Reporting LEA,School of Attendance,Academic Year ID,SSID,Local Student ID,"
    "Student Absence Summary Data Collection Exemption Indicator,Expected Attendance Days,Days Attended,"
    "Days Absent Out-of-School Suspension,Days in Attendance In-School Suspension,"
    "Days Absent Excused Non-Suspension,Days Absent Unexcused Non-Suspension,Incomplete Independent Study Days"
)
STAS = f"""{FIELDS}
STAS,1975291,1930924,2021-2022,8000000001,17,N,180,162,2,1,10,5,1
STAS,1975291,1930924,2021-2022,8000000002,22,N,180,163,2,0,10,5,0
STAS,1975291,1930924,2021-2022,8000000003,31,Y,,,,,,,"""


def write(folder: Path, files: dict[str, str]) -> Path:
    """These files as CSV."""
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text + "\n", encoding="utf-8")
    return folder


def rows(records: Records, table: str) -> list[dict[str, Any]]:
    """The rows of a table in sorted order."""
    found: list[dict[str, Any]] = records.table(table).collect("pyarrow").to_native().to_pylist()
    return sorted(found, key=lambda row: str(list(row.values())))


def accounted(report: ValidationReport, table: str) -> tuple[int, int, dict[str, int]]:
    """Rows read, rows kept, and rows dropped by rule; that they add up is the law."""
    ledger = report.ledger
    dropped = {e.rule: e.rows for e in ledger.entries if e.table == table and e.action == "dropped"}
    assert ledger.rows_read[table] == ledger.rows_kept[table] + sum(dropped.values())
    return ledger.rows_read[table], ledger.rows_kept[table], dropped


# CALPADS


def test_the_days_of_california_are_those_of_its_formula(tmp_path: Path) -> None:
    """Absent: suspended out of school + excused + unexcused + incomplete independent study. An in-school suspension is
    a day attended."""
    records = read_records(write(tmp_path, {**OURS, "STAS": STAS}), format="calpads")
    assert records.attendance_mode == "yearly_totals"
    reasons = {"days_absent_excused": 10.0, "days_absent_unexcused": 5.0, "days_suspended": 2.0}
    place = {"school_id": "1930924", "school_year": "2021-22", "days_enrolled": 180.0}
    assert [row.items() >= {**place, **reasons}.items() for row in rows(records, "attendance")] == [True, True]
    assert [row["days_absent"] for row in rows(records, "attendance")] == [2 + 10 + 5 + 1, 2 + 10 + 5 + 0]


def test_independent_study_is_part_of_the_days_expected_and_absent_where_no_attendance_is_claimed(
    tmp_path: Path,
) -> None:
    """Since 2021-22 all eight counts add up to the days expected (CALPADS validation STAS0318)."""
    today = "SSID,School of Attendance,Academic Year ID,Exemption Indicator,Expected Attendance Days,"
    today += "Days Attended In-Person,Days Absent Out-of-School Suspension,Days in Attendance In-School Suspension,"
    today += "Days Absent In-Person Excused Non-Suspension,Days Absent In-Person Unexcused Non-Suspension,"
    today += "Non-ADA Generating Independent Study Days,ADA-Generating Independent Study Days\n"
    today += "8000000001,1930924,2021-2022,N,180,138,2,1,10,5,4,20\n8000000002,1930924,2021-2022,N,180,163,2,0,10,5,0,0"
    assert 138 + 2 + 1 + 10 + 5 + 4 + 20 == 180
    report = validate_records(write(tmp_path, {**OURS, "STAS": today}), format="calpads")
    assert [entry for entry in report.ledger.entries if entry.action == "flagged" and "STAS" in entry.table] == []
    records = read_records(tmp_path, format="calpads")
    assert [(row["days_enrolled"], row["days_absent"]) for row in rows(records, "attendance")] == [
        (180, 2 + 10 + 5 + 4),
        (180, 2 + 10 + 5),
    ]


FIELDS_BY_ORDER = """STAS^^^1975291^1930924^2021-2022^8000000001^17^Ana^Lopez^20070131^F^N^N^180^138^2^1^10^5^4^20
STAS^^^1975291^1930924^2021-2022^8000000002^22^Ben^O'Hara^20080228^M^N^N^180^163^2^0^10^5^0^0
STAS^^^1975291^1930924^2021-2022^8000000003^31^Cy^Ng^20080228^M^Y^^^^^^^^^"""
UNTIL_2021 = """STAS^^^1975291^1930924^2019-2020^8000000001^17^Ana^Lopez^20070131^F^N^N^180^162^2^1^10^5^1"""


def test_the_files_of_calpads_have_carets_and_no_names(tmp_path: Path) -> None:
    write(tmp_path, OURS)
    (tmp_path / "STAS.txt").write_text(FIELDS_BY_ORDER + "\n", encoding="utf-8")
    options = {"kind": "calpads", "delimiter": "^", "header": False}
    records = read_records(tmp_path, format=options)
    assert [(row["student_id"], row["days_enrolled"], row["days_absent"]) for row in rows(records, "attendance")] == [
        ("8000000001", 180, 2 + 10 + 5 + 4),
        ("8000000002", 180, 2 + 10 + 5),
    ]
    report = validate_records(tmp_path, format=options)
    assert accounted(report, "STAS.txt") == (3, 2, {"exempt_from_absence_summary": 1})
    assert "days_do_not_add_up" not in {entry.rule for entry in report.ledger.entries}


def test_a_file_of_21_fields_is_one_from_before_independent_study_was_split(tmp_path: Path) -> None:
    ours = {name: text.replace("2021-22", "2019-20") for name, text in OURS.items()}
    ours["enrolment"] = ours["enrolment"].replace("2021-08", "2019-08").replace("2022-06", "2020-06")
    write(tmp_path, ours)
    (tmp_path / "STAS.txt").write_text(UNTIL_2021 + "\n", encoding="utf-8")
    report = validate_records(tmp_path, format={"kind": "calpads", "delimiter": "^", "header": False})
    assert report.ok, report.message
    assert "days_do_not_add_up" not in {entry.rule for entry in report.ledger.entries}
    records = read_records(tmp_path, format={"kind": "calpads", "delimiter": "^", "header": False})
    assert [(row["days_enrolled"], row["days_absent"]) for row in rows(records, "attendance")] == [
        (180, 2 + 10 + 5 + 1)
    ]


def test_a_line_of_names_in_a_file_that_is_said_to_have_none_is_counted_as_no_record(tmp_path: Path) -> None:
    names = "^".join(f"Field {number}" for number in range(1, 23))
    write(tmp_path, OURS)
    (tmp_path / "STAS.txt").write_text(f"{names}\n{FIELDS_BY_ORDER}\n", encoding="utf-8")
    report = validate_records(tmp_path, format={"kind": "calpads", "delimiter": "^", "header": False})
    assert accounted(report, "STAS.txt") == (4, 2, {"other_record_type": 1, "exempt_from_absence_summary": 1})


def test_carets_that_nobody_stated_are_named(tmp_path: Path) -> None:
    write(tmp_path, OURS)
    (tmp_path / "STAS.txt").write_text(FIELDS_BY_ORDER + "\n", encoding="utf-8")
    (problem,) = validate_records(tmp_path, format="calpads").found
    assert "STAS can not be read: its columns are parted by '^'" in problem.finding


def test_the_summary_feeds_the_yearly_measures(tmp_path: Path) -> None:
    """18 of 180 days are exactly 10 %, so chronically absent; 17 of 180 are not."""
    mentoring = {
        "matches": "match_id,student_id,mentor_id,start_date\nm1,8000000001,t1,2021-08-18",
        "sessions": "match_id,date,minutes\nm1,2021-09-01,30",
    }
    records = read_records(write(tmp_path, {**OURS, **mentoring, "STAS": STAS}), format="calpads")
    panel = build_panel(records, program=OneToOne(min_sessions=1), measures=[ChronicAbsence(), AttendanceRate()])
    frame = panel.frame.set_index("student_id")
    assert frame["attendance_rate"].dropna().to_dict() == pytest.approx(
        {"8000000001": 1 - 18 / 180, "8000000002": 1 - 17 / 180}
    )
    assert frame["chronic_absence"].dropna().to_dict() == {"8000000001": 1, "8000000002": 0}


def test_exempt_students_and_sums_that_do_not_add_up_are_in_the_ledger(tmp_path: Path) -> None:
    report = validate_records(write(tmp_path, {**OURS, "STAS": STAS.replace(",163,", ",170,")}), format="calpads")
    assert report.ok, report.message
    assert accounted(report, "STAS.csv") == (3, 2, {"exempt_from_absence_summary": 1})
    flagged = [(e.rule, e.rows, e.examples) for e in report.ledger.entries if e.action == "flagged"]
    assert flagged == [("days_do_not_add_up", 1, ("8000000002",))]


def test_a_district_may_know_its_students_by_local_identifiers(tmp_path: Path) -> None:
    ours = {name: text.replace("8000000001", "17").replace("8000000002", "22") for name, text in OURS.items()}
    options = {"kind": "calpads", "student_id": "local"}
    records = read_records(write(tmp_path, {**ours, "STAS": STAS}), format=options)
    assert [row["student_id"] for row in rows(records, "attendance")] == ["17", "22"]


def test_a_count_that_is_no_number_is_listed(tmp_path: Path) -> None:
    source = write(tmp_path, {**OURS, "STAS": STAS.replace("180,162", "n/a,162")})
    (problem,) = validate_records(source, format="calpads").found
    assert str(problem).startswith(
        "STAS.csv has 1 row whose Expected Attendance Days is not a number (found: n/a (1)). 50.0 % of attendance"
    )


def test_a_missing_summary_is_named(tmp_path: Path) -> None:
    (problem,) = validate_records(write(tmp_path, OURS), format="calpads").found
    assert problem.finding == f"There is no STAS in the folder '{tmp_path}'."


# OpenSDP

SDP = {
    "Student_Attributes": "sid,male,race_ethnicity\n1,0,H\n2,1,W",
    "Student_School_Year": """sid,school_year,grade_level,frpl,iep,ell
1,2021,8,0,0,1
1,2022,9,2,0,0
2,2022,0,1,1,0""",
    "Student_School_Enrollment": """\
sid,school_year,school_code,enrollment_date,withdrawal_date,days_enrolled,days_absent
1,2021,10,2020-09-08,2021-06-18,170,20
1,2022,11,2021-09-07,2021-12-17,70,3
1,2022,11,2022-01-10,2022-06-17,100,4.5
2,2022,11,2021-09-07,,180,9""",
}


def test_a_year_of_opensdp_is_that_of_spring(tmp_path: Path) -> None:
    records = read_records(write(tmp_path, SDP), format="opensdp")
    assert [(r["student_id"], r["school_year"], r["grade_level"]) for r in rows(records, "enrolment")] == [
        ("1", "2020-21", 8),
        ("1", "2021-22", 9),
        ("1", "2021-22", 9),
        ("2", "2021-22", 0),
    ]
    assert rows(records, "enrolment")[0]["exit_date"] == date(2021, 6, 18)


def test_statuses_are_those_of_the_first_year(tmp_path: Path) -> None:
    source = write(tmp_path, SDP)
    statuses = ("gender", "economically_disadvantaged", "english_learner", "disability")
    found = {
        r["student_id"]: tuple(r[s] for s in statuses) for r in rows(read_records(source, format="opensdp"), "students")
    }
    assert found == {"1": ("female", 0, 1, 0), "2": ("male", 1, 0, 1)}
    entries = validate_records(source, format="opensdp").ledger.entries
    assert [(e.table, e.rows) for e in entries if e.rule == "status_of_first_year"] == [("Student_School_Year.csv", 1)]


def test_days_are_added_up_within_a_school_and_year(tmp_path: Path) -> None:
    records = read_records(write(tmp_path, SDP), format="opensdp")
    assert records.attendance_mode == "yearly_totals"
    days = [
        (r["student_id"], r["school_year"], r["days_enrolled"], r["days_absent"]) for r in rows(records, "attendance")
    ]
    assert sorted(days) == [("1", "2020-21", 170, 20), ("1", "2021-22", 70 + 100, 3 + 4.5), ("2", "2021-22", 180, 9)]


def test_a_total_with_a_missing_part_is_missing_and_not_smaller(tmp_path: Path) -> None:
    enrollments = SDP["Student_School_Enrollment"].replace(",100,4.5", ",100,")
    source = write(tmp_path, {**SDP, "Student_School_Enrollment": enrollments})
    (problem,) = validate_records(source, format="opensdp").found
    assert (problem.table, problem.column, problem.rule, problem.rows) == (
        "attendance",
        "days_absent",
        "missing_value",
        1,
    )


def test_ungraded_students_are_refused_or_left_out_but_never_given_a_grade(tmp_path: Path) -> None:
    source = write(
        tmp_path, {**SDP, "Student_School_Year": SDP["Student_School_Year"].replace("2,2022,0,", "2,2022,-9,")}
    )
    (problem,) = validate_records(source, format="opensdp").found
    assert "whose grade_level is not a grade level (found: -9 (1))" in str(problem)
    report = validate_records(source, format={"kind": "opensdp", "ungraded": "drop"})
    assert accounted(report, "Student_School_Enrollment.csv") == (4, 3, {"ungraded": 1})


def test_a_year_of_autumn_contradicts_its_dates(tmp_path: Path) -> None:
    """A district that names years by autumn would have every date one year late."""
    autumn = {name: text.replace(",2021,", ",2020,").replace(",2022,", ",2021,") for name, text in SDP.items()}
    rules = {problem.rule for problem in validate_records(write(tmp_path, autumn), format="opensdp").found}
    assert "date_outside_school_year" in rules


def test_one_file_may_hold_everything(tmp_path: Path) -> None:
    flat = "sid,male,school_year,grade_level,frpl,school_code,enrollment_date,withdrawal_date\n" + "\n".join(
        ("1,0,2021,8,0,10,2020-09-08,2021-06-18", "1,0,2022,9,1,11,2021-09-07,2022-06-17")
    )
    names = {"attributes": "district", "years": "district", "spells": "district"}
    records = read_records(write(tmp_path, {"district": flat}), format={"kind": "opensdp", **names})
    assert [(r["student_id"], r["school_year"]) for r in rows(records, "enrolment")] == [
        ("1", "2020-21"),
        ("1", "2021-22"),
    ]
    assert len(rows(records, "students")) == 1


def test_the_letters_of_the_practice_files_and_the_numbers_of_the_specification_are_read(tmp_path: Path) -> None:
    """frpl N, R and F are 0, 1 and 2: not in the program, reduced price, free. Of race_ethnicity 3 is Hispanic."""
    years = (
        SDP["Student_School_Year"].replace(",0,0,1\n", ",N,0,1\n").replace("9,2,", "9,F,").replace("0,1,1,0", "0,R,1,0")
    )
    files = {
        **SDP,
        "Student_School_Year": years,
        "Student_Attributes": "sid,male,race_ethnicity\n1,0,3\n2,1,W",
        "Student_School_Enrollment": SDP["Student_School_Enrollment"]
        .replace("withdrawal_date,", "withdrawal_date,withdrawal_code,")
        .replace("2021-12-17,", "2021-12-17,MOVED,")
        .replace("-18,170", "-18,,170")
        .replace("-17,100", "-17,,100")
        .replace(",,180", ",,,180"),
    }
    records = read_records(write(tmp_path, files), format="opensdp")
    found = {
        row["student_id"]: (row["race_ethnicity"], row["economically_disadvantaged"])
        for row in rows(records, "students")
    }
    assert found == {"1": ("Hispanic", 0), "2": ("W", 1)}
    assert {row["exit_code"] for row in rows(records, "enrolment")} == {None, "MOVED"}
