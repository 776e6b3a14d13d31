"""What becomes of the dirt that district exports have. Each test is a small table, what is done with it, and why.

North High is in session on 1, 2 and 3 September 2021 (a Wednesday to a Friday) and on 7 September, the day after Labor
Day. Ana and Ben are enrolled there all year.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from mentoreval.errors import DataError
from mentoreval.records import Records, read_records

DISTRICT = {
    "students": """
        student_id
        ana
        ben
    """,
    "calendar": """
        school_id | date       | school_year
        north     | 2021-09-01 | 2021-22
        north     | 2021-09-02 | 2021-22
        north     | 2021-09-03 | 2021-22
        north     | 2021-09-07 | 2021-22
    """,
    "enrolment": """
        student_id | school_id | school_year | grade_level | entry_date | exit_date
        ana        | north     | 2021-22     | 9           | 2021-09-01 |
        ben        | north     | 2021-22     | 9           | 2021-09-01 |
    """,
}
ABSENT = {"attendance": "absences_only"}


def parse(text: str) -> pd.DataFrame:
    """A literal table as a frame of texts; an empty cell is missing."""
    header, *lines = [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines()]
    frame = pd.DataFrame([dict(zip(header, line, strict=True)) for line in lines], columns=header, dtype="str")
    return frame.mask(frame == "")


def read(conventions: dict[str, Any] | None = None, **tables: str) -> Records:
    """The records of the district with these tables added or replaced."""
    return read_records({name: parse(text) for name, text in {**DISTRICT, **tables}.items()}, **(conventions or {}))


def column(records: Records, table: str, *names: str) -> list[Any]:
    """The values of one column (or pairs of several), in sorted order."""
    found = records.table(table).collect("pyarrow").to_native().to_pylist()
    values = [row[names[0]] if len(names) == 1 else tuple(str(row[name]) for name in names) for row in found]
    return sorted(values, key=str)


def dropped(records: Records) -> dict[tuple[str, str], int]:
    """Rows dropped, by table and rule."""
    return {(e.table, e.rule): e.rows for e in records.ledger.entries if e.action == "dropped"}


def accounted(records: Records, table: str) -> tuple[int, int]:
    """Rows read and rows kept of a table."""
    return records.ledger.rows_read[table], records.ledger.rows_kept[table]


# Attendance and the calendar


def test_an_absence_on_a_day_without_school_is_no_absence() -> None:
    absences = """
        student_id | date       | code
        ana        | 2021-09-03 | absent
        ana        | 2021-09-04 | absent
        ana        | 2021-09-06 | absent
        ben        | 2021-12-25 | absent
    """
    records = read(ABSENT, attendance=absences)
    assert dropped(records) == {("attendance", "not_in_session"): 3}
    assert column(records, "attendance", "student_id", "date") == [("ana", "2021-09-03")]
    assert accounted(records, "attendance") == (1 + 3, 1)


def test_an_absence_before_entry_or_after_exit_is_no_absence() -> None:
    enrolment = """
        student_id | school_id | school_year | grade_level | entry_date | exit_date
        ana        | north     | 2021-22     | 9           | 2021-09-02 |
        ben        | north     | 2021-22     | 9           | 2021-09-01 | 2021-09-02
    """
    absences = """
        student_id | date       | code
        ana        | 2021-09-01 | absent
        ana        | 2021-09-02 | absent
        ben        | 2021-09-02 | absent
        ben        | 2021-09-03 | absent
    """
    records = read(ABSENT, enrolment=enrolment, attendance=absences)
    assert dropped(records) == {("attendance", "not_enrolled"): 2}
    assert column(records, "attendance", "student_id", "date") == [("ana", "2021-09-02"), ("ben", "2021-09-02")]


def test_a_day_off_at_the_students_own_school_counts_though_another_school_is_open() -> None:
    calendar = """
        school_id | date       | school_year
        north     | 2021-09-01 | 2021-22
        south     | 2021-09-01 | 2021-22
        south     | 2021-09-02 | 2021-22
    """
    absences = """
        student_id | date       | code
        ana        | 2021-09-01 | absent
        ana        | 2021-09-02 | absent
    """
    assert dropped(read(ABSENT, calendar=calendar, attendance=absences)) == {
        ("attendance", "not_enrolled"): 1  # 2 September is after North's last day, with which Ana's year ends
    }
    longer = calendar + "        north     | 2021-09-03 | 2021-22\n"
    assert dropped(read(ABSENT, calendar=longer, attendance=absences)) == {("attendance", "not_in_session"): 1}


def test_where_a_row_names_its_school_the_student_must_be_enrolled_there() -> None:
    absences = """
        student_id | date       | code   | school_id
        ana        | 2021-09-01 | absent | north
        ana        | 2021-09-02 | absent | south
        ben        | 2021-09-02 | absent |
    """
    records = read(ABSENT, attendance=absences)
    assert dropped(records) == {("attendance", "not_enrolled"): 1}
    assert column(records, "attendance", "student_id", "date") == [("ana", "2021-09-01"), ("ben", "2021-09-02")]


def test_a_student_who_changes_school_is_enrolled_in_each_for_its_time() -> None:
    enrolment = """
        student_id | school_id | school_year | grade_level | entry_date | exit_date
        ana        | north     | 2021-22     | 9           | 2021-09-01 | 2021-09-01
        ana        | south     | 2021-22     | 9           | 2021-09-03 |
        ben        | north     | 2021-22     | 9           | 2021-09-01 |
    """
    calendar = DISTRICT["calendar"] + "        south     | 2021-09-03 | 2021-22\n"
    absences = """
        student_id | date       | code
        ana        | 2021-09-01 | absent
        ana        | 2021-09-02 | absent
        ana        | 2021-09-03 | absent
    """
    records = read(ABSENT, enrolment=enrolment, calendar=calendar, attendance=absences)
    assert dropped(records) == {("attendance", "not_enrolled"): 1}
    assert column(records, "attendance", "student_id", "date") == [("ana", "2021-09-01"), ("ana", "2021-09-03")]


def test_where_every_day_is_listed_no_calendar_is_needed() -> None:
    days = """
        student_id | date       | code
        ana        | 2021-09-01 | present
        ana        | 2021-09-02 | tardy
        ana        | 2020-09-02 | absent
    """
    tables = {name: parse(text) for name, text in DISTRICT.items() if name != "calendar"}
    records = read_records(tables | {"attendance": parse(days)}, attendance="positive")
    assert dropped(records) == {("attendance", "not_enrolled"): 1}


def test_totals_of_a_year_without_enrolment_are_dropped() -> None:
    totals = """
        student_id | school_year | days_enrolled | days_absent
        ana        | 2021-22     | 180           | 18
        ana        | 2020-21     | 180           | 9
    """
    records = read(attendance=totals)
    assert dropped(records) == {("attendance", "not_enrolled"): 1}
    assert column(records, "attendance", "days_absent") == [18.0]


def test_enrolments_for_which_the_calendar_has_no_day_are_flagged() -> None:
    enrolment = DISTRICT["enrolment"] + "        ana | south | 2021-22 | 9 | 2021-09-01 | 2021-09-07\n"
    absences = """
        student_id | date       | code
        ben        | 2021-09-01 | absent
    """
    records = read(ABSENT, enrolment=enrolment, attendance=absences)
    flagged = [entry for entry in records.ledger.entries if entry.action == "flagged"]
    assert [(e.table, e.rule, e.rows, e.examples) for e in flagged] == [
        ("enrolment", "no_day_in_calendar", 1, ("south 2021-22",))
    ]


def test_an_absence_counts_a_whole_day_unless_it_says_less() -> None:
    absences = """
        student_id | date       | code   | fraction
        ana        | 2021-09-01 | absent | 0.5
        ana        | 2021-09-02 | absent |
    """
    assert column(read(ABSENT, attendance=absences), "attendance", "fraction") == [0.5, 1.0]


# Repeated rows


def test_an_absence_exported_twice_is_one_absence() -> None:
    absences = """
        student_id | date       | code
        ana        | 2021-09-01 | absent
        ana        | 2021-09-01 | absent
        ana        | 2021-09-02 | absent
    """
    records = read(ABSENT, attendance=absences)
    assert dropped(records) == {("attendance", "exact_duplicate"): 1}
    assert accounted(records, "attendance") == (3, 3 - 1)


def test_two_codes_for_one_day_are_for_a_person_to_settle() -> None:
    absences = """
        student_id | date       | code
        ana        | 2021-09-01 | absent_excused
        ana        | 2021-09-01 | absent_unexcused
    """
    with pytest.raises(DataError, match=r"attendance has 2 rows that share student_id, date but differ elsewhere"):
        read(ABSENT, attendance=absences)


# Enrolment


def test_an_open_enrolment_ends_with_the_schools_year() -> None:
    assert column(read(), "enrolment", "exit_date", "student_id") == [("2021-09-07", "ana"), ("2021-09-07", "ben")]


def test_an_open_enrolment_stays_open_where_no_calendar_says_when_the_year_ends() -> None:
    tables = {name: parse(text) for name, text in DISTRICT.items() if name != "calendar"}
    records = read_records(tables)
    assert column(records, "enrolment", "exit_date") == [None, None]
    assert [(e.rule, e.action, e.rows) for e in records.ledger.entries] == [
        ("open_exit_without_calendar", "flagged", 2)
    ]


def test_an_enrolment_without_an_exit_column_is_open() -> None:
    no_exit = "\n".join(line.rsplit("|", 1)[0] for line in DISTRICT["enrolment"].strip().splitlines())
    records = read(enrolment=no_exit)
    assert column(records, "enrolment", "exit_date", "student_id") == [("2021-09-07", "ana"), ("2021-09-07", "ben")]


def test_an_exit_date_may_be_the_day_after_the_last_day() -> None:
    enrolment = """
        student_id | school_id | school_year | grade_level | entry_date | exit_date
        ana        | north     | 2021-22     | 9           | 2021-09-01 | 2021-09-03
        ben        | north     | 2021-22     | 9           | 2021-09-01 | 2021-09-01
    """
    records = read({"exit_date_is": "last_day"}, enrolment=enrolment)
    assert column(records, "enrolment", "student_id", "exit_date") == [("ana", "2021-09-03"), ("ben", "2021-09-01")]
    assert dropped(records) == {}
    records = read({"exit_date_is": "day_after"}, enrolment=enrolment)
    assert column(records, "enrolment", "student_id", "exit_date") == [("ana", "2021-09-02")]
    assert dropped(records) == {("enrolment", "no_day_enrolled"): 1}, "Ben never came"


def test_an_enrolment_that_starts_after_the_last_school_day_holds_no_day() -> None:
    enrolment = """
        student_id | school_id | school_year | grade_level | entry_date | exit_date
        ana        | north     | 2021-22     | 9           | 2021-09-01 |
        ben        | north     | 2021-22     | 9           | 2022-07-01 |
    """
    records = read(enrolment=enrolment)
    assert dropped(records) == {("enrolment", "no_day_enrolled"): 1}
    assert accounted(records, "enrolment") == (2, 1)


# Cells


def test_grade_levels_are_one_year_apart_from_before_kindergarten_on() -> None:
    levels = {"PK": -1, "KG": 0, "k": 0, "0": 0, "1": 1, "01": 1, "9.0": 9, "12": 12, "-1": -1}
    students = "student_id\n" + "\n".join(f"s{place}" for place in range(len(levels)))
    enrolment = "student_id | school_id | school_year | grade_level | entry_date\n" + "\n".join(
        f"s{place} | north | 2021-22 | {level} | 2021-09-01" for place, level in enumerate(levels)
    )
    records = read(students=students, enrolment=enrolment)
    found = dict(column(records, "enrolment", "student_id", "grade_level"))
    assert found == {f"s{place}": str(level) for place, level in enumerate(levels.values())}


def test_a_school_year_may_be_written_in_full() -> None:
    enrolment = DISTRICT["enrolment"].replace("2021-22", "2021-2022")
    assert column(read(enrolment=enrolment), "enrolment", "school_year") == ["2021-22", "2021-22"]


def test_flags_may_be_words() -> None:
    students = """
        student_id | disability | english_learner
        ana        | Yes        | TRUE
        ben        | no         | 0
    """
    records = read(students=students)
    assert column(records, "students", "disability") == [0, 1]
    assert column(records, "students", "english_learner") == [0, 1]


def test_an_identifier_that_a_spreadsheet_made_a_decimal_is_put_right() -> None:
    tables = {
        "students": "student_id\n40017\n40022",
        "enrolment": """
            student_id | school_id | school_year | grade_level | entry_date
            40017.0    | north     | 2021-22     | 9           | 2021-09-01
            40022.0    | north     | 2021-22     | 9           | 2021-09-01
        """,
    }
    records = read(**tables)
    assert column(records, "enrolment", "student_id") == ["40017", "40022"]
    repaired = [entry for entry in records.ledger.entries if entry.action == "repaired"]
    assert [(e.table, e.rule, e.rows, e.examples) for e in repaired] == [
        ("enrolment", "id_read_as_decimal", 2, ("40017.0", "40022.0"))
    ]


# Mentoring


def test_a_match_without_an_end_is_open_and_one_to_one_unless_it_says_more() -> None:
    matches = """
        match_id | student_id | mentor_id | start_date | model
        m1       | ana        | t1        | 2021-09-02 |
        m2       | ben        | t1        | 2021-09-02 | group
    """
    records = read(matches=matches)
    assert column(records, "matches", "match_id", "end_date", "model") == [
        ("m1", "None", "one_to_one"),
        ("m2", "None", "group"),
    ]
