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
tardy student is present. Of the days absent those that were unexcused, those suspended, and those of which no reason
is stated are counted too; yearly totals say so where they have the columns of ``STATED_REASONS``.

Days that are listed while the student was not enrolled, or while the school of that day (see
``enrolled_days``) was not in session, count neither as enrolled nor as absent, and stand in the ledger.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass, replace

import narwhals as nw
import numpy as np
import pandas as pd

from mentoreval.errors import DataError
from mentoreval.panel.collect import collect_frame
from mentoreval.panel.enrolled_days import EnrolledDays, first_examples
from mentoreval.panel.identifiers import left_join
from mentoreval.panel.stays import Stays, each_in_one_place
from mentoreval.records.checked import ask, distinct, how_many
from mentoreval.records.records import LazyTable, LedgerEntry, Records
from mentoreval.records.tables.attendance import ABSENT_CODES, PRESENT_CODES

DAY = 1000
"""Thousandths in a day: half and third days add up in whole numbers, so that exactly 10 % is 10 %."""

SILENT_DAYS = 500
"""Student-days of one school in one period that raise doubt if there is not a single absence among them: where 6 % of
days are missed, as is usual, 30 absences were to be expected."""


REASONS = {"unexcused": "absent_unexcused", "suspended": "suspended", "unexplained": "absent"}
"""Kinds of absence that some measures tell apart, and the code of each. Excused are the others."""

STATED_REASONS = {"days_absent_unexcused": "unexcused", "days_suspended": "suspended"}
"""Columns of yearly totals that say why days were missed."""

FEDERAL_PERCENT = 10
"""Absence of this share of the enrolled days or more is chronic by the rule of federal reporting."""

COUNTS = ("absent", *REASONS)


@dataclass(frozen=True, eq=False)
class AttendanceDays:
    """Days enrolled and absent.

    frame : one row per student × period: student_id, period, and in whole thousandths of a day enrolled, absent, and of
        these unexcused, suspended and unexplained (no reason is stated)
    schools : the same with a row for each school of a student, and school_id; None where schools are not told apart
    suspensions : whether suspensions are told apart from other absences anywhere in the table
    entries : what the ledger is to say
    """

    frame: pd.DataFrame
    entries: tuple[LedgerEntry, ...] = ()
    schools: pd.DataFrame | None = None
    suspensions: bool = False

    @property
    def of_each_school(self) -> AttendanceDays:
        """The same days with each school apart, as ``schools`` has them; itself where schools are not told apart."""
        return self if self.schools is None else replace(self, frame=self.schools)

    def absent_at_least(self, percent: float) -> pd.Series[bool]:
        """For each row whether this share of the enrolled days or more was missed; exactly 10 % is at least 10 %."""
        return self.frame["absent"] * 100 >= self.frame["enrolled"] * percent

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
    rows = _rows_by_code(attendance, records.rows_by_code)
    listing = _listed(attendance, codes, frozenset(rows.index))
    certain = records.lists_school_days_only and not enrolled.overlaps
    stays = None
    if not (certain and each_in_one_place(enrolled, calendar)):
        stays = Stays.of(records.enrolment, calendar, overlaps=enrolled.overlaps, certain=certain)
    if stays is None:
        listed = _in_their_place(_of_students(records, listing, codes), enrolled)
    else:
        listed = collect_frame(_summed(listing, stays))
    schools = _in_schools(enrolled, listed, positive)
    lost = int(rows[rows.index.isin(codes)].sum() - listed["rows"].sum())
    examples = _examples_of_lost(listing, _on_enrolled_days(listing, stays)) if lost and stays is not None else ()
    dropped = LedgerEntry("attendance", "not_enrolled_in_session", "dropped", lost, examples)
    suspensions = REASONS["suspended"] in rows.index
    return _believable(schools, (dropped, _silent_schools(enrolled, listed)), suspensions=suspensions)


def sum_listed_days(attendance: LazyTable, enrolment: LazyTable, calendar: LazyTable) -> LazyTable:
    """Listed days of each student, school and period, summed in the engine of the tables, which are not collected.

    For tables whose sums are too many for memory. No two spells of a student may share a day.

    returns : student_id, school_id, period, rows (days listed), and absent, unexcused, suspended and unexplained in
        thousandths of a day
    """
    stays = Stays.of(enrolment, calendar, overlaps=False, certain=False)
    return _summed(_listed(attendance, ABSENT_CODES + PRESENT_CODES), stays)


def _summed(listed: LazyTable, stays: Stays) -> LazyTable:
    """Listed days of each student and place; of both numbers is said at the end whose and which they are."""
    sums = _on_enrolled_days(listed, stays).group_by("student", "place").agg(*_sums())
    named = sums.join(stays.students, on="student", how="inner").join(stays.places, on="place", how="inner")
    return named.select("student_id", "school_id", "period", *_whole())


def _in_their_place(sums: LazyTable, enrolled: EnrolledDays) -> pd.DataFrame:
    """The same of each student's sums, where all days of a student belong to the one place of their enrolment."""
    places, counts = enrolled.frame[["student_id", "school_id", "period"]], sums.select("student_id", *_whole())
    return left_join(places, collect_frame(counts), ["student_id"]).dropna(subset="rows")


def _of_students(records: Records, listed: LazyTable, codes: tuple[str, ...]) -> LazyTable:
    """The sums of each student; where every row is a whole day, by how many rows of each code are known."""
    by_code, part = records.rows_by_code, nw.col("fraction") != 1
    if by_code is None or ask(needed_attendance(records), rows=how_many(part))["rows"]:
        return listed.group_by("student_id").agg(*_sums())
    known = set(by_code.collect_schema().names())
    days = {"absent": ABSENT_CODES, **{name: (code,) for name, code in REASONS.items()}}
    return by_code.select(
        "student_id",
        rows=_total(known.intersection(codes)),
        **{name: _total(known.intersection(counted)) * DAY for name, counted in days.items()},
    )


def _total(columns: Iterable[str]) -> nw.Expr:
    """The sum of these columns of counts; 0 where there are none."""
    return sum((nw.col(name).cast(nw.Int64) for name in sorted(columns)), start=nw.lit(0, dtype=nw.Int64))


def _sums() -> list[nw.Expr]:
    """Rows and thousandths of a day, as aggregates of listed days."""
    return [nw.len().alias("rows"), *[nw.col(name).sum() for name in COUNTS]]


def _whole() -> list[nw.Expr]:
    """The same sums as whole numbers."""
    return [nw.col(name).cast(nw.Int64) for name in ("rows", *COUNTS)]


def read_totals(attendance: LazyTable) -> AttendanceDays:
    """Days enrolled and absent of a table of yearly totals; the schools of a student's year are added up."""
    names = attendance.collect_schema().names()
    stated = {column: name for column, name in STATED_REASONS.items() if column in names}
    parts = {"enrolled": "days_enrolled", "absent": "days_absent", **{name: column for column, name in stated.items()}}
    known = ~(nw.col("days_enrolled").is_null() | nw.col("days_absent").is_null())
    totals = attendance.with_columns(
        *[_thousandths(nw.col(column).fill_null(0.0)).alias(name) for name, column in parts.items()], known=known
    )
    keys = ["student_id", *(["school_id"] if "school_id" in names else [])]
    sums = totals.group_by(*keys, nw.col("school_year").alias("period")).agg(
        *[nw.col(name).sum() for name in parts], known=nw.col("known").all()
    )
    frame = collect_frame(sums)
    whole = frame.groupby(["student_id", "period"], sort=False)["known"].transform("all").astype(bool)
    gaps = frame.loc[~whole, ["student_id", "period"]].drop_duplicates()["student_id"]
    frame = frame[whole].drop(columns="known").reset_index(drop=True)
    for name in REASONS:
        frame[name] = frame.get(name, np.int64(0))
    if "unexcused" not in parts:
        frame["unexplained"] = frame["absent"] - frame["suspended"]
    missing = LedgerEntry("attendance", "total_missing", "dropped", len(gaps), first_examples(gaps))
    return _believable(frame, (missing,), suspensions="suspended" in parts)


def needed_attendance(records: Records) -> LazyTable:
    """The attendance table; a DataError if there is none."""
    if records.attendance is None:
        raise DataError(
            f"{records.source} has no attendance table, and a measure of attendance is asked for. "
            "Add attendance.csv (or .parquet), or leave that measure out."
        )
    return records.attendance


def _rows_by_code(attendance: LazyTable, by_code: LazyTable | None) -> pd.Series[int]:
    """How many rows have each code that the table has."""
    if by_code is not None:
        codes = [name for name in by_code.collect_schema().names() if name != "student_id"]
        rows = pd.Series(ask(by_code, **{code: nw.col(code).sum() for code in codes}))
        return rows[rows > 0]
    rows = collect_frame(attendance.group_by("code").agg(rows=nw.len())).set_index("code")["rows"]
    unknown = rows[~rows.index.isin(ABSENT_CODES + PRESENT_CODES)].sort_index()
    if len(unknown):
        shown = ", ".join(f"{code!r} in {count:,} rows" for code, count in unknown.items())
        raise DataError(
            f"attendance has codes whose meaning is not known: {shown}. "
            f"Map them to {', '.join(ABSENT_CODES + PRESENT_CODES)}."
        )
    return rows


def _listed(attendance: LazyTable, codes: tuple[str, ...], found: Set[str] | None = None) -> LazyTable:
    """Rows with one of these codes: student_id, date, absent and its kinds (thousandths) and listed_school, if any.

    found : the codes that the table has, if they are known: others are not looked for

    The thousandths are whole numbers, kept as floats, which every engine adds up quickly and without loss up to 2⁵³.
    """
    names = attendance.collect_schema().names()
    part = _in_thousandths(nw.col("fraction").fill_null(1.0)) if "fraction" in names else nw.lit(float(DAY))
    none = nw.lit(0.0)
    sought = set(ABSENT_CODES) if found is None else found
    missed = [code for code in ABSENT_CODES if code in sought]
    absent = nw.when(nw.col("code").is_in(missed)).then(part).otherwise(none) if missed else none
    kinds = {
        name: nw.when(nw.col("code") == code).then(part).otherwise(none) if code in sought else none
        for name, code in REASONS.items()
    }
    school = [nw.col("school_id").alias("listed_school")] if "school_id" in names else []
    only = found is not None and found <= set(codes)
    listed: LazyTable = attendance if only else attendance.filter(nw.col("code").is_in(codes))
    return listed.select("student_id", "date", *school, absent=absent, **kinds)


def _on_enrolled_days(listed: LazyTable, stays: Stays) -> LazyTable:
    """Listed rows that fall on a day in session of the school to which that student-day belongs, with its place."""
    days = listed.join(stays.spells, on="student_id", how="inner")
    days = days.filter(nw.col("start") <= nw.col("date"), nw.col("date") <= nw.col("stop"))
    if stays.session is not None:
        days = days.join(stays.session, on=["block", "date"], how="inner")
    if stays.overlaps:
        for name in ("entry_date", "school_id"):
            days = days.with_columns(last=nw.col(name).max().over("student_id", "date"))
            days = days.filter(nw.col(name) == nw.col("last")).drop("last")
    if "listed_school" in days.collect_schema().names():
        days = days.filter(nw.col("listed_school").is_null() | (nw.col("listed_school") == nw.col("school_id")))
    return days


def _in_schools(enrolled: EnrolledDays, listed: pd.DataFrame, positive: bool) -> pd.DataFrame:
    """One row per student × school × period of enrolment, with what is listed of it."""
    keys = ["student_id", "school_id", "period"]
    frame = left_join(enrolled.frame[[*keys, "days"]], listed, keys)
    days = frame["rows"].fillna(0).astype(np.int64) if positive else frame["days"]
    counts = {name: frame[name].fillna(0).astype(np.int64) for name in COUNTS}
    return frame[keys].assign(enrolled=days * DAY, **counts)


def _believable(schools: pd.DataFrame, entries: tuple[LedgerEntry, ...], *, suspensions: bool) -> AttendanceDays:
    """Days by student and period, without those of which more days were absent than enrolled."""
    keys = ["student_id", "period"]
    told_apart = "school_id" in schools
    frame = schools.groupby(keys, sort=True)[["enrolled", *COUNTS]].sum().reset_index()
    wrong = frame["absent"] > frame["enrolled"]
    students = frame.loc[wrong, "student_id"]
    entry = LedgerEntry("attendance", "more_absent_than_enrolled", "dropped", len(students), first_examples(students))
    believed = frame[~wrong].reset_index(drop=True)
    of_believed = schools.merge(believed[keys], on=keys) if wrong.any() else schools
    apart = of_believed.query("absent <= enrolled") if told_apart else None
    return AttendanceDays(believed, (*entries, entry), apart, suspensions)


def _examples_of_lost(listed: LazyTable, days: LazyTable) -> tuple[str, ...]:
    lost = listed.join(days.select("student_id", "date"), on=["student_id", "date"], how="anti")
    return first_examples(collect_frame(distinct(lost, "student_id").sort("student_id").head(5))["student_id"])


def _silent_schools(enrolled: EnrolledDays, listed: pd.DataFrame) -> LedgerEntry:
    """Schools that list no absence at all in a period: everybody there looks perfect, or nobody reported."""
    keys = ["school_id", "period"]
    days = enrolled.frame.groupby(keys)["days"].sum()
    absent = listed.groupby(keys)["absent"].sum().reindex(days.index, fill_value=0)
    silent = days.index[(days >= SILENT_DAYS) & (absent == 0)]
    examples = first_examples(f"{school} in {period}" for school, period in silent)
    return LedgerEntry("attendance", "school_without_absences", "flagged", len(silent), examples)


def _thousandths(days: nw.Expr) -> nw.Expr:
    return _in_thousandths(days).cast(nw.Int64)


def _in_thousandths(days: nw.Expr) -> nw.Expr:
    return (days * DAY).round(0)
