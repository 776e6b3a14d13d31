"""Are school years named as their dates say? A year whose single number means its autumn looks one year too late."""

from __future__ import annotations

from collections.abc import Mapping

import narwhals as nw

from mentoreval.records.checked import EXAMPLES, Checked, Options
from mentoreval.records.records import LazyTable, LedgerEntry
from mentoreval.records.validation import rows_problem

FIRST_MONTH = 7
"""A day from July on belongs to the school year that starts then, as far as can be said without a calendar."""

WHERE = ("enrolment", "school_year", "school_year_without_dates")


def check_years_against_calendar(table: Checked, others: Mapping[str, Checked], options: Options) -> Checked:
    """Years in which no enrolment begins or ends are looked for in the calendar.

    An entry may be that of an earlier year, so that no single row shows that years are named one too late. But then
    the last of them has no entry at all, and lies after all days of the calendar. Where nothing has days, the years
    are flagged.
    """
    calendar, years = others.get("calendar"), _years_without_dates(table)
    if calendar is not None and _dated(calendar):
        return _blaming_late_years(table, years, calendar.frame)
    if options.attendance == "positive":
        return table  # the days of attendance say it: ``check_years_against_days``
    entry = LedgerEntry(table.name, "no_entry_in_school_year", "flagged", sum(years.values()), tuple(years)[:EXAMPLES])
    return table.keeping(table.frame, entry)


def check_years_against_days(table: Checked, others: Mapping[str, Checked], options: Options) -> Checked:
    """The same by the days of attendance, where every day is listed and there is no calendar; blames enrolment."""
    enrolment = others.get("enrolment")
    if options.attendance != "positive" or _dated(others.get("calendar")) or enrolment is None or not _dated(table):
        return table
    blamed = _blaming_late_years(enrolment, _years_without_dates(enrolment), table.frame)
    return table.blaming(*blamed.problems[len(enrolment.problems) :])


def _dated(table: Checked | None) -> bool:
    return table is not None and table.has("date")


def _years_without_dates(enrolment: Checked) -> dict[str, int]:
    """School years in which no enrolment begins or ends, with the number of their enrolments."""
    if not enrolment.has("school_year", "entry_date"):
        return {}
    first = nw.col("school_year").str.slice(0, 4).cast(nw.Int64)
    dates = [name for name in ("entry_date", "exit_date") if enrolment.has(name)]
    within = {name: (_school_year_of(name) == first).fill_null(False).cast(nw.Int64) for name in dates}
    dated = enrolment.frame.filter(~nw.col("school_year").is_null())
    # Most enrolments of a year have the same dates: each pair of dates is looked at once.
    kinds = dated.group_by("school_year", *dates).agg(_rows=nw.len())
    years = kinds.select("school_year", nw.col("_rows").cast(nw.Int64), **within)
    counted = years.group_by("school_year").agg(
        rows=nw.col("_rows").sum(), **{name: nw.col(name).sum() for name in dates}
    )
    found = counted.sort("school_year").collect("pyarrow").to_native().to_pylist()
    return {row["school_year"]: int(row["rows"]) for row in found if not any(row[name] for name in dates)}


def _school_year_of(date: str) -> nw.Expr:
    """The calendar year in which the school year of a day starts."""
    starts_now = (nw.col(date).dt.month() >= FIRST_MONTH).cast(nw.Int64)
    return nw.col(date).dt.year().cast(nw.Int64) - 1 + starts_now


def _last_year(days: LazyTable) -> int | None:
    """The calendar year in which the last school year starts that has a day in the table; None without any day."""
    (row,) = days.select(last=_school_year_of("date").max()).collect("pyarrow").to_native().to_pylist()
    return None if row["last"] is None else int(row["last"])


def _blaming_late_years(enrolment: Checked, years: Mapping[str, int], days: LazyTable) -> Checked:
    """With a problem of those of the years that lie after the last of the days."""
    last = _last_year(days) if years else None
    late = {year: rows for year, rows in years.items() if last is not None and int(year[:4]) > last}
    if not late:
        return enrolment
    finding = "of a school year in which no enrolment begins or ends and which lies after every known day of school"
    advice = (
        "2021-22 starts in 2021; correct school_year. "
        'Or say which year a single 2022 means, with school_years = "spring" or "autumn".'
    )
    shown = ("found", tuple(late)[:EXAMPLES])
    return enrolment.blaming(rows_problem(WHERE, sum(late.values()), enrolment.rows_kept, finding, advice, shown))
