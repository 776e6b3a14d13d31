"""Decision: how likely an effect is large enough to matter, and what a unit of it costs."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.special import ndtr, stdtr

from mentoreval.effects.estimate import Estimate
from mentoreval.errors import OptionError


@dataclass(frozen=True)
class Prior:
    """What was thought of an effect before the data, as a normal distribution in the outcome's unit.

    mean : positive where the outcome was expected to rise
    sd : above 0
    """

    mean: float
    sd: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.mean) and math.isfinite(self.sd) and self.sd > 0):
            raise OptionError(f"A prior takes a finite mean and an sd above 0; got mean {self.mean} and sd {self.sd}.")


@dataclass(frozen=True)
class Chance:
    """How likely the effect reaches the smallest one that matters.

    better : probability that the effect is an improvement of that size or more; NaN without a standard error
    worse : that it is a harm of that size or more
    between : that it is neither
    mean, sd : of the distribution behind them; its centre and its spread in the outcome's unit
    flat : True where nothing was assumed before the data
    """

    better: float
    worse: float
    between: float
    mean: float
    sd: float
    flat: bool


@dataclass(frozen=True)
class UnitCost:
    """What one unit of improvement costs: cost over effect, with the interval that the effect's interval makes.

    per_unit, low, high : NaN with ``reason``, a message key, where they are not offered
    reason : "" ; interval_holds_zero: the effect may be none, so the cost has no bound; no_interval; worse
    """

    per_unit: float
    low: float
    high: float
    reason: str = ""


def chance_of_mattering(
    estimate: Estimate, meaningful: float, *, higher_is_better: bool = True, prior: Prior | None = None
) -> Chance:
    """Probability that the headline effect is at least ``meaningful`` in the good direction, and in the bad one.

    Under a flat prior the effect is distributed as the estimate plus its standard error times Student's t with the
    degrees of freedom of its interval. With a normal prior the estimate is taken as normal, and the two are weighted by
    their precisions.

    meaningful : above 0, in the outcome's unit; OptionError otherwise
    """
    if not (math.isfinite(meaningful) and meaningful > 0):
        raise OptionError(f"The smallest effect that matters is a number above 0; got {meaningful}.")
    row = estimate.headline()
    mean, sd, df = float(row["estimate"]), float(row["std_error"]), float(row["df"])
    if prior is not None:
        weight = prior.sd**2 / (prior.sd**2 + sd**2)
        mean, sd, df = weight * mean + (1 - weight) * prior.mean, math.sqrt(weight) * sd, math.inf
    if not (math.isfinite(sd) and sd > 0):
        return Chance(math.nan, math.nan, math.nan, mean, math.nan, prior is None)
    above, below = _cdf((mean - meaningful) / sd, df), _cdf((-mean - meaningful) / sd, df)
    better, worse = (above, below) if higher_is_better else (below, above)
    return Chance(better, worse, 1 - above - below, mean, sd, prior is None)


def _cdf(value: float, df: float) -> float:
    return float(ndtr(value) if math.isinf(df) else stdtr(df, value))


def cost_per_unit(estimate: Estimate, cost: float, *, higher_is_better: bool = True, scale: float = 1.0) -> UnitCost:
    """Cost per student over improvement per student.

    cost : of one student
    scale : units of interest in one unit of the outcome, such as 180 days in an attendance rate of 1

    Where the interval of the effect holds zero no cost is offered: it would be bounded on neither side.
    """
    if not (math.isfinite(cost) and cost >= 0):
        raise OptionError(f"A cost per student is a number that is not negative; got {cost}.")
    row, nothing = estimate.headline(), math.nan
    sign = scale if higher_is_better else -scale
    effect, *ends = (sign * float(row[name]) for name in ("estimate", "conf_low", "conf_high"))
    if not all(math.isfinite(end) for end in (effect, *ends)):
        return UnitCost(nothing, nothing, nothing, "no_interval")
    if min(ends) <= 0 <= max(ends) or effect * min(ends) <= 0:
        return UnitCost(nothing, nothing, nothing, "interval_holds_zero")
    if effect < 0:
        return UnitCost(nothing, nothing, nothing, "worse")
    return UnitCost(cost / effect, cost / max(ends), cost / min(ends))
