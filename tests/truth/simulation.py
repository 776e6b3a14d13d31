"""Draw worlds again and again, let the cases answer, and count: bias, Monte Carlo error, coverage and power."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np
import pandas as pd

from .cases import CASES, Answer, Case

SEED = 20_260_301
COLUMNS = (
    "estimator", "inference", "world", "must", "truth", "mean", "bias", "monte_carlo_error", "coverage", "power",
    "draws",
)  # fmt: skip


@dataclass(frozen=True)
class Tally:
    """What came out over n draws of a case with k effects each.

    truth, estimate : (n, k)
    held : (n,) whether the intervals held all truths
    found : (n,) whether an interval left out 0
    """

    truth: np.ndarray
    estimate: np.ndarray
    held: np.ndarray
    found: np.ndarray

    @property
    def errors(self) -> np.ndarray:
        """(n,) estimate less truth, the mean over effects."""
        return np.asarray((self.estimate - self.truth).mean(axis=1))

    @property
    def bias(self) -> float:
        """Mean error."""
        return float(self.errors.mean())

    @property
    def monte_carlo_error(self) -> float:
        """Standard error of the bias."""
        return float(self.errors.std(ddof=1) / np.sqrt(len(self.errors)))

    @property
    def coverage(self) -> float:
        """Share of draws in which the intervals held the truth."""
        return float(self.held.mean())


def tally(answers: Sequence[Answer]) -> Tally:
    """Count the answers of one case."""
    truth, estimate, low, high = (
        np.array([getattr(answer, name) for answer in answers]) for name in ("truth", "estimate", "low", "high")
    )
    return Tally(
        truth,
        estimate,
        held=((low <= truth) & (truth <= high)).all(axis=1),
        found=((low > 0) | (high < 0)).any(axis=1),
    )


def simulate(cases: Iterable[Case], draws: int, seed: int = SEED) -> dict[str, Tally]:
    """The tallies of cases of one world, by label; draw number i comes from the seeds (seed, i)."""
    chosen = list(cases)
    (world,) = {case.world for case in chosen}
    answers: dict[str, list[Answer]] = {case.label: [] for case in chosen}
    for number in range(draws):
        draw = world(np.random.default_rng([seed, number]))
        for case in chosen:
            answers[case.label].append(case.answer(draw))
    return {label: tally(given) for label, given in answers.items()}


def by_world(cases: Iterable[Case] = CASES) -> dict[str, list[Case]]:
    """Cases by the name of their world."""
    found: dict[str, list[Case]] = {}
    for case in cases:
        found.setdefault(case.world.__name__, []).append(case)
    return found


def simulate_world(name: str, draws: int, seed: int = SEED) -> dict[str, Tally]:
    """The tallies of all cases of the world of that name."""
    return simulate(by_world()[name], draws, seed)


def simulate_all(draws: int, jobs: int, seed: int = SEED) -> dict[str, Tally]:
    """The tallies of every case, worlds side by side in processes of their own."""
    names = list(by_world())
    found: dict[str, Tally] = {}
    with ProcessPoolExecutor(jobs) as pool:
        for tallies in pool.map(simulate_world, names, [draws] * len(names), [seed] * len(names)):
            found |= tallies
    return found


def table(tallies: Mapping[str, Tally]) -> pd.DataFrame:
    """The truth table: one row per case with COLUMNS."""
    rows = []
    for case in CASES:
        found = tallies[case.label]
        rows.append(
            {
                "estimator": case.estimator,
                "inference": case.inference,
                "world": case.world.__name__,
                "must": must(case),
                "truth": float(found.truth.mean()),
                "mean": float(found.estimate.mean()),
                "bias": found.bias,
                "monte_carlo_error": found.monte_carlo_error,
                "coverage": found.coverage,
                "power": float(found.found.mean()),
                "draws": len(found.held),
            }
        )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def must(case: Case) -> str:
    """What must come out, in a word or two."""
    if case.unbiased and case.covers:
        return "hold"
    return "miss: error" if case.unbiased else "miss: bias"
