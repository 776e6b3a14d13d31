"""Listed days are summed without looking up what is known of them, and looked up as soon as it is not known."""

from __future__ import annotations

from dataclasses import replace

import narwhals as nw
import pandas as pd
import pytest

from mentoreval.panel import attendance_days
from mentoreval.panel.periods import PeriodRule
from mentoreval.panel.records_by_period import RecordsByPeriod
from mentoreval.records import read_records
from mentoreval.records.records import Records

DAYS = pd.bdate_range("2021-09-06", periods=20)
NEXT = pd.bdate_range("2022-09-05", periods=20)


def tables(years: int = 1, moves: bool = False) -> dict[str, pd.DataFrame]:
    """Ana and ben in oak on every day of one or two years; ben in elm from the eleventh day on, if he moves."""
    dates = [*DAYS, *NEXT][: 20 * years]
    year_of = dict.fromkeys(DAYS, "2021-22") | dict.fromkeys(NEXT, "2022-23")
    calendar = pd.DataFrame(
        [(school, date, year_of[date]) for school in ("elm", "oak") for date in dates],
        columns=["school_id", "date", "school_year"],
    )
    spells = [
        ("ana", "oak", "2021-22", DAYS[0], DAYS[-1]),
        ("ben", "oak", "2021-22", DAYS[0], DAYS[9 if moves else 19]),
    ]
    spells += [("ben", "elm", "2021-22", DAYS[10], DAYS[19])] if moves else []
    spells += [(who, "oak", "2022-23", NEXT[0], NEXT[-1]) for who in ("ana", "ben")] if years == 2 else []
    enrolment = pd.DataFrame(spells, columns=["student_id", "school_id", "school_year", "entry_date", "exit_date"])
    codes = ["absent", "present", "absent_unexcused", "present", "tardy"]
    rows = [
        (who, date, codes[(place + shift) % 5])
        for shift, who in enumerate(("ana", "ben"))
        for place, date in enumerate(dates)
    ]
    return {
        "students": pd.DataFrame({"student_id": ["ana", "ben"]}),
        "enrolment": enrolment.assign(grade_level="6"),
        "calendar": calendar,
        "attendance": pd.DataFrame(rows, columns=["student_id", "date", "code"]),
    }


def schools(records: Records, period: str = "year") -> pd.DataFrame:
    """Days of each student and school, with who they are of."""
    found = RecordsByPeriod(records, PeriodRule(period)).attendance_counted.schools
    assert found is not None
    return found.sort_values(["student_id", "school_id", "period"], ignore_index=True)


@pytest.mark.parametrize("period", ["year", "semester", "month"])
@pytest.mark.parametrize("moves", [False, True])
@pytest.mark.parametrize("years", [1, 2])
def test_what_is_known_of_the_days_changes_no_sum(years: int, moves: bool, period: str):
    records = read_records(tables(years, moves), attendance="positive")
    assert records.lists_school_days_only
    looked_up = replace(records, counted_days=())
    assert not looked_up.lists_school_days_only
    pd.testing.assert_frame_equal(schools(records, period), schools(looked_up, period))
    absent = schools(records, period)["absent"].sum()
    assert absent == 1000 * (records.attendance.collect().to_pandas()["code"].str.startswith("absent")).sum()


@pytest.mark.parametrize("table", ["attendance", "enrolment", "calendar"])
def test_a_table_that_is_replaced_is_looked_up_again(table: str):
    records = read_records(tables(), attendance="positive")
    same = replace(
        records,
        **{table: getattr(records, table).filter(~nw.col("school_id" if table != "attendance" else "code").is_null())},
    )
    assert not same.lists_school_days_only


def test_days_that_were_added_later_and_are_outside_of_school_count_nowhere():
    records = read_records(tables(), attendance="positive")
    sunday = pd.DataFrame({"student_id": ["ana"], "date": [pd.Timestamp("2021-09-05")], "code": ["absent"]})
    longer = read_records(
        {**tables(), "attendance": pd.concat([tables()["attendance"], sunday])}, attendance="positive"
    )
    assert not longer.lists_school_days_only
    pd.testing.assert_frame_equal(schools(records), schools(longer))


def test_the_days_of_students_in_one_school_are_not_joined(monkeypatch):
    def refuse(*_: object) -> None:
        raise AssertionError("days were looked up")

    monkeypatch.setattr(attendance_days, "_on_enrolled_days", refuse)
    schools(read_records(tables(), attendance="positive"))
    for other in (tables(moves=True), tables(years=2)):
        with pytest.raises(AssertionError, match="looked up"):
            schools(read_records(other, attendance="positive"))


def test_a_spell_that_reaches_into_a_year_in_which_it_is_not_counts_only_in_its_own():
    """Ana's only spell is of 2021-22 and has no end, so that the records take her days of the next year as her own."""
    made = tables(years=2)
    spells = made["enrolment"]
    open_ended = spells[~((spells["student_id"] == "ana") & (spells["school_year"] == "2022-23"))].copy()
    open_ended.loc[open_ended["student_id"] == "ana", "exit_date"] = NEXT[-1]
    records = read_records({**made, "enrolment": open_ended}, attendance="positive")
    found = schools(records)
    pd.testing.assert_frame_equal(found, schools(replace(records, counted_days=())))
    assert found.query("student_id == 'ana'")[["period", "enrolled"]].to_numpy().tolist() == [["2021-22", 20_000]]
