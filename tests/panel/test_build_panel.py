"""From records to a panel: its rows, its columns, its covariates, and an account of everybody who is not in it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import narwhals as nw
import pandas as pd
import pytest

from mentoreval.errors import DataError, OptionError
from mentoreval.panel.build import build_panel
from mentoreval.panel.measures import ChronicAbsence, DaysAbsent
from mentoreval.panel.programs import OneToOne
from mentoreval.records import read_records
from mentoreval.records.records import Records

FIRST, SECOND = "2021-22", "2022-23"


def weekdays(first: str, days: int) -> list[str]:
    return list(pd.bdate_range(first, periods=days).strftime("%Y-%m-%d"))


CALENDAR = pd.DataFrame(
    [
        (school, day, year)
        for school in ("elm", "oak")
        for year, first in ((FIRST, "2021-09-06"), (SECOND, "2022-09-05"))
        for day in weekdays(first, 20)
    ],
    columns=["school_id", "date", "school_year"],
)
SPELLS = [
    ("ana", "oak", FIRST, "6", "2021-09-06", None),
    ("ana", "oak", SECOND, "7", "2022-09-05", None),
    ("bo", "oak", FIRST, "6", "2021-09-06", "2021-09-17"),  # ten days, then ten at elm: the later one counts
    ("bo", "elm", FIRST, "6", "2021-09-20", None),
    ("bo", "elm", SECOND, "7", "2022-09-05", None),
    ("cy", "oak", FIRST, "6", "2021-09-06", "2021-09-23"),  # fourteen days at oak, six at elm
    ("cy", "elm", FIRST, "6", "2021-09-24", None),
    ("cy", "elm", SECOND, "7", "2022-09-05", None),
    ("di", "elm", FIRST, "8", "2021-09-06", None),  # not there in the second year
]
STUDENTS = {
    "student_id": ["ana", "bo", "cy", "di", "eve"],
    "gender": ["F", "M", "F", "F", "F"],
    "english_learner": [1, 0, 0, None, 1],
    "birth_date": ["2010-01-01", None, "2010-03-03", "2008-04-04", "2010-05-05"],
    "bus_minutes": [10, 20, 30, 40, 50],
}


def district(**changes: Any) -> Records:
    tables = {
        "students": pd.DataFrame(STUDENTS),
        "enrolment": pd.DataFrame(
            SPELLS, columns=["student_id", "school_id", "school_year", "grade_level", "entry_date", "exit_date"]
        ),
        "calendar": CALENDAR,
        "attendance": pd.DataFrame(
            {"student_id": ["ana", "ana", "bo"], "date": ["2021-09-06", "2021-09-07", "2022-09-06"], "code": "absent"}
        ),
        "grades": pd.DataFrame(
            {
                "student_id": ["ana", "bo"],
                "school_year": FIRST,
                "term": "S1",
                "course_id": "algebra",
                "mark": ["B", "P"],
            }
        ),
        "matches": pd.DataFrame(
            {
                "match_id": ["m1", "m2"],
                "student_id": ["ana", "eve"],
                "mentor_id": ["tom", "ida"],
                "start_date": ["2022-09-10", "2022-09-10"],
            }
        ),
        "sessions": pd.DataFrame({"match_id": ["m1"] * 2, "date": ["2022-09-12", "2022-09-13"], "minutes": 30}),
    }
    given = {name: table for name, table in (tables | changes).items() if table is not None}
    return read_records(given, attendance=None if "attendance" in changes else "absences_only")


def panel_of(records: Records | None = None, **options: Any):
    options = {"program": OneToOne(), "measures": ["days_absent"], **options}
    return build_panel(records or district(), **options)


def test_one_row_for_each_student_and_year_of_enrolment():
    frame = panel_of().frame
    assert frame[["student_id", "period", "school_id", "grade_level", "days_enrolled", "days_absent"]].to_dict("tight")[
        "data"
    ] == [
        ["ana", FIRST, "oak", 6, 20.0, 2.0],
        ["ana", SECOND, "oak", 7, 20.0, 0.0],
        ["bo", FIRST, "elm", 6, 10.0 + 10.0, 0.0],
        ["bo", SECOND, "elm", 7, 20.0, 1.0],
        ["cy", FIRST, "oak", 6, 14.0 + 6.0, 0.0],
        ["cy", SECOND, "elm", 7, 20.0, 0.0],
        ["di", FIRST, "elm", 8, 20.0, 0.0],
    ]


def test_the_start_and_the_mentor_stand_in_every_row_of_a_mentee():
    frame = panel_of().frame
    ana = frame[frame["student_id"] == "ana"]
    assert ana["first_treated"].tolist() == [SECOND, SECOND]
    assert ana["mentor_id"].tolist() == ["tom", "tom"]
    others = frame[frame["student_id"] != "ana"]
    assert others[["first_treated", "mentor_id"]].isna().all(axis=None)


def test_the_panel_knows_its_roles_and_what_its_outcomes_are():
    panel = panel_of(measures=["days_absent", ChronicAbsence(min_enrolled_days=5), "gpa"])
    assert (panel.unit, panel.period, panel.school, panel.mentor) == ("student_id", "period", "school_id", "mentor_id")
    assert panel.outcomes == ("days_absent", "chronic_absence", "gpa")
    assert panel.measures["chronic_absence"].rule == "absent_10_percent min_enrolled_days=5"
    assert list(panel.units) == ["ana", "bo", "cy", "di"]
    assert panel.timeline.periods.tolist() == [FIRST, SECOND]


def test_the_covariates_are_the_attributes_that_are_known_and_the_grade():
    panel = panel_of()
    assert panel.covariates == ("gender", "english_learner", "grade_level")
    assert {"birth_date", "bus_minutes", "days_enrolled"} <= set(panel.frame.columns)
    assert "prior_days_absent" in panel.default_covariates
    assert panel_of(covariates=["bus_minutes", "grade_level"]).covariates == ("bus_minutes", "grade_level")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("days_absent", "is an outcome.*the program may have changed it.*'prior_days_absent'"),
        ("prior_days_absent", "need not be named here"),
        ("minutes", "only after the program started"),
        ("sessions", "only after the program started"),
        ("mentor_id", "only after the program started"),
        ("gendre", "no covariate 'gendre' in the students table. Did you mean 'gender'"),
    ],
)
def test_a_covariate_that_the_program_may_have_changed_is_refused(name: str, reason: str):
    with pytest.raises(DataError, match=reason):
        panel_of(covariates=["gender", name])


def test_who_is_not_in_the_panel_is_in_the_ledger_and_the_rows_add_up():
    matches = pd.DataFrame(
        {
            "match_id": ["m1", "m2", "m3"],
            "student_id": ["ana", "eve", "di"],
            "mentor_id": ["tom", "ida", "ida"],
            "start_date": ["2022-09-10", "2022-09-10", "2021-09-10"],
        }
    )
    sessions = pd.DataFrame({"match_id": ["m1", "m3", "m2"], "date": "2022-09-12", "minutes": 30})
    records = district(matches=matches, sessions=pd.concat([sessions, sessions[1:]]))
    panel = panel_of(records, measures=["days_absent", "gpa"], program=OneToOne(min_sessions=2))
    told = {(entry.table, entry.rule): (entry.action, entry.rows, entry.examples) for entry in panel.ledger.entries}
    assert told["students", "never_enrolled"] == ("dropped", 1, ("eve",))
    assert told["matches", "mentee_never_enrolled"] == ("dropped", 1, ("eve",))
    assert told["panel", "below_min_sessions"] == ("dropped", 2, ("ana",))
    assert told["panel", "gpa.no_mark_with_points"] == ("flagged", 1, ("bo",))
    assert told["panel", "gpa.not_recorded"] == ("flagged", 4, ("bo", "cy", "di"))
    dropped = sum(entry.rows for entry in panel.ledger.entries if (entry.table, entry.action) == ("panel", "dropped"))
    assert panel.ledger.rows_read["panel"] - dropped == panel.ledger.rows_kept["panel"] == len(panel.frame)
    assert panel.ledger.rows_read["attendance"] == 3
    flagged = panel.frame["gpa"].isna().sum()
    assert flagged == 1 + 4


def test_below_min_sessions_is_neither_mentored_nor_a_comparison():
    matches = pd.DataFrame(
        {
            "match_id": ["m1", "m2"],
            "student_id": ["ana", "bo"],
            "mentor_id": ["tom", "ida"],
            "start_date": ["2022-09-10", "2022-09-10"],
        }
    )
    records = district(matches=matches, attendance=None)
    panel = panel_of(records, measures=["gpa"], program=OneToOne(min_sessions=2))
    assert list(panel.units) == ["ana", "cy", "di"]
    assert panel.frame.loc[panel.frame["student_id"] == "ana", "first_treated"].tolist() == [SECOND, SECOND]


def test_a_semester_and_a_month_have_their_own_rows():
    months = panel_of(period="month").frame
    assert sorted(months["period"].unique()) == ["2021-09", "2021-10", "2022-09"]
    ana = months[months["student_id"] == "ana"]
    assert ana["days_enrolled"].tolist() == [19.0, 1.0, 20.0]
    assert ana["first_treated"].unique().tolist() == ["2022-09"]
    halves = panel_of(period="semester", measures=["gpa"], semester_ends="09-10").frame
    assert sorted(halves["period"].unique()) == ["2021-22 S1", "2021-22 S2", "2022-23 S1", "2022-23 S2"]
    assert halves["first_treated"].dropna().unique().tolist() == ["2022-23 S2"]


def test_yearly_totals_need_no_calendar():
    totals = pd.DataFrame(
        {
            "student_id": ["ana", "ana", "bo", "cy"],
            "school_year": [FIRST, SECOND, FIRST, FIRST],
            "days_enrolled": [170.0, 180.0, 160.0, 0.0],
            "days_absent": [17.0, 9.5, 8.0, 0.0],
        }
    )
    panel = panel_of(district(attendance=totals, calendar=None), measures=["days_absent", "chronic_absence"])
    frame = panel.frame.set_index(["student_id", "period"])
    assert frame.loc[("ana", SECOND), ["days_enrolled", "days_absent", "chronic_absence"]].tolist() == [180.0, 9.5, 0.0]
    assert frame.loc[("ana", FIRST), "chronic_absence"] == 1.0
    # Bo was at oak for twelve days of the calendar year and at elm until the end of June.
    assert frame.loc[("bo", FIRST), "school_id"] == "elm"
    told = {(entry.rule, entry.rows) for entry in panel.ledger.entries if entry.table == "panel"}
    assert {("days_absent.no_enrolled_days", 1), ("days_absent.not_recorded", 3)} <= told


def test_yearly_totals_do_not_stand_in_the_way_of_marks_by_semester():
    totals = pd.DataFrame({"student_id": ["ana"], "school_year": FIRST, "days_enrolled": 180.0, "days_absent": 17.0})
    frame = panel_of(district(attendance=totals), measures=["gpa"], period="semester", semester_ends="09-10").frame
    ana = frame[frame["student_id"] == "ana"]
    assert ana["days_enrolled"].tolist() == [5.0, 15.0, 5.0, 15.0]
    assert ana["gpa"].dropna().tolist() == [3.0]


def test_values_of_a_period_in_which_a_student_was_not_enrolled_are_counted():
    grades = pd.DataFrame(
        {"student_id": ["ana", "di"], "school_year": SECOND, "term": "S1", "course_id": "art", "mark": "A"}
    )
    panel = panel_of(district(grades=grades), measures=["gpa"])
    told = {entry.rule: (entry.action, entry.rows, entry.examples) for entry in panel.ledger.entries}
    assert told["gpa.not_enrolled"] == ("flagged", 1, ("di",))


def test_measures_are_names_or_measures_and_each_stands_once():
    with pytest.raises(OptionError, match=r"no measure named 'attendence_rate'. Did you mean 'attendance_rate'"):
        panel_of(measures=["attendence_rate"])
    with pytest.raises(OptionError, match="each only once"):
        panel_of(measures=["days_absent", DaysAbsent(per_180=True)])
    with pytest.raises(OptionError, match="at least one measure"):
        panel_of(measures=[])
    with pytest.raises(OptionError, match=r"write measures = \['gpa'\]"):
        panel_of(measures="gpa")
    with pytest.raises(OptionError, match="no period 'term'"):
        panel_of(period="term")


def test_an_attribute_may_not_take_the_name_of_a_measure():
    records = district(students=pd.DataFrame(STUDENTS).assign(gpa=3.0), attendance=None)
    with pytest.raises(DataError, match="students table has columns with names that the panel makes itself: gpa"):
        panel_of(records, measures=["gpa"])


def test_nobody_treated_says_so():
    matches = pd.DataFrame({"match_id": ["m"], "student_id": "eve", "mentor_id": "ida", "start_date": "2021-10-01"})
    with pytest.raises(DataError, match="No unit is treated"):
        panel_of(district(matches=matches, sessions=None))
    with pytest.raises(DataError, match=r"one_to_one leaves nobody mentored.*below_min_sessions in 2 students"):
        panel_of(program=OneToOne(min_sessions=9))


def test_progress_is_told_in_words():
    steps: list[str] = []
    panel_of(measures=["days_absent", "gpa"], progress=steps.append)
    assert steps == [
        "Counting days enrolled",
        "Finding who was mentored (one_to_one)",
        "Measuring days_absent",
        "Measuring gpa",
        "Putting the panel together",
    ]


def test_the_order_of_the_rows_of_a_table_changes_nothing():
    records = district()
    shuffled = {
        name: nw.from_native(table.collect().to_pandas().sample(frac=1, random_state=5).reset_index(drop=True)).lazy()
        for name, table in records.tables.items()
    }
    again = panel_of(replace(records, **shuffled), period="month")
    pd.testing.assert_frame_equal(again.frame, panel_of(records, period="month").frame)
