"""STAR from wide to one row per student of one grade."""

import pandas as pd


def prepare(frame: pd.DataFrame) -> pd.DataFrame:
    """Grade 1, as the study file says."""
    return prepare_grade(frame, "g1")


def prepare_grade(frame: pd.DataFrame, grade: str) -> pd.DataFrame:
    """The students who were in the experiment in a grade (gk, g1, g2, g3), one row each.

    Days absent were not recorded in grade 2; they are missing there.
    """
    in_class = frame[frame[f"{grade}classtype"].notna()]
    absent, race = f"{grade}absent", in_class["race"]
    return pd.DataFrame(
        {
            "student_id": in_class["stdntid"].astype(str),
            "small_class": (in_class[f"{grade}classtype"] == "SMALL CLASS").astype(int),
            "aide": (in_class[f"{grade}classtype"] == "REGULAR + AIDE CLASS").astype(int),
            "school_id": in_class[f"{grade}schid"].astype("Int64").astype(str),
            "teacher_id": in_class[f"{grade}tchid"].astype("Int64").astype(str),
            "gender": in_class["gender"],
            "race": race.mask(race.notna() & ~race.isin(["WHITE", "BLACK"]), "OTHER"),
            "free_lunch": in_class[f"{grade}freelunch"],
            "reading_math_score": in_class[f"{grade}treadss"] + in_class[f"{grade}tmathss"],
            "days_absent": in_class[absent] if absent in in_class else float("nan"),
        }
    )
