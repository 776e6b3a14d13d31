"""TriMatch tutoring: one row per student and course."""

import pandas as pd


def prepare(frame: pd.DataFrame) -> pd.DataFrame:
    """One row for each student in each course; a student in two courses is two rows, and the identifier says which."""
    return pd.DataFrame(
        {
            "student_id": frame["ID"].astype(str) + " in " + frame["Course"],
            "tutored": (frame["treat"] != "Control").astype(int),
            "course": frame["Course"],
            "prior_college_gpa": frame["GPA"],
            "age": frame["Age"],
            "gender": frame["Gender"],
            "ethnicity": frame["Ethnicity"],
            "military": frame["Military"].astype(int),
            "english_second_language": frame["ESL"].astype(int),
            "mother_education": frame["EdMother"],
            "father_education": frame["EdFather"],
            "employment": frame["Employment"],
            "income": frame["Income"],
            "transfer_credits": frame["Transfer"],
            "level": frame["Level"],
            "course_grade": frame["Grade"],
        }
    )
