"""Grades: one row for each mark that a student was given in a course."""

from __future__ import annotations

from mentoreval.records.schema import Column, TableSchema

POINTS = {
    "A+": 4.0, "A": 4.0, "A-": 3.7, "B+": 3.3, "B": 3.0, "B-": 2.7, "C+": 2.3, "C": 2.0, "C-": 1.7,
    "D+": 1.3, "D": 1.0, "D-": 0.7, "F": 0.0, "I": 0.0,
}  # fmt: skip
"""Grade points of letters, by the crosswalk that most districts use."""
POINTS_AS_NUMBER = r"(?:[0-3](?:\.\d+)?|4(?:\.[0-2]\d*|\.30*)?)"
MARK = rf"^(?i:[A-D][+-]?|F|P|NP|CR|NC|I|W|{POINTS_AS_NUMBER})$"
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
        Column("date", "date", description="Day on which the mark was given; says which of several is the last"),
        Column("subject", "category", description="English, math, science, social studies, …; for core courses"),
    ),
    key=("student_id", "school_year", "term", "course_id"),
    references=(("student_id", "students"),),
)
