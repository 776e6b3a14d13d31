"""How fast is inference? The wild cluster and the multiplier bootstrap on a regression with student and year effects.

Usage::

    python benchmarks/bench_inference.py
    python benchmarks/bench_inference.py --sizes 10000 100000 --draws 9999 --peer-python /tmp/peers/bin/python

Students × 8 periods in 50 schools, each line a process of its own, on one thread; columns are those of
``bench_did.py``, which also says how to install the peers.

whole_effect : the two-way fixed-effects regression and its wild bootstrap, with an interval by inversion, from the
    design on; the peers do the same from the frame on (pyfixest without an interval, diff-diff for a fixed period)
one_effect : the bootstrap alone, once the regression is there
event_study : the same for ten effects and their average, each with its own interval by inversion
multiplier : 999 draws of the influence of students on ten effects
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable

import numpy as np
import pandas as pd
from processes import Times, find_python, line, measure, run

PERIODS, SCHOOLS = 8, 50
CASES = ("whole_effect", "one_effect", "event_study", "multiplier")


def draw(n: int) -> pd.DataFrame:
    """One row for each student and year; ``start`` is missing for the never mentored."""
    rng = np.random.default_rng(20)
    student, year = np.repeat(np.arange(n), PERIODS), np.tile(np.arange(PERIODS), n)
    start = np.array([3.0, 4.0, 5.0, np.nan])[np.arange(n) % 4][student]
    frame = pd.DataFrame({"student": student, "year": year, "start": start, "school": student % SCHOOLS})
    shock = rng.normal(size=(SCHOOLS, PERIODS))[frame["school"], year]
    frame["y"] = rng.normal(size=n)[student] + shock + rng.normal(size=len(student))
    frame["treat"] = (year >= start) * 1.0
    return frame


def whole_effect(frame: pd.DataFrame, draws: int) -> Callable[[], object]:
    """Regression and bootstrap from the design on."""
    import mentoreval as me

    roles = {"unit": "student", "period": "year", "first_treated": "start", "school": "school"}
    design = me.choose_design(me.panel_from_frame(frame, outcomes=["y"], **roles), covariates=[])
    inference = me.WildClusterBootstrap("school", draws=draws, seed=1)
    return lambda: me.estimate_effect(design, "y", me.Twfe(), inference=inference).frame


def bootstrap(case: str, frame: pd.DataFrame, draws: int) -> Callable[[], object]:
    """A bootstrap alone."""
    from mentoreval.effects.regression import fit_linear
    from mentoreval.numerics.inversion import invert_test
    from mentoreval.numerics.multiplier import band_critical, draw_deviations, quartile_errors
    from mentoreval.numerics.sandwich import cluster_sums
    from mentoreval.numerics.wild_bootstrap import cluster_moments, draw_effects

    y, year, student = (frame[name].to_numpy() for name in ("y", "year", "student"))
    event = np.where(frame["start"].notna(), year - frame["start"].fillna(0), -1)
    times = [0] if case == "one_effect" else [time for time in range(-5, 5) if time != -1]
    columns = (event >= 0)[:, None] if case == "one_effect" else event[:, None] == times
    names, effects = [str(time) for time in times], np.eye(len(times))
    linear = fit_linear(columns.astype(float), y, np.ones(len(y)), names, (student, year), effects)
    school = student % SCHOOLS

    def wild() -> None:
        """The wild cluster bootstrap."""
        moments = cluster_moments(linear.arrays, school, linear.absorbed)
        drawn = draw_effects(moments, "rademacher", draws, np.random.default_rng(0))
        for found, effect in zip(drawn, linear.effects, strict=True):
            invert_test(lambda v, f=found, e=effect: f.p_value(e - v), effect, np.sqrt(found.error), 0.95)

    def multiplier() -> None:
        """The multiplier bootstrap by student."""
        sums = cluster_sums(linear.arrays.influence, student)
        deviations = draw_deviations(sums, "rademacher", 999, np.random.default_rng(0))
        band_critical(deviations, quartile_errors(deviations), 0.95)

    return multiplier if case == "multiplier" else wild


def statspai(frame: pd.DataFrame, draws: int) -> Callable[[], object]:
    """A call of StatsPAI."""
    import statspai as sp

    def call() -> object:
        fit = sp.feols("y ~ treat | student + year", frame, vcov={"CRV1": "school"})
        return sp.wild_cluster_boot(fit, frame, cluster="school", variable="treat", n_boot=draws, seed=1)

    return call


def pyfixest(frame: pd.DataFrame, draws: int) -> Callable[[], object]:
    """A call of pyfixest, whose bootstrap is wildboottest's."""
    import pyfixest as pf

    def call() -> object:
        fit = pf.feols("y ~ treat | student + year", frame, vcov={"CRV1": "school"})
        return fit.wildboottest(param="treat", reps=draws, cluster="school", seed=1)

    return call


def diff_diff(frame: pd.DataFrame, draws: int) -> Callable[[], object]:
    """A call of diff-diff, which takes one period for all as the start."""
    import diff_diff as dd

    known = frame.assign(ever=frame["start"].notna() * 1, late=(frame["year"] >= 4) * 1)
    options = {"inference": "wild_bootstrap", "cluster": "school", "n_bootstrap": draws, "seed": 1}
    return lambda: dd.DifferenceInDifferences(**options).fit(
        known, outcome="y", treatment="ever", post="late", absorb=["student", "year"]
    )


PEERS = {
    "StatsPAI": ("statspai", statspai),
    "pyfixest": ("wildboottest", pyfixest),
    "diff-diff": ("diff_diff", diff_diff),
}


def prepare(who: str, n: int, draws: int) -> Callable[[], object]:
    """The call of a case of ours, or of a peer."""
    frame = draw(n)
    if who in PEERS:
        return PEERS[who][1](frame, draws)
    return whole_effect(frame, draws) if who == "whole_effect" else bootstrap(who, frame, draws)


def main() -> None:
    """Measure every size, case and peer, each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000])
    parser.add_argument("--draws", type=int, default=9_999)
    parser.add_argument("--peer-python", nargs="*", default=[sys.executable], help="interpreters that have the peers")
    parser.add_argument("--without", nargs="*", default=[], help="packages to leave out")
    parser.add_argument("--limit", type=float, default=600.0, help="seconds after which a call is given up")
    parser.add_argument("--worker", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        who, n, repeats = given.worker
        print(json.dumps(measure(lambda: prepare(who, int(n), given.draws), int(repeats))))
        return
    asked = {who: module for who, (module, _) in PEERS.items() if who not in given.without}
    pythons = {who: find_python(module, given.peer_python) for who, module in asked.items()}
    for n in given.sizes:
        base: Times | str = ""
        for who, python in {**dict.fromkeys(CASES, sys.executable), **pythons}.items():
            own = who in CASES
            worker = [__file__, "--draws", str(given.draws), "--worker", who, str(n), "5" if own else "1"]
            found = "not installed" if python is None else run(python, worker, given.limit)
            base = found if who == "whole_effect" else base
            print(line(f"{n:>8,} {who:<13}", found, base), flush=True)


if __name__ == "__main__":
    main()
