"""What the grade point average and a failed course mean, on marks that can be added up by hand."""

from __future__ import annotations

import narwhals as nw
import pandas as pd
import pytest

from mentoreval.errors import DataError
from mentoreval.panel.measure import Measure
from mentoreval.panel.measures import CourseFailure, Gpa
from mentoreval.panel.periods import PeriodRule
from mentoreval.panel.records_by_period import RecordsByPeriod
from mentoreval.records import read_records
from mentoreval.records.records import Records

YEAR = "2021-22"


def marks(*rows: str) -> pd.DataFrame:
    """Rows such as "ana S1 algebra B+ 1.5": student, term, course, mark ("none" = missing) and, if not 1, credits."""
    cells = [row.split() for row in rows]
    whole = [cell if len(cell) == 5 else [*cell, "1"] for cell in cells]
    frame = pd.DataFrame(whole, columns=["student_id", "term", "course_id", "mark", "credits"])
    return frame.assign(school_year=YEAR, mark=frame["mark"].where(frame["mark"] != "none"))


def view(grades: pd.DataFrame, period: str = "year") -> RecordsByPeriod:
    people = pd.DataFrame({"student_id": grades["student_id"].unique()})
    spells = people.assign(school_id="oak", school_year=YEAR, grade_level="9", entry_date="2021-09-01")
    records = read_records({"students": people, "enrolment": spells, "grades": grades})
    return RecordsByPeriod(records, PeriodRule(period))


def unchecked(grades: pd.DataFrame) -> RecordsByPeriod:
    """Records as a program may put them together itself, without ``read_records``."""
    people = nw.from_native(grades[["student_id"]].drop_duplicates()).lazy()
    spells = people.with_columns(school_id=nw.lit("oak"), school_year=nw.lit(YEAR))
    table = grades.assign(credits=grades["credits"].astype(float))
    return RecordsByPeriod(Records(people, spells, grades=nw.from_native(table).lazy()))


def measure(what: Measure, records: RecordsByPeriod) -> dict:
    frame = what.compute(records)
    return {
        (row.student_id, row.period): row.reason if isinstance(row.reason, str) else getattr(row, what.name)
        for row in frame.itertuples()
    }


def test_letters_become_points_and_the_mean_is_taken():
    grades = marks("ana S1 algebra A", "ana S1 biology B+", "ana S2 algebra C-", "ana S2 biology F")
    assert measure(Gpa(), view(grades)) == {("ana", YEAR): pytest.approx((4.0 + 3.3 + 1.7 + 0.0) / 4, abs=1e-12)}


def test_a_course_counts_by_its_credits():
    grades = marks("ana S1 algebra A 1.5", "ana S1 art C 0.5", "ana S2 biology B")
    expected = (4.0 * 1.5 + 2.0 * 0.5 + 3.0 * 1) / (1.5 + 0.5 + 1)
    assert measure(Gpa(), view(grades)) == {("ana", YEAR): pytest.approx(expected, abs=1e-12)}


def test_a_number_is_its_own_points():
    grades = marks("ana S1 algebra 4.3", "ana S1 biology 2", "bo S1 algebra 0.5")
    assert measure(Gpa(), view(grades)) == {
        ("ana", YEAR): pytest.approx((4.3 + 2) / 2, abs=1e-12),
        ("bo", YEAR): 0.5,
    }
    assert measure(CourseFailure(), view(grades)) == {("ana", YEAR): 0.0, ("bo", YEAR): 1.0}


def test_pass_credit_and_withdrawn_are_left_out_of_the_mean_and_an_incomplete_is_zero():
    grades = marks("ana S1 a A", "ana S1 b P", "ana S1 c CR", "ana S1 d W", "ana S1 e NC", "ana S1 f NP")
    assert measure(Gpa(), view(grades)) == {("ana", YEAR): 4.0 / 1}
    assert measure(Gpa(), view(marks("ana S1 a A", "ana S1 b I"))) == {("ana", YEAR): (4.0 + 0.0) / 2}


@pytest.mark.parametrize(
    ("mark", "failed"),
    [("D-", 0), ("C", 0), ("P", 0), ("CR", 0), ("F", 1), ("I", 1), ("NC", 1), ("NP", 1), ("0.6", 1), ("0.7", 0)],
)
def test_which_mark_is_a_failed_course(mark: str, failed: int):
    assert measure(CourseFailure(), view(marks("ana S1 algebra A", f"ana S2 biology {mark}"))) == {
        ("ana", YEAR): failed
    }


def test_a_student_without_a_mark_that_counts_has_a_reason_instead_of_a_value():
    grades = marks("pass S1 a P", "gone S1 a W", "nothing S1 a B 0")
    assert measure(Gpa(), view(grades)) == {
        ("gone", YEAR): "no_mark_with_points",
        ("nothing", YEAR): "no_mark_with_points",
        ("pass", YEAR): "no_mark_with_points",
    }
    assert measure(CourseFailure(), view(grades)) == {
        ("gone", YEAR): "no_course_finished",
        ("nothing", YEAR): 0.0,
        ("pass", YEAR): 0.0,
    }


def test_the_mark_of_the_year_replaces_those_of_its_semesters():
    grades = marks("ana S1 algebra F", "ana S2 algebra C", "ana Y algebra D", "ana S1 art A")
    assert measure(Gpa(), view(grades)) == {("ana", YEAR): (1.0 + 4.0) / 2}
    assert measure(CourseFailure(), view(grades)) == {("ana", YEAR): 0.0}


def test_a_semester_has_its_own_marks_and_the_mark_of_the_year_is_in_the_ledger():
    records = view(marks("ana S1 algebra F", "ana S2 algebra C", "ana Y algebra D"), "semester")
    assert measure(Gpa(), records) == {("ana", "2021-22 S1"): 0.0, ("ana", "2021-22 S2"): 2.0}
    assert [(entry.rule, entry.rows, entry.examples) for entry in records.entries if entry.rows] == [
        ("mark_of_whole_year", 1, ("ana",))
    ]


def test_a_month_has_no_marks():
    with pytest.raises(DataError, match=r'no month. Use period = "year" or "semester"'):
        measure(Gpa(), view(marks("ana S1 algebra A"), "month"))


def test_a_missing_mark_does_not_count_and_is_in_the_ledger():
    records = unchecked(marks("ana S1 algebra A", "ana S1 art none", "bo S1 art none"))
    assert measure(Gpa(), records) == {("ana", YEAR): 4.0}
    assert [(entry.rule, entry.action, entry.rows) for entry in records.entries] == [("missing_mark", "dropped", 2)]


def test_marks_that_can_not_be_read_are_named_and_counted():
    grades = marks("ana S1 a A", "ana S1 b E", "bo S1 a E", "bo S1 b 97", "bo S1 c 4.3")
    with pytest.raises(DataError, match=r"3 of 5 marks that can not be read: 'E' in 2 rows, '97' in 1 rows"):
        measure(Gpa(), unchecked(grades))


def test_small_letters_blanks_and_typographic_signs_are_read():
    grades = marks("ana S1 a a", "ana S1 b B−").assign(mark=[" a ", "B−"])
    assert measure(Gpa(), unchecked(grades)) == {("ana", YEAR): pytest.approx((4.0 + 2.7) / 2, abs=1e-12)}


def test_a_measure_of_grades_without_grades_says_what_to_add():
    records = unchecked(marks("ana S1 a A"))
    without = RecordsByPeriod(Records(records.records.students, records.records.enrolment))
    with pytest.raises(DataError, match=r"no grades table.*Add grades\.csv"):
        Gpa().compute(without)


def test_numbers_above_four_point_three_are_asked_about_and_read_once_that_is_said():
    grades = marks("ana S1 a 4.5", "ana S1 b 4", "bo S1 a 3", "bo S1 b 2")
    with pytest.raises(DataError, match=r"'4\.5' in 1 rows.*look like weighted points: say so with highest = 5"):
        Gpa().compute(view(grades))
    assert measure(Gpa(highest=5), view(grades)) == {("ana", YEAR): (4.5 + 4) / 2, ("bo", YEAR): (3 + 2) / 2}
