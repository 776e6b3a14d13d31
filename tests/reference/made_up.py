"""Made-up students whose numbers are the same everywhere, so that results of R on them can stand in the tests.

Draws are rounded to a few decimals, so that a file of them holds the very same numbers. The scripts of R read
``one_year().to_csv("one_year.csv", index=False)`` and ``six_years().to_csv("six_years.csv", index=False)``.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from mentoreval.aliases import FloatArray

SIZES = (24, 3, 17, 9, 1, 12, 20, 6, 14, 8, 2, 19, 11, 14)
"""Students of the schools; one school has one student."""


def bell(rng: np.random.Generator, *shape: int) -> FloatArray:
    """Draws of mean 0 and variance 1 from sums of uniform ones, which no other version of numpy draws otherwise."""
    return np.asarray(rng.random((*shape, 12)).sum(axis=-1) - 6.0)


def one_year(seed: int = 20261122) -> pd.DataFrame:
    """160 students in 14 schools of uneven sizes, one row each."""
    rng = np.random.default_rng(seed)
    school = np.repeat(np.arange(len(SIZES)), SIZES)
    n = len(school)
    gpa = np.round(2.7 + 0.5 * bell(rng, n), 2)
    prior = np.round(12 + 3 * bell(rng, n) - 2 * (gpa - 2.7), 1)
    grade = rng.integers(6, 9, n)
    mentored = (rng.random(n) < 1 / (1 + np.exp(0.4 - 0.12 * (prior - 12) + 0.6 * (gpa - 2.7)))).astype(int)
    offered = (school % 3 == 0).astype(int)
    took_part = np.where(rng.random(n) < np.where(mentored == 1, 0.7, 0.1), 1, 0)
    mentor = np.where(mentored == 1, school % 5 * 3 + rng.integers(0, 3, n), -1)
    of_school, of_mentor = 1.2 * bell(rng, len(SIZES))[school], np.append(bell(rng, 15), 0.0)[mentor]
    mean = 11 + 0.6 * (prior - 12) - 2 * (gpa - 2.7) + 0.7 * (grade == 8) + of_school + of_mentor
    absent = mean - mentored * (2 + 0.8 * (gpa - 2.7)) - 0.7 * offered - took_part + (2 + mentored) * bell(rng, n)
    days = rng.integers(60, 181, n)
    rate = np.exp(-2.8 + 0.05 * (prior - 12) - 0.3 * mentored + 0.5 * bell(rng, n))
    return pd.DataFrame(
        {
            "student": np.arange(n),
            "school": school,
            "grade": grade,
            "block": rng.integers(0, 5, n),
            "gpa": gpa,
            "prior": prior,
            "mentored": mentored,
            "offered": offered,
            "took_part": took_part,
            "mentor": mentor,
            "w": np.round(0.5 + 1.5 * rng.random(n), 2),
            "w_school": np.round(0.5 + rng.random(len(SIZES)), 2)[school],
            "whole_weight": rng.integers(1, 4, n),
            "absent": np.round(absent, 2),
            "days_enrolled": days,
            "days_absent": np.floor(days * rate * 1.5 * rng.random(n)).astype(int),
        }
    )


def six_years(seed: int = 20261123, n: int = 90) -> pd.DataFrame:
    """90 students in 10 schools over 2001–2006; starts in 2003, 2004 and 2006, a third never; some rows are missing."""
    rng = np.random.default_rng(seed)
    years = np.arange(2001, 2007)
    start = np.array([2003, 2004, 2006, 0, 0])[rng.integers(0, 5, n)]
    school, gpa = rng.integers(0, 10, n), np.round(2.7 + 0.5 * bell(rng, n), 2)
    w = np.round(0.5 + 1.5 * rng.random(n), 2)
    shape = (n, len(years))
    health = np.round(bell(rng, *shape), 2)
    apart = years - start[:, None]
    started = (start[:, None] > 0) & (apart >= 0)
    absent = 10 + 2 * bell(rng, n)[:, None] + 0.4 * (years - 2001) * gpa[:, None] + 0.5 * health
    absent = absent + bell(rng, 10, len(years))[school] - started * (1.5 + 0.4 * apart * (start[:, None] < 2006))
    frame = pd.DataFrame(
        {
            "student": np.repeat(np.arange(n), len(years)),
            "year": np.tile(years, n),
            "start": np.repeat(start, len(years)),
            "school": np.repeat(school, len(years)),
            "gpa": np.repeat(gpa, len(years)),
            "w": np.repeat(w, len(years)),
            "health": health.ravel(),
            "absent": np.round(absent + bell(rng, *shape), 2).ravel(),
        }
    )
    return frame.assign(seen=(rng.random(len(frame)) < 0.9).astype(int))
