"""How fast is matching, from covariates to balance table? Time of each step and peak memory, beside a peer.

Usage::

    python benchmarks/matching_kernel.py
    python benchmarks/matching_kernel.py --sizes 100000 --peer-sizes 10000 --peer-python other/venv/bin/python

Each line is a process of its own: logit on 8 covariates with 10 % treated, 1:1 nearest-neighbour matching, and the
balance of all covariates before and after. Times are medians in seconds, cpu is the processor's time for all of it
(what counts on a busy machine); the peak is that of the whole process with imports and data.
The peer, pymatchit (PyPI: pymatchit-causal), runs where it can be imported and builds a treated × controls matrix, so
that it is asked for small sizes only; its time is one run, logit, match and summary together.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np

COVARIATES = 8
SHARE_TREATED = 0.1
SCHOOLS = 50
REPEATS = 5
VARIANTS = ("plain", "caliper", "exact", "covariate_caliper", "replace", "mahalanobis")
MAHALANOBIS_LIMIT = 100_000

STEPS = ("logit", "match", "balance")

Steps = dict[str, float]


def draw(n: int, seed: int = 20) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Covariates (n, 8), who is treated (n,), and school (n,)."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, COVARIATES))
    X[:, 5] = rng.poisson(6, n)
    X[:, 6:] = rng.random((n, 2)) < [0.5, 0.3]
    pull = X @ np.linspace(0.4, 0.05, COVARIATES)
    treated = pull + rng.logistic(size=n) > np.quantile(pull, 1 - SHARE_TREATED) + 1.2
    return X, treated, rng.integers(0, SCHOOLS, n)


def run_mentoreval(n: int, variant: str) -> list[Steps]:
    """Seconds of each step, for each repeat."""
    from mentoreval.numerics.logit import fit_logit
    from mentoreval.numerics.matching import match_mahalanobis, match_nearest, matching_weights
    from mentoreval.numerics.strata import Limits
    from mentoreval.numerics.two_samples import balance_tables

    X, treated, school = draw(n)
    design = np.column_stack([np.ones(n), X])

    def match(score: np.ndarray) -> np.ndarray:
        width = 0.2 * score.std(ddof=1)
        if variant == "mahalanobis":
            return match_mahalanobis(X, treated)
        limits = {
            "caliper": Limits(caliper=width),
            "exact": Limits(strata=school),
            "covariate_caliper": Limits(caliper=width, covariates=X[:, 0], widths=np.array([0.25])),
        }
        return match_nearest(score, treated, replace=variant == "replace", limits=limits.get(variant, Limits()))

    repeats = []
    for _ in range(REPEATS):
        clock, busy = [time.perf_counter()], time.process_time()
        score = fit_logit(design, treated).probability
        clock.append(time.perf_counter())
        pairs = match(score)
        clock.append(time.perf_counter())
        balance_tables(X, treated, [None, matching_weights(pairs, treated)])
        clock.append(time.perf_counter())
        repeats.append(dict(zip(STEPS, np.diff(clock).tolist(), strict=True)) | {"cpu": time.process_time() - busy})
    return repeats


def run_pymatchit(n: int, variant: str) -> list[Steps]:
    """Seconds of one run of the peer; only the plain variant."""
    import pandas as pd
    from pymatchit import MatchIt

    X, treated, _ = draw(n)
    frame = pd.DataFrame(X, columns=[f"x{place}" for place in range(COVARIATES)]).assign(treat=treated.astype(int))
    start, busy = time.perf_counter(), time.process_time()
    MatchIt(frame, method="nearest").fit("treat ~ " + " + ".join(frame.columns[:-1])).summary(print_output=False)
    return [{"all": time.perf_counter() - start, "cpu": time.process_time() - busy}]


WORKERS: dict[str, Callable[[int, str], list[Steps]]] = {"mentoreval": run_mentoreval, "pymatchit": run_pymatchit}


def measure(python: str, who: str, n: int, variant: str) -> dict[str, float] | None:
    """Medians and peak memory of one worker; None, with the reason printed, if it can not run."""
    command = [python, str(Path(__file__).resolve()), "--worker", who, str(n), variant]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        reason = done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"exit code {done.returncode}"
        print(f"{who:<11}{n:>10,}  {variant:<18} did not run: {reason}")
        return None
    return dict(json.loads(done.stdout.splitlines()[-1]))


def work(who: str, n: int, variant: str) -> None:
    """Run as a worker: one line of JSON."""
    repeats = WORKERS[who](n, variant)
    medians = {step: median(repeat[step] for repeat in repeats) for step in repeats[0]}
    total = median(sum(repeat.values()) - repeat["cpu"] for repeat in repeats)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)
    print(json.dumps({**medians, "total": total, "peak": peak}))


def show(who: str, n: int, variant: str, result: dict[str, float]) -> None:
    steps = "".join(f"{result[step]:>9.3f}" if step in result else f"{'':>9}" for step in (*STEPS, "total", "cpu"))
    print(f"{who:<11}{n:>10,}  {variant:<18}{steps} s{result['peak']:>8.0f} MiB", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="*", default=[100_000, 1_000_000])
    parser.add_argument("--peer-sizes", type=int, nargs="*", default=[10_000])
    parser.add_argument("--peer-python", default=sys.executable, help="interpreter that can import the peer")
    arguments = parser.parse_args()
    print(
        f"{'who':<11}{'students':>10}  {'variant':<18}{'logit':>9}{'match':>9}{'balance':>9}{'total':>9}  {'peak':>9}"
    )
    for n in arguments.sizes:
        for variant in VARIANTS:
            if variant != "mahalanobis" or n <= MAHALANOBIS_LIMIT:
                result = measure(sys.executable, "mentoreval", n, variant)
                if result is not None:
                    show("mentoreval", n, variant, result)
    for n in arguments.peer_sizes:
        ours = measure(sys.executable, "mentoreval", n, "plain")
        theirs = measure(arguments.peer_python, "pymatchit", n, "plain")
        if ours is not None and theirs is not None:
            show("mentoreval", n, "plain", ours)
            show("pymatchit", n, "plain", theirs)
            print(f"            mentoreval is {theirs['total'] / ours['total']:.0f} times as fast")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        work(sys.argv[2], int(sys.argv[3]), sys.argv[4])
    else:
        main()
