"""The verdict of a rehearsal: what is a fault of the analysis, and what the luck of the draws or of the students."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mentoreval.aliases import FloatArray, Verdict
from mentoreval.numerics.proportions import wilson_interval

SURE = 0.99
"""Confidence of the intervals of coverage and bias, which are there to tell a fault from luck."""

SHORT = 0.025
"""An interval that holds the truth less often than it says by more than this, and surely so, is a fault."""

TROUBLESOME, NOTABLE = 0.4, 0.2
"""Bias in standard deviations of the estimates: from the first on intervals and tests are visibly off (Collins, Schafer
& Kam 2001, Psychological Methods 6); the second is half of it."""

USUAL = NormalDist().inv_cdf(0.975)
"""Standard errors of the bias that luck stays within 19 times in 20."""

MOST_FAILED = 0.1
"""Share of draws that may give no estimate before the others say too little."""

FEWEST_DRAWS = 20
"""Draws below which nothing is judged."""

SUMMARY_COLUMNS = (
    "effect", "n_draws", "n_failed", "mean_estimate", "bias", "bias_error", "spread", "mean_std_error", "coverage",
    "coverage_low", "coverage_high", "found", "verdict", "fault",
)  # fmt: skip
Z = NormalDist().inv_cdf(0.5 + SURE / 2)


def chance_of_the_pool(pulls: Sequence[NDArray[np.float32]]) -> float:
    """Standard error of the mean estimate of endlessly many draws, over other students like those of the pool.

    pulls : for each draw the influence (clusters,) of each cluster on its estimate

    The mean influence of a cluster is what remains when draws are without end; its square is biased upwards by the
    variance of the mean over the draws there are, which is taken off. 0 with fewer than two draws.
    """
    if len(pulls) < 2:
        return 0.0
    total, squares = np.zeros(len(pulls[0])), np.zeros(len(pulls[0]))
    for pull in pulls:
        total += pull
        squares += np.square(pull, dtype=float)
    n = len(pulls)
    mean = total / n
    noise = (squares / n - mean**2) / (n - 1)
    clusters = int(np.count_nonzero(squares))
    return math.sqrt(max(float((mean**2 - noise).sum()), 0.0) * clusters / max(clusters - 1, 1))


def summarize(frame: pd.DataFrame, confidence: float, chance: float) -> pd.DataFrame:
    """SUMMARY_COLUMNS for each known effect of the draws of a rehearsal."""
    known = frame.dropna(subset=["estimate", "conf_low", "conf_high"])
    none = known[known["effect"] == 0].set_index("draw")["estimate"]
    rows = []
    for effect in dict.fromkeys(frame["effect"]):
        tried = int((frame["effect"] == effect).sum())
        rows.append(_Draws(known[known["effect"] == effect], float(effect), tried, confidence, chance, none).row)
    return pd.DataFrame(rows, columns=list(SUMMARY_COLUMNS))


@dataclass(frozen=True, eq=False)
class _Draws:
    """The draws of one known effect that gave an estimate.

    none : estimates of the same draws without an effect, by draw
    """

    known: pd.DataFrame
    effect: float
    tried: int
    confidence: float
    chance: float
    none: pd.Series

    def _column(self, name: str) -> FloatArray:
        return self.known[name].to_numpy(dtype=float)

    @property
    def n(self) -> int:
        """How many they are."""
        return len(self.known)

    @property
    def error(self) -> FloatArray:
        """(n,) estimates less the truth."""
        return self._column("estimate") - self._column("truth")

    @property
    def spread(self) -> float:
        """Standard deviation of the estimates."""
        return float(np.std(self.error, ddof=1)) if self.n > 1 else math.nan

    @property
    def bias(self) -> float:
        """Mean estimate less the truth."""
        return float(self.error.mean()) if self.n else math.nan

    @property
    def bias_error(self) -> float:
        """Of the draws and of the students."""
        return math.hypot(self.spread / math.sqrt(self.n), self.chance) if self.n else math.nan

    @property
    def row(self) -> dict[str, object]:
        """SUMMARY_COLUMNS."""
        held = self._held(0.0, 1.0)
        low, high = (float(limit) for limit in wilson_interval(np.array(held), np.array(self.n), SURE))
        verdict, fault = self.judge(high)
        p_value = self._column("p_value")
        return {
            "effect": self.effect, "n_draws": self.n, "n_failed": self.tried - self.n,
            "mean_estimate": float(self._column("estimate").mean()) if self.n else math.nan, "bias": self.bias,
            "bias_error": self.bias_error, "spread": self.spread,
            "mean_std_error": float(self._column("std_error").mean()) if self.n else math.nan,
            "coverage": held / self.n if self.n else math.nan, "coverage_low": low, "coverage_high": high,
            "found": float((p_value < 1 - self.confidence).mean()) if self.n else math.nan,
            "verdict": verdict, "fault": fault,
        }  # fmt: skip

    def _held(self, shift: float, stretch: float) -> int:
        """Intervals that hold the truth when errors are taken less a shift, and their spread is stretched."""
        centred = self.error - self.error.mean() if self.n else self.error
        error = centred * stretch + self.error.mean() - shift
        estimate = self._column("estimate")
        below, above = estimate - self._column("conf_low"), self._column("conf_high") - estimate
        return int(((error <= below) & (-error <= above)).sum())

    def judge(self, high: float) -> tuple[Verdict, str]:
        """The verdict and the fault.

        high : upper limit of the coverage as it was
        """
        if self.tried - self.n > MOST_FAILED * self.tried:
            return "cannot_judge", "failed"
        if self.n < FEWEST_DRAWS:
            return "cannot_judge", "few_draws"
        surely = self._sure_bias()
        allowed = self._coverage_elsewhere()
        if surely > TROUBLESOME:
            return "fail", "biased"
        if allowed < self.confidence - SHORT:
            return "fail", "too_narrow"
        if surely > NOTABLE:
            return "caution", "biased"
        if allowed < self.confidence:
            return "caution", "too_narrow"
        if high >= self.confidence and abs(self.bias) <= TROUBLESOME * self.spread:
            return "pass", ""
        return "caution" if abs(self.bias) > USUAL * self.bias_error else "pass", "by_chance"

    def _sure_bias(self) -> float:
        """Bias beyond luck, in standard deviations of the estimates.

        What the students' own chance does to the estimate it does without an effect too, so that what the analysis
        makes of the effect is judged apart, by the change from one to the other in the same draws.
        """
        beyond = max(abs(self.bias) - Z * self.bias_error, 0.0)
        if self.effect != 0:
            change = self.error - self.none.reindex(self.known["draw"]).to_numpy(dtype=float)
            change = change[~np.isnan(change)]
            if len(change) > 1:
                error = float(np.std(change, ddof=1)) / math.sqrt(len(change))
                beyond = max(beyond, abs(float(change.mean())) - Z * error)
        return beyond / self.spread if self.spread > 0 else (math.inf if beyond > 0 else 0.0)

    def _coverage_elsewhere(self) -> float:
        """Upper limit of the coverage with other students like these.

        Of the bias only what is beyond luck stays; the chance of the students is in the spread instead.
        """
        beyond = math.copysign(max(abs(self.bias) - Z * self.bias_error, 0.0), self.bias)
        stretch = math.hypot(self.spread, self.chance) / self.spread if self.spread > 0 else 1.0
        held = self._held(self.bias - beyond, stretch)
        return float(wilson_interval(np.array(held), np.array(self.n), SURE)[1])
