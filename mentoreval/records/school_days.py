"""Attendance against enrolment and calendar: a student can only be absent from a school day of their own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace

import narwhals as nw

from mentoreval.records.checked import (
    KEPT,
    Action,
    Checked,
    Options,
    ask,
    count,
    distinct,
    fate,
    first_values,
    how_many,
    settle,
)
from mentoreval.records.day_marks import OWN, mark_sums
from mentoreval.records.records import LazyTable, LedgerEntry
from mentoreval.records.validation import rows_problem

FATES: dict[str, Action] = {"not_in_session": "dropped", "not_enrolled": "dropped"}
SPELL = ("student_id", "school_id", "entry_date", "exit_date")
STUDENT_DAY = ["student_id", "date"]
SCHOOL_YEAR = ["school_id", "school_year"]
FAR_AHEAD = dt.date(9999, 12, 31)
MANY_ROWS = 100
"""From this many rows on, dropping more than half of them is a mix-up of identifiers or years and not dirt."""


def flag_missing_calendar(table: Checked, others: Mapping[str, Checked], options: Options) -> Checked:
    """Enrolments in a school year of which the calendar has no day at their school are flagged.

    Where only absences are listed, nothing can be measured there.
    """
    calendar = others.get("calendar")
    if options.attendance != "absences_only" or calendar is None or not calendar.has(*SCHOOL_YEAR):
        return table
    if not table.has(*SCHOOL_YEAR):
        return table
    without = table.frame.join(distinct(calendar.frame, *SCHOOL_YEAR), on=SCHOOL_YEAR, how="anti")
    rows = count(without)
    examples = first_values(without, *SCHOOL_YEAR) if rows else ()
    return table.keeping(table.frame, LedgerEntry(table.name, "no_day_in_calendar", "flagged", rows, examples))


def keep_school_days(table: Checked, others: Mapping[str, Checked], options: Options) -> Checked:
    """Rows of days that are not in session, or on which the student is not enrolled, are dropped.

    Where the row names a school, that school counts; else every school in which the student is enrolled on that day.
    """
    enrolment, calendar = others.get("enrolment"), others.get("calendar")
    if enrolment is None or not enrolment.has(*SPELL) or not table.has(*STUDENT_DAY):
        return table
    days = None
    if calendar is not None and calendar.has("school_id", "date"):
        days = distinct(calendar.frame, "school_id", "date")
    if _every_day_counts(table, enrolment.frame, days):
        return replace(table, own_days=days is not None)
    fated = table.frame.join(_enrolled_days(table, enrolment.frame, days), on=STUDENT_DAY, how="left")
    fated = _marked_anywhere(fated, days).with_columns(
        fate(
            (nw.col("student_id").is_null() | nw.col("date").is_null(), KEPT),
            (nw.col("_in_session") == 1, KEPT),
            ((nw.col("_in_session") == 0) | nw.col("_anywhere").is_null(), "not_in_session"),
            otherwise="not_enrolled",
        )
    )
    return _keep(table, fated)


def _every_day_counts(table: Checked, spells: LazyTable, days: LazyTable | None) -> bool:
    """Whether every row is of a school day of its own, found without marking any of them.

    By the marks of its days; or by counting matches, where rows name a school or there is no calendar. False also where
    it can not be told: a day matches twice where spells of a student overlap.
    """
    dated = spells.select(SPELL).filter(~nw.col("student_id").is_null(), ~nw.col("entry_date").is_null())
    if table.day_marks is not None and days is not None and not table.has("school_id"):
        return table.day_marks.within(_own_days(dated, days.join(table.day_marks.dates, on="date")))
    if _overlap(dated):
        return False
    matched = _in_spells(table, dated)
    if days is not None:
        matched = matched.join(days, on=["school_id", "date"], how="inner")
    complete = ~nw.col("student_id").is_null() & ~nw.col("date").is_null()
    return count(matched) == ask(table.frame, rows=how_many(complete))["rows"]


def _own_days(spells: LazyTable, days: LazyTable) -> LazyTable:
    """The marks of the days in session of each student's spells; spells with the same dates are looked up once."""
    dated = spells.with_columns(_last=nw.col("exit_date").fill_null(FAR_AHEAD)).drop("exit_date")
    kind = ["school_id", "entry_date", "_last"]
    within = nw.col("date").is_between(nw.col("entry_date"), nw.col("_last"))
    of_kinds = distinct(dated, *kind).join(days, on="school_id", how="inner").filter(within)
    of_kinds = mark_sums(of_kinds, [*kind, "_span"])
    own = dated.join(of_kinds, on=kind, how="inner").group_by("student_id", "_span")
    return own.agg(nw.col(name).sum() for name in (*OWN, "_own"))


def _overlap(spells: LazyTable) -> bool:
    """Whether two spells of one student share a day, or one ends before it starts."""
    other = spells.select("student_id", other_entry="entry_date", other_exit="exit_date")
    pairs = spells.join(other, on="student_id").filter(
        nw.col("exit_date").is_null() | (nw.col("other_entry") <= nw.col("exit_date")),
        nw.col("other_exit").is_null() | (nw.col("entry_date") <= nw.col("other_exit")),
    )
    return count(pairs) != count(spells)


def _marked_anywhere(frame: LazyTable, days: LazyTable | None) -> LazyTable:
    """With ``_anywhere`` filled where some school is in session on the date; where no calendar says, on every date."""
    if days is None:
        return frame.with_columns(_anywhere=nw.lit(1))
    return frame.join(distinct(days, "date").with_columns(_anywhere=nw.lit(1)), on="date", how="left")


def _enrolled_days(table: Checked, spells: LazyTable, days: LazyTable | None) -> LazyTable:
    """The student-days of the table on which the student is enrolled, and whether a school of theirs is in session."""
    enrolled = _in_spells(table, spells)
    if days is None:
        return distinct(enrolled, *STUDENT_DAY).with_columns(_in_session=nw.lit(1))
    marked = enrolled.join(days.with_columns(_open=nw.lit(1)), on=["school_id", "date"], how="left")
    opened = marked.with_columns(_in_session=nw.col("_open").fill_null(0))
    return opened.group_by(STUDENT_DAY).agg(nw.col("_in_session").max())


def _in_spells(table: Checked, spells: LazyTable) -> LazyTable:
    """The student-days of the table with each spell that holds them, of the school that the row names if it does."""
    entry, leaving, date = nw.col("entry_date"), nw.col("exit_date"), nw.col("date")
    named = {"_named": nw.col("school_id")} if table.has("school_id") else {}
    enrolled = (
        table.frame.select(*STUDENT_DAY, **named)
        .join(spells.select(SPELL), on="student_id")
        .filter(entry <= date, leaving.is_null() | (date <= leaving))
    )
    if not named:
        return enrolled
    return enrolled.filter(nw.col("_named").is_null() | (nw.col("_named") == nw.col("school_id")))


def keep_enrolled_years(table: Checked, others: Mapping[str, Checked], options: Options) -> Checked:
    """Yearly totals of a student who is in no school in that school year are dropped."""
    enrolment, key = others.get("enrolment"), ["student_id", "school_year"]
    if enrolment is None or not enrolment.has(*key) or not table.has(*key):
        return table
    enrolled = distinct(enrolment.frame, *key).with_columns(_enrolled=nw.lit(1))
    fated = table.frame.join(enrolled, on=key, how="left").with_columns(
        fate(
            (nw.col("student_id").is_null() | nw.col("school_year").is_null(), KEPT),
            (nw.col("_enrolled").is_null(), "not_enrolled"),
        )
    )
    return _keep(table, fated)


def _keep(table: Checked, fated: LazyTable) -> Checked:
    """The rows that stay; what drops more than half of a table that is not small is a problem."""
    settled, rows = settle(table, fated, FATES, "student_id"), table.rows_kept
    if settled.rows_kept == rows:
        return table  # as it came, without the joins that were needed to see that nothing is wrong
    worst = [e for e in settled.entries if e.rule in FATES and rows >= MANY_ROWS and e.rows > rows / 2]
    why = {
        "not_in_session": "on days that are not in the calendar of the school",
        "not_enrolled": "outside every enrolment of the student",
    }
    advice = "That many are no slip: compare the school identifiers, the school years and the dates of the tables."
    return settled.blaming(
        *(
            rows_problem(("attendance", "date", e.rule), e.rows, rows, why[e.rule], advice, ("first", e.examples))
            for e in worst
        )
    )
