"""Attendance days: for each student and period the days enrolled and the days absent, in exact thousandths of a day.

Three kinds of attendance table are read:

``absences_only``
    Only absences are listed. A day in session while enrolled without a row is a day present; the days enrolled come
    from enrolment and calendar.
``positive``
    Every student-day is listed; the days enrolled are the listed days in session.
``yearly_totals``
    One row per student and school year (and school); days enrolled and absent are as stated.

An absence is any day missed, excused, unexcused or suspended; ``fraction`` is the part of the day that was missed. A
tardy student is present. Days that are listed while the student was not enrolled, or while the school of that day (see
``enrolled_days``) was not in session, count neither as enrolled nor as absent, and stand in the ledger.
"""

from __future__ import annotations

from dataclasses import dataclass

import narwhals as nw
import numpy as np
import pandas as pd

from mentoreval.errors import DataError
from mentoreval.panel.collect import collect_frame
from mentoreval.panel.enrolled_days import EnrolledDays, first_examples, spells_in_session
from mentoreval.records.records import LazyTable, LedgerEntry, Records
from mentoreval.records.tables.attendance import ABSENT_CODES, PRESENT_CODES

DAY = 1000
"""Thousandths in a day: half and third days add up in whole numbers, so that exactly 10 % is 10 %."""

SILENT_DAYS = 500
"""Student-days of one school in one period that raise doubt if there is not a single absence among them: where 6 % of
days are missed, as is usual, 30 absences were to be expected."""


@dataclass(frozen=True, eq=False)
class AttendanceDays:
    """Days enrolled and absent.

    frame : one row per student × period: student_id, period, enrolled and absent (whole thousandths of a day)
    entries : what the ledger is to say
    """

    frame: pd.DataFrame
    entries: tuple[LedgerEntry, ...] = ()

    def withheld(self, min_enrolled_days: int = 0) -> pd.Series[str]:
        """For each row of ``frame`` the reason why no rate can be given; missing where one can."""
        enrolled = self.frame["enrolled"]
        reason = pd.Series(None, index=enrolled.index, dtype="str")
        reason = reason.mask(enrolled < min_enrolled_days * DAY, "below_min_enrolled_days")
        return reason.mask(enrolled == 0, "no_enrolled_days")


def count_listed_days(records: Records, calendar: LazyTable, enrolled: EnrolledDays) -> AttendanceDays:
    """Count from a table of days, ``absences_only`` or ``positive``, and a calendar whose days have a ``period``."""
    attendance = needed_attendance(records)
    positive = records.attendance_mode == "positive"
    codes = ABSENT_CODES + PRESENT_CODES if positive else ABSENT_CODES
    rows = _rows_by_code(attendance)
    days = _on_enrolled_days(_listed(attendance, codes), records.enrolment, calendar, enrolled.overlaps)
    sums = days.group_by("student_id", "school_id", "period").agg(rows=nw.len(), absent=nw.col("absent").sum())
    listed = collect_frame(sums)
    frame = _student_periods(enrolled, listed, positive)
    lost = int(rows[rows.index.isin(codes)].sum() - listed["rows"].sum())
    examples = _examples_of_lost(_listed(attendance, codes), days) if lost else ()
    dropped = LedgerEntry("attendance", "not_enrolled_in_session", "dropped", lost, examples)
    return _believable(frame, (dropped, _silent_schools(enrolled, listed)))


def read_totals(attendance: LazyTable) -> AttendanceDays:
    """Days enrolled and absent of a table of yearly totals; the schools of a student's year are added up."""
    columns = ["days_enrolled", "days_absent"]
    known = ~(nw.col("days_enrolled").is_null() | nw.col("days_absent").is_null())
    totals = attendance.with_columns(
        *[_thousandths(nw.col(name).fill_null(0.0)).alias(name) for name in columns], known=known
    )
    sums = totals.group_by("student_id", nw.col("school_year").alias("period")).agg(
        enrolled=nw.col("days_enrolled").sum(), absent=nw.col("days_absent").sum(), known=nw.col("known").all()
    )
    frame = collect_frame(sums)
    gaps = frame.loc[~frame["known"].astype(bool), "student_id"]
    frame = frame[frame["known"].astype(bool)].drop(columns="known").reset_index(drop=True)
    missing = LedgerEntry("attendance", "total_missing", "dropped", len(gaps), first_examples(gaps))
    return _believable(frame, (missing,))


def needed_attendance(records: Records) -> LazyTable:
    """The attendance table; a DataError if there is none."""
    if records.attendance is None:
        raise DataError(
            f"{records.source} has no attendance table, and a measure of attendance is asked for. "
            "Add attendance.csv (or .parquet), or leave that measure out."
        )
    return records.attendance


def _rows_by_code(attendance: LazyTable) -> pd.Series[int]:
    rows = collect_frame(attendance.group_by("code").agg(rows=nw.len())).set_index("code")["rows"]
    unknown = rows[~rows.index.isin(ABSENT_CODES + PRESENT_CODES)].sort_index()
    if len(unknown):
        shown = ", ".join(f"{code!r} in {count:,} rows" for code, count in unknown.items())
        raise DataError(
            f"attendance has codes whose meaning is not known: {shown}. "
            f"Map them to {', '.join(ABSENT_CODES + PRESENT_CODES)}."
        )
    return rows


def _listed(attendance: LazyTable, codes: tuple[str, ...]) -> LazyTable:
    """Rows with one of these codes: student_id, date, absent (thousandths) and, if the table has it, listed_school."""
    names = attendance.collect_schema().names()
    part = _thousandths(nw.col("fraction").fill_null(1.0)) if "fraction" in names else nw.lit(DAY, dtype=nw.Int64)
    absent = nw.when(nw.col("code").is_in(ABSENT_CODES)).then(part).otherwise(nw.lit(0, dtype=nw.Int64))
    school = [nw.col("school_id").alias("listed_school")] if "school_id" in names else []
    listed: LazyTable = attendance.filter(nw.col("code").is_in(codes))
    return listed.select("student_id", "date", *school, absent=absent)


def _on_enrolled_days(listed: LazyTable, enrolment: LazyTable, calendar: LazyTable, overlaps: bool) -> LazyTable:
    """Listed rows that fall on a day in session of the school to which that student-day belongs."""
    spells = spells_in_session(enrolment, calendar)
    spells = spells.select("student_id", "school_id", "school_year", "entry_date", "start", "stop")
    session = calendar.select("school_id", "school_year", "date", "period")
    days = listed.join(spells, on="student_id", how="inner")
    days = days.filter(nw.col("start") <= nw.col("date"), nw.col("date") <= nw.col("stop"))
    days = days.join(session, on=["school_id", "school_year", "date"], how="inner")
    if overlaps:
        for name in ("entry_date", "school_id"):
            days = days.with_columns(last=nw.col(name).max().over("student_id", "date"))
            days = days.filter(nw.col(name) == nw.col("last")).drop("last")
    if "listed_school" in days.collect_schema().names():
        days = days.filter(nw.col("listed_school").is_null() | (nw.col("listed_school") == nw.col("school_id")))
    return days


def _student_periods(enrolled: EnrolledDays, listed: pd.DataFrame, positive: bool) -> pd.DataFrame:
    keys = ["student_id", "period"]
    every = enrolled.frame.groupby(keys, sort=True)["days"].sum().reset_index()
    sums = listed.groupby(keys, sort=False)[["rows", "absent"]].sum()
    frame = every.join(sums, on=keys)
    days = frame["rows"].fillna(0).astype(np.int64) if positive else frame["days"]
    return frame[keys].assign(enrolled=days * DAY, absent=frame["absent"].fillna(0).astype(np.int64))


def _believable(frame: pd.DataFrame, entries: tuple[LedgerEntry, ...]) -> AttendanceDays:
    """Without the student-periods that say more days absent than enrolled."""
    wrong = frame["absent"] > frame["enrolled"]
    students = frame.loc[wrong, "student_id"]
    entry = LedgerEntry("attendance", "more_absent_than_enrolled", "dropped", len(students), first_examples(students))
    return AttendanceDays(frame[~wrong].reset_index(drop=True), (*entries, entry))


def _examples_of_lost(listed: LazyTable, days: LazyTable) -> tuple[str, ...]:
    lost = listed.join(days.select("student_id", "date"), on=["student_id", "date"], how="anti")
    return first_examples(collect_frame(lost.select("student_id").unique().sort("student_id").head(5))["student_id"])


def _silent_schools(enrolled: EnrolledDays, listed: pd.DataFrame) -> LedgerEntry:
    """Schools that list no absence at all in a period: everybody there looks perfect, or nobody reported."""
    keys = ["school_id", "period"]
    days = enrolled.frame.groupby(keys)["days"].sum()
    absent = listed.groupby(keys)["absent"].sum().reindex(days.index, fill_value=0)
    silent = days.index[(days >= SILENT_DAYS) & (absent == 0)]
    examples = first_examples(f"{school} in {period}" for school, period in silent)
    return LedgerEntry("attendance", "school_without_absences", "flagged", len(silent), examples)


def _thousandths(days: nw.Expr) -> nw.Expr:
    return (days * DAY).round(0).cast(nw.Int64)
