"""Estimator: from a design and an outcome to point estimates and each row's influence on them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
import pandas as pd

from mentoreval.aliases import BoolArray, FloatArray, IntArray
from mentoreval.design.design import Design
from mentoreval.effects.note import Note
from mentoreval.errors import EffectError
from mentoreval.numerics.absorb import effects_rank, is_nested
from mentoreval.numerics.sandwich import Regression
from mentoreval.panel.timeline import Timeline
from mentoreval.registry import Kind

if TYPE_CHECKING:
    from mentoreval.effects.pooling import Window

_WHY_NOT = {
    "matched_set": " Matched sets exist where every student of the comparison is in exactly one; matching with "
    "replacement, or the same comparison student in two cohorts, makes none.",
    "school": " Name the column of the school when the panel is made.",
    "mentor": " Name the column of the mentor when the panel is made.",
}

PROMISES = ("influence", "refits", "shift", "scale")
"""What every estimator promises unless its class is exempt: each row's influence; that estimating again on drawn
clusters gives the right spread; that a constant added to the outcome changes nothing; that another unit of measurement
only rescales."""

TERM_COLUMNS = ("term", "cohort", "period", "event_time", "n_treated", "n_comparison")


@dataclass(frozen=True, eq=False)
class LinearModel:
    """The weighted least-squares problem behind an estimate, for methods that need the regression itself.

    columns : (n, p) regressors after absorbing fixed effects; with ``cell`` (c, p), one row for each cell
    response : (n,) after absorbing fixed effects
    weights : (n,) above 0
    coefficients : (p,)
    residuals : (n,)
    bread : (p, p) inverse of X'WX
    contrasts : (k, p) effects as combinations of the p coefficients; a row of zeros for a reference term
    absorbed : codes (n,) of each absorbed factor
    cell : (n,) the row of ``columns`` that each row has, where many rows have the same; None = its own
    owner : (n,) the row of the fit's influence that each row belongs to, where a unit has several; None = its own
    names : (p,) of the regressors; a level of a text is ``covariate = level``. Empty where they are not covariates
    """

    columns: FloatArray
    response: FloatArray
    weights: FloatArray
    coefficients: FloatArray
    residuals: FloatArray
    bread: FloatArray
    contrasts: FloatArray
    absorbed: tuple[IntArray, ...] = ()
    cell: IntArray | None = None
    owner: IntArray | None = None
    names: tuple[str, ...] = ()

    @cached_property
    def regressors(self) -> FloatArray:
        """(n, p) the regressors of every row."""
        return self.columns if self.cell is None else self.columns[self.cell]

    def of_rows(self, codes: IntArray) -> IntArray:
        """(n,) codes of the rows of the regression, from codes of the rows of the fit's influence."""
        return codes if self.owner is None else codes[self.owner]

    @property
    def effects(self) -> FloatArray:
        """(k,) the effects: contrasts of the coefficients."""
        return np.asarray(self.contrasts @ self.coefficients)

    @property
    def arrays(self) -> Regression:
        """The regression as the functions of ``numerics.sandwich`` take it."""
        return Regression(self.regressors, self.weights, self.residuals, self.bread, self.contrasts)

    def n_parameters(self, cluster: IntArray | None = None) -> int:
        """Number of coefficients, absorbed ones included, save those of factors nested in the clusters.

        cluster : codes of the rows of the fit's influence

        This is the count of fixest: a factor whose every level lies in one cluster costs the variance nothing.
        """
        if not self.absorbed:
            return int(self.columns.shape[1])
        if cluster is None:
            return int(self.columns.shape[1]) + effects_rank(self.absorbed)
        of_row = self.of_rows(cluster)
        counted = [c for c in self.absorbed if c is not self.owner and not is_nested(c, of_row)]
        return int(self.columns.shape[1]) + effects_rank(counted)


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
class StatedVariance:
    """The uncertainty of effects by an estimator's own formula, likelihood or placebos.

    vcov : (k, k)
    df : (k,) degrees of freedom of the reference distribution; infinity = normal
    n_clusters : number of independent clusters, or rows, behind the variance
    cluster : what the formula takes as independent, such as "school"; "" for rows
    """

    vcov: FloatArray
    df: FloatArray
    n_clusters: int
    cluster: str = ""


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
    second_stage : that of two-stage least squares, for the corrections of its errors and nothing else: regressors as
        the instruments tell them, residuals of the equation itself
    group_time : cohorts and cells, for estimators of group-time effects
    pooled_by : how group-time effects were pooled; None where they were not
    window : the event times that were pooled; None = all
    facts : what the report says: numbers and names
    notes : what a reader of the effects must know, each a key and numbers
    own_variance : makes the variance that the estimator states itself; None where it states none

    An estimator without influence function sets ``influence=None`` and ``own_variance`` to a function of no arguments
    that returns a StatedVariance; a function, so that refits do not pay for it. The inference method ``own_variance``
    calls it, and is taken where a study names none. The class says in ``Estimator.exempt`` why it has no influence
    function.
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
    second_stage: LinearModel | None = None
    group_time: GroupTime | None = None
    pooled_by: str | None = None
    window: Window | None = None
    facts: Mapping[str, object] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()
    own_variance: Callable[[], StatedVariance] | None = None

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

    exempt: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """Promises of PROMISES that a kind can not make, each with the reason in a clause that ends an error's sentence."""

    descriptive: ClassVar[bool] = False
    """Whether it only describes who had what outcome; a report never calls the numbers of such a kind an effect."""

    compares_changes: ClassVar[bool] = False
    """Whether it subtracts what was before the program, which is all it does about a difference in the outcome then."""

    follows_ends: ClassVar[bool] = False
    """Whether the effect takes account of a program's end; the effect of others is that of having started."""

    lead_rows: ClassVar[Literal["untreated", "all"] | None] = None
    """Rows from which trends before the start are tested, for kinds that estimate no effect there; None elsewhere."""

    @abstractmethod
    def fit(self, design: Design, outcome: str) -> Fit:
        """Effects on one outcome; raises EffectError where the design does not identify them."""

    def sees_changes(self) -> bool:
        """``compares_changes`` of the kind, unless its options say otherwise."""
        return self.compares_changes

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
