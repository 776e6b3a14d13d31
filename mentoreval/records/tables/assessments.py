"""Assessments: one row for each test that a student took."""

from __future__ import annotations

from mentoreval.records.schema import Column, TableSchema

ASSESSMENTS = TableSchema(
    name="assessments",
    description="One row for each score of a student on a test.",
    columns=(
        Column("student_id", "id", required=True),
        Column("school_year", "school_year", required=True),
        Column("test", "category", required=True, description="Name of the test; its scale is its own"),
        Column("subject", "category", required=True, description="What was tested, such as math or reading"),
        Column("scale_score", "number", required=True),
        Column("grade_level", "grade_level", description="Of the test; where it is not given, that of the enrolment"),
        Column("date", "date", description="Day of the test"),
    ),
    key=("student_id", "school_year", "test", "subject"),
    key_if_present=("date",),
    references=(("student_id", "students"),),
)
