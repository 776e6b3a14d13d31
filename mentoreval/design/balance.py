"""Balance: how alike the arms are, before and after a design, covariate by covariate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd

from mentoreval.aliases import BoolArray, FloatArray, IntArray, Verdict
from mentoreval.design.covariate_matrix import IDENTIFIER_SHARE, MANY_LEVELS, Column, CovariateMatrix, covariate_matrix
from mentoreval.design.covariate_products import products
from mentoreval.design.design import Design
from mentoreval.design.equivalence import wwc_band, wwc_effect_size
from mentoreval.errors import DataError, OptionError
from mentoreval.numerics.two_samples import BalanceTable, Denominator, balance_tables, effective_sample_size

FEW = 10
"""A group with fewer entries in an arm than this is flagged: what sets its arms apart is mostly chance."""

PROPENSITY = "propensity"
BALANCE_COLUMNS = (
    "covariate", "level", "kind",
    "mean_treated_before", "mean_comparison_before", "sd_treated_before", "sd_comparison_before",
    "mean_treated_after", "mean_comparison_after", "sd_treated_after", "sd_comparison_after",
    "smd_before", "smd_after", "variance_ratio_before", "variance_ratio_after",
    "ecdf_mean_before", "ecdf_mean_after", "ks_before", "ks_after",
    "wwc_before", "wwc_after", "band", "n_missing",
)  # fmt: skip


@dataclass(frozen=True)
class Opinion:
    """What the worst covariate says of a design.

    verdict : pass, every effect size is at most .05; caution, at most .25, so that the impact model must adjust; fail,
        beyond it; cannot_judge, there is no covariate that could be judged
    covariate, level, value : the worst covariate, its level ("" for a number), and its effect size after the design
    reason : a message key: "alike", "must_adjust", "too_far_apart", "some_not_judged" (the others are alike), or
        "nothing_to_judge"
    group : the group in which it is, where balance was measured by group
    """

    verdict: Verdict
    covariate: str = ""
    level: str = ""
    value: float = float("nan")
    reason: str = "nothing_to_judge"
    group: object = None


_VERDICTS: dict[str, tuple[Verdict, str]] = {
    "satisfied": ("pass", "alike"),
    "needs_adjustment": ("caution", "must_adjust"),
    "not_satisfied": ("fail", "too_far_apart"),
}


@dataclass(frozen=True, eq=False)
class Balance:
    """How alike the arms are.

    frame : BALANCE_COLUMNS, one row for the propensity score, if there is one, each number and each level of a text,
        then squares and interactions, if asked for. By group: the same rows for each group, with a first column
        ``group`` (missing for those of whom it is not known) and a last one ``few``
        kind : "distance", "binary" or "continuous"
        mean, sd : weighted; before the design with sampling weights, after it with its own; the sd of a share p is
            √(p(1 − p))
        smd : difference of means over ONE standard deviation, that of ``denominator`` (in the group; before the design
            but for "weighted"), so that a smaller number after the design means a smaller difference; where that is 0
            or not known, the pooled one, and where this is 0 the one of everybody
        variance_ratio : treated over comparison; missing for a share, whose variance follows from its mean
        ecdf_mean, ks : mean and largest distance of the two distribution functions
        wwc : effect size of the What Works Clearinghouse: Hedges' g, for a share the Cox index, on the sample itself,
            before and after; with half a student added to either side where only one arm is at 0 or 1
        band : of wwc_after: "satisfied" (at most .05), "needs_adjustment" (at most .25), "not_satisfied", or
            "cannot_judge" where an arm has no value or fewer than two students, and in a group with few; "" for the
            propensity score
        n_missing : entries of the comparison without a value, who count nowhere in the row
        few : fewer than FEW entries of an arm of the group are in the comparison
    n : rows "before" and "after"; numbers of entries and effective sample sizes (Σw)²/Σw² of both arms. By group:
        the same with the columns ``group``, ``when`` and ``few``
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
        worst = self.worst
        if worst is None:
            return Opinion("cannot_judge")
        verdict, reason = _VERDICTS[str(worst["band"])]
        if verdict == "pass" and (self.frame["band"] == "cannot_judge").any():
            verdict, reason = "caution", "some_not_judged"
        value = float(worst["wwc_after"])
        return Opinion(verdict, str(worst["covariate"]), str(worst["level"]), value, reason, worst.get("group"))

    @property
    def _short(self) -> pd.DataFrame:
        columns = ["covariate", "level", "mean_treated_after", "mean_comparison_after", "smd_before", "smd_after"]
        columns = [name for name in ("group", *columns) if name in self.frame]
        return self.frame[[*columns, "variance_ratio_after", "ks_after", "wwc_after", "band"]]

    def __repr__(self) -> str:
        opinion = self.opinion
        where = f"{opinion.covariate} = {opinion.level}" if opinion.level else opinion.covariate
        where += f" in {opinion.group}" if opinion.group is not None else ""
        worst = f"; farthest apart: {where}, effect size {opinion.value:.3f}" if where else ""
        table = self._short.to_string(index=False, float_format="{:.3f}".format)
        return f"Balance: {opinion.verdict}{worst}\n{table}\n\n{self.n.to_string(float_format='{:.1f}'.format)}"

    def _repr_html_(self) -> str:
        table = self._short.to_html(index=False, float_format="{:.3f}".format)
        return f"<p>Balance: {self.opinion.verdict}</p>{table}{self.n.to_html(float_format='{:.1f}'.format)}"


def measure_balance(
    design: Design,
    covariates: Sequence[str] | None = None,
    *,
    by: str | None = None,
    denominator: Denominator | None = None,
    squares: bool = False,
    interactions: bool = False,
) -> Balance:
    """Measure how alike the arms of a design are, before it and after it.

    Before: the entries that the method considered, with their sampling weights. After: the entries with a weight.

    design : from ``choose_design``
    covariates : names as in ``choose_design``; by default those of the design
    by : a covariate, or the school: the same within each of its values, each with its own standard deviations
    denominator : by default as in cobalt the arm whose effect is asked for, "treated" for the ATT and "comparison" for
        the ATC, "pooled" for the ATE, and for the ATO "weighted", which is everybody together with the weights of the
        design, as they are whom it answers for; "all" is everybody together before the design, and "hedges" makes the
        difference Hedges' g
    squares, interactions : also compare the squares of numbers, and the products of all pairs of columns

    Raises DataError for a name that is no covariate of the panel and for groups of hardly more than one entry each,
    OptionError for an unknown denominator.
    """
    base, weighting = design.baseline, design.weighting
    chosen = weighting.considered | (weighting.weights > 0)
    rows = slice(None) if chosen.all() else np.flatnonzero(chosen)
    names = [name for name in (base.covariates if covariates is None else covariates) if name != by]
    before = base.weight if weighting.considered.all() else np.where(weighting.considered, base.weight, 0.0)
    arms = _Arms(
        treated=base.treated[rows],
        before=before[rows],
        after=weighting.weights[rows],
        denominator=denominator or _OWN_ARM.get(design.estimand, "pooled"),
    )
    if tuple(names) == base.covariates:
        matrix = base.matrix(chosen)
    else:
        frame = pd.DataFrame({name: base.column(name) for name in names}, index=pd.RangeIndex(base.size), copy=False)
        matrix = covariate_matrix(frame.iloc[rows])
    matrices = chain([_with_score(matrix, weighting.propensity[rows])], products(matrix, squares, interactions))
    if by is None:
        return Balance(arms.compare(matrices), arms.sizes(), arms.denominator)
    return _by_group(arms, list(matrices), by, base.column(by).iloc[rows])


_OWN_ARM: dict[str, Denominator] = {"ATT": "treated", "ATC": "comparison", "ATO": "weighted"}


def compare_balance(
    designs: Mapping[str, Design], covariates: Sequence[str] | None = None, *, denominator: Denominator | None = None
) -> pd.DataFrame:
    """The balance of several designs in one long frame, and what each costs in sample.

    designs : by the name that they are to be shown under
    covariates, denominator : as in ``measure_balance``
    returns : ``design``, BALANCE_COLUMNS, and n and ess of both arms after the design, which are the same in all rows
        of a design

    Raises OptionError where there is no design.
    """
    if not designs:
        raise OptionError("There is no design to compare: give a mapping of names to designs.")
    frames = []
    for name, design in designs.items():
        balance = measure_balance(design, covariates, denominator=denominator)
        after = balance.n.loc["after"]
        frame = balance.frame.assign(**{str(column): after[column] for column in after.index})
        frame.insert(0, "design", name)
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def _with_score(matrix: CovariateMatrix, score: FloatArray) -> CovariateMatrix:
    """The propensity score as a first column, where it was estimated."""
    if np.isnan(score).all():
        return matrix
    return CovariateMatrix(np.hstack([score[:, None], matrix.values]), (_SCORE, *matrix.columns))


_SCORE = Column(PROPENSITY, None, False)


def _by_group(arms: _Arms, matrices: Sequence[CovariateMatrix], by: str, values: pd.Series[Any]) -> Balance:
    """The same in each group, one below the other."""
    frames, sizes = [], []
    for label, places in _groups(by, values):
        frame, n = arms.within(matrices, places)
        frame.insert(0, "group", [label] * len(frame))
        n.insert(0, "group", [label] * len(n))
        frames.append(frame)
        sizes.append(n.rename_axis("when").reset_index())
    frame, n = pd.concat(frames, ignore_index=True), pd.concat(sizes, ignore_index=True)
    return Balance(frame, n[["group", *n.columns.drop("group")]], arms.denominator)


def _groups(by: str, values: pd.Series[Any]) -> list[tuple[object, IntArray]]:
    """Each value that occurs, in order and the missing one last, with its places."""
    codes, labels = pd.factorize(values, sort=True, use_na_sentinel=True)
    if len(labels) > max(MANY_LEVELS, IDENTIFIER_SHARE * len(values)):
        raise DataError(
            f"{by!r} has {len(labels):,} different values among {len(values):,} entries: groups need more than one or "
            "two each. Measure by a coarser column, such as the school."
        )
    codes = np.where(codes < 0, len(labels), codes)
    order = np.argsort(codes, kind="stable")
    ends = np.cumsum(np.bincount(codes, minlength=len(labels) + 1))
    places = np.split(order, ends[:-1])
    return [(label, rows) for label, rows in zip([*labels, None], places, strict=True) if len(rows)]


@dataclass(frozen=True, eq=False)
class _Arms:
    """Both arms with their weights (n,) before and after the design."""

    treated: BoolArray
    before: FloatArray
    after: FloatArray
    denominator: Denominator

    def compare(self, matrices: Iterable[CovariateMatrix]) -> pd.DataFrame:
        """The balance frame of all columns of matrices of n rows."""
        frames = [self._compare(matrix) for matrix in matrices if matrix.columns]
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=list(BALANCE_COLUMNS))

    def within(self, matrices: Sequence[CovariateMatrix], rows: IntArray) -> tuple[pd.DataFrame, pd.DataFrame]:
        """The balance frame and the sizes of some rows, with ``few``; where they are few, nothing is judged."""
        part = _Arms(self.treated[rows], self.before[rows], self.after[rows], self.denominator)
        frame = part.compare([CovariateMatrix(matrix.values[rows], matrix.columns) for matrix in matrices])
        sizes = part.sizes()
        few = bool(sizes.loc["after", ["n_treated", "n_comparison"]].min() < FEW)
        frame["band"] = frame["band"].mask((frame["band"] != "") & few, "cannot_judge")
        return frame.assign(few=few), sizes.assign(few=few)

    def _compare(self, matrix: CovariateMatrix) -> pd.DataFrame:
        binary = np.array([column.binary for column in matrix.columns], dtype=bool)
        before, after = balance_tables(
            matrix.values,
            self.treated,
            [self.before, self.after],
            denominator=self.denominator,
            before=self.before,
            binary=binary,
        )
        is_score = np.array([column is _SCORE for column in matrix.columns], dtype=bool)
        described = {
            "covariate": [column.covariate for column in matrix.columns],
            "level": [column.level or "" for column in matrix.columns],
            "kind": np.select([is_score, binary], ["distance", "binary"], "continuous").tolist(),
            **_numbers("before", before),
            **_numbers("after", after),
            "n_missing": np.array([np.count_nonzero(self.after[np.isnan(column)]) for column in matrix.values.T]),
        }
        bands = [wwc_band(float(size)) for size in wwc_effect_size(after)]
        described["band"] = ["" if score else band for score, band in zip(is_score, bands, strict=True)]
        return pd.DataFrame(described)[list(BALANCE_COLUMNS)]

    def sizes(self) -> pd.DataFrame:
        """Numbers of entries and effective sample sizes."""
        sizes = dict[str, list[float]]()
        for arm, mask in (("treated", self.treated), ("comparison", ~self.treated)):
            arms = [weights[mask] for weights in (self.before, self.after)]
            sizes[f"n_{arm}"] = [int(np.count_nonzero(of)) for of in arms]
            sizes[f"ess_{arm}"] = [effective_sample_size(of) for of in arms]
        columns = ["n_treated", "n_comparison", "ess_treated", "ess_comparison"]
        return pd.DataFrame(sizes, columns=columns, index=["before", "after"])


def _numbers(when: str, table: BalanceTable) -> dict[str, Any]:
    numbers = {
        "mean_treated": table.treated.mean,
        "mean_comparison": table.comparison.mean,
        "sd_treated": table.treated.sd,
        "sd_comparison": table.comparison.sd,
        "smd": table.standardized_difference,
        "variance_ratio": table.variance_ratio,
        "ecdf_mean": table.ecdf_mean,
        "ks": table.ks,
        "wwc": wwc_effect_size(table),
    }
    return {f"{name}_{when}": value for name, value in numbers.items()}
