"""Grades: one row for each mark that a student was given in a course."""

from __future__ import annotations

from mentoreval.records.schema import Column, TableSchema

POINTS = r"(?:[0-3](?:\.\d+)?|4(?:\.[0-2]\d*|\.30*)?)"
MARK = rf"^(?i:[A-D][+-]?|F|P|NP|CR|NC|I|W|{POINTS})$"
"""What a usual scale can read. Other marks stay, for a scale of the district's own, and the ledger lists them."""

GRADES = TableSchema(
    name="grades",
    description="One row for each mark that a student was given in a course in a term.",
    columns=(
        Column("student_id", "id", required=True),
        Column("school_year", "school_year", required=True),
        Column("term", "category", required=True, allowed=("S1", "S2", "Y"), description="Y = the whole year"),
        Column("course_id", "id", required=True),
        Column(
            "mark",
            "category",
            required=True,
            pattern=MARK,
            description="Letters A+ to F, grade points 0 to 4.3, and P, NP, CR, NC, I, W",
        ),
        Column("credits", "number", minimum=0, default=1.0, always=True),
        Column(
            "credits_earned", "number", minimum=0, description="Where it is not given, the credits of what was passed"
        ),
        Column("course_level", "category", description="regular, honors, AP, IB, dual; for weighted grade points"),
        Column("subject", "category", description="English, math, science, social studies, …; for core courses"),
    ),
    key=("student_id", "school_year", "term", "course_id"),
    references=(("student_id", "students"),),
)
