"""Matches: one row for each mentoring match of a student (the mentee) with a mentor."""

from __future__ import annotations

import narwhals as nw

from mentoreval.records.schema import Column, RowRule, TableSchema


def _end_before_start(start: nw.Expr, end: nw.Expr) -> nw.Expr:
    return end < start


MATCHES = TableSchema(
    name="matches",
    description="One row for each match of a student with a mentor.",
    columns=(
        Column("match_id", "id", required=True),
        Column("student_id", "id", required=True, description="The mentee"),
        Column("mentor_id", "id", required=True),
        Column("start_date", "date", required=True),
        Column("end_date", "date", always=True, description="Empty = the match is open"),
        Column("model", "category", default="one_to_one", always=True, description="The kind of mentoring"),
        Column("end_reason", "text"),
        Column("mentor_type", "category", description="external, internal or peer"),
        Column("site", "category", description="The school or organization that runs the match"),
        Column("matched_by", "category", description="How the pair was made, such as interests, language or a draw"),
        Column("planned_per_week", "number", minimum=0, description="Meetings planned in a week"),
    ),
    key=("match_id",),
    references=(("student_id", "students"),),
    rules=(
        RowRule(
            "end_before_start",
            ("start_date", "end_date"),
            _end_before_start,
            "whose end_date is before their start_date",
            "Correct the dates, or take the rows out if the pair never met.",
        ),
    ),
)
