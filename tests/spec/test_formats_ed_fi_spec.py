"""Dumps of Ed-Fi resources: names of columns, descriptors, and what each row becomes."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mentoreval.records import Records, ValidationReport, read_records, validate_records

DUMP = {
    "students": """
        studentUniqueId | birthDate  | birthSexDescriptor
        0017            | 2007-01-31 | uri://ed-fi.org/SexDescriptor#Female
        0022            | 2008-02-28 | uri://ed-fi.org/SexDescriptor#Male
    """,
    "studentSchoolAssociations": """
        studentReference.studentUniqueId | schoolReference.schoolId | entryDate  | exitWithdrawDate | entryGradeLevelDescriptor              | schoolYearTypeReference.schoolYear
        0017                             | 255901                   | 2021-09-01 |                  | uri://ed-fi.org/GradeLevelDescriptor#Ninth grade | 2022
        0022                             | 255901                   | 2021-09-01 | 2021-09-02       | Kindergarten                           | 2022
    """,  # noqa: E501
    "calendarDates": """
        calendarReference.schoolId | calendarReference.schoolYear | date       | calendarEventDescriptor
        255901                     | 2022                         | 2021-09-01 | uri://ed-fi.org/CalendarEventDescriptor#Instructional day
        255901                     | 2022                         | 2021-09-02 | Make-up day
        255901                     | 2022                         | 2021-09-03 | uri://ed-fi.org/CalendarEventDescriptor#Holiday
    """,  # noqa: E501
    "studentSchoolAttendanceEvents": """
        studentReference.studentUniqueId | schoolReference.schoolId | eventDate  | attendanceEventCategoryDescriptor | eventDuration
        0017                             | 255901                   | 2021-09-01 | uri://ed-fi.org/AttendanceEventCategoryDescriptor#Excused Absence | 0.5
        0017                             | 255901                   | 2021-09-02 | Tardy                             |
        0022                             | 255901                   | 2021-09-02 | Unexcused Absence                 | 1
    """,  # noqa: E501
    "courseTranscripts": """
        studentAcademicRecordReference.studentUniqueId | studentAcademicRecordReference.schoolYear | studentAcademicRecordReference.termDescriptor | courseReference.courseCode | finalLetterGradeEarned | attemptedCredits
        0017                                           | 2022                                      | uri://ed-fi.org/TermDescriptor#Fall Semester  | ALG-1                      | B+                     | 0.5
    """,  # noqa: E501
}
MODE: dict[str, Any] = {"attendance": "absences_only", "format": "ed_fi"}


def cells(text: str) -> list[list[str]]:
    """The cells of a literal table, line by line, the first line the names."""
    return [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines()]


def write(folder: Path, dump: dict[str, str], rename: Any = str) -> Path:
    """The dump as CSV files, with its columns renamed."""
    for name, text in dump.items():
        header, *lines = cells(text)
        rows = [",".join(map(rename, header)), *(",".join(line) for line in lines)]
        (folder / f"{name}.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
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


def test_resources_become_our_tables(tmp_path: Path) -> None:
    records = read_records(write(tmp_path, DUMP), **MODE)
    assert rows(records, "students") == [("0017", "Female", date(2007, 1, 31)), ("0022", "Male", date(2008, 2, 28))]
    assert rows(records, "enrolment") == [
        ("0017", "255901", "2021-22", 9, date(2021, 9, 1), date(2021, 9, 2)),
        ("0022", "255901", "2021-22", 0, date(2021, 9, 1), date(2021, 9, 2)),
    ]
    assert rows(records, "calendar") == [
        ("255901", date(2021, 9, 1), "2021-22"),
        ("255901", date(2021, 9, 2), "2021-22"),
    ]
    assert rows(records, "attendance") == [
        ("0017", date(2021, 9, 1), "absent_excused", "255901", 0.5),
        ("0022", date(2021, 9, 2), "absent_unexcused", "255901", 1.0),
    ]
    assert rows(records, "grades") == [("0017", "2021-22", "S1", "ALG-1", "B+", 0.5)]


@pytest.mark.parametrize(
    "rename",
    [
        lambda name: name.replace(".", "_"),
        lambda name: name.replace(".", "__"),
        lambda name: name.rpartition(".")[2],
        str.lower,
    ],
    ids=["underscore", "two underscores", "last part", "lower case"],
)
def test_a_flattened_name_may_be_written_in_several_ways(tmp_path: Path, rename: Any) -> None:
    (tmp_path / "dots").mkdir()
    (tmp_path / "other").mkdir()
    expected = read_records(write(tmp_path / "dots", DUMP), **MODE)
    found = read_records(write(tmp_path / "other", DUMP, rename), **MODE)
    for table in expected.tables:
        assert rows(found, table) == rows(expected, table)


def test_nested_parquet_is_flattened(tmp_path: Path) -> None:
    write(tmp_path, DUMP)
    (tmp_path / "studentSchoolAttendanceEvents.csv").unlink()
    event = {
        "studentReference": {"studentUniqueId": "0017", "link": {"rel": "Student"}},
        "schoolReference": {"schoolId": 255901},
        "eventDate": date(2021, 9, 1),
        "attendanceEventCategoryDescriptor": "uri://ed-fi.org/AttendanceEventCategoryDescriptor#Excused Absence",
        "eventDuration": 0.5,
    }
    pq.write_table(pa.Table.from_pylist([event]), tmp_path / "studentSchoolAttendanceEvents.parquet")
    assert rows(read_records(tmp_path, **MODE), "attendance") == [
        ("0017", date(2021, 9, 1), "absent_excused", "255901", 0.5)
    ]


def test_rows_that_are_left_out_are_in_the_ledger(tmp_path: Path) -> None:
    report = validate_records(write(tmp_path, DUMP), **MODE)
    assert report.ok, report.message
    assert accounted(report, "studentSchoolAttendanceEvents.csv") == (3, 2, {"no_absence": 1})
    assert accounted(report, "calendarDates.csv") == (3, 2, {"not_in_session": 1})
    assert accounted(report, "students.csv") == (2, 2, {})


def test_tardy_days_stay_where_every_day_is_listed(tmp_path: Path) -> None:
    records = read_records(write(tmp_path, DUMP), attendance="positive", format="ed_fi")
    assert [row[2] for row in rows(records, "attendance")] == ["absent_excused", "tardy", "absent_unexcused"]


def test_how_attendance_is_kept_is_never_guessed(tmp_path: Path) -> None:
    report = validate_records(write(tmp_path, DUMP), format="ed_fi")
    assert [problem.rule for problem in report.found] == ["attendance_mode"]


def test_a_descriptor_of_the_district_is_refused_and_listed_until_it_is_explained(tmp_path: Path) -> None:
    events = DUMP["studentSchoolAttendanceEvents"].replace("Tardy", "uri://district.org/Kind#Field Trip")
    source = write(tmp_path, {**DUMP, "studentSchoolAttendanceEvents": events})
    (problem,) = validate_records(source, **MODE).found
    assert str(problem) == (
        "studentSchoolAttendanceEvents.csv has 1 row whose code is not mapped (found: Field Trip (1)). 33.3 % of "
        "attendance is affected. Give each a meaning in attendance_codes = { … }, such as absent_excused."
    )
    explained = {"kind": "ed_fi", "attendance_codes": {"Field Trip": "present"}}
    assert len(rows(read_records(source, attendance="absences_only", format=explained), "attendance")) == 2


def test_a_dump_without_school_years_has_to_say_its_year(tmp_path: Path) -> None:
    spells = DUMP["studentSchoolAssociations"].replace("| 2022\n", "|\n")
    spells = spells.replace("schoolYearTypeReference.schoolYear", "beginDate")
    source = write(tmp_path, {**DUMP, "studentSchoolAssociations": spells})
    (problem,) = validate_records(source, **MODE).found
    assert "studentSchoolAssociations.csv has 2 rows whose school_year is empty." in str(problem)
    assert 'school_year = "2021-22"' in problem.advice
    records = read_records(source, attendance="absences_only", format={"kind": "ed_fi", "school_year": "2021-22"})
    assert {row[2] for row in rows(records, "enrolment")} == {"2021-22"}


def test_demographics_of_two_organizations_that_differ_need_a_word(tmp_path: Path) -> None:
    people = """
        educationOrganizationReference.educationOrganizationId | studentReference.studentUniqueId | sexDescriptor | hispanicLatinoEthnicity
        1                                                      | 0017                             | Female        | true
        2                                                      | 0017                             | Female        | false
        1                                                      | 0022                             | Male          | false
    """  # noqa: E501
    source = write(tmp_path, {**DUMP, "studentEducationOrganizationAssociations": people})
    problem = validate_records(source, **MODE).found[0]
    assert (problem.rule, problem.rows, problem.examples) == ("demographics_differ", 1, ("0017",))
    report = validate_records(source, attendance="absences_only", format={"kind": "ed_fi", "demographics_of": "1"})
    assert report.ok, report.message
    assert accounted(report, "studentEducationOrganizationAssociations.csv") == (3, 2, {"other_organization": 1})


def test_the_sessions_of_ed_fi_are_terms_and_those_of_mentors_have_a_name_of_their_own(tmp_path: Path) -> None:
    more = {
        "sessions": "sessionName | beginDate\n Fall | 2021-09-01",
        "matches": "match_id | student_id | mentor_id | start_date\n m1 | 0017 | t1 | 2021-09-01",
        "mentoring_sessions": "match_id | date | minutes\n m1 | 2021-09-02 | 30",
    }
    records = read_records(write(tmp_path, {**DUMP, **more}), **MODE)
    assert rows(records, "sessions") == [("m1", date(2021, 9, 2), 30.0, None)]


def test_a_missing_resource_is_named(tmp_path: Path) -> None:
    source = write(tmp_path, {"students": DUMP["students"]})
    (problem,) = validate_records(source, **MODE).found
    assert str(problem) == (
        f"There is no enrolment table in the folder '{source}'. "
        "The format ed_fi keeps it in studentSchoolAssociations.csv; add that file."
    )


def said_of(records: Records) -> dict[str, dict[str, Any]]:
    """What the records say of each student."""
    found = records.table("students").collect("pyarrow").to_native().to_pylist()
    return {row.pop("student_id"): row for row in found}


SAID = """
    studentReference.studentUniqueId | hispanicLatinoEthnicity | races.0.raceDescriptor                | races.1.raceDescriptor | limitedEnglishProficiencyDescriptor                   | studentCharacteristics.0.studentCharacteristicDescriptor
    0017                             | false                   | uri://ed-fi.org/RaceDescriptor#White  | Asian                  | uri://ed-fi.org/LimitedEnglishProficiencyDescriptor#Limited | uri://ed-fi.org/StudentCharacteristicDescriptor#Economic Disadvantaged
    0022                             | true                    | uri://ed-fi.org/RaceDescriptor#White  |                        | NotLimited                                            |
"""  # noqa: E501


def test_races_english_learners_and_characteristics_become_columns_of_students(tmp_path: Path) -> None:
    """Who is Hispanic or Latino is that, of any race; who has two races is "Two or more races"."""
    special = "studentReference.studentUniqueId | programReference.programName\n 0022 | Special Education"
    more = {"studentEducationOrganizationAssociations": SAID, "studentSpecialEducationProgramAssociations": special}
    source = write(tmp_path, {**DUMP, **more})
    records = read_records(source, **MODE)
    columns = ("race_ethnicity", "english_learner", "economically_disadvantaged", "disability")
    assert {student: tuple(row[name] for name in columns) for student, row in said_of(records).items()} == {
        "0017": ("Two or more races", 1, 1, 0),
        "0022": ("Hispanic or Latino", 0, 0, 1),
    }
    assert "temporary_housing" not in said_of(records)["0017"], "nobody is said to be homeless, so nothing is known"
    report = validate_records(source, **MODE)
    mapped = {
        e.rule: e.rows for e in report.ledger.entries if e.table == "studentEducationOrganizationAssociations.csv"
    }
    assert mapped == {"codes_of_english_learner": 2, "economically_disadvantaged_not_listed_as_no": 1}
    assert accounted(report, "studentSpecialEducationProgramAssociations.csv") == (1, 1, {})


def test_a_race_that_is_not_told_is_missing(tmp_path: Path) -> None:
    people = SAID.replace("#White  | Asian", "#Choose Not to Respond |").replace("true ", "false")
    source = write(tmp_path, {**DUMP, "studentEducationOrganizationAssociations": people})
    assert {student: row["race_ethnicity"] for student, row in said_of(read_records(source, **MODE)).items()} == {
        "0017": None,
        "0022": "White",
    }
    entries = validate_records(source, **MODE).ledger.entries
    assert [entry.rows for entry in entries if entry.rule == "race_not_stated"] == [1]


def test_a_proficiency_of_the_district_is_refused_until_it_is_explained(tmp_path: Path) -> None:
    people = SAID.replace("| NotLimited", "| uri://district.org/Levels#Level 3")
    source = write(tmp_path, {**DUMP, "studentEducationOrganizationAssociations": people})
    (problem,) = validate_records(source, **MODE).found
    assert "whose english_learner is not mapped (found: Level 3 (1))" in problem.finding
    explained = {"kind": "ed_fi", "english_learner_codes": {"Level 3": "1"}}
    records = read_records(source, attendance="absences_only", format=explained)
    assert said_of(records)["0022"]["english_learner"] == 1


def test_lists_of_parquet_are_flattened_and_lists_within_a_cell_are_refused(tmp_path: Path) -> None:
    write(tmp_path, DUMP)
    person = {
        "studentReference": {"studentUniqueId": "0017"},
        "races": [{"raceDescriptor": "uri://ed-fi.org/RaceDescriptor#White"}],
        "studentCharacteristics": [],
    }
    file = tmp_path / "studentEducationOrganizationAssociations.parquet"
    pq.write_table(pa.Table.from_pylist([person, {**person, "studentReference": {"studentUniqueId": "0022"}}]), file)
    assert {row["race_ethnicity"] for row in said_of(read_records(tmp_path, **MODE)).values()} == {"White"}
    nested = """[{'raceDescriptor': 'uri://ed-fi.org/RaceDescriptor#White'}]"""
    pq.write_table(pa.table({"studentUniqueId": ["0017"], "races": [nested]}), file)
    assert [problem.rule for problem in validate_records(tmp_path, **MODE).found] == ["nested_text"]


def test_why_a_student_left_is_in_the_words_that_measures_ask_for(tmp_path: Path) -> None:
    spells = DUMP["studentSchoolAssociations"].replace(
        "schoolYearTypeReference.schoolYear", "schoolYear | exitWithdrawTypeDescriptor"
    )
    spells = spells.replace("| 2022\n        0022", "| 2022 |\n        0022").replace(
        "Kindergarten                           | 2022",
        "Kindergarten | 2022 | uri://ed-fi.org/ExitWithdrawTypeDescriptor#Dropout",
    )
    source = write(tmp_path, {**DUMP, "studentSchoolAssociations": spells})
    found = read_records(source, **MODE).table("enrolment").collect("pyarrow").to_native().to_pylist()
    assert {row["student_id"]: row["exit_code"] for row in found} == {"0017": None, "0022": "dropout"}
    own = {"kind": "ed_fi", "exit_codes": {"Dropout": "graduated"}}
    found = read_records(source, attendance="absences_only", format=own).table("enrolment").collect("pyarrow")
    assert "graduated" in {row["exit_code"] for row in found.to_native().to_pylist()}


def test_what_is_said_of_students_who_are_not_there_is_in_the_ledger(tmp_path: Path) -> None:
    people = SAID.replace("    0022 ", "    0099 ")
    source = write(tmp_path, {**DUMP, "studentEducationOrganizationAssociations": people})
    report = validate_records(source, **MODE)
    assert accounted(report, "studentEducationOrganizationAssociations.csv") == (2, 1, {"orphan_student": 1})


def test_of_several_events_of_a_day_the_first_is_taken_and_that_is_said(tmp_path: Path) -> None:
    events = ["Instructional day", "Student late arrival/early dismissal"]
    day = {
        "calendarReference": {"schoolId": 255901, "schoolYear": 2022},
        "date": date(2021, 9, 1),
        "calendarEvents": [{"calendarEventDescriptor": event} for event in events],
    }
    other = {**day, "date": date(2021, 9, 2), "calendarEvents": day["calendarEvents"][:1]}  # type: ignore[index]
    source = write(tmp_path, DUMP)
    (source / "calendarDates.csv").unlink()
    pq.write_table(pa.Table.from_pylist([day, other]), source / "calendarDates.parquet")
    report = validate_records(source, **MODE)
    assert report.ok, report.message
    assert [(e.action, e.rows) for e in report.ledger.entries if e.rule == "further_calendar_events"] == [
        ("flagged", 1)
    ]
    assert len(rows(read_records(source, **MODE), "calendar")) == 2
