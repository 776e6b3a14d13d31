"""pretrends: did the arms already move apart before the program?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from scipy.special import chdtri, fdtri

from mentoreval.aliases import FloatArray
from mentoreval.effects.estimate import Estimate, JointTest
from mentoreval.effects.event_times import fit_leads
from mentoreval.errors import EffectError, OptionError
from mentoreval.evidence.check import Check, Finding
from mentoreval.evidence.event_path import clustered_alike
from mentoreval.numerics.trend_power import (
    joint_power,
    mean_after_passing,
    slope_for_any_power,
    slope_for_joint_power,
)


@dataclass(frozen=True)
class Pretrends(Check):
    """A joint Wald test that every effect before the start is zero.

    A test that finds nothing is weak comfort: with few schools it misses trends that would matter. The finding says how
    many terms were tested, and passing is said as "none found", never as "none there". It also says which straight
    trend the test would have found with a power of 50 and of 80 %, how likely it was to find one that alone would make
    an average effect of the size that matters, and what that trend does to the estimate of those who passed the test.

    level : p-value below which trends count as found
    matters : the size of an effect, in units of the outcome, that a trend must not make up; None = that of the estimate
    power : the probability of finding such a trend below which passing earns a caution

    In the numbers slopes are per period. ``slope_50_any`` and ``slope_80_any`` are those of a reader who looks whether
    any single period is significant, as in Roth's tables; the others are of the joint test. What the terms do not tell,
    as where effects after the start are not estimated together with those before, is missing.

    References: Roth (2022), Pretest with caution, American Economic Review: Insights 4.
    """

    name: ClassVar[str] = "pretrends"
    level: float = 0.05
    matters: float | None = None
    power: float = 0.8

    def check(self) -> None:
        """The level and the power are shares, and what matters is above 0."""
        if not 0 < self.level < 1 or not 0 < self.power < 1:
            raise OptionError(
                f"pretrends: level and power are shares between 0 and 1; got {self.level} and {self.power}."
            )
        if self.matters is not None and not 0 < self.matters < math.inf:
            raise OptionError(f"pretrends: matters is the size of an effect, above 0; got {self.matters}.")

    def examine(self, subject: Estimate) -> Finding:
        """fail where a trend is found; pass, or caution for a weak test, where none is; else cannot_judge."""
        effects = subject
        if subject.fit.group_time is not None and subject.fit.pooled_by is None:
            effects = subject.pool("event_time")
        before = _before(effects)
        try:
            if before.empty:
                effects = _leads(subject)
                before = _before(effects)
            if before.empty:
                return Finding(self.name, "cannot_judge", f"{self.name}.no_period_before", {}, before)
            test = effects.joint_test(list(before["term"]))
        except EffectError:
            return Finding(self.name, "cannot_judge", f"{self.name}.not_testable", {}, before)
        numbers = {"p_value": test.p_value, "n_terms": test.df, "statistic": test.statistic}
        if test.p_value < self.level:
            return Finding(self.name, "fail", f"{self.name}.found", numbers, before)
        numbers |= self._power(effects, before, test)
        if numbers.get("power_matters", 1.0) < self.power:
            return Finding(self.name, "caution", f"{self.name}.could_not_see", numbers, before)
        return Finding(self.name, "pass", f"{self.name}.none_found", numbers, before)

    def _power(self, effects: Estimate, before: pd.DataFrame, test: JointTest) -> dict[str, float]:
        """What the test could see; empty where it is not known what a trend would add to the terms."""
        shape = _trend(effects, before)
        if shape is None:
            return {}
        places, cutoff = before.index.to_numpy(), self._cutoff(test)
        inner = effects.vcov[np.ix_(places, places)]
        slopes = {
            f"slope_{share}{rule}": find(shape, inner, bound, share / 100)
            for rule, find, bound in (("", slope_for_joint_power, cutoff), ("_any", slope_for_any_power, self.level))
            for share in (50, 80)
        }
        frame = effects.frame
        after = frame.index[
            frame["event_time"].ge(0).fillna(False).astype(bool) & frame["std_error"].notna()
        ].to_numpy()
        if not len(after):
            return slopes
        added = frame.loc[after, "event_time"].to_numpy(dtype=float) - _reference(effects)
        size = self.matters if self.matters is not None else abs(float(effects.fit.theta[after].mean()))
        slope = size / float(added.mean())
        joint = np.concatenate([places, after])
        passed = mean_after_passing(
            slope * shape, slope * added, effects.vcov[np.ix_(joint, joint)], len(places), cutoff
        )
        return {
            **slopes,
            "matters": size,
            "slope_matters": slope,
            "power_matters": joint_power(slope * shape, inner, cutoff),
            "bias_after_passing": float(passed.mean()),
        }

    def _cutoff(self, test: JointTest) -> float:
        """Of the Wald statistic, whose variance counts as known from here on."""
        if math.isinf(test.df_denominator):
            return float(chdtri(test.df, self.level))
        return float(test.df * fdtri(test.df, test.df_denominator, 1 - self.level) / test.scale)


def _before(effects: Estimate) -> pd.DataFrame:
    """The terms before the start that have an error."""
    frame = effects.frame
    return frame[frame["event_time"].lt(0).fillna(False).astype(bool) & frame["std_error"].notna()]


def _reference(effects: Estimate) -> int:
    """The event time that is zero by definition; the last before the start where each has its own."""
    references = effects.frame.loc[effects.is_reference, "event_time"].dropna()
    return int(references.max()) if len(references) else -1


def _trend(effects: Estimate, before: pd.DataFrame) -> FloatArray | None:
    """(k,) what a trend of slope 1 adds to the terms before the start; None where that is not known.

    Effects that are changes since the period before add 1 each, those against one period their distance from it.
    """
    if getattr(effects.fit.estimator, "base_period", "") == "varying":
        return np.ones(len(before))
    if not effects.is_reference.any():
        return None
    return before["event_time"].to_numpy(dtype=float) - _reference(effects)


def _leads(subject: Estimate) -> Estimate:
    """The estimate of the leads of an estimator that has them, with the clusters of the estimate; else itself."""
    leads = fit_leads(subject.fit)
    return subject if leads is None else clustered_alike(subject, leads)
