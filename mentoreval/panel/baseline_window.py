"""Baseline window: the first weeks of school as the baseline of students who were not enrolled in the year before.

A student of kindergarten has no attendance of last year. The first weeks of the year in which such a student, or any
other newcomer, comes to these schools take its place, for mentored and comparison students alike: they become a row in
the year before. The window of a student who is matched within it ends on the day before the match, so that no day with
a mentor enters a baseline; a student matched on the first day has none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import narwhals as nw
import pandas as pd

from mentoreval.errors import DataError, OptionError
from mentoreval.panel.enrolled_days import first_examples
from mentoreval.panel.measure import MEASURE_KEYS, Measure
from mentoreval.panel.periods import year_before
from mentoreval.panel.records_by_period import RecordsByPeriod
from mentoreval.records.records import LazyTable, LedgerEntry

WINDOW = "baseline_window"
"""Column of the panel: 1 in rows that stand for the year before a student came, else 0."""


@dataclass(frozen=True, eq=False)
class WindowRows:
    """Rows of the year before, made of the first weeks of the next.

    frame : columns as the panel's, and ``baseline_window``
    entries : what the ledger is to say
    """

    frame: pd.DataFrame
    entries: tuple[LedgerEntry, ...]


def window_rows(
    view: RecordsByPeriod,
    rows: pd.DataFrame,
    treated: pd.DataFrame,
    outcomes: Mapping[str, Measure],
    weeks: int,
    without: Sequence[str] = (),
) -> WindowRows:
    """A row for each student-year of ``rows`` without the year before, in years in which somebody starts.

    Students who started in an earlier year have none: they were mentored already.

    view : by school year
    rows : of the panel so far; treated : as the program returns it, with start_date
    outcomes : those that mean the same on some weeks are measured; the others are missing in these rows
    without : school years that are never a baseline: the year before is the last one that is none of them
    """
    _refuse(view, weeks)
    keys = list(MEASURE_KEYS)
    early = _first_weeks(view, weeks)
    found = rows.drop(columns=[*outcomes, "days_enrolled"]).merge(
        early.student_periods[[*keys, "days_enrolled"]], on=keys, how="left"
    )
    here = pd.MultiIndex.from_frame(rows[keys])
    before = rows["period"].map({year: _baseline_year(year, without) for year in rows["period"].unique()})
    is_new = ~pd.MultiIndex.from_arrays([rows["student_id"], before]).isin(here)
    not_yet = rows["first_treated"].isna() | (rows["period"] <= rows["first_treated"].fillna(""))
    starts = rows["period"].isin(rows["first_treated"].dropna().unique())
    wanted = found.assign(before=before.to_numpy())[is_new & (not_yet & starts).to_numpy()]
    fit = wanted["days_enrolled"].notna() & ~_begun(wanted, early, treated)
    frame, entries = wanted[fit], [_entry("no_day_before_match", wanted.loc[~fit, "student_id"])]
    for name, measure in outcomes.items():
        if measure.counts_any_days:
            frame = frame.merge(measure.compute(early).drop(columns="reason"), on=keys, how="left")
        else:
            frame = frame.assign(**{name: float("nan")})
            entries.append(_entry(f"{name}.not_in_window", frame["student_id"]))
    entries.append(_entry(WINDOW, frame["student_id"]))
    # One grade below that of the first weeks, as it would have been, so that classmates stay together.
    placed = frame.assign(period=frame["before"], grade_level=frame["grade_level"] - 1).drop(columns="before")
    return WindowRows(placed.assign(**{WINDOW: 1.0}), tuple(entries))


def _baseline_year(year: str, without: Sequence[str]) -> str:
    before = year_before(year)
    return _baseline_year(before, without) if before in without else before


def _refuse(view: RecordsByPeriod, weeks: int) -> None:
    if weeks < 1:
        raise OptionError(f"baseline_window is a number of weeks, 1 or more; got {weeks}.")
    if view.rule.length != "year":
        raise OptionError(
            'baseline_window is for period = "year". With shorter periods, those before the match are one already.'
        )
    if view.records.attendance_mode == "yearly_totals" or view.totals_years or view.calendar is None:
        raise DataError(
            "baseline_window needs the days of attendance and a calendar; yearly totals do not say which days."
        )


def _first_weeks(view: RecordsByPeriod, weeks: int) -> RecordsByPeriod:
    """The same records with every spell ended by the last day of the window, or the day before the first match."""
    calendar = view.calendar
    assert calendar is not None  # refused before
    days = calendar.select("school_id", "school_year", "date")
    last = days.group_by("school_id", "school_year").agg(window_stop=nw.col("date").min())
    last = last.with_columns(window_stop=nw.col("window_stop").dt.offset_by(f"{7 * weeks - 1}d"))
    spells = view.records.enrolment.join(last, on=["school_id", "school_year"], how="inner")
    spells = _ended(spells, "window_stop").drop("window_stop")
    matches = view.records.matches
    if matches is not None:
        first = matches.group_by("student_id").agg(first_match=nw.col("start_date").min())
        first = first.with_columns(first_match=nw.col("first_match").dt.offset_by("-1d"))
        spells = _ended(spells.join(first, on="student_id", how="left"), "first_match").drop("first_match")
    clipped = spells.filter(nw.col("entry_date") <= nw.col("exit_date"))
    return RecordsByPeriod(replace(view.records, enrolment=clipped, calendar=days, grades=None), view.rule)


def _ended(spells: LazyTable, by: str) -> LazyTable:
    """Spells with an exit date that is not after this column's, where it has one."""
    leave, stop = nw.col("exit_date"), nw.col(by)
    later = ~stop.is_null() & (leave.is_null() | (leave > stop))
    return spells.with_columns(exit_date=nw.when(later).then(stop).otherwise(leave))


def _begun(wanted: pd.DataFrame, early: RecordsByPeriod, treated: pd.DataFrame) -> pd.Series[bool]:
    """Whether the program began for the student, by whatever rule, within the days that were counted."""
    last = early.enrolled.frame.groupby(["student_id", "period"])["last_day"].max()
    rows = wanted[list(MEASURE_KEYS)].join(last, on=list(MEASURE_KEYS))
    start = rows["student_id"].map(treated.dropna(subset=["start_date"]).groupby("student_id")["start_date"].min())
    return start <= rows["last_day"]


def _entry(rule: str, students: pd.Series[str]) -> LedgerEntry:
    return LedgerEntry("panel", rule, "flagged", len(students), first_examples(students))
