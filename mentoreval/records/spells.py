"""Enrolment spells: the last day of each, by what the district means with its exit date."""

from __future__ import annotations

from collections.abc import Mapping

import narwhals as nw

from mentoreval.records.checked import Action, Checked, Options, fate, settle
from mentoreval.records.records import LazyTable

ENTRY, EXIT, LAST_DAY = nw.col("entry_date"), nw.col("exit_date"), nw.col("_last_day")
SCHOOL_YEAR = ["school_id", "school_year"]
FATES: dict[str, Action] = {
    "no_day_enrolled": "dropped",
    "open_exit": "mapped",
    "open_exit_without_calendar": "flagged",
}


def close_spells(table: Checked, others: Mapping[str, Checked], options: Options) -> Checked:
    """The exit date becomes the last day of the spell, that day included.

    A date that is the day after becomes the day before. An empty one becomes the last day that the calendar has for
    this school and school year, and stays empty where the calendar has none. A spell that holds no day at all is
    dropped, since the student never came: it starts after the last day of the school year, or its day-after exit is
    the day on which it starts.
    """
    if not table.has("student_id", "entry_date", *SCHOOL_YEAR):
        return table
    dated = _with_last_day(table.frame, others.get("calendar"))
    day_after = nw.lit(options.exit_date_is == "day_after")
    fated = dated.with_columns(
        fate(
            (EXIT.is_null() & LAST_DAY.is_null(), "open_exit_without_calendar"),
            (EXIT.is_null() & (LAST_DAY < ENTRY), "no_day_enrolled"),
            (EXIT.is_null(), "open_exit"),
            (day_after & (EXIT == ENTRY), "no_day_enrolled"),
        )
    )
    # A date less a day is a date-time in some engines.
    given = EXIT.dt.offset_by("-1d").cast(nw.Date) if options.exit_date_is == "day_after" else EXIT
    closed = fated.with_columns(exit_date=nw.coalesce(given, LAST_DAY))
    return settle(table, closed, FATES, "student_id")


def _with_last_day(spells: LazyTable, calendar: Checked | None) -> LazyTable:
    if calendar is None or not calendar.has(*SCHOOL_YEAR, "date"):
        return spells.with_columns(_last_day=nw.lit(None, dtype=nw.Date))
    last_days = calendar.frame.group_by(SCHOOL_YEAR).agg(_last_day=nw.col("date").max())
    return spells.join(last_days, on=SCHOOL_YEAR, how="left")
