"""Attendance in its three modes: only absences are listed, every student-day is listed, or totals of a year."""

from __future__ import annotations

from dataclasses import replace

import narwhals as nw

from mentoreval.records.records import AttendanceMode
from mentoreval.records.schema import Column, RowRule, TableSchema

ABSENT_CODES = ("absent", "absent_excused", "absent_unexcused", "suspended")
PRESENT_CODES = ("present", "tardy")
ROUNDING = 0.05  # totals by reason may each have been rounded


def _more_absent_than_enrolled(absent: nw.Expr, enrolled: nw.Expr) -> nw.Expr:
    return absent > enrolled


def _daily(description: str, codes: tuple[str, ...]) -> TableSchema:
    return TableSchema(
        name="attendance",
        description=description,
        columns=(
            Column("student_id", "id", required=True),
            Column("date", "date", required=True),
            Column("code", "category", required=True, allowed=codes),
            Column("school_id", "id", description="Where it is not given, the school of the enrolment counts"),
            Column(
                "fraction", "number", minimum=0, maximum=1, default=1.0, always=True, description="Share of the day"
            ),
            Column("minutes_absent", "number", minimum=0, description="Minutes missed; the share comes from them"),
            Column("minutes_in_day", "number", minimum=0, description="Minutes of that school day"),
            Column("periods_absent", "number", minimum=0, description="Class periods missed on that day"),
            Column("periods_in_day", "number", minimum=0, description="Class periods of that day"),
            Column("class_period", "category", description="Where there is one row for each class period: which one"),
        ),
        key=("student_id", "date"),
        key_if_present=("class_period",),
        references=(("student_id", "students"),),
        rules=tuple(
            RowRule(
                f"more_{unit}_absent_than_in_day",
                (f"{unit}_absent", f"{unit}_in_day"),
                _more_absent_than_enrolled,
                f"with more {unit}_absent than {unit}_in_day",
                f"Correct the {unit}, or leave both columns out.",
            )
            for unit in ("minutes", "periods")
        ),
    )


def _reasons_above_total(total: nw.Expr, excused: nw.Expr, unexcused: nw.Expr, suspended: nw.Expr) -> nw.Expr:
    return excused.fill_null(0.0) + unexcused.fill_null(0.0) + suspended.fill_null(0.0) > total + ROUNDING


YEARLY_TOTALS = TableSchema(
    name="attendance",
    description="One row for each student and school year, with days enrolled and days absent.",
    columns=(
        Column("student_id", "id", required=True),
        Column("school_year", "school_year", required=True),
        Column("days_enrolled", "number", required=True, minimum=0, maximum=366),
        Column("days_absent", "number", required=True, minimum=0, maximum=366, description="For whatever reason"),
        Column("days_absent_excused", "number", minimum=0, maximum=366, description="Excused, without suspensions"),
        Column("days_absent_unexcused", "number", minimum=0, maximum=366, description="Unexcused: truancy"),
        Column("days_suspended", "number", minimum=0, maximum=366, description="Suspended out of school"),
        Column("school_id", "id"),
    ),
    key=("student_id", "school_year"),
    key_if_present=("school_id",),
    references=(("student_id", "students"),),
    rules=(
        RowRule(
            "more_absent_than_enrolled",
            ("days_absent", "days_enrolled"),
            _more_absent_than_enrolled,
            "with more days_absent than days_enrolled",
            "Correct the totals; days_enrolled counts every day on which the student could have come.",
        ),
        RowRule(
            "reasons_above_total",
            ("days_absent", "days_absent_excused", "days_absent_unexcused", "days_suspended"),
            _reasons_above_total,
            "with more days absent by reason than days_absent",
            "days_absent counts every day missed, excused, unexcused or suspended.",
        ),
    ),
)

ATTENDANCE_TOTALS = replace(
    YEARLY_TOTALS,
    name="attendance_totals",
    description="Yearly totals of earlier school years, where the table attendance has the days of later ones.",
)

ATTENDANCE: dict[AttendanceMode, TableSchema] = {
    "absences_only": _daily(
        "One row for each day absent; a day in session while enrolled without a row is a day present.", ABSENT_CODES
    ),
    "positive": _daily("One row for each student and day, present or absent.", PRESENT_CODES + ABSENT_CODES),
    "yearly_totals": YEARLY_TOTALS,
}
