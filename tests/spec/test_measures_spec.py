"""What each measure means, on tables small enough to count by hand."""

from __future__ import annotations

import pandas as pd
import pytest

from mentoreval.errors import DataError, OptionError
from mentoreval.panel.measure import Measure
from mentoreval.panel.measures import (
    AbcFlags,
    AttendanceBand,
    AttendanceRate,
    AverageDailyAttendance,
    ChronicAbsence,
    CourseFailure,
    CreditsEarned,
    Dropout,
    ExitFromChronicAbsence,
    Gpa,
    OnTrack,
    Persistence,
    SurveyScale,
    TestScore,
    TopTwoBox,
    Truancy,
)
from mentoreval.panel.periods import PeriodRule
from mentoreval.panel.records_by_period import RecordsByPeriod
from mentoreval.panel.survey_answers import survey_shares
from mentoreval.records import read_records

Y1, Y2, Y3 = "2021-22", "2022-23", "2023-24"


def table(text: str) -> pd.DataFrame:
    """A table as it is written: columns parted by bars, the first line their names, an empty cell is missing."""
    rows = [[cell.strip() or None for cell in line.split("|")] for line in text.strip().splitlines()]
    return pd.DataFrame(rows[1:], columns=rows[0])


def view(period: str = "year", mode: str | None = None, **tables: pd.DataFrame) -> RecordsByPeriod:
    people = pd.concat([frame["student_id"] for frame in tables.values() if "student_id" in frame]).dropna().unique()
    records = read_records({"students": pd.DataFrame({"student_id": people}), **tables}, attendance=mode)
    return RecordsByPeriod(records, PeriodRule(period))


def values(what: Measure, records: RecordsByPeriod) -> dict:
    """{(student, period): value, or the reason why there is none}."""
    return {
        (row.student_id, row.period): row.reason if isinstance(row.reason, str) else getattr(row, what.name)
        for row in what.compute(records).itertuples()
    }


def enrolled(*rows: tuple) -> pd.DataFrame:
    """Rows of student, school year, grade and, if it has one, exit code; all year at oak."""
    cells = [(*row, None)[:4] for row in rows]
    frame = pd.DataFrame(cells, columns=["student_id", "school_year", "grade_level", "exit_code"])
    return frame.assign(school_id="oak", entry_date=frame["school_year"].str[:4] + "-09-01")


def totals(*rows: tuple) -> dict:
    """Yearly totals of student, year, days enrolled, days absent."""
    frame = pd.DataFrame(rows, columns=["student_id", "school_year", "days_enrolled", "days_absent"])
    spells = enrolled(*[(student, year, "9") for student, year, *_ in rows])
    return {"enrolment": spells.drop(columns="exit_code"), "attendance": frame, "mode": "yearly_totals"}


def test_a_limit_belongs_to_the_band_below_it():
    rows = [("a", 20.0), ("b", 19.999), ("c", 10.0), ("d", 9.999), ("e", 5.0), ("f", 4.999)]
    records = view(**totals(*[(student, Y1, 100, absent) for student, absent in rows]))
    assert [value for value in values(AttendanceBand(), records).values()] == [1, 2, 2, 3, 3, 4]
    assert [value for value in values(ChronicAbsence(), records).values()] == [1, 1, 1, 0, 0, 0]


def test_chronic_absence_by_days_and_by_another_share():
    records = view(**totals(("a", Y1, 180, 20), ("b", Y1, 180, 19.5), ("c", Y1, 100, 15)))
    assert list(values(ChronicAbsence(days=20), records).values()) == [1, 0, 0]
    assert list(values(ChronicAbsence(percent=15), records).values()) == [0, 0, 1]
    with pytest.raises(OptionError, match="one of them"):
        ChronicAbsence(percent=15, days=20)


def daily(*rows: tuple[str, str, str], days: int = 10) -> dict:
    frame = pd.DataFrame(rows, columns=["student_id", "date", "code"])
    dates = pd.bdate_range("2021-09-06", periods=days).strftime("%Y-%m-%d")
    calendar = pd.DataFrame({"school_id": "oak", "date": dates, "school_year": Y1})
    spells = enrolled(*[(student, Y1, "9") for student in frame["student_id"].unique()]).drop(columns="exit_code")
    return {"enrolment": spells, "calendar": calendar, "attendance": frame, "mode": "absences_only"}


def test_truancy_counts_unexcused_days_and_an_unknown_reason_decides_nothing():
    week = [f"2021-09-{day:02d}" for day in (6, 7, 8, 9)]
    absences = [("ana", day, "absent_unexcused") for day in week[:3]]
    absences += [("bo", day, "absent_excused") for day in week]
    absences += [("cy", day, "absent_unexcused") for day in week[:2]] + [("cy", week[3], "absent")]
    absences += [("di", week[0], "absent"), ("di", week[1], "absent_unexcused")]
    records = view(**daily(*absences))
    assert values(Truancy(), records) == {
        ("ana", Y1): 1,
        ("bo", Y1): 0,
        ("cy", Y1): "absence_without_reason",
        ("di", Y1): 0,
    }
    assert values(Truancy(percent=30), records)["ana", Y1] == 1  # 3 of 10 days


def test_the_students_present_on_an_average_day_are_days_present_over_days_in_session():
    records = view(
        **daily(("ana", "2021-09-06", "absent"), ("bo", "2021-09-07", "absent"), ("bo", "2021-09-08", "absent"))
    )
    parts = values(AverageDailyAttendance(), records)
    assert parts == {("ana", Y1): 9 / 10, ("bo", Y1): 8 / 10}
    with pytest.raises(DataError, match="has no calendar"):
        AverageDailyAttendance().compute(view(**totals(("ana", Y1, 10, 1))))


def test_a_monthly_rate_is_absent_over_enrolled_days_of_the_month():
    found = values(
        AttendanceRate(),
        view("month", **daily(("ana", "2021-09-30", "absent"), ("ana", "2021-10-01", "absent"), days=20)),
    )
    assert found == {("ana", "2021-09"): 18 / 19, ("ana", "2021-10"): 0 / 1}


def test_only_who_was_chronically_absent_last_year_can_exit():
    rows = [("out", Y1, 100, 10), ("out", Y2, 100, 9), ("in", Y1, 100, 30), ("in", Y2, 100, 10)]
    rows += [("never", Y1, 100, 1), ("never", Y2, 100, 1), ("short", Y1, 5, 5), ("short", Y2, 100, 0)]
    found = values(ExitFromChronicAbsence(), view(**totals(*rows)))
    assert {student: found[student, Y2] for student in ("out", "in", "never", "short")} == {
        "out": 1,
        "in": 0,
        "never": "not_chronic_before",
        "short": "year_before_unknown",
    }
    assert found["out", Y1] == "no_year_before"


GRADES = """
    student_id | school_year | term | course_id | mark | credits | course_level | subject
    ana        | 2021-22     | S1   | alg       | B    | 0.5     | Honors       | Math
    ana        | 2021-22     | S2   | alg       | F    | 0.5     | Honors       | Math
    ana        | 2021-22     | Y    | eng       | A    | 1       | AP           | English
    ana        | 2021-22     | Y    | art       | P    | 1       |              | Art
    ana        | 2021-22     | Y    | gym       | W    | 1       |              | PE
    bo         | 2021-22     | Y    | alg       | F    | 1       |              | math
    bo         | 2021-22     | Y    | art       | A    | 5       |              | Art
"""


def graded(text: str = GRADES) -> RecordsByPeriod:
    return view(grades=table(text), enrolment=enrolled(("ana", Y1, "9"), ("bo", Y1, "9")))


def test_a_weighted_mean_adds_half_a_point_for_honors_and_one_for_advanced_courses_that_were_passed():
    plain = (3.0 * 0.5 + 0.0 * 0.5 + 4.0 * 1) / 2
    weighted = (3.5 * 0.5 + 0.0 * 0.5 + 5.0 * 1) / 2
    assert values(Gpa(), graded())["ana", Y1] == pytest.approx(plain, abs=1e-12)
    assert values(Gpa(weighted=True), graded())["ana", Y1] == pytest.approx(weighted, abs=1e-12)
    without = view(
        grades=table(GRADES).drop(columns="course_level"), enrolment=enrolled(("ana", Y1, "9"), ("bo", Y1, "9"))
    )
    with pytest.raises(DataError, match="no column course_level"):
        Gpa(weighted=True).compute(without)


def test_a_scale_file_replaces_the_letters(tmp_path):
    scale = tmp_path / "scale.csv"
    scale.write_text("mark,points\nA,5\nB,4\nF,1\n")
    assert values(Gpa(scale=str(scale)), graded())["ana", Y1] == pytest.approx(
        (4 * 0.5 + 1 * 0.5 + 5 * 1) / 2, abs=1e-12
    )
    scale.write_text("mark,points\nA,5\nA,4\n")
    with pytest.raises(DataError, match="stand twice or have no points"):
        Gpa(scale=str(scale)).compute(graded())


def test_credits_are_those_of_what_was_passed():
    assert values(CreditsEarned(), graded()) == {("ana", Y1): 0.5 + 1 + 1, ("bo", Y1): 5.0}
    share = values(CreditsEarned(out_of_attempted=True), graded())
    assert share == {("ana", Y1): pytest.approx(2.5 / 3.0, abs=1e-12), ("bo", Y1): pytest.approx(5 / 6, abs=1e-12)}
    stated = table(GRADES).assign(credits_earned=0.25)
    records = view(grades=stated, enrolment=enrolled(("ana", Y1, "9"), ("bo", Y1, "9")))
    assert values(CreditsEarned(), records)["ana", Y1] == 4 * 0.25  # the course that was left earns nothing


def test_a_failed_year_is_two_failed_semesters_of_the_on_track_rule():
    assert values(OnTrack(credits=2.5), graded()) == {("ana", Y1): 1, ("bo", Y1): 0}
    assert values(OnTrack(credits=2.5, core_failures=0), graded())["ana", Y1] == 0
    assert values(OnTrack(credits=2.5, core_failures=2), graded())["bo", Y1] == 1
    assert values(OnTrack(), graded())["ana", Y1] == 0  # 2.5 credits are fewer than five
    assert set(values(OnTrack(grade_level=10), graded()).values()) == {"other_grade_level"}


def test_early_warnings_are_counted_and_behaviour_only_where_suspensions_are_recorded():
    days = daily(("ana", "2021-09-06", "absent"), ("bo", "2021-09-06", "suspended"))
    records = view(grades=table(GRADES), **days)
    assert values(AbcFlags(), records) == {("ana", Y1): 1 + 0 + 1, ("bo", Y1): 1 + 1 + 1}
    assert [entry.rows for entry in AbcFlags().remarks(records)] == [0]
    silent = view(grades=table(GRADES), **daily(("ana", "2021-09-06", "absent"), ("bo", "2021-09-06", "absent")))
    assert values(AbcFlags(), silent) == {("ana", Y1): 2, ("bo", Y1): 2}
    assert [(entry.rule, entry.rows) for entry in AbcFlags().remarks(silent)] == [("abc_flags.behaviour_not_judged", 2)]


def scored(**changes: object) -> RecordsByPeriod:
    rows = [
        (f"s{n}", Y1, "STAAR", "math", score, grade)
        for n, (score, grade) in enumerate([(400, 5), (420, 5), (440, 5), (900, 6)])
    ]
    frame = pd.DataFrame(rows, columns=["student_id", "school_year", "test", "subject", "scale_score", "grade_level"])
    spells = enrolled(*[(student, Y1, str(grade)) for student, *_, grade in rows])
    return view(assessments=frame.assign(**changes).astype({"grade_level": str}), enrolment=spells)


def test_scores_are_standardized_within_grade_year_and_test(tmp_path):
    found = values(TestScore(min_reference=2), scored())
    assert found == {("s0", Y1): -20 / 20, ("s1", Y1): 0.0, ("s2", Y1): 20 / 20, ("s3", Y1): "reference_too_small"}
    norms = tmp_path / "norms.csv"
    head = "test,subject,school_year,grade_level,mean,sd\n"
    norms.write_text(head + f"STAAR,math,{Y1},5,410,50\n")
    found = values(TestScore(norms=str(norms)), scored())
    assert found["s2", Y1] == pytest.approx((440 - 410) / 50, abs=1e-12)
    assert found["s3", Y1] == "no_norms"
    with pytest.raises(DataError, match="say which with subject"):
        TestScore().compute(scored(subject=["math", "reading", "math", "math"]))


def surveyed() -> RecordsByPeriod:
    forms = table("""
        form_id | school_year | item   | answer | student_id | role
        f1      | 2021-22     | cares  | 5      | ana        | student
        f1      | 2021-22     | listens| 4      | ana        | student
        f1      | 2021-22     | bored  | 2      | ana        | student
        f2      | 2021-22     | cares  | 3      | bo         | student
        f2      | 2021-22     | listens|        | bo         | student
        f2      | 2021-22     | bored  |        | bo         | student
        f3      | 2021-22     | cares  | 1      | ana        | parent
    """)
    return view(surveys=forms, enrolment=enrolled(("ana", Y1, "9"), ("bo", Y1, "9")))


def test_a_scale_is_the_mean_of_its_items_with_reversed_items_turned():
    scale = SurveyScale(items=("cares", "listens", "bored"), reverse=("bored",), role="student", min_answered=0.5)
    assert values(scale, surveyed()) == {("ana", Y1): (5 + 4 + (1 + 5 - 2)) / 3, ("bo", Y1): "too_few_items"}
    with pytest.raises(DataError, match=r"beyond 1 to 4: 5 in 1 rows"):
        SurveyScale(items=("cares",), highest=4).compute(surveyed())
    with pytest.raises(DataError, match=r"no item 'care'.*cares"):
        SurveyScale(items=("care",)).compute(surveyed())


def test_the_two_highest_answers_agree():
    assert values(TopTwoBox(item="cares", role="student"), surveyed()) == {("ana", Y1): 1, ("bo", Y1): 0}


def test_the_share_of_parents_who_agree_has_an_interval_and_a_change():
    counts = {Y1: (85, 100), Y2: (92, 100)}
    rows = [
        (f"{year}-{n}", year, "enjoys", 5 if n < top else 2)
        for year, (top, asked) in counts.items()
        for n in range(asked)
    ]
    forms = pd.DataFrame(rows, columns=["form_id", "school_year", "item", "answer"])
    records = view(surveys=forms, enrolment=enrolled(("ana", Y1, "9"))).records
    first, second = survey_shares(records, "enjoys", invited={Y2: 130}).to_dict("records")
    assert (first["share"], second["share"], second["n_invited"]) == (0.85, 0.92, 130)
    assert second["change"] == pytest.approx(0.07, abs=1e-12)
    assert pd.isna(first["change"])
    assert pd.isna(first["change_low"])
    # Wilson: (p + z²/2n ± z √(p(1−p)/n + z²/4n²)) ÷ (1 + z²/n), z = 1.959964
    assert (second["conf_low"], second["conf_high"]) == (
        pytest.approx(0.8500, abs=5e-5),
        pytest.approx(0.9589, abs=5e-5),
    )
    assert second["change_low"] < 0 < second["change_high"]


def test_who_comes_back_who_finished_and_who_moved_away():
    spells = enrolled(
        ("stays", Y1, "9"),
        ("stays", Y2, "10"),
        ("gone", Y1, "9"),
        ("moved", Y1, "9", "Transfer"),
        ("done", Y1, "12"),
        ("quit", Y1, "10", "DROPOUT"),
        ("quit back", Y1, "10", "dropout"),
        ("quit back", Y2, "10"),
    )
    records = view(enrolment=spells)
    stayed = values(Persistence(), records)
    assert {student: stayed[student, Y1] for student in spells["student_id"].unique()} == {
        "stays": 1,
        "gone": 0,
        "moved": "transferred_out",
        "done": "finished_school",
        "quit": 0,
        "quit back": 1,
    }
    assert stayed["stays", Y2] == "no_later_year"
    left = values(Dropout(), records)
    assert {student: left[student, Y1] for student in ("stays", "gone", "moved", "quit", "quit back")} == {
        "stays": 0,
        "gone": "left_without_code",
        "moved": "left_for_other_reason",
        "quit": 1,
        "quit back": 0,
    }
    assert values(Dropout(left_without_code=True), records)["gone", Y1] == 1


@pytest.mark.parametrize("measure", [OnTrack(), Persistence(), ExitFromChronicAbsence()])
def test_a_measure_of_a_school_year_has_no_month(measure: Measure):
    with pytest.raises(OptionError, match='use period = "year"'):
        measure.compute(view("month", **daily(("ana", "2021-09-06", "absent"))))


UNREADABLE = f"{GRADES.rstrip()}\n    bo | 2021-22 | S1 | bio | 95* | 1 | | science"


@pytest.mark.parametrize("measure", [AbcFlags(), OnTrack(), CreditsEarned()], ids=lambda measure: measure.name)
def test_a_mark_that_can_not_be_read_is_in_the_ledger_whichever_measure_asks(measure):
    days = daily(("ana", "2021-09-06", "absent"), ("bo", "2021-09-06", "suspended"))
    records = view(grades=table(UNREADABLE), **days)
    measure.compute(records)
    assert [(e.rule, e.rows, tuple(e.examples)) for e in records.entries if e.rows and e.table == "grades"] == [
        ("unparsed_mark", 1, ("bo",))
    ]


def test_a_districts_own_marks_are_read_by_its_scale_in_every_measure_of_grades(tmp_path):
    scale = tmp_path / "marks.csv"
    scale.write_text("mark,points\nE,4\nS,2.5\nU,0\n")
    own = table(GRADES.replace("| A    |", "| E    |").replace("| B    |", "| S    |").replace("| F    |", "| U    |"))
    days = daily(("ana", "2021-09-06", "absent"), ("bo", "2021-09-06", "suspended"))
    ours, usual = view(grades=own, **days), view(grades=table(GRADES), **days)
    for kind in (AbcFlags, OnTrack, CourseFailure, CreditsEarned):
        assert values(kind(scale=str(scale)), ours) == values(kind(), usual)
