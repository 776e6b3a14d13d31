"""What measures say of themselves, what they refuse, and what they leave in the ledger."""

from __future__ import annotations

from dataclasses import replace

import narwhals as nw
import pandas as pd
import pytest

from mentoreval.errors import DataError, OptionError
from mentoreval.panel.attendance_days import SILENT_DAYS
from mentoreval.panel.measure import ratio
from mentoreval.panel.measures import MEASURES, AttendanceRate, ChronicAbsence, DaysAbsent
from mentoreval.panel.periods import PeriodRule
from mentoreval.panel.records_by_period import RecordsByPeriod
from mentoreval.records import read_records
from mentoreval.records.records import Records
from mentoreval.registry import build, spec_of

YEAR = "2021-22"


def school_of(students: int, days: int, school: str = "oak") -> dict[str, pd.DataFrame]:
    """Students enrolled all year in one school."""
    ids = [f"{school}{number}" for number in range(students)]
    spells = {
        "student_id": ids,
        "school_id": school,
        "school_year": YEAR,
        "grade_level": "6",
        "entry_date": "2021-09-06",
    }
    dates = pd.bdate_range("2021-09-06", periods=days)
    return {
        "students": pd.DataFrame({"student_id": ids}),
        "enrolment": pd.DataFrame(spells),
        "calendar": pd.DataFrame({"school_id": school, "date": dates, "school_year": YEAR}),
    }


def absent_on(days: dict[str, str]) -> pd.DataFrame:
    return pd.DataFrame({"student_id": list(days), "date": list(days.values()), "code": "absent"})


def records_with(*rows: tuple[str, str], **changes: object) -> Records:
    tables = school_of(2, 10)
    attendance = pd.DataFrame(rows or [("oak0", "2021-09-06")], columns=["student_id", "date"]).assign(code="absent")
    return replace(read_records({**tables, "attendance": attendance}, attendance="absences_only"), **changes)


@pytest.mark.parametrize("name", MEASURES)
def test_a_measure_says_its_unit_direction_and_domain(name: str):
    facts = MEASURES[name]().facts
    expected = {
        "attendance_rate": ("share", True, "attendance"),
        "days_absent": ("days", False, "attendance"),
        "chronic_absence": ("flag", False, "attendance"),
        "gpa": ("points", True, "academic_achievement"),
        "course_failure": ("flag", False, "academic_achievement"),
        "attendance_band": ("count", True, "attendance"),
        "truancy": ("flag", False, "attendance"),
        "average_daily_attendance": ("count", True, "attendance"),
        "exit_from_chronic_absence": ("flag", True, "attendance"),
        "credits_earned": ("count", True, "progressing_in_school"),
        "on_track": ("flag", True, "progressing_in_school"),
        "abc_flags": ("count", False, "other"),
        "test_score": ("count", True, "academic_achievement"),
        "survey_scale": ("count", True, "other"),
        "top_two_box": ("flag", True, "other"),
        "persistence": ("flag", True, "staying_in_school"),
        "dropout": ("flag", False, "staying_in_school"),
    }
    assert (facts.unit, facts.higher_is_better, facts.domain) == expected[name]


def test_the_rule_names_the_options_that_change_the_numbers():
    assert ChronicAbsence(min_enrolled_days=20).facts.rule == "absent_10_percent min_enrolled_days=20"
    assert DaysAbsent(per_180=True).facts.rule == "days_absent per_180=True min_enrolled_days=1"


def test_a_study_file_can_name_a_measure_and_its_options():
    made = build(MEASURES, {"kind": "chronic_absence", "min_enrolled_days": 31}, "measure")
    assert made == ChronicAbsence(31)
    assert spec_of(made) == {"kind": "chronic_absence", "min_enrolled_days": 31}


@pytest.mark.parametrize("measure", [AttendanceRate, DaysAbsent, ChronicAbsence])
def test_a_minimum_enrolment_below_one_day_is_refused(measure: type):
    with pytest.raises(OptionError, match="at least 1; got 0"):
        measure(min_enrolled_days=0)


def test_what_measures_share_is_counted_once(monkeypatch: pytest.MonkeyPatch):
    from mentoreval.panel import records_by_period

    calls = []
    counted = records_by_period.count_listed_days
    monkeypatch.setattr(records_by_period, "count_listed_days", lambda *args: calls.append(1) or counted(*args))
    view = RecordsByPeriod(records_with())
    for measure in (AttendanceRate(), DaysAbsent(), ChronicAbsence()):
        measure.compute(view)
    assert len(calls) == 1


def test_a_ratio_to_zero_is_missing_and_never_infinite():
    found = ratio(pd.Series([1, 0, 3]), pd.Series([0, 0, 2]))
    assert found.isna().tolist() == [True, True, False]
    assert found[2] == 3 / 2


def test_a_measure_of_attendance_without_attendance_says_what_to_add():
    with pytest.raises(DataError, match=r"no attendance table.*Add attendance\.csv"):
        AttendanceRate().compute(RecordsByPeriod(records_with(attendance=None)))


def test_a_code_whose_meaning_is_not_known_is_named():
    attendance = nw.from_native(absent_on({"oak0": "2021-09-06", "oak1": "2021-09-07"}).assign(code="UNX")).lazy()
    with pytest.raises(DataError, match="'UNX' in 2 rows"):
        AttendanceRate().compute(RecordsByPeriod(records_with(attendance=attendance)))


def test_more_days_absent_than_enrolled_are_not_believed():
    attendance = pd.DataFrame({"student_id": ["oak0", "oak1"], "school_year": YEAR})
    stated = nw.from_native(attendance.assign(days_enrolled=[180.0, 180.0], days_absent=[181.0, 18.0])).lazy()
    view = RecordsByPeriod(records_with(attendance=stated, attendance_mode="yearly_totals"))
    assert view.attendance.frame["student_id"].tolist() == ["oak1"]
    told = {(entry.rule, entry.rows, entry.examples) for entry in view.entries if entry.rows}
    assert told == {("more_absent_than_enrolled", 1, ("oak0",))}


def test_a_missing_total_is_no_total():
    attendance = pd.DataFrame({"student_id": ["oak0", "oak0", "oak1"], "school_year": YEAR})
    stated = nw.from_native(attendance.assign(days_enrolled=90.0, days_absent=[3.0, None, 4.0])).lazy()
    view = RecordsByPeriod(records_with(attendance=stated, attendance_mode="yearly_totals"))
    of_unknown_reason = {"unexcused": 0, "suspended": 0, "unexplained": 4_000}
    assert view.attendance.frame.to_dict("records") == [
        {"student_id": "oak1", "period": YEAR, "enrolled": 90_000, "absent": 4_000, **of_unknown_reason}
    ]
    assert ("total_missing", 1) in {(entry.rule, entry.rows) for entry in view.entries}


def test_a_school_that_lists_no_absence_is_flagged():
    oak, elm = school_of(SILENT_DAYS // 50, 50), school_of(SILENT_DAYS // 50, 50, "elm")
    tables = {name: pd.concat([oak[name], elm[name]], ignore_index=True) for name in oak}
    records = read_records({**tables, "attendance": absent_on({"oak0": "2021-09-06"})}, attendance="absences_only")
    view = RecordsByPeriod(records)
    silent = next(entry for entry in (*view.attendance.entries,) if entry.rule == "school_without_absences")
    assert (silent.action, silent.rows, silent.examples) == ("flagged", 1, (f"elm in {YEAR}",))


def test_spells_without_a_day_in_session_are_in_the_ledger():
    tables = school_of(3, 10)
    tables["enrolment"].loc[2, "school_id"] = "closed"
    attendance = absent_on({"oak0": "2021-09-06"})
    records = read_records({**tables, "attendance": attendance}, attendance="absences_only")
    idle = next(entry for entry in RecordsByPeriod(records).enrolled.entries if entry.rule == "no_session_day")
    assert (idle.action, idle.rows, idle.examples) == ("dropped", 1, ("oak2",))


def test_an_exit_years_after_the_end_of_the_year_is_flagged_and_stops_with_the_year():
    tables = school_of(2, 10)
    tables["enrolment"]["exit_date"] = ["2024-06-30", "2021-09-10"]
    tables["calendar"] = pd.concat(
        [
            tables["calendar"],
            pd.DataFrame({"school_id": "oak", "date": ["2022-09-05", "2022-09-06"], "school_year": "2022-23"}),
        ]
    )
    tables["calendar"]["date"] = pd.to_datetime(tables["calendar"]["date"])
    view = RecordsByPeriod(read_records(tables))
    found = {(row.student_id, row.period): row.days for row in view.enrolled.frame.itertuples()}
    assert found == {("oak0", YEAR): 10, ("oak1", YEAR): 5}
    late = next(entry for entry in view.entries if entry.rule == "exit_long_after_school_year")
    assert (late.action, late.rows, late.examples) == ("flagged", 1, ("oak0",))


def test_a_period_shorter_than_a_year_needs_a_calendar():
    records = replace(records_with(), calendar=None)
    with pytest.raises(DataError, match=r'in which month a student was enrolled.*period = "year"'):
        assert RecordsByPeriod(records, PeriodRule("month")).enrolled


@pytest.mark.parametrize(
    ("length", "labels"),
    [
        ("year", ["1999-00", "2021-22", "2021-22", "2022-23"]),
        ("semester", ["1999-00 S1", "2021-22 S1", "2021-22 S2", "2022-23 S1"]),
        ("month", ["1999-12", "2022-01", "2022-02", "2022-07"]),
    ],
)
def test_dates_without_a_calendar_have_labels_that_sort_in_time(length: str, labels: list[str]):
    dates = pd.Series(pd.to_datetime(["1999-12-31", "2022-01-31", "2022-02-01", "2022-07-01"]))
    found = PeriodRule(length).label_dates(dates).tolist()  # type: ignore[arg-type]
    assert found == labels
    assert sorted(found) == found


def test_a_semester_may_end_before_the_holidays():
    dates = pd.Series(pd.to_datetime(["2021-12-22", "2021-12-23"]))
    assert PeriodRule("semester", "12-22").label_dates(dates).tolist() == ["2021-22 S1", "2021-22 S2"]
    days = nw.from_native(pd.DataFrame({"date": dates, "school_year": YEAR})).lazy()
    labelled = PeriodRule("semester", "12-22").label_days(days).collect().to_pandas()
    assert labelled["period"].tolist() == ["2021-22 S1", "2021-22 S2"]


def test_periods_that_do_not_exist_are_refused():
    with pytest.raises(OptionError, match=r"no period 'semster'. Did you mean 'semester'"):
        PeriodRule("semster")  # type: ignore[arg-type]
    with pytest.raises(OptionError, match=r"semester_ends = '31.1.' is not a day"):
        PeriodRule("semester", "31.1.")
