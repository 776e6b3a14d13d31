"""How fast is inference? The wild cluster and the multiplier bootstrap on a regression with student and year effects.

Usage::

    python benchmarks/bench_inference.py
    python benchmarks/bench_inference.py --sizes 10000 100000 --draws 9999 --peer

Students × 8 periods in 50 schools. Each line is a process of its own: times are medians in seconds, cpu is the
processor's time (what counts on a busy machine), and the peak is that of the whole process with imports and data. "one
effect" is one treatment column; "event study" has ten effects and their average, each with its own interval by
inversion. With ``--peer`` pyfixest's wild bootstrap (through wildboottest) runs on the same data where it is installed.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from statistics import median

import numpy as np

PERIODS, SCHOOLS, REPEATS = 8, 50, 5
CASES = ("one_effect", "event_study", "multiplier", "peer")


def draw(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Outcome, start (never is PERIODS), student and year, one row for each student and year."""
    rng = np.random.default_rng(20)
    student, year = np.repeat(np.arange(n), PERIODS), np.tile(np.arange(PERIODS), n)
    start = np.array([3, 4, 5, PERIODS])[np.arange(n) % 4][student]
    shock = rng.normal(size=(SCHOOLS, PERIODS))[student % SCHOOLS, year]
    return rng.normal(size=n)[student] + shock + rng.normal(size=len(student)), start, student, year


def prepare(n: int, case: str):
    """A function to be timed."""
    y, start, student, year = draw(n)
    if case == "peer":
        return prepare_peer(y, start, student, year)
    from mentoreval.effects.regression import fit_linear
    from mentoreval.numerics.inversion import invert_test
    from mentoreval.numerics.multiplier import band_critical, draw_deviations, quartile_errors
    from mentoreval.numerics.sandwich import cluster_sums
    from mentoreval.numerics.wild_bootstrap import cluster_moments, draw_effects

    event = np.where(start < PERIODS, year - start, -1)
    times = [0] if case == "one_effect" else [time for time in range(-5, 5) if time != -1]
    columns = (event >= 0)[:, None] if case == "one_effect" else event[:, None] == times
    names, effects = [str(time) for time in times], np.eye(len(times))
    linear = fit_linear(columns.astype(float), y, np.ones(len(y)), names, (student, year), effects)
    school = student % SCHOOLS

    def wild() -> None:
        moments = cluster_moments(linear.arrays, school, linear.absorbed)
        draws = draw_effects(moments, "rademacher", ARGUMENTS.draws, np.random.default_rng(0))
        for found, effect in zip(draws, linear.effects, strict=True):
            invert_test(lambda v, f=found, e=effect: f.p_value(e - v), effect, np.sqrt(found.error), 0.95)

    def multiplier() -> None:
        sums = cluster_sums(linear.arrays.influence, student)
        deviations = draw_deviations(sums, "rademacher", 999, np.random.default_rng(0))
        band_critical(deviations, quartile_errors(deviations), 0.95)

    return multiplier if case == "multiplier" else wild


def prepare_peer(y: np.ndarray, start: np.ndarray, student: np.ndarray, year: np.ndarray):
    """The wild bootstrap of pyfixest for one effect; its p-value alone, without an interval."""
    import pandas as pd
    import pyfixest

    frame = pd.DataFrame({"y": y, "treat": (year >= start) * 1.0, "year": year, "student": student})
    frame["school"] = student % SCHOOLS
    fit = pyfixest.feols("y ~ treat | student + year", frame, vcov={"CRV1": "school"})
    return lambda: fit.wildboottest(param="treat", reps=ARGUMENTS.draws, cluster="school", seed=1)


def measure(n: int, case: str) -> dict[str, float]:
    """Median seconds, median processor seconds and peak memory in GB."""
    work = prepare(n, case)
    walls, cpus = [], []
    for _ in range(1 if case == "peer" else REPEATS):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {"seconds": median(walls), "cpu": median(cpus), "peak_gb": peak}


def main() -> None:
    """Measure every size and case, each in a process of its own."""
    if ARGUMENTS.worker:
        print(json.dumps(measure(ARGUMENTS.sizes[0], ARGUMENTS.worker)))
        return
    for n in ARGUMENTS.sizes:
        for case in CASES if ARGUMENTS.peer else CASES[:-1]:
            command = [sys.executable, __file__, "--worker", case, "--sizes", str(n), "--draws", str(ARGUMENTS.draws)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                print(f"{n:>8,} {case:<12} failed: {done.stderr.strip().splitlines()[-1]}")
                continue
            found = json.loads(done.stdout)
            seconds = f"{found['seconds']:8.3f} s  cpu {found['cpu']:8.3f} s"
            print(f"{n:>8,} {case:<12} {seconds}  peak {found['peak_gb']:.2f} GB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000])
    parser.add_argument("--draws", type=int, default=9_999)
    parser.add_argument("--peer", action="store_true")
    parser.add_argument("--worker", choices=CASES, help=argparse.SUPPRESS)
    ARGUMENTS = parser.parse_args()
    main()
