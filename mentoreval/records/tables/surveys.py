"""Surveys: one row for each question that somebody was asked."""

from __future__ import annotations

from mentoreval.records.schema import Column, TableSchema

SURVEYS = TableSchema(
    name="surveys",
    description="One row for each form and question. A question has one item in every language in which it is asked.",
    columns=(
        Column("form_id", "id", required=True, description="One for each filled form; it need not name anybody"),
        Column("school_year", "school_year", required=True),
        Column("item", "category", required=True, description="The question, the same in every language"),
        Column("answer", "number", description="As a number, such as 1 to 5; empty = not answered"),
        Column("student_id", "id", description="Whom the form is about; empty where it can not be known"),
        Column("role", "category", description="Who answered: student, parent, mentor, teacher"),
        Column("language", "category", description="Of the form, such as en or es"),
        Column("date", "date", description="Day on which the form was filled"),
    ),
    key=("form_id", "school_year", "item"),
)
