"""OneRoster exports: who is a student, when a roster ends, and what such an export can not say."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from mentoreval.records import Records, ValidationReport, read_records, validate_records

HEAD = "sourcedId,status,dateLastModified"
EXPORT = {
    "manifest": "propertyName,value\noneroster.version,1.1\nfile.users,bulk\nfile.results,absent",
    "users": f"""{HEAD},enabledUser,orgSourcedIds,role,username,givenName,familyName,identifier,grades
u1,,,true,s1,student,ana,Ana,A,0017,09
u2,active,,true,s1,student,ben,Ben,B,0022,KG
u3,tobedeleted,,true,s1,student,eva,Eva,B,0023,KG
t1,,,true,s1,teacher,tom,Tom,B,9,""",
    "enrollments": f"""{HEAD},classSourcedId,schoolSourcedId,userSourcedId,role,primary,beginDate,endDate
e1,,,c1,s1,u1,student,,2021-09-01,2022-01-22
e2,,,c2,s1,u1,student,,2022-01-22,2022-06-11
e3,,,c3,s1,u1,student,,2021-09-01,2022-06-11
e4,,,c1,s1,u2,student,,2021-09-01,2021-10-01
e5,,,c1,s1,u2,student,,2022-03-01,
e6,tobedeleted,,c1,s1,u2,student,,2021-10-01,2022-03-01
e7,,,c1,s1,t1,teacher,,2021-09-01,""",
    "academicSessions": f"""{HEAD},title,type,startDate,endDate,parentSourcedId,schoolYear
y,,,2021-2022,schoolYear,2021-09-01,2022-06-11,,2022
f,,,Fall,semester,2021-09-01,2022-01-22,y,2022
s,,,Spring,semester,2022-01-22,2022-06-11,y,2022
q,,,Q1,gradingPeriod,2021-09-01,2021-11-11,f,2022""",
    "demographics": f"""{HEAD},birthDate,sex,asian,white,demographicRaceTwoOrMoreRaces,hispanicOrLatinoEthnicity
u1,,,2007-01-31,female,true,yes,no,false
u2,,,2016-02-29,male,false,true,false,true
t1,,,1980-01-31,male,false,true,false,false""",
    "orgs": f"{HEAD},name,type,identifier,parentSourcedId\ns1,,,North,school,001,d\nd,,,District,district,1,",
}
FORMAT = {"format": "oneroster"}


def write(folder: Path, **changed: str) -> Path:
    """The export as files, with some of them changed, or left out with an empty text."""
    for name, text in {**EXPORT, **changed}.items():
        if text:
            (folder / f"{name}.csv").write_text(text + "\n", encoding="utf-8")
    return folder


def rows(records: Records, table: str) -> list[tuple[Any, ...]]:
    """The rows of a table in sorted order."""
    found = records.table(table).collect("pyarrow").to_native().to_pylist()
    return sorted((tuple(row.values()) for row in found), key=str)


def accounted(report: ValidationReport, table: str) -> tuple[int, int, dict[str, int]]:
    """Rows read, rows kept, and rows dropped by rule; that they add up is the law."""
    ledger = report.ledger
    dropped = {e.rule: e.rows for e in ledger.entries if e.table == table and e.action == "dropped"}
    assert ledger.rows_read[table] == ledger.rows_kept[table] + sum(dropped.values())
    return ledger.rows_read[table], ledger.rows_kept[table], dropped


def test_users_and_demographics_become_students(tmp_path: Path) -> None:
    assert rows(read_records(write(tmp_path), **FORMAT), "students") == [
        ("u1", "female", "twoOrMoreRaces", date(2007, 1, 31)),
        ("u2", "male", "hispanicOrLatinoEthnicity", date(2016, 2, 29)),
    ]


def test_rosters_become_spells_and_their_end_is_the_day_after_the_last(tmp_path: Path) -> None:
    """Ana's three classes are one stay without a gap; Ben was away from October to February, and his second stay is
    open, so it ends with the last weekday of the school year."""
    assert rows(read_records(write(tmp_path), **FORMAT), "enrolment") == [
        ("u1", "s1", "2021-22", 9, date(2021, 9, 1), date(2022, 6, 10)),
        ("u2", "s1", "2021-22", 0, date(2021, 9, 1), date(2021, 9, 30)),
        ("u2", "s1", "2021-22", 0, date(2022, 3, 1), date(2022, 6, 10)),
    ]


def test_students_and_schools_may_be_known_by_the_numbers_of_the_district(tmp_path: Path) -> None:
    options = {"kind": "oneroster", "student_id": "identifier", "school_id": "identifier"}
    records = read_records(write(tmp_path), format=options)
    assert {row[:2] for row in rows(records, "enrolment")} == {("0017", "001"), ("0022", "001")}
    assert [row[0] for row in rows(records, "students")] == ["0017", "0022"]


def test_without_a_calendar_every_weekday_counts_and_that_is_said(tmp_path: Path) -> None:
    source = write(tmp_path)
    days = rows(read_records(source, **FORMAT), "calendar")
    semesters = {term: [day for _, day, _, term_of in days if term_of == term] for term in ("S1", "S2")}
    # 1 September 2021 is a Wednesday: 20 full weeks and Wednesday to Friday until 21 January; then 20 weeks.
    assert {term: (min(d), max(d), len(d)) for term, d in semesters.items()} == {
        "S1": (date(2021, 9, 1), date(2022, 1, 21), 20 * 5 + 3),
        "S2": (date(2022, 1, 24), date(2022, 6, 10), 20 * 5),
    }
    report = validate_records(source, **FORMAT)
    assert any("every weekday of a school year counts" in note for note in report.notes)
    flagged = [(e.table, e.rule, e.rows) for e in report.ledger.entries if e.action == "flagged"]
    assert flagged == [("academicSessions.csv", "weekdays_as_school_days", 1)]


def test_a_calendar_beside_the_export_wins(tmp_path: Path) -> None:
    calendar = "school_id,date,school_year\ns1,2021-09-01,2021-22\ns1,2022-06-10,2021-22"
    records = read_records(write(tmp_path, calendar=calendar), **FORMAT)
    assert [row[1] for row in rows(records, "calendar")] == [date(2021, 9, 1), date(2022, 6, 10)]


def test_what_the_export_can_not_hold_is_said(tmp_path: Path) -> None:
    notes = validate_records(write(tmp_path, results=f"{HEAD},score\nr1,,,88"), **FORMAT).notes
    assert notes[0].startswith("OneRoster holds no daily attendance.")
    assert notes[1].startswith("results.csv holds scores of a gradebook")
    attendance = "student_id,date,code\nu1,2021-09-02,absent"
    report = validate_records(write(tmp_path, attendance=attendance), attendance="absences_only", **FORMAT)
    assert report.ok, report.message
    assert not any("attendance" in note.partition(".")[0] for note in report.notes)


def test_every_row_of_the_export_is_accounted_for(tmp_path: Path) -> None:
    report = validate_records(write(tmp_path), **FORMAT)
    assert report.ok, report.message
    assert accounted(report, "users.csv") == (4, 2, {"to_be_deleted": 1, "not_a_student": 1})
    assert accounted(report, "enrollments.csv") == (7, 5, {"to_be_deleted": 1, "not_a_student": 1})
    assert accounted(report, "demographics.csv") == (3, 2, {"not_a_student": 1})
    assert accounted(report, "academicSessions.csv") == (4, 3, {"not_used": 1})
    assert accounted(report, "enrolment") == (3, 3, {})


def test_version_1_2_keeps_roles_in_a_file_of_their_own(tmp_path: Path) -> None:
    users = "\n".join(
        ",".join(cell for place, cell in enumerate(line.split(",")) if place != 5)
        for line in EXPORT["users"].split("\n")
    )
    roles = f"{HEAD},userSourcedId,roleType,role,orgSourcedId\n" + "\n".join(
        f"r{user},,,{user},primary,{role},s1"
        for user, role in (("u1", "student"), ("u2", "student"), ("u3", "student"), ("t1", "teacher"))
    )
    report = validate_records(write(tmp_path, users=users, roles=roles), **FORMAT)
    assert accounted(report, "users.csv") == (4, 2, {"to_be_deleted": 1, "not_a_student": 1})
    assert accounted(report, "roles.csv") == (4, 3, {"not_a_student": 1})


def test_an_enrollment_without_a_begin_date_begins_with_the_only_school_year(tmp_path: Path) -> None:
    enrollments = EXPORT["enrollments"].replace("student,,2021-09-01,2021-10-01", "student,,,2021-10-01")
    report = validate_records(write(tmp_path, enrollments=enrollments), **FORMAT)
    entries = [(e.rule, e.rows, e.examples) for e in report.ledger.entries if e.table == "enrollments.csv"]
    assert ("begin_of_school_year", 1, ("u2",)) in entries


def test_an_enrollment_outside_every_school_year_is_refused(tmp_path: Path) -> None:
    enrollments = EXPORT["enrollments"].replace("2022-03-01,\n", "2019-03-01,\n", 1)
    (problem,) = validate_records(write(tmp_path, enrollments=enrollments), **FORMAT).found
    assert str(problem).startswith(
        "enrollments.csv has 1 row whose school_year can not be told, because beginDate lies in no school year of "
        "academicSessions.csv (found: 2019-03-01)."
    )


def test_a_school_year_that_contradicts_its_dates_is_refused(tmp_path: Path) -> None:
    """OneRoster names a school year by the year in which it ends; 2021 for 2021-22 would shift every student a year."""
    sessions = EXPORT["academicSessions"].replace("2022-06-11,,2022", "2022-06-11,,2021")
    (problem,) = validate_records(write(tmp_path, academicSessions=sessions), **FORMAT).found
    assert "the school year from 2021-09-01 to 2022-06-11 2021, and OneRoster names a school year" in str(problem)


def test_files_of_changes_only_are_no_roster(tmp_path: Path) -> None:
    manifest = EXPORT["manifest"].replace("file.users,bulk", "file.users,delta")
    (problem,) = validate_records(write(tmp_path, manifest=manifest), **FORMAT).found
    assert "manifest.csv says that users.csv hold changes only (delta)" in str(problem)


def test_a_grade_code_of_the_district_is_listed_until_it_is_explained(tmp_path: Path) -> None:
    source = write(tmp_path, users=EXPORT["users"].replace("0022,KG", "0022,TK"))
    (problem,) = validate_records(source, **FORMAT).found
    assert "whose grade_level is not a grade level (found: TK (2))" in str(problem)
    records = read_records(source, format={"kind": "oneroster", "grade_levels": {"TK": "KG"}})
    assert {row[3] for row in rows(records, "enrolment")} == {0, 9}


@pytest.mark.parametrize("name", ["users", "enrollments", "academicSessions"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    problems = validate_records(write(tmp_path, **{name: ""}), **FORMAT).found
    assert f"There is no {name}.csv in the folder '{tmp_path}'." in [problem.finding for problem in problems]
