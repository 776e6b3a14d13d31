"""Made-up students for the designs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from mentoreval.panel.panel import Panel, panel_from_frame

COVARIATES = ["gpa", "absent", "grade", "lunch"]


def student_frame(n: int = 240, seed: int = 1) -> pd.DataFrame:
    """One row per student; those with many absences and a low gpa are mentored more often."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "id": [f"s{number:04d}" for number in rng.permutation(n)],
            "gpa": rng.normal(2.7, 0.6, n),
            "absent": rng.gamma(2.0, 5.0, n),
            "grade": rng.choice(["6", "7", "8"], n),
            "lunch": rng.random(n) < 0.5,
            "school": rng.choice(["east", "north", "west"], n),
        }
    )
    odds = -1.3 - 0.8 * (frame["gpa"] - 2.7) + 0.05 * (frame["absent"] - 10)
    frame["mentored"] = rng.random(n) < 1 / (1 + np.exp(-odds))
    frame["attendance"] = 0.95 - 0.004 * frame["absent"] + rng.normal(0, 0.02, n)
    return frame


@pytest.fixture
def students() -> pd.DataFrame:
    return student_frame()


@pytest.fixture
def panel_of() -> Callable[..., Panel]:
    """panel_from_frame with the roles of ``student_frame``; keywords override them."""

    def make(frame: pd.DataFrame, **roles: object) -> Panel:
        given: dict[str, object] = {
            "unit": "id",
            "treated": "mentored",
            "covariates": COVARIATES,
            "outcomes": ["attendance"],
            "school": "school",
        }
        return panel_from_frame(frame, **(given | roles))  # type: ignore[arg-type]

    return make


def cohort_frame(n: int = 150, seed: int = 2) -> pd.DataFrame:
    """Four years; mentoring starts in 2020 for some, in 2021 for others, never for most."""
    rng = np.random.default_rng(seed)
    ability = rng.normal(size=n)
    start = rng.choice([2020.0, 2021.0, np.nan], n, p=[0.15, 0.2, 0.65])
    rows = [
        pd.DataFrame(
            {
                "id": np.arange(n),
                "year": year,
                "start": start,
                "gpa": 2.7 + 0.5 * ability + rng.normal(0, 0.2, n),
                "absent": np.maximum(0, 9 - 2 * ability + rng.normal(0, 2, n)),
                "school": rng.choice(["east", "west"], n),
            }
        )
        for year in range(2018, 2023)
    ]
    return pd.concat(rows, ignore_index=True)


@pytest.fixture
def cohorts() -> pd.DataFrame:
    return cohort_frame()


@pytest.fixture
def cohort_panel(cohorts: pd.DataFrame) -> Panel:
    return panel_from_frame(
        cohorts,
        unit="id",
        period="year",
        first_treated="start",
        covariates=["gpa"],
        outcomes=["absent"],
        school="school",
    )
