"""Estimator: from a design and an outcome to point estimates and each row's influence on them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

import numpy as np
import pandas as pd

from mentoreval.aliases import BoolArray, FloatArray, IntArray
from mentoreval.design.design import Design
from mentoreval.errors import EffectError
from mentoreval.numerics.absorb import effects_rank, is_nested
from mentoreval.numerics.sandwich import Regression
from mentoreval.panel.timeline import Timeline
from mentoreval.registry import Kind

_WHY_NOT = {
    "matched_set": " Matched sets exist where every student of the comparison is in exactly one; matching with "
    "replacement, or the same comparison student in two cohorts, makes none.",
    "school": " Name the column of the school when the panel is made.",
    "mentor": " Name the column of the mentor when the panel is made.",
}

TERM_COLUMNS = ("term", "cohort", "period", "event_time", "n_treated", "n_comparison")


@dataclass(frozen=True, eq=False)
class LinearModel:
    """The weighted least-squares problem behind an estimate, for methods that need the regression itself.

    regressors : (n, p) after absorbing fixed effects
    response : (n,) after absorbing fixed effects
    weights : (n,) above 0
    coefficients : (p,)
    residuals : (n,)
    bread : (p, p) inverse of X'WX
    contrasts : (k, p) effects as combinations of the p coefficients; a row of zeros for a reference term
    absorbed : codes (n,) of each absorbed factor
    """

    regressors: FloatArray
    response: FloatArray
    weights: FloatArray
    coefficients: FloatArray
    residuals: FloatArray
    bread: FloatArray
    contrasts: FloatArray
    absorbed: tuple[IntArray, ...] = ()

    @property
    def effects(self) -> FloatArray:
        """(k,) the effects: contrasts of the coefficients."""
        return np.asarray(self.contrasts @ self.coefficients)

    @property
    def arrays(self) -> Regression:
        """The regression as the functions of ``numerics.sandwich`` take it."""
        return Regression(self.regressors, self.weights, self.residuals, self.bread, self.contrasts)

    def n_parameters(self, cluster: IntArray | None = None) -> int:
        """Number of coefficients, absorbed ones included, save those of factors nested in the clusters (n,).

        This is the count of fixest: a factor whose every level lies in one cluster costs the variance nothing.
        """
        if not self.absorbed:
            return int(self.regressors.shape[1])
        counted = [codes for codes in self.absorbed if cluster is None or not is_nested(codes, cluster)]
        return int(self.regressors.shape[1]) + effects_rank(counted)


@dataclass(frozen=True, eq=False)
class GroupTime:
    """What pooling group-time effects needs, so that it carries the noise of estimated cohort shares.

    cohort : (n,) clock time of each row's cohort; ``Timeline.NEVER`` for a row that is a comparison only
    weight : (n,) weight of the row in its cohort's share
    in_cell : (n, k) True where the row took part in the effect
    cell_cohort, cell_period : (k,) clock times of each effect
    anticipation : periods before the start in which the program may already act
    """

    cohort: IntArray
    weight: FloatArray
    in_cell: BoolArray
    cell_cohort: IntArray
    cell_period: IntArray
    anticipation: int = 0

    @cached_property
    def starters(self) -> IntArray:
        """Rows that have a cohort."""
        return np.flatnonzero(self.cohort != Timeline.NEVER)


@dataclass(frozen=True, eq=False)
class Fit:
    """Point estimates before uncertainty.

    terms : k rows with TERM_COLUMNS; cohort and period are labels, missing where they do not apply
    theta : (k,)
    influence : (n, k) columns of mean zero, scaled so that theta-hat minus theta is about the mean of the rows; None
        where the estimator has no influence function
    clusters : for each name (student, school, matched_set, mentor) the (n,) codes of the rows
    entries : entries of the design's baseline that are in the analytic sample
    linear : the regression behind the estimate, if there is one
    group_time : cohorts and cells, for estimators of group-time effects
    pooled_by : how group-time effects were pooled; None where they were not
    facts : what the report says: numbers and names
    """

    design: Design
    outcome: str
    estimator: Estimator
    terms: pd.DataFrame
    theta: FloatArray
    influence: FloatArray | None
    clusters: Mapping[str, IntArray]
    entries: IntArray
    linear: LinearModel | None = None
    group_time: GroupTime | None = None
    pooled_by: str | None = None
    facts: Mapping[str, object] = field(default_factory=dict)

    def cluster_codes(self, name: str) -> IntArray:
        """(n,) codes of a cluster variable; EffectError if there is none of that name, or rows without a cluster."""
        if name not in self.clusters:
            raise EffectError(
                f"{self.estimator.name} has no clusters named {name!r} on this design; "
                f"it has: {', '.join(self.clusters)}.{_WHY_NOT.get(name, '')}"
            )
        codes = self.clusters[name]
        missing = int(np.count_nonzero(codes < 0))
        if missing:
            raise EffectError(
                f"{missing:,} of {len(codes):,} rows have no {name}, so errors can not be clustered by {name}. "
                f"Complete it, or choose another cluster: {', '.join(c for c in self.clusters if c != name)}."
            )
        return codes


@dataclass(frozen=True)
class Estimator(Kind):
    """A rule that turns a design and an outcome into effects. One method to write: ``fit``.

    It does no inference: it returns each row's influence, and an inference method makes the uncertainty from it.
    """

    folder: ClassVar[str] = "mentoreval.effects.estimators:ESTIMATORS"

    @abstractmethod
    def fit(self, design: Design, outcome: str) -> Fit:
        """Effects on one outcome; raises EffectError where the design does not identify them."""

    def adjusts_for(self, design: Design) -> tuple[str, ...]:
        """Names of the covariates that the impact model holds; none, unless a kind has the option ``covariates``.

        Where that option is left out of a study file, the model holds those of the design.
        """
        chosen: tuple[str, ...] | None = getattr(self, "covariates", ())
        return design.covariates if chosen is None else chosen


def make_terms(rows: list[dict[str, object]]) -> pd.DataFrame:
    """The frame of terms from one dict per effect; keys that are left out are missing."""
    frame = pd.DataFrame(rows, columns=list(TERM_COLUMNS))
    for name in ("cohort", "period", "event_time"):
        frame[name] = frame[name].convert_dtypes()
    for name in ("n_treated", "n_comparison"):
        frame[name] = frame[name].astype(np.int64)
    return frame
