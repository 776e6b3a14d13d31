"""How fast is a matched design, from a panel to its balance? Beside the peers, in one run, with ratios.

Usage::

    python benchmarks/bench_matching.py
    python benchmarks/bench_matching.py --sizes 10000 100000 --peer-sizes 10000 --variants plain
    python benchmarks/bench_matching.py --peer-python /tmp/peers/bin/python

What is measured: the public verbs ``choose_design(panel, Nearest(…))`` (logit on 8 covariates with 10 % treated, 1:1
nearest neighbour without replacement) and ``design.balance()`` (all statistics of all covariates, before and after).
Making the panel is shown beside it. Peers do what they have of it, from a data frame: logit, match and balance table.
Each case is a process of its own: wall is the median of the runs, cpu the processor's time, which is what counts on a
busy machine; the peak is that of the whole process with imports and data. Ratios are of processor time.

MatchIt (R) runs where ``Rscript`` finds it; Python peers where ``--peer-python`` can import them.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pandas as pd

COVARIATES = [f"x{place}" for place in range(8)]
SHARE_TREATED = 0.1
SCHOOLS = 50
REPEATS = 3
CALIPER = 0.2
VARIANTS = ("plain", "caliper", "exact")
OURS = "mentoreval"
HOW_TO_INSTALL = """Peers are no dependencies of this package. Give them an environment of their own:

    python3 -m venv /tmp/peers
    /tmp/peers/bin/pip install pymatchit-causal causalml psmpy StatsPAI
    python benchmarks/bench_matching.py --peer-python /tmp/peers/bin/python

MatchIt: install.packages("MatchIt") in R, with Rscript on the path."""

MATCHIT = """
arguments <- commandArgs(TRUE)
suppressMessages(library(MatchIt))
students <- read.csv(arguments[1])
formula <- treat ~ x0 + x1 + x2 + x3 + x4 + x5 + x6 + x7
options <- list(plain = list(), caliper = list(caliper = 0.2), exact = list(exact = ~school))[[arguments[2]]]
spent <- system.time({
  found <- do.call(matchit, c(list(formula, data = students, method = "nearest"), options))
  invisible(summary(found))
})
cat(sprintf('{"wall": %f, "cpu": %f}', spent[["elapsed"]], spent[["user.self"]] + spent[["sys.self"]]))
"""

Times = dict[str, float]


def draw(n: int, seed: int = 20) -> pd.DataFrame:
    """Students: eight covariates, who is treated, a school, an outcome that nobody looks at."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, len(COVARIATES)))
    X[:, 5] = rng.poisson(6, n)
    X[:, 6:] = rng.random((n, 2)) < [0.5, 0.3]
    wish = X @ np.linspace(0.4, 0.05, len(COVARIATES)) + rng.logistic(size=n)
    treated = wish > np.quantile(wish, 1 - SHARE_TREATED)
    frame = pd.DataFrame(X, columns=COVARIATES)
    return frame.assign(
        id=np.arange(n), treat=treated.astype(int), school=rng.integers(0, SCHOOLS, n), y=rng.normal(size=n)
    )


class Stopwatch:
    """Wall and processor time since the last look."""

    def __init__(self) -> None:
        self.look()

    def look(self) -> tuple[float, float]:
        """Seconds since the last look."""
        before = getattr(self, "_at", (0.0, 0.0))
        self._at = (time.perf_counter(), time.process_time())
        return self._at[0] - before[0], self._at[1] - before[1]


def run_mentoreval(students: pd.DataFrame, variant: str) -> list[Times]:
    """The public verbs, several times; the first run also warms up and is not counted."""
    import mentoreval as me

    method = {
        "plain": me.Nearest(),
        "caliper": me.Nearest(caliper=CALIPER),
        "exact": me.Nearest(exact=("school",)),
    }[variant]
    runs = []
    for _ in range(REPEATS + 1):
        watch = Stopwatch()
        panel = me.panel_from_frame(
            students, unit="id", treated="treat", covariates=COVARIATES, outcomes=["y"], school="school"
        )
        making = watch.look()
        design = me.choose_design(panel, method)
        choosing = watch.look()
        design.balance()
        comparing = watch.look()
        runs.append(
            {
                "panel": making[1],
                "design": choosing[1],
                "balance": comparing[1],
                "wall": choosing[0] + comparing[0],
                "cpu": choosing[1] + comparing[1],
            }
        )
    return runs[1:]


def run_pymatchit(students: pd.DataFrame, variant: str) -> list[Times]:
    """pymatchit-causal (PyPI), whose options are named as in R."""
    from pymatchit import MatchIt

    options: dict[str, dict[str, Any]] = {"plain": {}, "caliper": {"caliper": CALIPER}, "exact": {"exact": "school"}}
    watch = Stopwatch()
    found = MatchIt(students, method="nearest", **options[variant]).fit("treat ~ " + " + ".join(COVARIATES))
    found.summary(print_output=False)
    return [dict(zip(("wall", "cpu"), watch.look(), strict=True))]


def run_causalml(students: pd.DataFrame, variant: str) -> list[Times]:
    """causalml (PyPI), with an unpenalized logit in front; its caliper is in standard deviations, too."""
    from causalml.match import NearestNeighborMatch, create_table_one
    from sklearn.linear_model import LogisticRegression

    watch = Stopwatch()
    model = LogisticRegression(C=np.inf, max_iter=1000).fit(students[COVARIATES], students["treat"])
    scored = students.assign(score=model.predict_proba(students[COVARIATES])[:, 1])
    caliper = CALIPER if variant == "caliper" else 1e6
    matcher = NearestNeighborMatch(caliper=caliper, replace=False, ratio=1, random_state=1)
    if variant == "exact":
        matched = matcher.match_by_group(scored, "treat", ["score"], "school")
    else:
        matched = matcher.match(scored, "treat", ["score"])
    create_table_one(matched, "treat", COVARIATES)
    return [dict(zip(("wall", "cpu"), watch.look(), strict=True))]


def run_psmpy(students: pd.DataFrame, variant: str) -> list[Times]:
    """psmpy (PyPI); its caliper is in raw units of the logit, and it matches nobody exactly."""
    from psmpy import PsmPy

    if variant == "exact":
        raise LookupError("no exact matching")
    watch = Stopwatch()
    matcher = PsmPy(students[["id", "treat", *COVARIATES]], treatment="treat", indx="id", exclude=[])
    matcher.logistic_ps(balance=False)
    caliper = CALIPER * matcher.predicted_data["propensity_logit"].std() if variant == "caliper" else None
    matcher.knn_matched(matcher="propensity_logit", replacement=False, caliper=caliper)
    return [dict(zip(("wall", "cpu"), watch.look(), strict=True))]


def run_statspai(students: pd.DataFrame, variant: str) -> list[Times]:
    """StatsPAI (PyPI), whose match also estimates an effect; without its separate balance table."""
    import statspai

    if variant == "exact":
        raise LookupError("exact matching within schools is not part of this comparison")
    caliper = {"caliper": CALIPER, "caliper_scale": "sd"} if variant == "caliper" else {}
    watch = Stopwatch()
    statspai.match(students, y="y", treat="treat", covariates=COVARIATES, replace=False, **caliper)
    return [dict(zip(("wall", "cpu"), watch.look(), strict=True))]


def run_matchit(students: pd.DataFrame, variant: str) -> list[Times]:
    """MatchIt (R) with its summary; reading the data is not counted."""
    with tempfile.TemporaryDirectory() as folder:
        data, script = Path(folder, "students.csv"), Path(folder, "match.R")
        students.to_csv(data, index=False)
        script.write_text(MATCHIT, encoding="utf-8")
        done = subprocess.run(["Rscript", str(script), str(data), variant], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip().splitlines()[-1])
    return [json.loads(done.stdout.splitlines()[-1])]


RUNNERS: dict[str, Callable[[pd.DataFrame, str], list[Times]]] = {
    OURS: run_mentoreval,
    "pymatchit": run_pymatchit,
    "causalml": run_causalml,
    "psmpy": run_psmpy,
    "statspai": run_statspai,
    "MatchIt (R)": run_matchit,
}
PEERS = [name for name in RUNNERS if name != OURS]


def work(who: str, n: int, variant: str) -> None:
    """As a process of its own: one line of JSON."""
    runs = RUNNERS[who](draw(n), variant)
    asked = resource.RUSAGE_CHILDREN if who == "MatchIt (R)" else resource.RUSAGE_SELF
    peak = resource.getrusage(asked).ru_maxrss / (1024**2 if sys.platform == "darwin" else 1024)
    print(json.dumps({name: median(run[name] for run in runs) for name in runs[0]} | {"peak": peak}))


def measure(python: str, who: str, n: int, variant: str, limit: float) -> Times | str:
    """Medians and peak memory of one case; a text says why there are none."""
    command = [python, str(Path(__file__).resolve()), "--worker", who, str(n), variant]
    root = str(Path(__file__).resolve().parents[1])
    environment = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", **os.environ, "PYTHONPATH": root}
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=limit, env=environment)
    except subprocess.TimeoutExpired:
        return f"more than {limit:.0f} s"
    if done.returncode < 0:
        return f"ended by signal {-done.returncode}, as when memory runs out"
    if done.returncode != 0:
        return done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"exit code {done.returncode}"
    return dict(json.loads(done.stdout.splitlines()[-1]))


def is_installed(python: str, who: str) -> bool:
    """Whether a peer can run at all."""
    if who == "MatchIt (R)":
        if shutil.which("Rscript") is None:
            return False
        command = ["Rscript", "-e", "library(MatchIt)"]
    else:
        command = [python, "-c", f"import {who}"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


HEADER = (
    f"{'students':>10}  {'variant':<9}{'who':<13}{'panel':>8}{'design':>8}{'balance':>8}"
    f"{'cpu':>9}{'wall':>9}{'peak':>11}  ratio"
)


def show(n: int, variant: str, who: str, result: Times | str, ours: Times | str) -> None:
    """One line of the table."""
    line = f"{n:>10,}  {variant:<9}{who:<13}"
    if isinstance(result, str):
        print(f"{line}did not run: {result}", flush=True)
        return
    steps = "".join(
        f"{result[step]:>8.3f}" if step in result else f"{'':>8}" for step in ("panel", "design", "balance")
    )
    ratio = f"{result['cpu'] / ours['cpu']:>6.1f} ×" if who != OURS and not isinstance(ours, str) else ""
    print(f"{line}{steps}{result['cpu']:>7.3f} s{result['wall']:>7.3f} s{result['peak']:>7.0f} MiB {ratio}", flush=True)


def main() -> None:
    """Read the command line and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="*", default=[10_000, 100_000, 1_000_000])
    parser.add_argument(
        "--peer-sizes", type=int, nargs="*", default=[10_000, 100_000], help="sizes that peers are given"
    )
    parser.add_argument("--variants", nargs="*", default=list(VARIANTS), choices=VARIANTS)
    parser.add_argument("--peer-python", default=sys.executable, help="interpreter that can import the peers")
    parser.add_argument("--limit", type=float, default=300.0, help="seconds after which a case is given up")
    parser.add_argument("--peers", action="store_true", help="say how to install the peers, and end")
    arguments = parser.parse_args()
    if arguments.peers:
        print(HOW_TO_INSTALL)
        return
    installed = [who for who in PEERS if is_installed(arguments.peer_python, who)]
    for who in PEERS:
        if who not in installed:
            print(f"{who}: not installed (--peers says how)")
    print(HEADER)
    for n in arguments.sizes:
        for variant in arguments.variants:
            ours = measure(sys.executable, OURS, n, variant, arguments.limit)
            show(n, variant, OURS, ours, ours)
            for who in installed if n in arguments.peer_sizes else ():
                result = measure(arguments.peer_python, who, n, variant, arguments.limit)
                show(n, variant, who, result, ours)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        work(sys.argv[2], int(sys.argv[3]), sys.argv[4])
    else:
        main()
