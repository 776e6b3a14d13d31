"""Subgroups: the effect in each level of a covariate, and whether the levels differ.

In each level the comparison is chosen again by the same method, and the effect estimated with the same estimator and
inference. So every level has an analytic sample, baseline table and effect size of its own, as the What Works
Clearinghouse asks. A difference between levels that nobody randomized is a description: the levels may differ in more
than their name.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd

from mentoreval.aliases import FloatArray
from mentoreval.design.arms import ArmContrast
from mentoreval.design.design import Design, choose_design
from mentoreval.effects.estimate import Estimate, estimate_effect
from mentoreval.errors import DataError, DesignError, EffectError, OptionError
from mentoreval.evidence.multiplicity import headline_influence
from mentoreval.evidence.subgroup_levels import OTHER, UNKNOWN, Levels
from mentoreval.evidence.wwc import EffectSize, baseline_equivalence, effect_size
from mentoreval.numerics.heterogeneity import WelchTest, welch_test
from mentoreval.numerics.multiplicity import benjamini_hochberg

LEAST_STUDENTS, LEAST_CLUSTERS = 10, 4
"""In each arm, and of schools or mentors in both: with fewer clusters errors rest on two or three differences."""

SUBGROUP_COLUMNS = (
    "by", "level", "outcome", "n_treated", "n_comparison", "estimate", "std_error", "conf_low", "conf_high", "p_value",
    "df", "n_clusters", "effect_size", "improvement_index", "reason",
)  # fmt: skip
Reason = Literal["", "too_few_students", "too_few_clusters", "no_comparison", "no_estimate", "not_known", "in_no_cell"]


@dataclass(frozen=True, eq=False)
class Subgroup:
    """The effect in one level.

    level : its name
    n_treated, n_comparison : of the analytic sample; of a level without an estimate, its students in the sample of the
        overall estimate
    estimate : None with a ``reason``: too few students in an arm, too few clusters, no comparison or no estimate could
        be made; or these students' level is not known, or in none of the cells
    detail : what the method said that gave no estimate
    """

    level: str
    n_treated: int
    n_comparison: int
    estimate: Estimate | None = None
    reason: Reason = ""
    detail: str = ""

    @cached_property
    def headline(self) -> pd.Series | None:
        """The row that answers the question in this level; None without an estimate."""
        return None if self.estimate is None else self.estimate.headline()

    @cached_property
    def effect_size(self) -> EffectSize | None:
        """Hedges' g or Cox index on this level's own sample; None without an estimate."""
        return None if self.estimate is None else effect_size(self.estimate)

    @cached_property
    def baseline(self) -> pd.DataFrame | None:
        """The baseline table of this level's own sample; None without an estimate."""
        return None if self.estimate is None else baseline_equivalence(self.estimate)


@dataclass(frozen=True, eq=False)
class SubgroupEstimates:
    """The effect on one outcome in each level of a covariate.

    overall : the estimate on everyone
    by : the covariate
    groups : every level, in order; those without an estimate too
    test : that the levels that were estimated have the same effect
    shared : whether clusters that two levels share enter the test as correlation; False = the levels are taken as
        independent of each other
    """

    overall: Estimate
    by: str
    groups: tuple[Subgroup, ...]
    test: WelchTest
    shared: bool

    @property
    def estimated(self) -> tuple[Subgroup, ...]:
        """The levels that have an estimate."""
        return tuple(group for group in self.groups if group.estimate is not None)

    @property
    def frame(self) -> pd.DataFrame:
        """One row for each level with SUBGROUP_COLUMNS."""
        return pd.DataFrame([self._row(group) for group in self.groups], columns=list(SUBGROUP_COLUMNS))

    def _row(self, group: Subgroup) -> dict[str, object]:
        row: dict[str, object] = {"by": self.by, "outcome": self.overall.outcome}
        row |= {name: getattr(group, name) for name in ("level", "n_treated", "n_comparison", "reason")}
        if group.headline is not None and group.effect_size is not None:
            row |= {name: group.headline[name] for name in SUBGROUP_COLUMNS[5:12]}
            row |= {"effect_size": group.effect_size.value, "improvement_index": group.effect_size.improvement_index}
        return row

    def __repr__(self) -> str:
        return f"Effects on {self.overall.outcome} by {self.by} (differ: p {self.test.p_value:.3f})\n{self.frame}"

    def _repr_html_(self) -> str:
        return f"<p>Do the levels differ? p {self.test.p_value:.3f}</p>{self.frame.to_html(index=False)}"


def estimate_subgroups(
    overall: Estimate,
    by: str,
    *,
    cells: Mapping[str, Sequence[object]] | None = None,
    cuts: Sequence[float] = (),
    least_students: int = LEAST_STUDENTS,
    least_clusters: int = LEAST_CLUSTERS,
) -> SubgroupEstimates:
    """The effect in each level of a covariate, everything chosen and estimated again within it.

    Parameters
    ----------
    overall : the estimate on everyone, from ``estimate_effect``; its design method, estimator and inference are taken
    by : a covariate of the panel, or ``prior_<outcome>``, at the baseline
    cells : levels by name, each a list of values; students of other values are one more level, without an estimate
    cuts : for a number, where one level ends and the next begins; a value at a cut is in the upper level
    least_students : in each arm; a level with fewer has no estimate and says so
    least_clusters : of schools or mentors, where uncertainty rests on them

    The test that the levels have the same effect is Welch's, which takes each error with its own degrees of freedom.
    Where schools have students of two levels, what they share enters as correlation, by the influence of each school.

    Raises
    ------
    DataError : no such covariate, or one of too many values; EffectError : one pair of several programs, which can not
        be chosen again; OptionError : cells and cuts together, or limits below 2.
    """
    design = overall.design
    if isinstance(design.method, ArmContrast):
        raise EffectError("One pair of several programs can not be chosen again within a subgroup. Use one program.")
    if min(least_students, least_clusters) < 2:
        raise OptionError("least_students and least_clusters are whole numbers of at least 2.")
    levels = Levels.of(design, by, cells, cuts)
    counts = levels.count(overall)
    groups = [_group(overall, levels, level, counts[level], least_students, least_clusters) for level in levels.names]
    for name, reason in ((OTHER, "in_no_cell"), (UNKNOWN, "not_known")):
        if sum(counts[name]):
            groups.append(Subgroup(name, *counts[name], reason=reason))  # type: ignore[arg-type]
    estimates = [group.estimate for group in groups if group.estimate is not None]
    vcov, shared = _joint_vcov(estimates)
    rows = [estimate.headline() for estimate in estimates]
    effects, freedom = (np.array([float(row[name]) for row in rows]) for name in ("estimate", "df"))
    return SubgroupEstimates(overall, by, tuple(groups), welch_test(effects, vcov, freedom), shared)


def adjust_subgroup_tests(tests: Iterable[SubgroupEstimates]) -> FloatArray:
    """(m,) p-values of the tests that levels differ, adjusted after Benjamini and Hochberg as one family.

    All subgroup tests of a study are one family, whatever their outcomes; NaN where there was no test.
    """
    p = np.array([one.test.p_value for one in tests], dtype=float)
    adjusted = np.full(len(p), math.nan)
    known = np.isfinite(p)
    if known.any():
        adjusted[known] = benjamini_hochberg(p[known])
    return adjusted


def _group(
    overall: Estimate, levels: Levels, level: str, counts: tuple[int, int], least_students: int, least_clusters: int
) -> Subgroup:
    """One level, estimated or with the reason why not."""
    if min(counts) < least_students:
        return Subgroup(level, *counts, reason="too_few_students")
    try:
        design = _design(overall.design, levels, level)
    except (DesignError, DataError) as error:
        return Subgroup(level, *counts, reason="no_comparison", detail=str(error))
    try:
        estimate = estimate_effect(
            design, overall.outcome, overall.fit.estimator, inference=_inference(overall), confidence=overall.confidence
        )
        row = estimate.headline()
    except (EffectError, np.linalg.LinAlgError) as error:
        return Subgroup(level, *counts, reason="no_estimate", detail=str(error))
    sizes = int(row["n_treated"]), int(row["n_comparison"])
    if min(sizes) < least_students:
        return Subgroup(level, *counts, reason="too_few_students")
    if estimate.cluster in ("school", "mentor") and estimate.n_clusters < least_clusters:
        return Subgroup(level, *counts, reason="too_few_clusters")
    return Subgroup(level, *sizes, estimate)


def _inference(overall: Estimate) -> Any:
    """The inference that was named; where none was, the level chooses by its own number of clusters."""
    return None if overall.reason else overall.inference


def _design(design: Design, levels: Levels, level: str) -> Design:
    """The same rule within one level; a covariate that is the same for the whole level is left out."""
    alike = levels.by if levels.is_single(level) else ""
    return choose_design(
        levels.panel,
        design.method,
        estimand=design.estimand,
        covariates=tuple(name for name in design.covariates if name != alike),
        pool=design.pool,
        eligibility=(*design.eligibility, levels.rule(level)),
    )


def _joint_vcov(estimates: Sequence[Estimate]) -> tuple[FloatArray, bool]:
    """(k, k) variance of the levels' effects, and whether it holds what shared clusters have in common.

    On the diagonal each estimate's own variance. Beside it the correlation of the summed influence of clusters, where
    all have clusters that levels can share, and an influence function.
    """
    own = np.array([float(estimate.headline()["std_error"]) for estimate in estimates])
    names = {estimate.cluster for estimate in estimates}
    if len(estimates) < 2 or names not in ({"school"}, {"student"}) or any(e.fit.influence is None for e in estimates):
        return np.diag(own**2), False
    parts = [headline_influence(estimate, next(iter(names))) for estimate in estimates]
    size = 1 + max(int(part.cluster.max()) for part in parts)
    sums = np.column_stack([np.bincount(part.cluster, part.values, minlength=size) / part.n for part in parts])
    spread = np.sqrt(np.sum(sums**2, axis=0))
    correlation = sums.T @ sums / np.outer(spread, spread)
    np.fill_diagonal(correlation, 1.0)
    return correlation * np.outer(own, own), bool(np.count_nonzero(correlation) > len(own))
