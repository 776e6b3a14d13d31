"""What a district's tables say of students who left it."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

LEFT_DISTRICT = "left_district"


def without_leavers(tables: Mapping[str, pd.DataFrame], leavers: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The tables of the same district in which these students left it; nothing is known of them afterwards.

    leavers : one row for each, student_id, school_year, and last_day (YYYY-MM-DD), the last one on which the student is
        enrolled. Marks of that year are given to those who stay to its end
    """
    if leavers.empty:
        return dict(tables)
    last = leavers.set_index("student_id").astype(object)
    matches, sessions = tables["matches"], tables["sessions"]
    mentee = sessions["match_id"].map(matches.set_index("match_id")["student_id"])
    left = {
        "enrolment": _enrolled(tables["enrolment"], last, _year_end(tables["calendar"], last)),
        "attendance": _known(tables["attendance"], tables["attendance"]["student_id"], last),
        "grades": _marked(tables["grades"], last, _year_end(tables["calendar"], last)),
        "matches": _matched(matches, last),
        "sessions": _known(sessions, mentee, last),
    }
    return {name: left.get(name, table).reset_index(drop=True) for name, table in tables.items()}


def _year_end(calendar: pd.DataFrame, last: pd.DataFrame) -> pd.Series:
    """Last day of the school year in which each leaver leaves, by student."""
    return last["school_year"].map(calendar.groupby("school_year")["date"].max().astype(object))


def _later(values: pd.Series, than: pd.Series) -> pd.Series:
    """True where both texts are there and the first comes after the second."""
    values = values.astype(object)
    both = values.notna() & than.notna()
    return both & (values.where(both, "") > than.where(both, ""))


def _known(table: pd.DataFrame, student: pd.Series, last: pd.DataFrame) -> pd.DataFrame:
    """Rows up to the student's last day."""
    return table[~_later(table["date"], student.map(last["last_day"]))]


def _enrolled(table: pd.DataFrame, last: pd.DataFrame, year_end: pd.Series) -> pd.DataFrame:
    """Spells that began by the last day; those that it cuts short end on it."""
    year, day, end = (table["student_id"].map(known) for known in (last["school_year"], last["last_day"], year_end))
    cut = (table["school_year"] == year) & _later(end, day) & ~_later(day, table["exit_date"])
    return table.assign(exit_date=table["exit_date"].where(~cut, day))[~_later(table["entry_date"], day)]


def _marked(table: pd.DataFrame, last: pd.DataFrame, year_end: pd.Series) -> pd.DataFrame:
    """Marks of the years to whose end the student stayed."""
    year, day, end = (table["student_id"].map(known) for known in (last["school_year"], last["last_day"], year_end))
    unfinished = (table["school_year"] == year) & _later(end, day)
    return table[~unfinished & ~_later(table["school_year"], year)]


def _matched(table: pd.DataFrame, last: pd.DataFrame) -> pd.DataFrame:
    """Matches that end with the mentee's last day, where they would have gone on."""
    day = table["student_id"].map(last["last_day"])
    ends = day.notna() & ~_later(day, table["end_date"])
    return table.assign(
        end_date=table["end_date"].where(~ends, day), end_reason=table["end_reason"].where(~ends, LEFT_DISTRICT)
    )
