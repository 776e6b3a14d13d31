"""A small evaluation to write reports from: 480 made-up students, four years, two starts, three outcomes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mentoreval.panel.facts import MeasureFacts
from mentoreval.panel.fidelity import MATCH_COLUMNS, Fidelity
from mentoreval.study.evaluation import Evaluation, run_study

YEARS = (2021, 2022, 2023, 2024)
FACTS = {
    "attendance_rate": MeasureFacts("share", True, "attendance", "attendance_rate min_enrolled_days=10"),
    "chronic_absence": MeasureFacts("flag", False, "attendance", "absent_10_percent min_enrolled_days=10"),
    "gpa": MeasureFacts("points", True, "academic_achievement", "gpa_a_4_unweighted"),
}
STUDY = """
title = "Mentors & friends <in> Lakeside"
question = "Do students with a mentor come to school more often, and do they earn better grades?"
program_name = "Mentors and Friends"
setting = "A made-up district of eight schools."
synthetic = true
languages = ["en", "es"]
seed = 7
assumptions = ["A mentored student does not change the attendance of classmates."]
checks = ["covariate_balance", "wwc_baseline_equivalence", "pretrends", "regression_to_the_mean"]

[data]
file = "students.csv"
source = "Drawn for a test."

[panel]
unit = "student"
period = "year"
first_treated = "start"
school = "school"
covariates = ["grade_level", "gender"]
outcomes = ["attendance_rate", "chronic_absence", "gpa"]

[meaningful]
attendance_rate = 0.01
gpa = 0.30

[design.matched]
method = { kind = "nearest", ratio = 1, caliper = 0.3, exact = ["grade_level"] }
covariates = ["prior_attendance_rate", "prior_gpa", "prior_chronic_absence", "grade_level", "gender"]
eligibility = [{ covariate = "prior_attendance_rate", at_most = 0.97 }]

[design.everyone]
method = "unadjusted"
covariates = ["prior_attendance_rate", "grade_level"]

[subgroups.gender]
by = "gender"

[subgroups.grades]
by = "grade_level"
cells = { lower = [6, 7], upper = [8] }

[rehearsal]
draws = 4
workers = 1

[[estimate]]
outcome = "attendance_rate"
design = "matched"
estimator = { kind = "regression_adjustment" }
role = "headline"

[[estimate]]
outcome = "chronic_absence"
design = "matched"
estimator = { kind = "regression_adjustment" }
role = "headline"

[[estimate]]
outcome = "gpa"
design = "matched"
estimator = { kind = "regression_adjustment" }
role = "headline"

[[estimate]]
outcome = "attendance_rate"
design = "everyone"
estimator = "difference_in_means"

[[estimate]]
outcome = "attendance_rate"
design = "everyone"
estimator = { kind = "callaway_santanna" }
role = "over_time"
"""


def made_up_students(n: int = 480, seed: int = 5) -> pd.DataFrame:
    """One row per student and year; those who missed much in a year get a mentor in the next, and gain 2 % of days."""
    rng = np.random.default_rng(seed)
    level = rng.beta(14, 1.6, n)
    rates = np.clip(level[:, None] + rng.normal(0, 0.03, (n, len(YEARS))), 0.4, 1.0)
    start = np.zeros(n, dtype=int)
    for column, year in ((2, 2023), (3, 2024)):
        chosen = rng.random(n) < 0.6 / (1 + np.exp(25 * (rates[:, column - 1] - 0.86)))
        start = np.where((start == 0) & chosen, year, start)
    school, grade, gender = rng.integers(1, 9, n), rng.integers(6, 9, n), rng.choice(["F", "M"], n)
    frames = []
    for column, year in enumerate(YEARS):
        rate = np.clip(rates[:, column] + 0.02 * ((start > 0) & (start <= year)), 0, 1)
        gpa = np.clip(0.4 + 2.6 * rates[:, column] + rng.normal(0, 0.35, n), 0, 4)
        frames.append(
            pd.DataFrame(
                {
                    "student": np.arange(n), "year": year, "start": start, "school": school, "gender": gender,
                    "grade_level": grade, "attendance_rate": rate.round(4),
                    "chronic_absence": (rate <= 0.9).astype(float), "gpa": gpa.round(2),
                }
            )
        )  # fmt: skip
    frame = pd.concat(frames, ignore_index=True)
    frame["start"] = frame["start"].where(frame["start"] > 0).astype("Int64")
    return frame


def made_up_matches(n: int = 160, seed: int = 6) -> Fidelity:
    """Matches of a year: some pairs never meet, and a few end early."""
    rng = np.random.default_rng(seed)
    met = np.where(rng.random(n) < 0.1, 0.0, rng.integers(3, 33, n).astype(float))
    ended = pd.Series(np.where(rng.random(n) < 0.4, "end_of_school_year", "mentor_left")).where(np.arange(n) % 3 > 0)
    matches = pd.DataFrame(
        {
            "student_id": np.arange(n), "mentor_id": np.arange(n) // 3, "end_reason": ended, "sessions": met,
            "end_date": pd.Series(pd.Timestamp("2024-06-01"), index=range(n)).where(ended.notna()),
            "minutes": 40 * met, "weeks_matched": 34.0, "weeks_with_contact": met, "contact_weeks_share": met / 34,
            "planned_share": met / 34, "longest_gap_days": rng.integers(7, 60, n).astype(float),
            "first_contact_days": rng.integers(0, 20, n).astype(float), "caseload": 3.0, "matched_by": "interests",
        }
    )  # fmt: skip
    return Fidelity("one_to_one", matches.reindex(columns=list(MATCH_COLUMNS)))


def evaluate(folder: Path) -> Evaluation:
    """Write the study and its data into a folder, and carry it out; the outcomes say their units."""
    folder.mkdir(parents=True, exist_ok=True)
    made_up_students().to_csv(folder / "students.csv", index=False)
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    evaluation = run_study(folder / "study.toml")
    return replace(evaluation, panel=replace(evaluation.panel, measures=FACTS), fidelity=made_up_matches())


@pytest.fixture(scope="session")
def few_matches() -> Fidelity:
    """Matches of so few that almost every number of them is small."""
    return made_up_matches(n=44, seed=8)


@pytest.fixture(scope="session")
def evaluation(tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    """The evaluation of the made-up district."""
    return evaluate(tmp_path_factory.mktemp("lakeside"))
