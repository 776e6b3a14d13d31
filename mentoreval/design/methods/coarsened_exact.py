"""Coarsened exact: students are compared who agree in every covariate, once numbers are cut into classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from mentoreval.aliases import BoolArray, Estimand, FloatArray, IntArray
from mentoreval.design.covariate_matrix import covariate_matrix
from mentoreval.design.design import Baseline, DesignMethod, Weighting
from mentoreval.design.matched_sets import (
    PAIR_ESTIMANDS,
    SET_ESTIMANDS,
    exact_strata,
    finer,
    refuse_empty,
    weighting_of_sets,
)
from mentoreval.design.propensity import Scores
from mentoreval.design.reweighting import refuse_estimand
from mentoreval.errors import DesignError, OptionError, suggest
from mentoreval.numerics.coarsening import RULES, classes_between, equal_width_cuts, quantile_cuts
from mentoreval.numerics.covariate_spaces import CovariateSpace, mahalanobis_space
from mentoreval.numerics.matching import match_covariates
from mentoreval.numerics.set_weights import sets_with_both_arms
from mentoreval.numerics.strata import UNMATCHED, Limits


@dataclass(frozen=True)
class CoarsenedExact(DesignMethod):
    """Strata of students who agree in every covariate after numbers are cut into classes, within a cohort.

    Weights are those of ``Exact``. Time grows as n log n, memory as n.

    cutpoints : how a number is cut, by covariate: a list of cut points (a value on one belongs to the class above), a
        number of classes of equal width, "sturges", "scott" or "fd" for as many of them as the rule of Sturges, Scott,
        or Freedman and Diaconis says, "q4" for classes between quantiles (here quarters), or "exact" for every value
        by itself. By default "sturges", as MatchIt (R) and cem
    groupings : levels of a text that count as one, by covariate, as a list of lists; others stay by themselves
    k2k : whether to pair the students of a stratum one to one and to leave the rest out: in the order of the panel,
        each treated one (for the ATC each other one) takes the nearest in Mahalanobis distance, as MatchIt (R) does;
        then every weight is 1, for the ATT or the ATC

    References: Iacus, King & Porro (2011), JASA 106:345; (2012), Political Analysis 20:1.
    """

    name: ClassVar[str] = "coarsened_exact"
    estimands: ClassVar[tuple[Estimand, ...]] = SET_ESTIMANDS
    cutpoints: Mapping[str, Any] | tuple[Any, ...] = ()
    groupings: Mapping[str, Any] | tuple[Any, ...] = ()
    k2k: bool = False

    def __post_init__(self) -> None:
        """Tables become sorted tuples, so that the method can be hashed and nobody can change it."""
        for option in ("cutpoints", "groupings"):
            value = getattr(self, option)
            if isinstance(value, Mapping):
                object.__setattr__(self, option, _frozen(sorted(value.items())))
        super().__post_init__()

    def check(self) -> None:
        """Refuse cut points that are none of the allowed forms."""
        for option in ("cutpoints", "groupings"):
            if not all(isinstance(item, tuple) and len(item) == 2 for item in getattr(self, option)):
                raise OptionError(f"CoarsenedExact: {option} is a table by covariate; got {getattr(self, option)!r}.")
        for covariate, cut in dict(self.cutpoints).items():
            if not _is_cut(cut):
                raise OptionError(
                    f"CoarsenedExact: cutpoints of {covariate!r} = {cut!r} is not allowed. It takes a list of numbers, "
                    "a number of classes, 'sturges', 'scott', 'fd', 'exact', or 'q' and a number of quantile classes "
                    "such as 'q5'."
                )

    def weigh(self, baseline: Baseline, estimand: Estimand) -> Weighting:
        """Strata and their weights; DesignError for the ATO, without covariates, and where no stratum has both arms."""
        self._refuse_estimand(estimand)
        self._refuse_unknown(baseline.covariates)
        considered = baseline.comparable()
        rows = np.flatnonzero(considered)
        treated = baseline.treated[rows]
        codes = exact_strata(baseline, rows, ())
        frame, classes = baseline.frame.iloc[rows], {}
        for name in baseline.covariates:
            values = self._coarsened(name, frame[name])
            classes[name] = len(np.unique(values))
            codes = finer(codes, values)
        refuse_empty(codes, treated, "strata", "Cut the covariates into fewer classes, or give fewer covariates.")
        facts: dict[str, object] = {"classes": classes, "n_strata": len(np.unique(codes))}
        if not self.k2k:
            return weighting_of_sets(baseline, considered, codes, estimand, Scores.none(baseline.size), facts)
        numbers = covariate_matrix(frame).for_distance().values
        space = mahalanobis_space(numbers, treated, weights=baseline.weight[rows])
        pairs = _one_to_one(space, treated, sets_with_both_arms(codes, treated), estimand)
        paired = np.full(len(rows), UNMATCHED, dtype=np.int64)
        paired[pairs] = np.arange(len(pairs))[:, None]
        found = weighting_of_sets(baseline, considered, paired, estimand, Scores.none(baseline.size), facts)
        at = space.points[space.point[pairs]]
        return replace(found, pairs=rows[pairs], pair_distance=np.linalg.norm(at[:, 0] - at[:, 1], axis=1))

    def _refuse_estimand(self, estimand: Estimand) -> None:
        if self.k2k and estimand == "ATE":
            raise DesignError(
                "CoarsenedExact: pairs (k2k) answer for one arm, the ATT or the ATC, not for the ATE. Leave k2k out: "
                "the strata by themselves answer for the ATE."
            )
        refuse_estimand(self.name, PAIR_ESTIMANDS if self.k2k else self.estimands, estimand)

    def _refuse_unknown(self, covariates: tuple[str, ...]) -> None:
        if not covariates:
            raise DesignError("This design needs covariates to compare students by, and has none: covariates=[…].")
        for name in (*dict(self.cutpoints), *dict(self.groupings)):
            if name not in covariates:
                raise OptionError(
                    f"CoarsenedExact: {name!r} is not a covariate of the design.{suggest(name, covariates)}"
                )

    def _coarsened(self, name: str, column: pd.Series) -> IntArray:
        """(n,) class of each student in one covariate, from 0."""
        cut, groups = dict(self.cutpoints).get(name), dict(self.groupings).get(name)
        if pd.api.types.is_bool_dtype(column) or not pd.api.types.is_numeric_dtype(column):
            if cut not in (None, "exact"):
                raise OptionError(f"CoarsenedExact: {name!r} is a text and has no cut points. Use groupings.")
            return _grouped(name, column, groups or ())
        if groups is not None:
            raise OptionError(f"CoarsenedExact: {name!r} is a number and has no groupings. Use cutpoints.")
        values = column.to_numpy(dtype=float)
        if cut == "exact":
            return np.unique(values, return_inverse=True)[1].astype(np.int64)
        return classes_between(values, _cuts(values, "sturges" if cut is None else cut))


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, (list, tuple)) else value


def _is_cut(cut: object) -> bool:
    if isinstance(cut, (tuple, list)):
        return len(cut) > 0 and all(isinstance(at, (int, float)) and np.isfinite(at) for at in cut)
    if isinstance(cut, str):
        return cut in (*RULES, "exact") or (cut[:1] == "q" and cut[1:].isdigit() and int(cut[1:]) >= 1)
    return isinstance(cut, int) and not isinstance(cut, bool) and cut >= 1


def _cuts(values: FloatArray, cut: Any) -> FloatArray:
    """Cut points between the classes of (n,) values."""
    if isinstance(cut, str) and cut not in RULES:
        return quantile_cuts(values, int(cut[1:]))[1:-1]
    if isinstance(cut, tuple):
        return np.array(cut, dtype=np.float64)
    return equal_width_cuts(values, RULES[cut](values) if cut in RULES else cut)


def _grouped(name: str, column: pd.Series, groups: tuple[tuple[object, ...], ...]) -> IntArray:
    """(n,) group of each level; levels in no group stay by themselves."""
    codes, levels = pd.factorize(column)
    place = {str(level): number for number, level in enumerate(levels)}
    group = np.arange(len(levels))
    for members in groups:
        unknown = [member for member in members if str(member) not in place]
        if unknown:
            raise OptionError(f"CoarsenedExact: {name!r} has no level {unknown[0]!r}.{suggest(str(unknown[0]), place)}")
        group[[place[str(member)] for member in members]] = place[str(members[0])]
    return group[codes].astype(np.int64)


def _one_to_one(space: CovariateSpace, treated: BoolArray, sets: IntArray, estimand: Estimand) -> IntArray:
    """(p, 2) rows of the treated and its control: in turn each of those asked about takes the nearest who is left."""
    seekers = treated if estimand == "ATT" else ~treated
    found = match_covariates(space, seekers, order="data", limits=Limits(strata=sets, discarded=sets == UNMATCHED))
    matched = found[:, 0] != UNMATCHED
    pairs = np.column_stack([np.flatnonzero(seekers)[matched], found[matched, 0]])
    return pairs if estimand == "ATT" else pairs[:, ::-1]
