"""What becomes of the dirt that district exports have. Each test is a small table, what is done with it, and why.

North High is in session on 1, 2 and 3 September 2021 (a Wednesday to a Friday) and on 7 September, the day after Labor
Day. Ana and Ben are enrolled there all year.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd
import pytest

from mentoreval.errors import DataError
from mentoreval.records import Records, read_records, validate_records
from mentoreval.records.conventions import Conventions

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


def mapped(records: Records) -> dict[str, int]:
    """Rows of attendance to which a rule gave another meaning, by rule."""
    return {e.rule: e.rows for e in records.ledger.entries if e.action == "mapped" and e.table == "attendance"}


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
        ("enrolment", "no_day_in_calendar", 1, ("south 2021-22",)),
        ("enrolment", "in_two_schools_at_once", 1, ("ana",)),
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


def test_of_two_codes_for_one_day_the_most_severe_counts() -> None:
    absences = """
        student_id | date       | code
        ana        | 2021-09-01 | absent_excused
        ana        | 2021-09-01 | absent_unexcused
        ana        | 2021-09-02 | suspended
        ana        | 2021-09-02 | absent
    """
    records = read(ABSENT, attendance=absences)
    assert dropped(records) == {("attendance", "conflicting_code"): 2}
    assert column(records, "attendance", "date", "code") == [
        ("2021-09-01", "absent_unexcused"),
        ("2021-09-02", "suspended"),
    ]
    assert accounted(records, "attendance") == (4, 4 - 2)


def test_a_rule_table_may_decide_between_codes_or_a_person() -> None:
    absences = """
        student_id | date       | code
        ana        | 2021-09-01 | absent_excused
        ana        | 2021-09-01 | absent_unexcused
    """
    excused_first = Conventions(conflicts=("absent_excused", "absent_unexcused"))
    records = read(ABSENT | {"conventions": excused_first}, attendance=absences)
    assert column(records, "attendance", "code") == ["absent_excused"]
    with pytest.raises(DataError, match=r"attendance has 2 rows that share student_id, date but differ elsewhere"):
        read(ABSENT | {"conventions": Conventions(conflicts="error")}, attendance=absences)


def test_one_absence_that_two_schools_report_is_one_absence() -> None:
    absences = """
        student_id | date       | code   | reason
        ana        | 2021-09-01 | absent | flu
        ana        | 2021-09-01 | absent | cold
    """
    records = read(ABSENT, attendance=absences)
    assert dropped(records) == {("attendance", "day_reported_twice"): 1}
    assert column(records, "attendance", "reason") == ["cold"], "the first in sorted order, whatever the file's"


# Parts of days


def test_minutes_count_as_absent_from_half_of_the_day_on() -> None:
    absences = """
        student_id | date       | code   | minutes_absent | minutes_in_day
        ana        | 2021-09-01 | absent | 180            | 360
        ana        | 2021-09-02 | absent | 179            | 360
    """
    records = read(ABSENT, attendance=absences)
    assert column(records, "attendance", "date", "fraction") == [("2021-09-01", "1.0"), ("2021-09-02", "0.0")]
    assert mapped(records) == {"part_day_as_absent": 1, "part_day_as_present": 1}
    exact = read(ABSENT | {"conventions": Conventions(absent_from="part")}, attendance=absences)
    assert column(exact, "attendance", "fraction") == [179 / 360, 0.5]
    strict = read(ABSENT | {"conventions": Conventions(absent_from=0.25)}, attendance=absences)
    assert column(strict, "attendance", "fraction") == [1.0, 1.0]


def test_a_stated_share_stays_where_only_other_rows_have_minutes() -> None:
    """Half of the day is the rule for shares from minutes; a share that a person stated is taken at their word."""
    days = """
        student_id | date       | code   | fraction | minutes_absent | minutes_in_day
        ana        | 2021-09-01 | absent | 0.25     |                |
        ana        | 2021-09-02 | absent |          | 100            | 400
        ana        | 2021-09-03 | absent | 0.25     | 200            | 400
    """
    shares = column(read(ABSENT, attendance=days), "attendance", "date", "fraction")
    assert shares == [("2021-09-01", "0.25"), ("2021-09-02", "0.0"), ("2021-09-03", "1.0")]
    ruled = read(ABSENT | {"conventions": Conventions(absent_from=0.2)}, attendance=days)
    assert column(ruled, "attendance", "fraction") == [1.0, 1.0, 1.0], "a rule that is stated holds for all"


def test_class_periods_become_one_day() -> None:
    absences = """
        student_id | date       | code             | class_period | periods_in_day
        ana        | 2021-09-01 | absent_excused   | 1            | 6
        ana        | 2021-09-01 | absent_unexcused | 2            | 6
        ana        | 2021-09-01 | absent_excused   | 3            | 6
        ben        | 2021-09-01 | absent           | 1            | 6
    """
    records = read(ABSENT, attendance=absences)
    assert column(records, "attendance", "student_id", "code", "fraction") == [
        ("ana", "absent_unexcused", "1.0"),
        ("ben", "absent", "0.0"),
    ]
    assert dropped(records) == {("attendance", "class_period_of_a_day"): 2}
    assert accounted(records, "attendance") == (4, 4 - 2)
    without = absences.replace("periods_in_day", "other")
    with pytest.raises(DataError, match="not how many periods the day has"):
        read(ABSENT, attendance=without)


# What a person should know


def test_days_that_the_export_can_not_know_are_dropped() -> None:
    days = """
        student_id | date       | code
        ana        | 2021-09-01 | absent
        ana        | 2021-09-03 | absent
    """
    known = {"conventions": Conventions(as_of=dt.date(2021, 9, 2))}
    records = read(ABSENT | known, attendance=days)
    assert dropped(records) == {("calendar", "future_date"): 2, ("attendance", "future_date"): 1}
    assert column(records, "enrolment", "exit_date", "student_id") == [("2021-09-02", "ana"), ("2021-09-02", "ben")]


def test_few_rows_where_every_student_day_is_to_be_listed_are_flagged() -> None:
    days = """
        student_id | date       | code
        ana        | 2021-09-01 | absent
        ben        | 2021-09-03 | absent
    """
    records = read({"attendance": "positive"}, attendance=days)
    flagged = [entry for entry in records.ledger.entries if entry.action == "flagged"]
    assert [(e.rule, e.examples) for e in flagged] == [("few_student_days_listed", ("25.0 % of 8 student-days",))]
    every = "student_id | date | code\n" + "\n".join(
        f"{s} | 2021-09-0{d} | present" for s in ("ana", "ben") for d in (1, 2)
    )
    assert "flagged" not in set(read({"attendance": "positive"}, attendance=every).ledger.frame["action"])


def test_a_student_in_two_schools_on_one_day_is_flagged() -> None:
    enrolment = DISTRICT["enrolment"] + "        ana | south | 2021-22 | 9 | 2021-09-02 | 2021-09-03\n"
    flagged = [(e.rule, e.rows, e.examples) for e in read(enrolment=enrolment).ledger.entries if e.action == "flagged"]
    assert flagged == [("in_two_schools_at_once", 1, ("ana",))]


def test_identifiers_that_lost_their_zeros_show_in_their_lengths() -> None:
    tables = {"students": "student_id\n0017\n0022\n17", "enrolment": DISTRICT["enrolment"].replace("ana", "0017")}
    tables["enrolment"] = tables["enrolment"].replace("ben", "0022")
    report = validate_records({name: parse(text) for name, text in {**DISTRICT, **tables}.items()})
    assert [(i.table, i.length, i.rows) for i in report.id_lengths] == [
        ("students", 2, 1),
        ("students", 4, 2),
        ("enrolment", 4, 2),
    ]


# Dates and school years


def test_american_dates_and_single_years_are_read_where_it_is_said_how() -> None:
    enrolment = """
        student_id | school_id | school_year | grade_level | entry_date | exit_date
        ana        | north     | 2022        | 9           | 9/1/21     |
        ben        | north     | 2022        | 9           | 09/02/21   |
    """
    with pytest.raises(DataError, match="is not a date as YYYY-MM-DD"):
        read(enrolment=enrolment)
    records = read({"conventions": Conventions(dates="MM/DD/YY", school_years="spring")}, enrolment=enrolment)
    assert column(records, "enrolment", "school_year", "entry_date") == [
        ("2021-22", "2021-09-01"),
        ("2021-22", "2021-09-02"),
    ]
    with pytest.raises(DataError, match="whose entry_date lies outside their school_year"):
        # 2021 is the year 2020-21 to a district that names it by its spring, and these entries come after it.
        read(
            {"conventions": Conventions(dates="MM/DD/YY", school_years="spring")},
            enrolment=enrolment.replace("2022", "2021"),
        )


@pytest.mark.parametrize("written", ["44440", "2021-09-01T08:00:00-04:00", "9/1/2021", "01.09.21"])
def test_other_dates_are_refused_and_not_guessed(written: str) -> None:
    enrolment = DISTRICT["enrolment"].replace("2021-09-01", written)
    with pytest.raises(DataError, match="is not a date as YYYY-MM-DD"):
        read(enrolment=enrolment)


def test_the_day_numbers_of_a_workbook_are_dates_only_where_that_is_said() -> None:
    """Excel shows 44440 as 1 September 2021, and 43,890 as 29 February 2020."""
    enrolment = """
        student_id | school_id | school_year | grade_level | entry_date
        ana        | north     | 2021-22     | 9           | 44440
        ben        | north     | 2021-22     | 9           | 44441.0
    """
    with pytest.raises(DataError, match='dates = "excel" where dates are numbers such as 44440'):
        read(enrolment=enrolment)
    said = {"conventions": Conventions(dates="excel")}
    assert column(read(said, enrolment=enrolment), "enrolment", "entry_date") == [
        dt.date(2021, 9, 1),
        dt.date(2021, 9, 2),
    ]
    students = "student_id | birth_date\nana | 38412\nben | 2005-02-28"
    born = column(read(said, students=students, enrolment=enrolment), "students", "birth_date")
    assert born == [dt.date(2005, 2, 28), dt.date(2005, 3, 1)], "dates as we write them stay what they are"
    numbers = parse(enrolment).assign(entry_date=[44440, 44441])
    tables = {name: parse(text) for name, text in DISTRICT.items()} | {"enrolment": numbers}
    assert column(read_records(tables, **said), "enrolment", "entry_date") == [dt.date(2021, 9, 1), dt.date(2021, 9, 2)]


@pytest.mark.parametrize("written", ["44440.5", "4444", "444400", "9/1/2021"])
def test_what_is_no_day_of_a_workbook_is_refused(written: str) -> None:
    enrolment = DISTRICT["enrolment"].replace("2021-09-01", written)
    with pytest.raises(DataError, match="is not a date as YYYY-MM-DD"):
        read({"conventions": Conventions(dates="excel")}, enrolment=enrolment)


# School years that are named one too early or one too late, without any date of exit


NO_EXITS = """
    student_id | school_id | school_year | grade_level | entry_date
    ana        | north     | 2021-22     | 9           | 2021-09-01
    ben        | north     | 2021-22     | 9           | 2021-09-01
"""


def blamed(mode: str | None = None, **tables: str | None) -> list[tuple[str, str, int]]:
    """Table, rule and rows of every problem of the district with these tables."""
    texts = {name: text for name, text in {**DISTRICT, **tables}.items() if text is not None}
    report = validate_records({name: parse(text) for name, text in texts.items()}, attendance=mode)
    return [(problem.table, problem.rule, problem.rows) for problem in report.found]


def test_a_year_named_too_early_shows_in_the_dates_of_entry_alone() -> None:
    assert blamed(enrolment=NO_EXITS) == []
    assert blamed(enrolment=NO_EXITS.replace("2021-22", "2020-21")) == [("enrolment", "date_outside_school_year", 2)]


def test_a_year_named_too_late_shows_in_the_calendar() -> None:
    late = NO_EXITS.replace("2021-22", "2022-23")
    assert blamed(enrolment=late) == [("enrolment", "school_year_without_dates", 2)]
    kept = late + "    ana | north | 2021-22 | 8 | 2021-09-01\n    ben | north | 2021-22 | 8 | 2021-09-01\n"
    longer = DISTRICT["calendar"] + "        north | 2022-09-01 | 2022-23\n"
    assert blamed(enrolment=kept, calendar=longer) == [], "districts keep the first date of entry"


def test_a_year_named_too_late_shows_in_the_days_of_attendance() -> None:
    days = """
        student_id | date       | code
        ana        | 2021-09-01 | present
        ana        | 2022-06-01 | absent
        ben        | 2021-09-01 | present
    """
    assert blamed("positive", enrolment=NO_EXITS, calendar=None, attendance=days) == []
    late = NO_EXITS.replace("2021-22", "2022-23")
    assert blamed("positive", enrolment=late, calendar=None, attendance=days) == [
        ("enrolment", "school_year_without_dates", 2)
    ]


def test_where_no_table_has_days_a_year_without_an_entry_is_flagged() -> None:
    tables = {name: parse(text) for name, text in DISTRICT.items() if name != "calendar"}
    tables["enrolment"] = parse(NO_EXITS.replace("2021-22", "2022-23"))
    flagged = {e.rule: (e.rows, e.examples) for e in read_records(tables).ledger.entries if e.action == "flagged"}
    assert flagged["no_entry_in_school_year"] == (2, ("2022-23",))


def test_a_calendar_of_an_autumn_named_too_early_is_refused() -> None:
    early = DISTRICT["calendar"].replace("2021-22", "2020-21")
    assert ("calendar", "date_outside_school_year", 4) in blamed(calendar=early)


# Marks


def test_marks_that_no_usual_scale_reads_stay_and_are_listed() -> None:
    grades = """
        student_id | school_year | term | course_id | mark
        ana        | 2021-22     | S1   | math      | A/B
        ana        | 2021-22     | S1   | english   | 95*
        ana        | 2021-22     | S1   | art       | P
        ben        | 2021-22     | S1   | math      | 95*
    """
    records = read(grades=grades)
    listed = [(e.rule, e.action, e.rows, e.examples) for e in records.ledger.entries if e.table == "grades"]
    assert listed == [("unparsed_mark", "flagged", 3, ("95* (2)", "A/B (1)"))]
    assert column(records, "grades", "mark") == ["95*", "95*", "A/B", "P"]


def test_a_retaken_course_is_for_a_person_to_settle_or_all_marks_count() -> None:
    grades = """
        student_id | school_year | term | course_id | mark
        ana        | 2021-22     | S1   | math      | F
        ana        | 2021-22     | S1   | math      | B
    """
    with pytest.raises(DataError, match="grades has 2 rows that share student_id, school_year, term, course_id"):
        read(grades=grades)
    records = read({"conventions": Conventions(retakes="all")}, grades=grades)
    assert column(records, "grades", "mark") == ["B", "F"]
    assert ("grades", "retaken_course", 2) in [(e.table, e.rule, e.rows) for e in records.ledger.entries]


TAKEN_THREE_TIMES = """
    student_id | school_year | term | course_id | mark | credits | date
    ana        | 2021-22     | S1   | math      | F    | 1       | 2022-01-20
    ana        | 2021-22     | S1   | math      | b-   | 1       | 2022-03-10
    ana        | 2021-22     | S1   | math      | C+   | 1       | 2022-06-10
    ana        | 2021-22     | S1   | art       | W    | 1       | 2022-01-20
    ben        | 2021-22     | S1   | math      | 2.8  | 1       | 2022-01-20
    ben        | 2021-22     | S1   | math      | B    | 0.5     | 2022-03-10
    ben        | 2021-22     | S1   | math      | B    | 1       | 2022-06-10
    ben        | 2021-22     | S1   | art       | NP   | 1       | 2022-01-20
    ben        | 2021-22     | S1   | art       | CR   | 1       | 2022-03-10
"""


@pytest.mark.parametrize(
    ("which", "marks"),
    [
        ("best", [("ana", "art", "W"), ("ana", "math", "b-"), ("ben", "art", "CR"), ("ben", "math", "B")]),
        ("last", [("ana", "art", "W"), ("ana", "math", "C+"), ("ben", "art", "CR"), ("ben", "math", "B")]),
    ],
)
@pytest.mark.parametrize("in_files", [False, True], ids=["pandas", "csv"])
def test_of_a_retaken_course_the_best_or_the_last_mark_counts(
    which: str, marks: list[tuple[str, ...]], in_files: bool, tmp_path: Any
) -> None:
    texts = {**DISTRICT, "grades": TAKEN_THREE_TIMES}
    tables: Any = {name: parse(text) for name, text in texts.items()}
    if in_files:
        for name, table in tables.items():
            table.to_csv(tmp_path / f"{name}.csv", index=False)
    records = read_records(tmp_path if in_files else tables, conventions=Conventions(retakes=which))  # type: ignore[arg-type]
    assert column(records, "grades", "student_id", "course_id", "mark") == marks
    assert dropped(records) == {("grades", "retaken_course"): 5}
    assert accounted(records, "grades") == (9, 4)


def test_marks_of_a_retaken_course_that_can_not_be_compared_are_for_a_person() -> None:
    unread = TAKEN_THREE_TIMES.replace("b-", "95*")
    with pytest.raises(DataError, match=r"grades has 3 rows that share .* and have marks that no usual scale reads"):
        read({"conventions": Conventions(retakes="best")}, grades=unread)
    same_day = TAKEN_THREE_TIMES.replace("2022-06-10", "2022-03-10")
    with pytest.raises(DataError, match=r"grades has 6 rows that share .* and have dates that are missing or the same"):
        read({"conventions": Conventions(retakes="last")}, grades=same_day)
    undated = "\n".join(line.rsplit("|", 1)[0] for line in TAKEN_THREE_TIMES.strip().splitlines())
    with pytest.raises(DataError, match="no column date that says which is the last"):
        read({"conventions": Conventions(retakes="last")}, grades=undated)


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


def test_an_identifier_in_scientific_notation_has_lost_its_digits_and_is_refused() -> None:
    """1.23E+05 may have been 123,001 or 123,499: no repair can know."""
    absences = "student_id | date       | code\n1.23E+05   | 2021-09-02 | absent"
    with pytest.raises(DataError, match=r"in scientific notation, so digits are lost \(found: 1\.23E\+05 \(1\)\)"):
        read(ABSENT, attendance=absences)
