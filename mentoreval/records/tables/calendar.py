"""Calendar: one row for each day on which a school is in session."""

from __future__ import annotations

import narwhals as nw

from mentoreval.records.schema import Column, RowRule, TableSchema

FIRST_MONTH, LAST_MONTH = 6, 8
"""No school year starts before June of its first year or ends after August of its second."""


def _outside_school_year(date: nw.Expr, school_year: nw.Expr) -> nw.Expr:
    first = school_year.str.slice(0, 4).cast(nw.Int64)
    months = 12 * (date.dt.year() - first) + date.dt.month()
    return (months < FIRST_MONTH) | (months > 12 + LAST_MONTH)


CALENDAR = TableSchema(
    name="calendar",
    description="One row for each day on which a school is in session.",
    columns=(
        Column("school_id", "id", required=True),
        Column("date", "date", required=True),
        Column("school_year", "school_year", required=True),
        Column("term", "category", allowed=("S1", "S2"), description="Semester"),
    ),
    key=("school_id", "date"),
    rules=(
        RowRule(
            "date_outside_school_year",
            ("date", "school_year"),
            _outside_school_year,
            "whose date lies outside its school_year",
            "2021-22 starts in 2021 and ends in 2022; correct school_year or the dates.",
        ),
    ),
)
