"""Balance: how alike the arms are, before and after a design, covariate by covariate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd

from mentoreval.aliases import BoolArray, FloatArray, Verdict
from mentoreval.design.covariate_matrix import Column, covariate_matrix
from mentoreval.design.design import Design
from mentoreval.numerics.effect_sizes import continuity_corrected, cox_index, hedges_g
from mentoreval.numerics.two_samples import (
    Denominator,
    Difference,
    TwoSamples,
    effective_sample_size,
    standardized,
)

ALIKE = 0.05
"""Up to this effect size the What Works Clearinghouse holds two groups for equivalent as they are."""

ADJUSTABLE = 0.25
"""Up to this one it does if the impact model adjusts for the covariate; beyond it nothing helps."""

Band = Literal["satisfied", "needs_adjustment", "not_satisfied", "cannot_judge"]
PROPENSITY = "propensity"
BALANCE_COLUMNS = (
    "covariate", "level", "kind",
    "mean_treated_before", "mean_comparison_before", "sd_treated_before", "sd_comparison_before",
    "mean_treated_after", "mean_comparison_after", "sd_treated_after", "sd_comparison_after",
    "smd_before", "smd_after", "variance_ratio_before", "variance_ratio_after", "ks_before", "ks_after",
    "wwc_before", "wwc_after", "band", "n_missing",
)  # fmt: skip


@dataclass(frozen=True)
class Opinion:
    """What the worst covariate says of a design.

    verdict : pass, every effect size is at most .05; caution, at most .25, so that the impact model must adjust; fail,
        beyond it; cannot_judge, there is no covariate
    covariate, level, value : the worst covariate, its level ("" for a number), and its effect size after the design
    """

    verdict: Verdict
    covariate: str = ""
    level: str = ""
    value: float = float("nan")


@dataclass(frozen=True, eq=False)
class Balance:
    """How alike the arms are.

    frame : BALANCE_COLUMNS, one row for the propensity score, if there is one, each number and each level of a text.
        kind : "distance", "binary" or "continuous"
        mean, sd : weighted; before the design with sampling weights, after it with its own; the sd of a share p is
            √(p(1 − p))
        smd : difference of means over ONE standard deviation, that of ``denominator`` before the design, so that a
            smaller number after the design means a smaller difference; infinite where that spread is 0
        variance_ratio : treated over comparison; missing for a share, whose variance follows from its mean
        ks : largest distance of the two distribution functions
        wwc : effect size of the What Works Clearinghouse: Hedges' g, for a share the Cox index, on the sample itself,
            before and after; with half a student added to either side where only one arm is at 0 or 1
        band : of wwc_after: "satisfied" (at most .05), "needs_adjustment" (at most .25), "not_satisfied", or
            "cannot_judge" where an arm has no value or fewer than two students; "" for the propensity score
        n_missing : entries of the comparison without a value, who count nowhere in the row
    n : rows "before" and "after"; numbers of entries and effective sample sizes (Σw)²/Σw² of both arms
    denominator : whose standard deviation the smd has
    """

    frame: pd.DataFrame
    n: pd.DataFrame
    denominator: Denominator

    @cached_property
    def judged(self) -> pd.DataFrame:
        """The rows with a band, the worst first."""
        rows = self.frame[~self.frame["band"].isin(["", "cannot_judge"])]
        return rows.iloc[np.argsort(-rows["wwc_after"].abs().to_numpy(), kind="stable")]

    @property
    def worst(self) -> pd.Series | None:
        """The row of the covariate in which the arms differ most after the design; None where there is none."""
        return None if self.judged.empty else self.judged.iloc[0]

    @property
    def opinion(self) -> Opinion:
        """pass, caution or fail, by the worst covariate; caution where one of several covariates can not be judged."""
        if self.worst is None:
            return Opinion("cannot_judge")
        verdicts: dict[str, Verdict] = {"satisfied": "pass", "needs_adjustment": "caution", "not_satisfied": "fail"}
        verdict = verdicts[str(self.worst["band"])]
        if verdict == "pass" and (self.frame["band"] == "cannot_judge").any():
            verdict = "caution"
        return Opinion(verdict, str(self.worst["covariate"]), str(self.worst["level"]), float(self.worst["wwc_after"]))

    @property
    def _short(self) -> pd.DataFrame:
        columns = ["covariate", "level", "mean_treated_after", "mean_comparison_after", "smd_before", "smd_after"]
        return self.frame[[*columns, "variance_ratio_after", "ks_after", "wwc_after", "band"]]

    def __repr__(self) -> str:
        opinion = self.opinion
        where = f"{opinion.covariate} = {opinion.level}" if opinion.level else opinion.covariate
        worst = f"; farthest apart: {where}, effect size {opinion.value:.3f}" if where else ""
        table = self._short.to_string(index=False, float_format="{:.3f}".format)
        return f"Balance: {opinion.verdict}{worst}\n{table}\n\n{self.n.to_string(float_format='{:.1f}'.format)}"

    def _repr_html_(self) -> str:
        table = self._short.to_html(index=False, float_format="{:.3f}".format)
        return f"<p>Balance: {self.opinion.verdict}</p>{table}{self.n.to_html(float_format='{:.1f}'.format)}"


def measure_balance(
    design: Design, covariates: Sequence[str] | None = None, *, denominator: Denominator | None = None
) -> Balance:
    """Measure how alike the arms of a design are, before it and after it.

    Before: the entries that the method considered, with their sampling weights. After: the entries with a weight.

    design : from ``choose_design``
    covariates : names as in ``choose_design``; by default those of the design
    denominator : by default the arm whose effect is asked for, as in cobalt: "treated" for the ATT, "comparison" for
        the ATC, "pooled" for the others

    Raises DataError for a name that is no covariate of the panel.
    """
    base, weighting = design.baseline, design.weighting
    names = base.covariates if covariates is None else tuple(covariates)
    rows = np.flatnonzero(weighting.considered | (weighting.weights > 0))
    arms = _Arms(
        treated=base.treated[rows],
        before=np.where(weighting.considered, base.weight, 0.0)[rows],
        after=weighting.weights[rows],
        denominator=denominator or _OWN_ARM.get(design.estimand, "pooled"),
    )
    matrix = covariate_matrix(pd.DataFrame({name: base.column(name).iloc[rows] for name in names}))
    measured = [arms.compare(column, matrix.values[:, place]) for place, column in enumerate(matrix.columns)]
    score = weighting.propensity[rows]
    if not np.isnan(score).all():
        measured.insert(0, arms.compare(Column(PROPENSITY, None, False), score) | {"kind": "distance", "band": ""})
    return Balance(pd.DataFrame(measured, columns=list(BALANCE_COLUMNS)), arms.sizes(), arms.denominator)


_OWN_ARM: dict[str, Denominator] = {"ATT": "treated", "ATC": "comparison"}


@dataclass(frozen=True, eq=False)
class _Arms:
    """Both arms with their weights (n,) before and after the design."""

    treated: BoolArray
    before: FloatArray
    after: FloatArray
    denominator: Denominator

    def compare(self, column: Column, values: FloatArray) -> dict[str, object]:
        """One row of the balance frame, from the values (n,) of one column."""
        known = ~np.isnan(values)
        samples = TwoSamples(values[known], self.treated[known], column.binary)
        before, after = samples.under(self.before[known]), samples.under(self.after[known])
        spread = before.spread(self.denominator)
        return {
            "covariate": column.covariate,
            "level": column.level or "",
            "kind": "binary" if column.binary else "continuous",
            **_numbers("before", before, spread, column.binary),
            **_numbers("after", after, spread, column.binary),
            "band": wwc_band(wwc_effect_size(after, column.binary)),
            "n_missing": int(np.count_nonzero(self.after[~known])),
        }

    def sizes(self) -> pd.DataFrame:
        """Numbers of entries and effective sample sizes."""
        rows: dict[str, dict[str, float]] = {}
        for when, weights in (("before", self.before), ("after", self.after)):
            arms = {"treated": weights[self.treated], "comparison": weights[~self.treated]}
            rows[when] = {f"n_{arm}": int(np.count_nonzero(of)) for arm, of in arms.items()}
            rows[when] |= {f"ess_{arm}": effective_sample_size(of) for arm, of in arms.items()}
        return pd.DataFrame.from_dict(rows, orient="index")


def _numbers(when: str, difference: Difference, spread: float, binary: bool) -> dict[str, float]:
    numbers = {
        "mean_treated": difference.treated.mean,
        "mean_comparison": difference.comparison.mean,
        "sd_treated": difference.treated.sd,
        "sd_comparison": difference.comparison.sd,
        "smd": standardized(difference.of_means, spread),
        "variance_ratio": float("nan") if binary else difference.variance_ratio,
        "ks": difference.ks,
        "wwc": wwc_effect_size(difference, binary),
    }
    return {f"{name}_{when}": value for name, value in numbers.items()}


def wwc_effect_size(difference: Difference, binary: bool) -> float:
    """Effect size of the What Works Clearinghouse between two samples: Hedges' g, the Cox index for a share.

    Where one arm has a share of 0 or 1 the Cox index has no value, and half a student is added to either side of both.
    Infinite where the means differ and no arm varies; NaN where an arm has fewer than two students.
    """
    treated, comparison = difference.treated, difference.comparison
    sizes = treated.n, comparison.n
    if min(sizes) < 2:
        return float("nan")
    if difference.of_means == 0:
        return 0.0
    if binary:
        shares = np.array([treated.mean, comparison.mean])
        if not ((shares > 0) & (shares < 1)).all():
            shares = continuity_corrected(shares, sizes)
        return float(cox_index(shares[0], shares[1], *sizes))
    if treated.variance == comparison.variance == 0:
        return standardized(difference.of_means, 0.0)
    return float(hedges_g(difference.of_means, treated.sd, comparison.sd, *sizes))


def wwc_band(effect_size: float) -> Band:
    """The band of a baseline effect size; cannot_judge where it is NaN."""
    if np.isnan(effect_size):
        return "cannot_judge"
    if abs(effect_size) <= ALIKE:
        return "satisfied"
    return "needs_adjustment" if abs(effect_size) <= ADJUSTABLE else "not_satisfied"
