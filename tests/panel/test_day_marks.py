"""What the marks of days tell is what looking at every row says, of any dirt: the same records, the same days."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mentoreval.errors import DataError
from mentoreval.panel.periods import PeriodRule
from mentoreval.panel.records_by_period import RecordsByPeriod
from mentoreval.records import keys, read_records
from mentoreval.records.tables.attendance import ABSENT_CODES, PRESENT_CODES

YEARS = {"2020-21": pd.bdate_range("2020-09-01", periods=120), "2021-22": pd.bdate_range("2021-09-01", periods=120)}
STUDENTS = [f"{number:03}" for number in range(12)]
OF_ROWS = ("none", "few_rows", "twice", "two_codes", "sunday", "part_days", "school_named")
DIRT = (*OF_ROWS, "moves", "overlap", "two_years")


def district(rng: np.random.Generator, dirt: str, mode: str) -> dict[str, pd.DataFrame]:
    """Students of two schools with a row for each day, or for each absence, and one kind of dirt in some of them."""
    years = list(YEARS) if dirt == "two_years" else ["2021-22"]
    closed = rng.choice(YEARS["2021-22"], 5, replace=False)
    calendar = pd.DataFrame(
        [(school, day, year) for school in ("elm", "oak") for year in years for day in YEARS[year]],
        columns=["school_id", "date", "school_year"],
    )
    calendar = calendar[~((calendar["school_id"] == "elm") & calendar["date"].isin(closed))]
    spells = [
        (who, str(rng.choice(["elm", "oak"])), year, YEARS[year][rng.integers(3) * 10], YEARS[year][-1])
        for who in STUDENTS
        for year in years
    ]
    if dirt in ("moves", "overlap"):
        who, school, year, first, last = spells[0]
        turn = YEARS[year][60]
        other = "oak" if school == "elm" else "elm"
        spells[0] = (who, school, year, first, turn)
        spells.append((who, other, year, turn + pd.Timedelta(days=-9 if dirt == "overlap" else 1), last))
    enrolment = pd.DataFrame(spells, columns=["student_id", "school_id", "school_year", "entry_date", "exit_date"])
    days = enrolment.merge(calendar, on=["school_id", "school_year"])
    days = days[(days["entry_date"] <= days["date"]) & (days["date"] <= days["exit_date"])]
    days = days.drop_duplicates(["student_id", "date"])
    codes = PRESENT_CODES + ABSENT_CODES
    rows = days[["student_id", "date", "school_id"]].assign(
        code=rng.choice(codes, len(days), p=[0.7, 0.05, 0.1, 0.05, 0.05, 0.05])
    )
    rows = rows if mode == "positive" else rows[rows["code"].isin(ABSENT_CODES)]
    return {
        "students": pd.DataFrame({"student_id": STUDENTS}),
        "enrolment": enrolment.assign(grade_level="6"),
        "calendar": calendar,
        "attendance": soiled(rng, rows.sample(frac=1.0, random_state=1), dirt),
    }


def soiled(rng: np.random.Generator, rows: pd.DataFrame, dirt: str) -> pd.DataFrame:
    some = rows.iloc[rng.choice(len(rows), 3, replace=False)]
    if dirt == "few_rows":
        rows = rows.sample(frac=0.6, random_state=2)
    elif dirt == "twice":
        rows = pd.concat([rows, some])
    elif dirt == "two_codes":
        rows = pd.concat([rows, some.assign(code="absent_excused")])
    elif dirt == "sunday":
        rows = pd.concat([rows, some.iloc[:2].assign(date=pd.to_datetime(["2021-10-03", "2021-10-10"]))])
    elif dirt == "part_days":
        rows = rows.assign(fraction=rng.choice([1.0, 0.5, 1 / 3], len(rows)))
    return rows if dirt == "school_named" else rows.drop(columns="school_id")


def told(tables: dict[str, Any], mode: str, period: str) -> tuple[Any, ...]:
    """The ledger, and the days of each student and school; or what is wrong with the tables."""
    try:
        records = read_records(tables, attendance=mode)
    except DataError as error:
        return (str(error),)
    found = RecordsByPeriod(records, PeriodRule(period)).attendance_counted
    by = ["student_id", "school_id", "period"]
    schools = found.schools.sort_values(by, ignore_index=True).to_dict("list")
    entries = [(e.table, e.rule, e.rows, e.examples) for e in (*records.ledger.entries, *found.entries)]
    return records.lists_school_days_only, entries, found.frame.to_dict("list"), schools, found.suspensions


@pytest.mark.parametrize("mode", ["positive", "absences_only"])
@pytest.mark.parametrize("dirt", DIRT)
def test_marks_tell_what_looking_at_every_row_says(dirt: str, mode: str, monkeypatch: pytest.MonkeyPatch):
    rng = np.random.default_rng([len(dirt), len(mode), DIRT.index(dirt)])
    period = "semester" if dirt == "few_rows" else "year"
    tables = district(rng, dirt, mode)
    by_marks = told(tables, mode, period)
    monkeypatch.setattr(keys, "_with_marks", lambda *_: None)
    assert by_marks == told(tables, mode, period)
    assert len(by_marks) > 1


def test_marks_are_kept_of_the_rows_they_are_of():
    rng = np.random.default_rng(5)
    clean = read_records(district(rng, "none", "positive"), attendance="positive")
    assert clean.rows_by_code is not None
    assert clean.lists_school_days_only
    assert replace(clean, attendance=clean.attendance.head(5)).rows_by_code is None
    twice = read_records(district(rng, "twice", "positive"), attendance="positive")
    assert twice.rows_by_code is not None
    assert int(twice.rows_by_code.collect().to_native().drop(columns="student_id").to_numpy().sum()) == len(
        twice.attendance.collect()
    )
    two_codes = read_records(district(rng, "two_codes", "positive"), attendance="positive")
    assert two_codes.rows_by_code is None
