"""UCI Student Performance, mathematics: words for the columns, a number for each student."""

import pandas as pd


def prepare(frame: pd.DataFrame) -> pd.DataFrame:
    """One row per student; the file has no identifier, so the row number is one."""
    return pd.DataFrame(
        {
            "student_id": [f"row {number}" for number in range(1, len(frame) + 1)],
            "school_support": (frame["schoolsup"] == "yes").astype(int),
            "school": frame["school"],
            "first_period_grade": frame["G1"],
            "past_failures": frame["failures"],
            "mother_education": frame["Medu"],
            "father_education": frame["Fedu"],
            "sex": frame["sex"],
            "age": frame["age"],
            "address": frame["address"],
            "family_support": (frame["famsup"] == "yes").astype(int),
            "parents_together": (frame["Pstatus"] == "T").astype(int),
            "study_time": frame["studytime"],
            "final_grade": frame["G3"],
            "absences": frame["absences"],
        }
    )
