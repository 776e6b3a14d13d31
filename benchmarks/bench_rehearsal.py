"""How fast is a rehearsal? The whole pipeline on made-up programs in a district of many students.

Usage::

    python benchmarks/bench_rehearsal.py
    python benchmarks/bench_rehearsal.py --students 20000 --draws 50 --workers 1

Students × 4 years in schools of about 600, three cohorts of mentees. Each draw: a made-up program; a logit; nearest
matching with a caliper, exact on the grade; balance; ANCOVA with errors clustered by school, without an effect and with
one; and group-time effects of Callaway and Sant'Anna, the same. wall and cpu are seconds of all draws, cpu of all
processes.
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np
import pandas as pd

import mentoreval as me
from mentoreval.evidence.rehearsal import rehearse_together

YEARS = np.arange(2021, 2025)
COVARIATES = ["prior_rate", "grade_level", "gender", "race", "poor", "english_learner", "disability"]


def district(n: int) -> me.Panel:
    """Students whose need decides who is mentored, and their attendance."""
    rng = np.random.default_rng(0)
    schools = max(10, n // 600)
    students = pd.DataFrame({
        "student": np.arange(n), "school": rng.integers(0, schools, n), "grade": rng.integers(0, 10, n),
        "gender": rng.choice(["f", "m"], n), "race": rng.choice(list("abcde"), n), "poor": rng.integers(0, 2, n),
        "english_learner": (rng.random(n) < 0.2) * 1, "disability": (rng.random(n) < 0.15) * 1,
    })  # fmt: skip
    need, start = rng.normal(size=n), np.zeros(n)
    chance = 1 / (1 + np.exp(4 - 0.9 * need - 0.4 * students["poor"].to_numpy()))
    for cohort in YEARS[1:]:
        start[(start == 0) & (rng.random(n) < chance)] = cohort
    mentor = students["school"].to_numpy() * 100 + rng.integers(0, 6, n)
    students["start"] = np.where(start > 0, start, np.nan)
    students["mentor"] = np.where(start > 0, mentor, np.nan)
    on = (start[:, None] > 0) & (start[:, None] <= YEARS)
    shock = 0.01 * rng.normal(size=(schools, 4))[students["school"]]
    rate = 0.92 - 0.04 * need[:, None] + shock + 0.05 * rng.normal(size=(n, 4)) + 0.01 * on
    frame = students.loc[np.repeat(np.arange(n), 4)].reset_index(drop=True)
    frame["year"], frame["rate"] = np.tile(YEARS, n), rate.ravel()
    frame["grade_level"] = frame["grade"] + frame["year"] - YEARS[0]
    return me.panel_from_frame(
        frame, unit="student", period="year", first_treated="start", school="school", mentor="mentor",
        covariates=COVARIATES[1:], outcomes=["rate"],
    )  # fmt: skip


def seconds() -> float:
    """Processor seconds of this process and of its children that have ended."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(sum(resource.getrusage(kind)[:2]) for kind in kinds)


def rehearse_district(n: int, draws: int, workers: int | None) -> None:
    """Print what the rehearsals of one district cost."""
    pairs = me.Nearest(caliper=0.2, exact=["grade_level"])
    design = me.choose_design(district(n), pairs, covariates=COVARIATES, pool="not_yet_treated")
    by_school = me.ClusterRobust(cluster="school")
    estimates = [
        me.estimate_effect(design, "rate", estimator, inference=by_school)
        for estimator in (me.RegressionAdjustment(), me.CallawaySantAnna(control="not_yet_treated"))
    ]
    wall, cpu = time.perf_counter(), seconds()
    held = rehearse_together(estimates, (0.01, 0.01), draws=draws, seed=1, workers=workers)
    wall, cpu = time.perf_counter() - wall, seconds() - cpu
    verdicts = ", ".join(one.finding().verdict for one in held)
    print(f"{n:>8,} × 4  {draws} draws  wall {wall:7.1f} s  cpu {cpu:7.1f} s", end="  ")
    print(f"a draw {wall / draws:.3f} s wall, {cpu / draws:.3f} s cpu  ({verdicts})")


def main() -> None:
    """Rehearse districts of the sizes asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--students", type=int, nargs="+", default=[20_000, 100_000])
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--workers", type=int, default=None)
    given = parser.parse_args()
    for n in given.students:
        rehearse_district(n, given.draws, given.workers)


if __name__ == "__main__":
    main()
