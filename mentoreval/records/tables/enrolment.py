"""Enrolment: one row for each spell of a student in a school within one school year."""

from __future__ import annotations

import narwhals as nw

from mentoreval.records.schema import Column, RowRule, TableSchema

FIRST_MONTH = 8
"""A spell that starts in August or later belongs to the next school year: the year is named by the wrong convention."""


def _exit_before_entry(entry: nw.Expr, leaving: nw.Expr) -> nw.Expr:
    return leaving < entry


def _entered_after_year(entry: nw.Expr, school_year: nw.Expr) -> nw.Expr:
    """An entry may lie in an earlier year (districts keep the first one), but a spell can not miss its year."""
    first = school_year.str.slice(0, 4).cast(nw.Int64)
    year, month = entry.dt.year(), entry.dt.month()
    return (year > first + 1) | ((year == first + 1) & (month >= FIRST_MONTH))


def _left_before_year(leaving: nw.Expr, school_year: nw.Expr) -> nw.Expr:
    return leaving.dt.year() < school_year.str.slice(0, 4).cast(nw.Int64)


ENROLMENT = TableSchema(
    name="enrolment",
    description="One row for each spell of a student in a school within one school year.",
    columns=(
        Column("student_id", "id", required=True),
        Column("school_id", "id", required=True),
        Column("school_year", "school_year", required=True, description="2021-22"),
        Column("grade_level", "grade_level", required=True, description="PK, KG, 1 to 12; read as -1, 0, 1 to 12"),
        Column("entry_date", "date", required=True, description="First day of the spell"),
        Column("exit_date", "date", always=True, description="Last day of the spell; empty = to the end of the year"),
        Column("exit_code", "category", description="Why the spell ended, as the district codes it"),
    ),
    key=("student_id", "school_id", "school_year", "entry_date"),
    references=(("student_id", "students"),),
    rules=(
        RowRule(
            "exit_before_entry",
            ("entry_date", "exit_date"),
            _exit_before_entry,
            "whose exit_date is before their entry_date",
            "Correct the dates, or take the rows out if the student never came.",
        ),
        # Two rules, so that each holds where the table has only one of the dates.
        *(
            RowRule(
                "date_outside_school_year",
                (column, "school_year"),
                broken,
                f"whose {column} lies outside their school_year",
                "2021-22 starts in 2021 and ends in 2022; correct school_year or the dates.",
            )
            for column, broken in (("entry_date", _entered_after_year), ("exit_date", _left_before_year))
        ),
    ),
    required=True,
)
