"""120 made-up students for designs, whose results in R stand in the tests.

They are made of uniform draws, whose stream numpy keeps. The scripts of R read
``students().to_csv("students.csv", index=False, float_format="%.17g")``; ``grade`` is a factor there.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

COVARIATES = ["gpa", "absent", "grade", "lunch"]


def students() -> pd.DataFrame:
    """One row per student, 36 of them treated; no two have the same grade point average or absences."""
    draws = np.random.default_rng(451).random((120, 7))
    gpa = 2.7 + 1.6 * (draws[:, 0] + draws[:, 1] - 1)
    absent = -8.0 * np.log(1 - draws[:, 2])
    grade = np.array(["g6", "g7", "g8"])[(3 * draws[:, 3]).astype(int)]
    lunch = (draws[:, 4] < 0.5).astype(int)
    odds = -0.9 - 0.8 * (gpa - 2.7) + 0.04 * (absent - 8) + 0.4 * (grade == "g7") + 0.3 * lunch
    number = np.arange(1, 121)
    return pd.DataFrame(
        {
            "id": number,
            "treat": (draws[:, 5] < 1 / (1 + np.exp(-odds))).astype(int),
            "gpa": gpa,
            "absent": absent,
            "grade": grade,
            "lunch": lunch,
            "weight": 0.5 + draws[:, 6],
            "uneven": 0.05 + (7 * number) ** 2 % 13 * (1 + 3 * (gpa > 2.7)),
            "y": 0.0,
        }
    )


def summed_up(weights: np.ndarray, treated: np.ndarray) -> list[float]:
    """Of the treated, then of the others: the weighted mean of the row number, and the effective sample size."""
    row, numbers = np.arange(1, len(weights) + 1), []
    for arm in (treated, ~treated):
        numbers += [
            weights[arm] @ row[arm] / weights[arm].sum(),
            weights[arm].sum() ** 2 / (weights[arm] @ weights[arm]),
        ]
    return numbers
