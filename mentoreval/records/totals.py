"""Yearly totals beside days of attendance: every school year is kept in one of the two tables only."""

from __future__ import annotations

from collections.abc import Mapping

import narwhals as nw

from mentoreval.records.checked import Checked, Options, distinct
from mentoreval.records.school_year_names import FIRST_MONTH
from mentoreval.records.validation import rows_problem

WHERE = ("attendance", "school_year", "days_and_totals_of_one_year")


def check_years_apart(table: Checked, others: Mapping[str, Checked], options: Options) -> Checked:
    """Days that are listed in a school year of which there are totals are a problem, which names the years.

    A day from July on belongs to the school year that starts then.
    """
    attendance = others.get("attendance")
    if attendance is None or not attendance.has("date") or not table.has("school_year"):
        return table
    starts_now = (nw.col("date").dt.month() >= FIRST_MONTH).cast(nw.Int64)
    first = nw.col("date").dt.year().cast(nw.Int64) - 1 + starts_now
    days = attendance.frame.select(first=first).group_by("first").agg(rows=nw.len())
    years = distinct(table.frame, "school_year")
    totals = years.with_columns(first=nw.col("school_year").str.slice(0, 4).cast(nw.Int64))
    both = totals.join(days, on="first", how="inner").sort("school_year").collect("pyarrow").to_native().to_pylist()
    if not both:
        return table
    shown = tuple(f"{row['school_year']} ({row['rows']:,})" for row in both)
    finding = "on days of school years of which attendance_totals has the totals"
    advice = "Keep each school year in one of the two tables: leave those totals out, or those days."
    rows = sum(int(row["rows"]) for row in both)
    return table.blaming(rows_problem(WHERE, rows, attendance.rows_kept, finding, advice, ("found", shown)))
