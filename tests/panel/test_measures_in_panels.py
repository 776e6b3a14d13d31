"""Baselines of newcomers, years that are no baseline, and panels of schools, on districts counted by hand."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from mentoreval.errors import DataError, OptionError
from mentoreval.panel.build import build_panel
from mentoreval.panel.measures import AttendanceRate, ChronicAbsence, DaysAbsent
from mentoreval.records import read_records
from mentoreval.records.records import Records

FIRST, SECOND = "2021-22", "2022-23"
DAYS = {FIRST: "2021-09-06", SECOND: "2022-09-05"}


def spells(*rows: tuple[str, str, str, str]) -> pd.DataFrame:
    """Student, school, school year, grade; each from the first day of the year."""
    frame = pd.DataFrame(rows, columns=["student_id", "school_id", "school_year", "grade_level"])
    return frame.assign(entry_date=frame["school_year"].str[:4] + "-09-01")


def district(
    enrolment: pd.DataFrame, absences: list[tuple[str, str]], matches: list[tuple[str, str]], engine: str = "pandas"
) -> Records:
    calendar = pd.DataFrame(
        [
            (school, day, year)
            for school in ("elm", "oak")
            for year in enrolment["school_year"].unique()
            for day in pd.bdate_range(DAYS.get(year, f"{year[:4]}-09-06"), periods=40).strftime("%Y-%m-%d")
        ],
        columns=["school_id", "date", "school_year"],
    )
    begun = pd.DataFrame(matches, columns=["student_id", "start_date"])
    tables: dict[str, Any] = {
        "students": pd.DataFrame({"student_id": enrolment["student_id"].unique()}).assign(english_learner=1),
        "enrolment": enrolment,
        "calendar": calendar,
        "attendance": pd.DataFrame(absences, columns=["student_id", "date"]).assign(code="absent"),
        "matches": begun.assign(match_id=[f"m{n}" for n in range(len(begun))], mentor_id="tom"),
    }
    if engine == "duckdb":
        import duckdb

        connection = duckdb.connect()
        tables = {name: connection.from_df(table) for name, table in tables.items()}
    return read_records(tables, attendance="absences_only")


CHILDREN = spells(
    ("kim", "oak", SECOND, "KG"),  # matched in the fourth week
    ("lou", "oak", SECOND, "KG"),  # never matched
    ("max", "oak", SECOND, "KG"),  # matched on the first day
    ("old", "oak", FIRST, "KG"),  # has a year before
    ("old", "oak", SECOND, "1"),
)
# Monday of weeks one to six of the second year
MONDAYS = [day.strftime("%Y-%m-%d") for day in pd.date_range("2022-09-05", periods=6, freq="7D")]
MISSED = [("kim", MONDAYS[0]), ("kim", MONDAYS[4]), ("kim", MONDAYS[5]), ("lou", MONDAYS[5]), ("old", MONDAYS[0])]
STARTS = [("kim", MONDAYS[3]), ("max", MONDAYS[0])]


@pytest.mark.parametrize("engine", ["pandas", "duckdb"])
def test_the_first_weeks_are_the_baseline_of_who_has_no_year_before_and_end_before_the_match(engine: str):
    panel = build_panel(
        district(CHILDREN, MISSED, STARTS, engine),
        program="one_to_one",
        measures=[AttendanceRate(), DaysAbsent()],
        covariates=["grade_level", "baseline_window"],
        baseline_window=5,
    )
    rows = panel.frame.set_index(["student_id", "period"])
    made = rows[rows["baseline_window"] == 1]
    assert made.index.tolist() == [("kim", FIRST), ("lou", FIRST)]
    assert made.loc[("kim", FIRST), "attendance_rate"] == 14 / 15  # three weeks; the weeks of the mentor do not count
    assert made.loc[("lou", FIRST), "attendance_rate"] == 25 / 25  # five weeks; the sixth does not count
    assert made["days_enrolled"].tolist() == [15, 25]
    assert made["grade_level"].tolist() == [-1, -1]  # so that they are compared with classmates, not with first graders
    assert made["days_absent"].isna().all()  # a few weeks have fewer days to miss than a year
    assert rows.loc[("kim", SECOND), "attendance_rate"] == 37 / 40  # the outcome is the whole year's
    told = {entry.rule: (entry.rows, entry.examples) for entry in panel.ledger.entries if entry.table == "panel"}
    assert told["baseline_window"] == (2, ("kim", "lou"))
    assert told["no_day_before_match"] == (1, ("max",))
    assert told["days_absent.not_in_window"] == (2, ("kim", "lou"))
    assert panel.ledger.rows_kept["panel"] == len(panel.frame)


def test_changing_days_after_the_match_never_changes_a_baseline():
    options = {"program": "one_to_one", "measures": ["attendance_rate"], "baseline_window": 6}
    after = [("kim", day.strftime("%Y-%m-%d")) for day in pd.bdate_range(MONDAYS[3], periods=15)]
    frames = [
        build_panel(district(CHILDREN, absences, STARTS), **options).frame
        for absences in (MISSED, sorted({*MISSED, *after}))
    ]
    before = [frame[frame["baseline_window"] == 1]["attendance_rate"].tolist() for frame in frames]
    assert before[0] == before[1]
    years = [frame[frame["baseline_window"] == 0]["attendance_rate"].tolist() for frame in frames]
    assert years[0] != years[1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"baseline_window": 0}, "1 or more; got 0"),
        ({"baseline_window": 4, "period": "month"}, 'for period = "year"'),
        ({"baseline_window": 4, "unit": "school"}, "is for students"),
        ({"no_baseline_years": "2019-20"}, "takes a list"),
        ({"no_baseline_years": ["2020"]}, "written as 2019-20; got 2020"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict, message: str):
    with pytest.raises(OptionError, match=message):
        build_panel(district(CHILDREN, MISSED, STARTS), program="one_to_one", measures=["attendance_rate"], **options)


def test_years_of_closed_schools_are_flagged_and_no_baseline():
    years = ("2018-19", "2019-20", "2020-21", "2021-22")
    rows = [
        (student, "oak", year, str(grade)) for student in ("ana", "bo") for grade, year in enumerate(years, start=5)
    ]
    absences = [("ana", "2018-09-06"), ("ana", "2020-09-07"), ("ana", "2020-09-08"), ("bo", "2020-09-08")]
    records = district(spells(*rows), absences, [("ana", "2021-09-10")])
    options = {"program": "one_to_one", "measures": ["days_absent"]}
    panel = build_panel(records, **options)
    assert panel.no_baseline == ("2019-20", "2020-21")
    before = panel.covariates_at_baseline(pd.array([0, 1]).to_numpy(), panel.cohorts[[0, 0]], ["prior_days_absent"])
    assert before["prior_days_absent"].tolist() == [1.0, 0.0]
    told = {entry.rule: entry for entry in panel.ledger.entries if entry.table == "panel"}
    assert (told["no_baseline_year"].rows, told["no_baseline_year"].examples) == (4, ("2019-20", "2020-21"))
    assert len(panel.frame) == 8
    kept = build_panel(records, no_baseline_years=[], **options)
    before = kept.covariates_at_baseline(pd.array([0, 1]).to_numpy(), kept.cohorts[[0, 0]], ["prior_days_absent"])
    assert before["prior_days_absent"].tolist() == [2.0, 1.0]


def test_a_panel_of_schools_pools_students_by_their_days_and_counts_each_school_apart():
    first = spells(("ana", "oak", FIRST, "6"), ("bo", "oak", FIRST, "6"), ("cy", "elm", FIRST, "6"))
    first = first.assign(exit_date=[None, "2021-09-17", None])  # bo: ten days at oak, then thirty at elm
    moved = spells(("bo", "elm", FIRST, "6")).assign(entry_date="2021-09-20")
    later = spells(("ana", "oak", SECOND, "7"), ("bo", "elm", SECOND, "7"), ("cy", "elm", SECOND, "7"))
    absences = [("ana", "2021-09-06"), ("bo", "2021-09-07"), ("bo", "2021-09-08"), ("bo", "2021-09-21")]
    records = district(pd.concat([first, moved, later]), absences, [("ana", "2022-09-12")])
    measures = [AttendanceRate(), ChronicAbsence(), "average_daily_attendance"]
    panel = build_panel(records, program="one_to_one", measures=measures, unit="school")
    rows = panel.frame.set_index(["school_id", "period"])
    assert panel.units.tolist() == ["elm", "oak"]
    assert rows.loc[("oak", FIRST), "attendance_rate"] == pytest.approx((39 + 8) / (40 + 10), abs=1e-12)
    assert rows.loc[("elm", FIRST), "attendance_rate"] == pytest.approx((40 + 29) / (40 + 30), abs=1e-12)
    assert rows.loc[("oak", FIRST), "chronic_absence"] == 1 / 2  # bo missed 2 of 10 days there
    assert rows.loc[("elm", FIRST), "chronic_absence"] == 0 / 2  # and 1 of 30 days here
    assert rows.loc[("oak", FIRST), "average_daily_attendance"] == pytest.approx((39 + 8) / 40, abs=1e-12)
    assert rows["enrolment"].tolist() == [2, 2, 2, 2]
    assert panel.weight == "enrolment"
    assert rows["first_treated"].dropna().to_dict() == {("oak", FIRST): SECOND, ("oak", SECOND): SECOND}
    assert panel.measures["chronic_absence"].unit == "share"
    with pytest.raises(DataError, match="no covariate 'gender' of schools"):
        build_panel(records, program="one_to_one", measures=measures, unit="school", covariates=["gender"])
