"""Who counts as mentored, by whom and since when."""

from __future__ import annotations

from dataclasses import replace

import narwhals as nw
import pandas as pd
import pytest

from mentoreval.errors import DataError, OptionError
from mentoreval.panel.periods import PeriodRule
from mentoreval.panel.program import TREATED_COLUMNS
from mentoreval.panel.programs import PROGRAMS, OneToOne
from mentoreval.panel.records_by_period import RecordsByPeriod
from mentoreval.records import read_records
from mentoreval.records.records import Records
from mentoreval.registry import build, spec_of

STUDENTS = ("ana", "bo", "cy", "di")
DAYS = ["2021-09-07", "2021-12-20", "2022-01-24", "2022-02-01", "2022-06-24", "2022-09-06", "2023-06-23"]


def records_of(matches: list[tuple[str, ...]], sessions: list[str] | None = None, **changes: object) -> Records:
    """Ana and Bo at oak, Cy and Di at elm, two years; matches are (match, student, mentor, start, and maybe model)."""
    spells = [
        (student, "oak" if student in ("ana", "bo") else "elm", year, "6", entry)
        for student in STUDENTS
        for year, entry in (("2021-22", "2021-09-07"), ("2022-23", "2022-09-06"))
    ]
    # At elm the second semester begins a week earlier.
    calendar = pd.DataFrame(
        [
            (school, day, "2021-22" if day < "2022-07" else "2022-23", term(school, day))
            for school in ("oak", "elm")
            for day in DAYS
        ],
        columns=["school_id", "date", "school_year", "term"],
    )
    columns = ["student_id", "school_id", "school_year", "grade_level", "entry_date"]
    whole = [match if len(match) == 5 else (*match, "one_to_one") for match in matches]
    tables = {
        "students": pd.DataFrame({"student_id": STUDENTS}),
        "enrolment": pd.DataFrame(spells, columns=columns),
        "calendar": calendar,
        "matches": pd.DataFrame(whole, columns=["match_id", "student_id", "mentor_id", "start_date", "model"]),
    }
    if sessions is not None:
        tables["sessions"] = pd.DataFrame({"match_id": sessions, "date": "2022-01-03", "minutes": 45})
    return replace(read_records(tables), **changes)


def term(school: str, day: str) -> str:
    second = "01-24" if school == "elm" else "02-01"
    return "S2" if second <= day[5:] < "07" else "S1"


def treat(program: OneToOne, records: Records, period: str = "year") -> dict[str, tuple[object, ...]]:
    """{student: (first_treated, mentor_id)} or {student: (reason,)} where the student is excluded."""
    frame = program.treat(RecordsByPeriod(records, PeriodRule(period)))  # type: ignore[arg-type]
    assert list(frame.columns) == list(TREATED_COLUMNS)
    assert frame["first_treated"].isna().equals(frame["excluded"].notna())
    return {
        row.student_id: (row.excluded,) if isinstance(row.excluded, str) else (row.first_treated, row.mentor_id)
        for row in frame.itertuples()
    }


def test_the_first_match_says_since_when_and_by_whom():
    records = records_of([("m1", "ana", "tom", "2022-10-03"), ("m2", "ana", "ida", "2021-10-04")])
    assert treat(OneToOne(), records) == {"ana": ("2021-22", "ida")}
    frame = OneToOne().treat(RecordsByPeriod(records))
    assert frame["start_date"].tolist() == [pd.Timestamp("2021-10-04")]


def test_of_two_matches_on_one_day_the_one_whose_identifier_sorts_first_counts():
    records = records_of([("m2", "ana", "tom", "2021-10-04"), ("m1", "ana", "ida", "2021-10-04")])
    assert treat(OneToOne(), records) == {"ana": ("2021-22", "ida")}


def test_a_match_in_the_summer_belongs_to_the_year_that_begins_after_it():
    assert treat(OneToOne(), records_of([("m1", "ana", "tom", "2022-06-25")])) == {"ana": ("2022-23", "tom")}


@pytest.mark.parametrize(
    ("start", "period", "label"),
    [
        ("2021-12-20", "month", "2021-12"),
        ("2021-12-21", "month", "2022-01"),
        ("2022-06-25", "month", "2022-09"),
        ("2022-06-25", "semester", "2022-23 S1"),
        ("2023-06-24", "month", "2023-06"),
        ("2023-07-01", "year", "2023-24"),
        ("2020-10-01", "year", "2020-21"),
        ("2021-08-20", "month", "2021-09"),
    ],
)
def test_a_match_starts_with_the_next_day_in_session(start: str, period: str, label: str):
    assert treat(OneToOne(), records_of([("m1", "ana", "tom", start)]), period) == {"ana": (label, "tom")}


def test_the_calendar_of_the_mentees_own_school_decides():
    records = records_of([("m1", "ana", "tom", "2022-01-20"), ("m2", "cy", "tom", "2022-01-20")])
    assert treat(OneToOne(), records, "semester") == {"ana": ("2021-22 S1", "tom"), "cy": ("2021-22 S2", "tom")}


def test_a_mentee_without_a_school_gets_the_calendar_of_any_school():
    records = records_of([("m1", "ana", "tom", "2022-01-20")])
    without_ana = records.enrolment.filter(nw.col("student_id") != "ana")
    assert treat(OneToOne(), replace(records, enrolment=without_ana), "month") == {"ana": ("2022-01", "tom")}


def test_without_a_calendar_the_date_itself_decides():
    records = records_of([("m1", "ana", "tom", "2022-06-25"), ("m2", "bo", "tom", "2022-07-01")], calendar=None)
    assert treat(OneToOne(), records) == {"ana": ("2021-22", "tom"), "bo": ("2022-23", "tom")}


def test_a_mentee_who_never_met_the_mentor_stays_mentored():
    records = records_of([("m1", "ana", "tom", "2021-10-04"), ("m2", "bo", "tom", "2021-10-04")], sessions=["m2"])
    assert treat(OneToOne(), records) == {"ana": ("2021-22", "tom"), "bo": ("2021-22", "tom")}


def test_below_min_sessions_a_mentee_is_neither_mentored_nor_a_comparison():
    matches = [
        ("m1", "ana", "tom", "2021-10-04"),
        ("m2", "bo", "tom", "2021-10-04"),
        ("m3", "bo", "ida", "2022-10-03"),
        ("m4", "cy", "ida", "2021-10-04"),
    ]
    records = records_of(matches, sessions=["m1", "m2", "m3", "m3"])
    assert treat(OneToOne(min_sessions=2), records) == {
        "ana": ("below_min_sessions",),
        "bo": ("2022-23", "ida"),
        "cy": ("below_min_sessions",),
    }


def test_only_matches_of_the_named_model_count_and_the_others_are_excluded():
    matches = [
        ("m1", "ana", "tom", "2021-10-04", "group"),
        ("m2", "bo", "ida", "2021-10-04", "one_to_one"),
        ("m3", "cy", "ida", "2021-10-04", "group"),
        ("m4", "cy", "ida", "2022-10-03", "one_to_one"),
    ]
    assert treat(OneToOne(model="one_to_one"), records_of(matches)) == {
        "ana": ("other_model",),
        "bo": ("2021-22", "ida"),
        "cy": ("2022-23", "ida"),
    }
    assert set(treat(OneToOne(), records_of(matches))) == {"ana", "bo", "cy"}
    with pytest.raises(DataError, match=r"model 'goup'. Did you mean 'group'"):
        treat(OneToOne(model="goup"), records_of(matches))


def test_tables_that_are_not_there_are_named():
    records = records_of([("m1", "ana", "tom", "2021-10-04")])
    with pytest.raises(DataError, match=r"no sessions table.*set min_sessions = 0"):
        treat(OneToOne(min_sessions=1), records)
    with pytest.raises(DataError, match=r"no matches table.*Add matches\.csv"):
        treat(OneToOne(), replace(records, matches=None))


def test_a_study_file_can_name_the_program():
    program = build(PROGRAMS, {"kind": "one_to_one", "min_sessions": 4}, "program")
    assert program == OneToOne(min_sessions=4)
    assert spec_of(program) == {"kind": "one_to_one", "min_sessions": 4}
    with pytest.raises(OptionError, match="0 or more; got -1"):
        OneToOne(min_sessions=-1)
