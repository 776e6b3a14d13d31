"""How fast are the difference-in-differences estimators, beside the peers that are installed, in one run?

Usage::

    python benchmarks/bench_did.py
    python benchmarks/bench_did.py --sizes 100000 500000 --only callaway_santanna sun_abraham
    python benchmarks/bench_did.py --peer-python /tmp/peers/bin/python --limit 300

Students × 8 periods; four cohorts and never-treated students; one covariate on which trends depend (Callaway–Sant'Anna
only). Every line is a process of its own, on one thread, with the same data: ``first`` is the first call with the
imports it causes, ``wall`` and ``cpu`` the quickest of the calls after it, the peak that of the whole process, and the
ratios are the peer's time over ours, by the wall clock and, what counts on a busy machine, by the processor's. What a
call holds: for a peer the frame of rows and all after it, statsmodels with the demeaning by hand; for mentoreval the
same (``whole``, with validation and design), and from the design on (``ours``). Each peer runs in the first
``--peer-python`` that can import it, so that they may live in environments of their own::

    python3 -m venv /tmp/peers
    /tmp/peers/bin/pip install diff-diff statspai pyfixest csdid differences moderndid linearmodels wildboottest

Peers that are not installed are named and left out, and so is what takes longer than ``--limit``. R's did and fixest
run through Rscript where it has them.

callaway_santanna: doubly robust, event-time pooling, 999 multiplier draws by student. Others: errors by student.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from processes import Times, find_python, line, measure, run

PERIODS = 8
STARTS = (3.0, 4.0, 5.0, 6.0, np.nan)
CASES = ("callaway_santanna", "sun_abraham", "imputation", "gardner_two_stage", "twfe")


def draw(n: int) -> pd.DataFrame:
    """One row for each student and period."""
    rng = np.random.default_rng(20)
    unit = np.repeat(np.arange(n), PERIODS)
    frame = pd.DataFrame({"unit": unit, "period": np.tile(np.arange(1, PERIODS + 1), n)})
    start, x = np.array(STARTS)[np.arange(n) % len(STARTS)], rng.normal(size=n)
    frame["start"], frame["x"] = start[unit], x[unit]
    frame["y"] = rng.normal(size=n)[unit] + 0.1 * frame["period"] * frame["x"] + rng.normal(size=len(frame))
    frame["y"] += np.where(frame["period"] >= frame["start"], 1.0, 0.0)
    frame["g"] = frame["start"].fillna(0).astype(int)
    frame["post"] = (frame["period"] >= frame["start"]).astype(float)
    return frame


def ours(case: str, frame: pd.DataFrame, whole: bool) -> Callable[[], object]:
    """A call of mentoreval; from the design, or as a whole from the frame."""
    import mentoreval as me

    names = {"callaway_santanna": "CallawaySantAnna", "sun_abraham": "SunAbraham", "imputation": "Imputation",
             "gardner_two_stage": "GardnerTwoStage", "twfe": "Twfe"}  # fmt: skip
    covariates = ["x"] if case == "callaway_santanna" else []
    estimator = getattr(me, names[case])(**({"covariates": ("x",)} if covariates else {}))
    inference: Any = me.MultiplierBootstrap(seed=1) if covariates else me.ClusterRobust("student")
    pool = None if case in ("gardner_two_stage", "twfe") else "event_time"

    def design() -> Any:
        roles = {"unit": "unit", "period": "period", "first_treated": "start", "outcomes": ["y"]}
        return me.choose_design(me.panel_from_frame(frame, covariates=covariates, **roles), covariates=covariates)

    ready = None if whole else design()

    def call() -> object:
        return me.estimate_effect(ready or design(), "y", estimator, inference=inference, pool=pool).frame

    return call


def diff_diff(case: str, frame: pd.DataFrame) -> Callable[[], object]:
    """A call of diff-diff."""
    import diff_diff as dd

    roles = {"outcome": "y", "unit": "unit", "time": "period", "first_treat": "g"}
    if case == "callaway_santanna":
        return lambda: dd.CallawaySantAnna(estimation_method="dr", n_bootstrap=999, seed=1).fit(
            frame, **roles, covariates=["x"], aggregate="event_study"
        )
    kinds = {"sun_abraham": "SunAbraham", "imputation": "ImputationDiD", "gardner_two_stage": "TwoStageDiD"}
    return lambda: getattr(dd, kinds[case])().fit(frame, **roles)


def csdid(case: str, frame: pd.DataFrame) -> Callable[[], object]:
    """A call of csdid."""
    from csdid.att_gt import ATTgt

    assert case == "callaway_santanna"

    def call() -> object:
        fitted = ATTgt(yname="y", gname="g", idname="unit", tname="period", xformla="y~x", data=frame, biters=999)
        return fitted.fit(est_method="dr", bstrap=True).aggte(typec="dynamic", bstrap=True)

    return call


def differences(case: str, frame: pd.DataFrame) -> Callable[[], object]:
    """A call of differences."""
    from differences import ATTgt

    assert case == "callaway_santanna"
    indexed = frame.rename(columns={"start": "cohort"}).set_index(["unit", "period"])

    def call() -> object:
        fitted = ATTgt(data=indexed, cohort_column="cohort")
        found = fitted.fit("y ~ x", est_method="dr", boot_iterations=999, random_state=1, progress_bar=False)
        return found.aggregate("event", boot_iterations=999, random_state=1)

    return call


def moderndid(case: str, frame: pd.DataFrame) -> Callable[[], object]:
    """A call of moderndid."""
    import moderndid as md

    assert case == "callaway_santanna"
    roles = {"yname": "y", "tname": "period", "idname": "unit", "gname": "g"}

    def call() -> object:
        fitted = md.att_gt(frame, **roles, xformla="~ x", est_method="dr", boot=True, biters=999, random_state=1)
        return md.aggte(fitted, type="dynamic", random_state=1)

    return call


def statspai(case: str, frame: pd.DataFrame) -> Callable[[], object]:
    """A call of StatsPAI."""
    import statspai as sp

    roles = {"y": "y", "t": "period", "i": "unit"}
    if case == "callaway_santanna":
        return lambda: sp.aggte(
            sp.callaway_santanna(frame, **roles, g="g", x=["x"], estimator="dr"), type="dynamic", n_boot=999
        )
    if case == "sun_abraham":
        return lambda: sp.sun_abraham(frame, y="y", g="g", t="period", i="unit")
    assert case == "imputation"
    return lambda: sp.did_imputation(frame, y="y", group="unit", time="period", first_treat="g")


def pyfixest(case: str, frame: pd.DataFrame) -> Callable[[], object]:
    """A call of pyfixest."""
    import pyfixest as pf

    if case == "twfe":
        return lambda: pf.feols("y ~ post | unit + period", frame, vcov={"CRV1": "unit"}).tidy()
    kinds = {"sun_abraham": "saturated", "gardner_two_stage": "did2s"}
    return lambda: pf.event_study(
        frame, yname="y", idname="unit", tname="period", gname="g", estimator=kinds[case], att=case != "sun_abraham"
    ).tidy()


def linearmodels(case: str, frame: pd.DataFrame) -> Callable[[], object]:
    """A call of linearmodels."""
    from linearmodels.panel import PanelOLS

    assert case == "twfe"
    indexed = frame.set_index(["unit", "period"])
    return lambda: PanelOLS(indexed["y"], indexed[["post"]], entity_effects=True, time_effects=True).fit(
        cov_type="clustered", cluster_entity=True
    )


def statsmodels(case: str, frame: pd.DataFrame) -> Callable[[], object]:
    """Least squares on a balanced panel that is demeaned both ways by hand."""
    import statsmodels.api as sm

    assert case == "twfe"

    def call() -> object:
        columns = []
        for name in ("y", "post"):
            grid = frame[name].to_numpy().reshape(-1, PERIODS)
            columns.append((grid - grid.mean(1, keepdims=True) - grid.mean(0) + grid.mean()).ravel())
        return sm.OLS(columns[0], columns[1]).fit(cov_type="cluster", cov_kwds={"groups": frame["unit"].to_numpy()}).bse

    return call


PEERS: dict[str, tuple[str, Callable[[str, pd.DataFrame], Callable[[], object]], tuple[str, ...]]] = {
    "diff-diff": ("diff_diff", diff_diff, CASES[:4]),
    "csdid": ("csdid", csdid, CASES[:1]),
    "differences": ("differences", differences, CASES[:1]),
    "moderndid": ("moderndid", moderndid, CASES[:1]),
    "StatsPAI": ("statspai", statspai, CASES[:3]),
    "pyfixest": ("pyfixest", pyfixest, ("sun_abraham", "gardner_two_stage", "twfe")),
    "linearmodels": ("linearmodels", linearmodels, ("twfe",)),
    "statsmodels": ("statsmodels", statsmodels, ("twfe",)),
}

R_CALLS = {
    "callaway_santanna": (
        "did",
        'aggte(att_gt("y", "period", "unit", "g", xformla = ~x, data = d, biters = 999), type = "dynamic")',
    ),
    "sun_abraham": ("fixest", "feols(y ~ sunab(g, period) | unit + period, d, vcov = ~unit)"),
    "twfe": ("fixest", "feols(y ~ post | unit + period, d, vcov = ~unit)"),
}


def in_r(case: str, n: int) -> str | None:
    """Elapsed seconds of R's call, where Rscript has the package."""
    package, call = R_CALLS[case]
    if shutil.which("Rscript") is None:
        return None
    has = subprocess.run(["Rscript", "-e", f"library({package})"], capture_output=True, check=False)
    if has.returncode:
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.csv"
        draw(n).to_csv(path, index=False)
        script = f"library({package}); d <- read.csv('{path}'); cat(system.time({call})[['elapsed']])"
        done = subprocess.run(["Rscript", "-e", script], capture_output=True, text=True, check=True)
    return f"elapsed {float(done.stdout.split()[-1]):.3f}"


def main() -> None:
    """Measure every size, case and package, each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100_000])
    parser.add_argument("--only", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--without", nargs="*", default=[], help="packages to leave out")
    parser.add_argument("--peer-python", nargs="*", default=[sys.executable], help="interpreters that have the peers")
    parser.add_argument("--limit", type=float, default=600.0, help="seconds after which a call is given up")
    parser.add_argument("--worker", nargs=4, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        who, case, n, repeats = given.worker
        frame = draw(int(n))
        own = who in ("ours", "whole")
        make = (lambda: ours(case, frame, who == "whole")) if own else (lambda: PEERS[who][1](case, frame))
        print(json.dumps(measure(make, int(repeats))))
        return
    pythons = {who: find_python(module, given.peer_python) for who, (module, _, _) in PEERS.items()}
    for n in given.sizes:
        for case in given.only:
            compare(case, n, {who: python for who, python in pythons.items() if who not in given.without}, given.limit)
            if "R" not in given.without and case in R_CALLS:
                print(f"{n:>8,} {case:<18} R {R_CALLS[case][0]:<11} {in_r(case, n) or 'not installed'}", flush=True)


def compare(case: str, n: int, pythons: dict[str, str | None], limit: float) -> None:
    """Print the lines of one case: ours from the design, ours as a whole, and every peer that has it."""

    def worker(python: str, who: str, repeats: int) -> Times | str:
        """The times of one process."""
        return run(python, [__file__, "--worker", who, case, str(n), str(repeats)], limit)

    base = worker(sys.executable, "ours", 5)
    for who in ("ours", "whole"):
        found = base if who == "ours" else worker(sys.executable, who, 5)
        print(line(f"{n:>8,} {case:<18} {who:<13}", found, base), flush=True)
    for who, python in pythons.items():
        if case in PEERS[who][2]:
            result = "not installed" if python is None else worker(python, who, 2)
            print(line(f"{n:>8,} {case:<18} {who:<13}", result, base), flush=True)


if __name__ == "__main__":
    main()
