"""Mentors: one row for each identifier of a mentor. One person may have two identifiers, and may be a student."""

from __future__ import annotations

from mentoreval.records.schema import Column, TableSchema

MENTORS = TableSchema(
    name="mentors",
    description="One row for each identifier of a mentor.",
    columns=(
        Column("mentor_id", "id", required=True),
        Column("mentor_type", "category", description="external, internal or peer"),
        Column("student_id", "id", description="The mentor's own student identifier, where the mentor is a student"),
        Column("person_id", "id", description="The same for all identifiers of one person"),
        Column("start_date", "date", description="First day as a mentor"),
        Column("training_hours", "number", minimum=0, description="Hours of training before the first match"),
        Column("max_caseload", "integer", minimum=0, description="Most mentees that this mentor is to have at once"),
        Column("language", "category"),
    ),
    key=("mentor_id",),
    references=(("student_id", "students"),),
)
