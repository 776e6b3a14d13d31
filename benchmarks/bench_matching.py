"""How fast is a matched design, from a panel to its balance? Beside the peers, in one run, with ratios.

Usage::

    python benchmarks/bench_matching.py
    python benchmarks/bench_matching.py --sizes 10000 100000 --peer-sizes 10000 --variants plain
    python benchmarks/bench_matching.py --peer-python /tmp/peers_causalml/bin/python /tmp/peers_statspai/bin/python

What is measured: the public verbs ``choose_design(panel, Nearest(…))`` (logit on 8 covariates with 10 % treated, 1:1
nearest neighbour without replacement) and ``design.balance()`` (all statistics of all covariates, before and after).
Making the panel is shown beside it. Peers do what they have of it, from a data frame: logit, match and balance table.
Each case is a process of its own, with a first run to warm up that is not counted, unless it took so long that warming
up is nothing beside it. Wall is the median of the runs, cpu the processor's time, which is what counts on a busy
machine; the peak is that of the whole process with imports and data. Ratios are of processor time: of a peer to ours,
and, in the lines of ours, of a variant to the plain match (which it should hardly cost more than).

MatchIt (R) runs where ``Rscript`` finds it; each Python peer in the first ``--peer-python`` that can import it.
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
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pandas as pd

COVARIATES = [f"x{place}" for place in range(8)]
SHARE_TREATED = 0.1
SCHOOLS = 50
REPEATS = 3
SLOW = 30.0  # seconds of a first run that is counted, and not repeated
MUCH_MEMORY = 4 * 1024**3
CALIPER = 0.2
VARIANTS = ("plain", "caliper", "covariates", "tight", "exact")
MAHALANOBIS = "mahalanobis"
COVARIATE_CALIPERS = {"x0": 0.25, "x5": 1.0}  # standard deviations
TIGHT_CALIPERS = {"x0": 0.2, "x1": 0.2, "x2": 0.2}  # which hold 1 control in 400
OURS = "mentoreval"
HOW_TO_INSTALL = """Peers are no dependencies of this package. Give each an environment of its own:

    for peer in pymatchit-causal causalml psmpy statspai; do
        python3 -m venv /tmp/peers_$peer && /tmp/peers_$peer/bin/pip install $peer
    done
    python benchmarks/bench_matching.py --peer-python /tmp/peers_*/bin/python

MatchIt: install.packages("MatchIt") in R, with Rscript on the path."""

MATCHIT = """
arguments <- commandArgs(TRUE)
suppressMessages(library(MatchIt))
students <- read.csv(arguments[1])
formula <- treat ~ x0 + x1 + x2 + x3 + x4 + x5 + x6 + x7
options <- list(plain = list(), caliper = list(caliper = 0.2),
                covariates = list(caliper = c(x0 = 0.25, x5 = 1)),
                tight = list(caliper = c(x0 = 0.2, x1 = 0.2, x2 = 0.2)), exact = list(exact = ~school))[[arguments[2]]]
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

    def times(self) -> Times:
        """The same, by name."""
        wall, cpu = self.look()
        return {"wall": wall, "cpu": cpu}


def run_mentoreval(students: pd.DataFrame, variant: str) -> Times:
    """The public verbs."""
    import mentoreval as me

    method = {
        "plain": me.Nearest(),
        "caliper": me.Nearest(caliper=CALIPER),
        "covariates": me.Nearest(covariate_calipers=COVARIATE_CALIPERS),
        "tight": me.Nearest(covariate_calipers=TIGHT_CALIPERS),
        "exact": me.Nearest(exact=("school",)),
        MAHALANOBIS: me.Nearest(distance="mahalanobis"),
    }[variant]
    watch = Stopwatch()
    panel = me.panel_from_frame(
        students, unit="id", treated="treat", covariates=COVARIATES, outcomes=["y"], school="school"
    )
    making = watch.look()
    design = me.choose_design(panel, method)
    choosing = watch.look()
    design.balance()
    comparing = watch.look()
    return {
        "panel": making[1],
        "design": choosing[1],
        "balance": comparing[1],
        "wall": choosing[0] + comparing[0],
        "cpu": choosing[1] + comparing[1],
    }


def run_pymatchit(students: pd.DataFrame, variant: str) -> Times:
    """pymatchit-causal (PyPI), whose options are named as in R; what it prints goes nowhere."""
    from pymatchit import MatchIt

    if variant in ("covariates", "tight"):
        raise LookupError("not compared with calipers on covariates")
    options: dict[str, dict[str, Any]] = {"plain": {}, "caliper": {"caliper": CALIPER}, "exact": {"exact": "school"}}
    watch = Stopwatch()
    with redirect_stdout(StringIO()):
        found = MatchIt(students, method="nearest", **options[variant]).fit("treat ~ " + " + ".join(COVARIATES))
        found.summary(print_output=False)
    return watch.times()


def run_causalml(students: pd.DataFrame, variant: str) -> Times:
    """causalml (PyPI), with an unpenalized logit in front; its caliper is in standard deviations, too."""
    from causalml.match import NearestNeighborMatch, create_table_one
    from sklearn.linear_model import LogisticRegression

    if variant in ("covariates", "tight"):
        raise LookupError("no calipers on covariates")
    watch = Stopwatch()
    model = LogisticRegression(C=np.inf, max_iter=1000).fit(students[COVARIATES], students["treat"])
    scored = students.assign(score=model.predict_proba(students[COVARIATES])[:, 1])
    caliper = CALIPER if variant == "caliper" else 1e6
    matcher = NearestNeighborMatch(caliper=caliper, replace=False, ratio=1, random_state=1)
    if variant == "exact":
        matched = matcher.match_by_group(scored, "treat", ["score"], "school")
    else:
        matched = matcher.match(scored, "treat", ["score"])
    for sample in (scored, matched):
        create_table_one(sample, "treat", COVARIATES)
    return watch.times()


def run_psmpy(students: pd.DataFrame, variant: str) -> Times:
    """psmpy (PyPI) without balance, which it only draws; its caliper is in raw units; it matches nobody exactly."""
    from psmpy import PsmPy

    if variant in ("exact", "covariates", "tight"):
        raise LookupError("no exact matching, and no calipers on covariates")
    treated = int(students["treat"].sum())
    needed = 16 * treated * (len(students) - treated)
    if needed > MUCH_MEMORY:
        raise LookupError(f"it sorts every control for every treated, in {needed / 1024**3:.0f} GiB")
    watch = Stopwatch()
    matcher = PsmPy(students[["id", "treat", *COVARIATES]], treatment="treat", indx="id", exclude=[])
    matcher.logistic_ps(balance=False)
    caliper = CALIPER * matcher.predicted_data["propensity_logit"].std() if variant == "caliper" else None
    matcher.kdtree_matched(matcher="propensity_logit", replacement=False, caliper=caliper)
    return watch.times()


def run_statspai(students: pd.DataFrame, variant: str) -> Times:
    """StatsPAI (PyPI), in the order of MatchIt; its match has a balance table and also estimates an effect."""
    import statspai

    if variant in ("covariates", "tight"):
        raise LookupError("not compared with calipers on covariates")
    options: dict[str, dict[str, Any]] = {
        "plain": {},
        "caliper": {"caliper": CALIPER, "caliper_scale": "sd"},
        "exact": {"exact": ["school"]},
    }
    watch = Stopwatch()
    statspai.match(
        students, y="y", treat="treat", covariates=COVARIATES, replace=False, m_order="largest", **options[variant]
    )
    return watch.times()


def run_matchit(students: pd.DataFrame, variant: str) -> Times:
    """MatchIt (R) with its summary; reading the data is not counted."""
    with tempfile.TemporaryDirectory() as folder:
        data, script = Path(folder, "students.csv"), Path(folder, "match.R")
        students.to_csv(data, index=False)
        script.write_text(MATCHIT, encoding="utf-8")
        done = subprocess.run(["Rscript", str(script), str(data), variant], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip().splitlines()[-1])
    return dict(json.loads(done.stdout.splitlines()[-1]))


RUNNERS: dict[str, Callable[[pd.DataFrame, str], Times]] = {
    OURS: run_mentoreval,
    "pymatchit": run_pymatchit,
    "causalml": run_causalml,
    "psmpy": run_psmpy,
    "statspai": run_statspai,
    "MatchIt (R)": run_matchit,
}
PEERS = [name for name in RUNNERS if name != OURS]
DISTRIBUTIONS = {"pymatchit": "pymatchit-causal"}


def work(who: str, n: int, variant: str) -> None:
    """As a process of its own: one line of JSON."""
    students = draw(n)
    first = RUNNERS[who](students, variant)
    runs = [first] if first["wall"] > SLOW else [RUNNERS[who](students, variant) for _ in range(REPEATS)]
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


def version(python: str, who: str) -> str | None:
    """The version of a peer, None where it cannot run."""
    if who == "MatchIt (R)":
        if shutil.which("Rscript") is None:
            return None
        command = ["Rscript", "-e", 'library(MatchIt); cat(format(packageVersion("MatchIt")))']
    else:
        name = DISTRIBUTIONS.get(who, who)
        command = [python, "-c", f"import {who}; from importlib.metadata import version; print(version({name!r}))"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.split()[-1] if done.returncode == 0 else None


def find_peers(pythons: list[str]) -> dict[str, str]:
    """The first interpreter that can run each peer; says which were found, and their versions."""
    found = {}
    for who in PEERS:
        versions = ((python, version(python, who)) for python in pythons)
        python, number = next((pair for pair in versions if pair[1]), ("", None))
        print(f"{who}: {number or 'not installed (--peers says how)'}")
        if number:
            found[who] = python
    return found


HEADER = (
    f"{'students':>10}  {'variant':<12}{'who':<13}{'panel':>8}{'design':>8}{'balance':>8}"
    f"{'cpu':>9}{'wall':>9}{'peak':>11}  ratio"
)


def show(n: int, variant: str, who: str, result: Times | str, beside: Times | str | None) -> None:
    """One line of the table."""
    line = f"{n:>10,}  {variant:<12}{who:<13}"
    if isinstance(result, str):
        print(f"{line}did not run: {result}", flush=True)
        return
    steps = "".join(
        f"{result[step]:>8.3f}" if step in result else f"{'':>8}" for step in ("panel", "design", "balance")
    )
    ratio = f"{result['cpu'] / beside['cpu']:>6.2f} ×" if isinstance(beside, dict) else ""
    ratio += " plain" if ratio and who == OURS else ""
    print(f"{line}{steps}{result['cpu']:>7.3f} s{result['wall']:>7.3f} s{result['peak']:>7.0f} MiB {ratio}", flush=True)


def show_growth(sizes: list[int], limit: float) -> None:
    """Mahalanobis matching at growing sizes: how many times longer each doubling takes (n log n: 2.1, n²: 4)."""
    before: tuple[int, float] | None = None
    for n in sizes:
        ours = measure(sys.executable, OURS, n, MAHALANOBIS, limit)
        show(n, MAHALANOBIS, OURS, ours, None)
        if before and isinstance(ours, dict):
            times = (ours["design"] / before[1]) ** (1 / np.log2(n / before[0]))
            print(
                f"{'':>12}the design takes {times:.2f} times as long for each doubling since {before[0]:,}", flush=True
            )
        before = (n, ours["design"]) if isinstance(ours, dict) else None


def main() -> None:
    """Read the command line and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="*", default=[10_000, 100_000, 1_000_000])
    parser.add_argument(
        "--peer-sizes", type=int, nargs="*", default=[10_000, 100_000], help="sizes that peers are given"
    )
    parser.add_argument("--variants", nargs="*", default=list(VARIANTS), choices=VARIANTS)
    parser.add_argument("--peer-python", nargs="*", default=[sys.executable], help="interpreters that have the peers")
    parser.add_argument("--limit", type=float, default=300.0, help="seconds after which a case is given up")
    parser.add_argument(
        "--mahalanobis-sizes", type=int, nargs="*", default=[10_000, 40_000, 160_000], help="sizes for this distance"
    )
    parser.add_argument("--peers", action="store_true", help="say how to install the peers, and end")
    arguments = parser.parse_args()
    if arguments.peers:
        print(HOW_TO_INSTALL)
        return
    peers = find_peers(arguments.peer_python)
    print(HEADER)
    for n in arguments.sizes:
        plain: Times | str | None = None
        for variant in arguments.variants:
            ours = measure(sys.executable, OURS, n, variant, arguments.limit)
            show(n, variant, OURS, ours, plain)
            plain = ours if variant == "plain" else plain
            for who, python in peers.items() if n in arguments.peer_sizes else ():
                result = measure(python, who, n, variant, arguments.limit)
                show(n, variant, who, result, ours)
    show_growth(arguments.mahalanobis_sizes, arguments.limit)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        work(sys.argv[2], int(sys.argv[3]), sys.argv[4])
    else:
        main()
