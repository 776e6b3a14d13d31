"""What attendance, days absent and chronic absence mean, on tables small enough to count by hand."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from mentoreval.errors import DataError
from mentoreval.panel.measure import Measure
from mentoreval.panel.measures import AttendanceRate, ChronicAbsence, DaysAbsent
from mentoreval.panel.periods import PeriodRule
from mentoreval.panel.records_by_period import RecordsByPeriod
from mentoreval.records import read_records


def table(text: str) -> pd.DataFrame:
    """A table as it is written: columns parted by bars, the first line their names, an empty cell is missing."""
    rows = [[cell.strip() or None for cell in line.split("|")] for line in text.strip().splitlines()]
    return pd.DataFrame(rows[1:], columns=rows[0])


def weekdays(school: str, first: str, days: int, year: str) -> pd.DataFrame:
    """A calendar of so many days in session from Monday to Friday."""
    dates = pd.bdate_range(first, periods=days).strftime("%Y-%m-%d")
    return pd.DataFrame({"school_id": school, "date": dates, "school_year": year})


def measure(what: Measure, period: str = "year", mode: str = "absences_only", **tables: pd.DataFrame) -> dict:
    """{(student, period): value, or the reason why there is none}."""
    people = pd.concat([frame["student_id"] for frame in tables.values() if "student_id" in frame]).unique()
    records = read_records({"students": pd.DataFrame({"student_id": people}), **tables}, attendance=mode)
    frame = what.compute(RecordsByPeriod(records, PeriodRule(period)))
    return {
        (row.student_id, row.period): row.reason if isinstance(row.reason, str) else getattr(row, what.name)
        for row in frame.itertuples()
    }


TEN_DAYS = weekdays("oak", "2021-09-06", 10, "2021-22")
HUNDRED_DAYS = weekdays("oak", "2021-09-06", 100, "2021-22")


def all_year(*students: str) -> pd.DataFrame:
    rows = [(student, "oak", "2021-22", "6", "2021-09-06", None) for student in students]
    return pd.DataFrame(
        rows, columns=["student_id", "school_id", "school_year", "grade_level", "entry_date", "exit_date"]
    )


def test_a_day_without_an_absence_is_a_day_present():
    absences = table("""
        student_id | date       | code
        ana        | 2021-09-07 | absent_excused
        ana        | 2021-09-10 | absent_unexcused
    """)
    found = measure(AttendanceRate(), enrolment=all_year("ana", "bo"), calendar=TEN_DAYS, attendance=absences)
    assert found == {("ana", "2021-22"): (10 - 2) / 10, ("bo", "2021-22"): 10 / 10}


def test_excused_unexcused_and_suspended_are_all_days_absent():
    absences = table("""
        student_id | date       | code
        ana        | 2021-09-06 | absent_excused
        ana        | 2021-09-07 | absent_unexcused
        ana        | 2021-09-08 | suspended
        ana        | 2021-09-09 | absent
    """)
    found = measure(DaysAbsent(), enrolment=all_year("ana"), calendar=TEN_DAYS, attendance=absences)
    assert found == {("ana", "2021-22"): 1 + 1 + 1 + 1}


def test_where_every_day_is_listed_the_listed_days_count_and_tardy_is_present():
    days = table("""
        student_id | date       | code
        ana        | 2021-09-06 | present
        ana        | 2021-09-07 | tardy
        ana        | 2021-09-08 | absent_excused
        bo         | 2021-09-06 | suspended
    """)
    kept = {"enrolment": all_year("ana", "bo"), "attendance": days, "mode": "positive"}
    assert measure(AttendanceRate(), calendar=TEN_DAYS, **kept) == {("ana", "2021-22"): 2 / 3, ("bo", "2021-22"): 0 / 1}
    assert measure(AttendanceRate(), **kept) == {("ana", "2021-22"): 2 / 3, ("bo", "2021-22"): 0 / 1}
    assert measure(DaysAbsent(), period="month", **kept) == {("ana", "2021-09"): 1, ("bo", "2021-09"): 1}


def test_a_student_of_whom_no_day_is_listed_has_a_reason_instead_of_a_rate():
    days = table("""
        student_id | date       | code
        ana        | 2021-09-06 | present
    """)
    kept = {"enrolment": all_year("ana", "bo"), "calendar": TEN_DAYS, "attendance": days, "mode": "positive"}
    assert measure(AttendanceRate(), **kept) == {("ana", "2021-22"): 1.0, ("bo", "2021-22"): "no_enrolled_days"}


def test_yearly_totals_are_taken_as_stated_and_schools_are_added_up():
    totals = table("""
        student_id | school_year | school_id | days_enrolled | days_absent
        ana        | 2021-22     | oak       | 100           | 9.5
        ana        | 2021-22     | elm       | 80            | 8.5
        bo         | 2021-22     | oak       | 0             | 0
    """)
    kept = {"enrolment": all_year("ana", "bo"), "attendance": totals, "mode": "yearly_totals"}
    assert measure(DaysAbsent(), **kept) == {("ana", "2021-22"): 9.5 + 8.5, ("bo", "2021-22"): "no_enrolled_days"}
    assert measure(ChronicAbsence(), **kept)["ana", "2021-22"] == 1.0  # 18 of 180 is exactly 10 %


def test_yearly_totals_can_not_be_split():
    totals = table("""
        student_id | school_year | days_enrolled | days_absent
        ana        | 2021-22     | 180           | 9
    """)
    with pytest.raises(DataError, match=r'yearly totals, which can not be split into semesters.*period = "year"'):
        measure(DaysAbsent(), "semester", "yearly_totals", enrolment=all_year("ana"), attendance=totals)


def test_absences_without_a_calendar_say_nothing_about_the_days_enrolled():
    tables = {"students": table("student_id\nana"), "enrolment": all_year("ana"), "calendar": HUNDRED_DAYS}
    records = read_records({**tables, "attendance": absences("ana", 1)}, attendance="absences_only")
    with pytest.raises(DataError, match=r"no calendar.*Add calendar\.csv"):
        DaysAbsent().compute(RecordsByPeriod(replace(records, calendar=None)))


def absences(student: str, whole: int, *fractions: str) -> pd.DataFrame:
    """The first days of a hundred, all of them missed, then days missed in part."""
    dates = HUNDRED_DAYS["date"][: whole + len(fractions)]
    parts = ["1"] * whole + list(fractions)
    return pd.DataFrame({"student_id": student, "date": dates, "code": "absent_excused", "fraction": parts})


def test_exactly_ten_percent_is_chronic_and_just_below_is_not():
    rows = pd.concat([absences("ten", 10), absences("nine", 9), absences("almost", 9, "0.99")])
    found = measure(
        ChronicAbsence(),
        enrolment=all_year("ten", "nine", "almost"),
        calendar=HUNDRED_DAYS,
        attendance=rows,
    )
    assert found == {("ten", "2021-22"): 1.0, ("nine", "2021-22"): 0.0, ("almost", "2021-22"): 0.0}


def test_half_and_tenth_days_add_up_exactly():
    # Ten times 0.1 is less than 1 in floating point; here nine whole days and ten tenths are ten days of a hundred.
    tenths = absences("tenths", 9, *["0.1"] * 10)
    halves = absences("halves", 9, "0.5", "0.5")
    kept = {"enrolment": all_year("tenths", "halves"), "calendar": HUNDRED_DAYS}
    assert sum([0.1] * 10) < 1
    assert measure(ChronicAbsence(), attendance=pd.concat([tenths, halves]), **kept) == {
        ("halves", "2021-22"): 1.0,
        ("tenths", "2021-22"): 1.0,
    }
    assert measure(DaysAbsent(), attendance=absences("halves", 9, "0.5"), **kept)["halves", "2021-22"] == 9 + 0.5


def test_too_few_days_enrolled_give_no_chronic_absence():
    spells = table("""
        student_id | school_id | school_year | grade_level | entry_date | exit_date
        nine       | oak       | 2021-22     | 6           | 2021-09-06 | 2021-09-16
        ten        | oak       | 2021-22     | 6           | 2021-09-06 | 2021-09-17
    """)
    kept = {"enrolment": spells, "calendar": HUNDRED_DAYS, "attendance": absences("nine", 9)}
    assert measure(ChronicAbsence(), **kept) == {
        ("nine", "2021-22"): "below_min_enrolled_days",
        ("ten", "2021-22"): 0.0,
    }
    assert measure(ChronicAbsence(min_enrolled_days=9), **kept)["nine", "2021-22"] == 1.0
    assert measure(AttendanceRate(), **kept)["nine", "2021-22"] == 0 / 9


def test_days_absent_per_180_stretches_a_short_stay_to_a_usual_year():
    kept = {"enrolment": all_year("ana"), "calendar": HUNDRED_DAYS, "attendance": absences("ana", 5)}
    assert measure(DaysAbsent(per_180=True), **kept) == {("ana", "2021-22"): 5 / 100 * 180}


def test_the_exit_date_is_the_last_day_enrolled():
    spells = table("""
        student_id | school_id | school_year | grade_level | entry_date | exit_date
        ana        | oak       | 2021-22     | 6           | 2021-09-06 | 2021-09-10
    """)
    on_last_day_and_after = table("""
        student_id | date       | code
        ana        | 2021-09-10 | absent
        ana        | 2021-09-13 | absent
    """)
    kept = {"enrolment": spells, "calendar": TEN_DAYS, "attendance": on_last_day_and_after}
    assert measure(AttendanceRate(), **kept) == {("ana", "2021-22"): (5 - 1) / 5}


def test_leaving_and_coming_back_leaves_a_gap_that_does_not_count():
    spells = table("""
        student_id | school_id | school_year | grade_level | entry_date | exit_date
        ana        | oak       | 2021-22     | 6           | 2021-09-06 | 2021-09-07
        ana        | oak       | 2021-22     | 6           | 2021-09-16 |
    """)
    absent = table("""
        student_id | date       | code
        ana        | 2021-09-17 | absent
    """)
    found = measure(AttendanceRate(), enrolment=spells, calendar=TEN_DAYS, attendance=absent)
    assert found == {("ana", "2021-22"): (2 + 2 - 1) / (2 + 2)}


def test_a_transfer_counts_each_day_once_at_the_school_entered_later():
    spells = table("""
        student_id | school_id | school_year | grade_level | entry_date | exit_date
        ana        | oak       | 2021-22     | 6           | 2021-09-06 | 2021-09-13
        ana        | elm       | 2021-22     | 6           | 2021-09-13 |
    """)
    both = pd.concat([TEN_DAYS, weekdays("elm", "2021-09-13", 8, "2021-22")])
    absent = table("""
        student_id | date       | code
        ana        | 2021-09-13 | absent
    """)
    kept = {"enrolment": spells, "calendar": both, "attendance": absent}
    # Five days at oak before the move; the day of the move and the other seven at elm.
    assert measure(AttendanceRate(), **kept) == {("ana", "2021-22"): (5 + 8 - 1) / (5 + 8)}


def test_a_day_on_which_only_the_earlier_school_is_in_session_belongs_to_it():
    spells = table("""
        student_id | school_id | school_year | grade_level | entry_date | exit_date
        ana        | oak       | 2021-22     | 6           | 2021-09-06 |
        ana        | night     | 2021-22     | 6           | 2021-09-08 |
    """)
    night = table("""
        school_id | date       | school_year
        night     | 2021-09-09 | 2021-22
        night     | 2021-09-18 | 2021-22
    """)
    tables = {"students": table("student_id\nana"), "enrolment": spells, "calendar": pd.concat([TEN_DAYS, night])}
    records = read_records(tables)
    frame = RecordsByPeriod(records).enrolled.frame
    # Ten weekdays, one of which belongs to the night school, and the Saturday on which only that is open.
    assert dict(zip(frame["school_id"], frame["days"], strict=True)) == {"oak": 10 - 1, "night": 1 + 1}


def test_spells_that_overlap_in_one_school_count_once():
    spells = table("""
        student_id | school_id | school_year | grade_level | entry_date | exit_date
        ana        | oak       | 2021-22     | 6           | 2021-09-06 | 2021-09-15
        ana        | oak       | 2021-22     | 6           | 2021-09-08 |
    """)
    absent = table("""
        student_id | date       | code
        ana        | 2021-09-09 | absent
    """)
    found = measure(AttendanceRate(), enrolment=spells, calendar=TEN_DAYS, attendance=absent)
    assert found == {("ana", "2021-22"): (10 - 1) / 10}


def test_an_absence_that_another_school_reports_does_not_count():
    spells = table("""
        student_id | school_id | school_year | grade_level | entry_date | exit_date
        ana        | oak       | 2021-22     | 6           | 2021-09-06 | 2021-09-10
        ana        | elm       | 2021-22     | 6           | 2021-09-10 |
    """)
    both = pd.concat([TEN_DAYS, TEN_DAYS.assign(school_id="elm")])
    absent = table("""
        student_id | date       | code   | school_id
        ana        | 2021-09-10 | absent | oak
        ana        | 2021-09-13 | absent | elm
        ana        | 2021-09-14 | absent |
    """)
    found = measure(DaysAbsent(), enrolment=spells, calendar=both, attendance=absent)
    assert found == {("ana", "2021-22"): 0 + 1 + 1}


def test_a_semester_ends_where_the_calendar_says_so_and_else_on_january_31():
    days = table("""
        school_id | date       | school_year | term
        oak       | 2022-01-28 | 2021-22     | S1
        oak       | 2022-01-31 | 2021-22     | S2
        oak       | 2022-02-01 | 2021-22     | S2
    """)
    absent = table("""
        student_id | date       | code
        ana        | 2022-01-31 | absent
    """)
    kept = {"enrolment": all_year("ana"), "attendance": absent}
    stated = measure(AttendanceRate(), "semester", calendar=days, **kept)
    assert stated == {("ana", "2021-22 S1"): 1 / 1, ("ana", "2021-22 S2"): 1 / 2}
    by_date = measure(AttendanceRate(), "semester", calendar=days.drop(columns="term"), **kept)
    assert by_date == {("ana", "2021-22 S1"): 1 / 2, ("ana", "2021-22 S2"): 1 / 1}


def test_a_month_has_the_days_in_session_of_that_month():
    days = weekdays("oak", "2021-09-27", 6, "2021-22")  # four days of September, two of October
    absent = table("""
        student_id | date       | code
        ana        | 2021-09-30 | absent
        ana        | 2021-10-04 | absent
    """)
    found = measure(AttendanceRate(), "month", enrolment=all_year("ana"), calendar=days, attendance=absent)
    assert found == {("ana", "2021-09"): (4 - 1) / 4, ("ana", "2021-10"): (2 - 1) / 2}
