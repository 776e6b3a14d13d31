"""Students: one row for each student, with what was true before any mentoring."""

from __future__ import annotations

from mentoreval.records.schema import Column, TableSchema

STUDENTS = TableSchema(
    name="students",
    description="One row for each student. Columns that are not listed here are kept and can be covariates.",
    columns=(
        Column("student_id", "id", required=True, description="The district's identifier"),
        Column("gender", "category", description="As the district codes it"),
        Column("race_ethnicity", "category", description="As the district codes it"),
        Column("economically_disadvantaged", "flag", description="Free or reduced-price lunch, or the state's measure"),
        Column("english_learner", "flag", description="Classified as an English learner"),
        Column("disability", "flag", description="Has an individualized education program"),
        Column("temporary_housing", "flag", description="Lives in a shelter or doubled up"),
        Column("birth_date", "date"),
    ),
    key=("student_id",),
    required=True,
)
