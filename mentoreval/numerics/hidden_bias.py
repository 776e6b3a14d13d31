"""How strong hidden selection would have to be, by three further roads: E-values, proportional selection, and Γ.

Sources: VanderWeele and Ding (2017), Annals of Internal Medicine 167 (E-value); Oster (2019), Journal of Business and
Economic Statistics 37, proposition 3 (δ); Rosenbaum (2002), Observational Studies, chapter 4 (Γ, signed ranks and
Hodges–Lehmann estimates of matched pairs).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from mentoreval.aliases import FloatArray

LOG_RATIO_PER_SD, LOG_RATIO_ERROR_PER_SD = 0.91, 1.78
"""Chinn's approximation of a risk ratio by a standardized difference, and of its interval (VanderWeele and Ding)."""

LARGEST_GAMMA = 1e4


def e_value(risk_ratio: float) -> float:
    """The risk ratio that a confounder needs with treatment and outcome alike to explain a risk ratio away; 1 or more.

    risk_ratio : above 0; a ratio below 1 is turned around
    """
    ratio = max(risk_ratio, 1 / risk_ratio)
    return ratio + math.sqrt(ratio * (ratio - 1))


def e_value_of_interval(low: float, high: float) -> float:
    """The E-value of the end of a risk ratio's interval that is nearer to 1; 1 where the interval holds 1."""
    if low <= 1 <= high:
        return 1.0
    return e_value(low if low > 1 else high)


def risk_ratio_of_g(g: float, std_error: float) -> tuple[float, float, float]:
    """A standardized difference as an approximate risk ratio with its 95 % interval: value, low, high."""
    middle, reach = LOG_RATIO_PER_SD * g, LOG_RATIO_ERROR_PER_SD * std_error
    return math.exp(middle), math.exp(middle - reach), math.exp(middle + reach)


@dataclass(frozen=True)
class Movement:
    """How a treatment's coefficient and the share explained move when covariates enter a regression.

    short, full : coefficient without and with the covariates
    r2_short, r2_full : share of the outcome's variance explained
    var_outcome, var_treatment : variances
    var_left : variance of the treatment that the covariates leave unexplained
    """

    short: float
    full: float
    r2_short: float
    r2_full: float
    var_outcome: float
    var_treatment: float
    var_left: float


def oster_delta(moved: Movement, r2_max: float, truth: float = 0.0) -> float:
    """How many times as strong as selection on the covariates that on the rest would be, were the effect ``truth``.

    r2_max : share of the outcome's variance that everything, unobserved things too, would explain; above r2_full
    returns : negative where the covariates move the estimate away from ``truth``; infinite where they do not move it
    """
    gap, shift = moved.full - truth, moved.short - moved.full
    sy, sx, left = moved.var_outcome, moved.var_treatment, moved.var_left
    common = gap**2 * left * shift * sx
    cubic = gap**3 * (left * sx - left**2)
    top = gap * (moved.r2_full - moved.r2_short) * sy * left + gap * sx * left * shift**2 + 2 * common + cubic
    room = (r2_max - moved.r2_full) * sy
    bottom = room * shift * sx + gap * room * (sx - left) + common + cubic
    return top / bottom if bottom != 0 else math.copysign(math.inf, top)


def signed_rank_p(differences: FloatArray, gamma: float = 1.0) -> float:
    """Largest one-sided p-value that pairs could give for a positive effect if hidden odds differ by up to ``gamma``.

    differences : (n,) treated less comparison of each matched pair; zeros are left out, ties share their mean rank
    """
    return _RankTest.of(differences).largest_p(gamma)


def critical_gamma(differences: FloatArray, alpha: float = 0.025) -> float:
    """The largest Γ at which pairs still show an effect, in the direction that they point to, at one-sided ``alpha``.

    returns : 1 where they show none without any hidden selection; at most LARGEST_GAMMA
    """
    test = _RankTest.of(differences if signed_rank_p(differences) <= 0.5 else -differences)
    if test.largest_p(1.0) >= alpha:
        return 1.0
    if test.largest_p(LARGEST_GAMMA) < alpha:
        return LARGEST_GAMMA
    from scipy import optimize

    return float(optimize.brentq(lambda gamma: test.largest_p(gamma) - alpha, 1.0, LARGEST_GAMMA, xtol=1e-6))


def hodges_lehmann_bounds(differences: FloatArray, gamma: float) -> tuple[float, float]:
    """Smallest and largest Hodges–Lehmann estimate of the effect if hidden odds differ by up to ``gamma``."""
    share = gamma / (1 + gamma)

    def excess(shift: float, probability: float) -> float:
        """The statistic of the shifted differences above its expectation."""
        test = _RankTest.of(differences - shift)
        return test.statistic - probability * float(test.ranks.sum())

    return (
        _root_of_falling(lambda shift: excess(shift, share), differences),
        _root_of_falling(lambda shift: excess(shift, 1 - share), differences),
    )


@dataclass(frozen=True, eq=False)
class _RankTest:
    """Wilcoxon's signed-rank statistic: the ranks (m,) of what is not zero, and their sum where it is positive."""

    ranks: FloatArray
    statistic: float

    @classmethod
    def of(cls, differences: FloatArray) -> _RankTest:
        """The statistic of (n,) differences."""
        from scipy.stats import rankdata

        moved = differences[differences != 0]
        ranks = np.asarray(rankdata(np.abs(moved)), dtype=float)
        return cls(ranks, float(ranks[moved > 0].sum()))

    def largest_p(self, gamma: float) -> float:
        """Normal approximation with success probability Γ / (1 + Γ) in every pair."""
        if len(self.ranks) == 0:
            return 1.0
        share = gamma / (1 + gamma)
        spread = math.sqrt(share * (1 - share) * float(np.square(self.ranks).sum()))
        return float(ndtr((share * float(self.ranks.sum()) - self.statistic) / spread))


def _root_of_falling(excess: Callable[[float], float], differences: FloatArray) -> float:
    """Where a falling step function of the shift crosses zero: the middle of the two shifts around the crossing."""
    low, high = float(differences.min()), float(differences.max())
    precision = 1e-9 * max(high - low, abs(high), abs(low))
    while high - low > precision:
        middle = 0.5 * (low + high)
        if excess(middle) > 0:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)
