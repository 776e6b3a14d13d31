"""Refitting: the design method and the estimator again, on a panel made of clusters drawn or left out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, cast

import numpy as np
import pandas as pd

from mentoreval.aliases import FloatArray, IntArray
from mentoreval.design.design import choose_design
from mentoreval.effects.clusters import own_school
from mentoreval.effects.estimator import Fit
from mentoreval.effects.pooling import pool_fit
from mentoreval.errors import EffectError, MentorevalError
from mentoreval.numerics.draws import canonical_order
from mentoreval.panel.panel import Panel

if TYPE_CHECKING:
    from mentoreval.effects.estimate import PoolBy

MOST_FAILED = 0.1
"""Share of refits that may fail before their spread says nothing about the estimate."""


@dataclass(frozen=True, eq=False)
class Refitter:
    """All that is needed to estimate again from other clusters of the same panel.

    cluster : (n_units,) codes 0 … G − 1 of every unit of the panel, in an order that no label decides
    """

    fit: Fit
    cluster: IntArray

    @classmethod
    def of(cls, fit: Fit, level: str) -> Refitter:
        """The refitter of a fit whose clusters are students or schools; EffectError for a pair of several arms."""
        if fit.design.method.name == "arm_contrast":
            raise EffectError(
                "This design is one pair of several programs, whose scores can not be estimated again from the pair "
                "alone. Use ClusterRobust, MultiplierBootstrap or WildClusterBootstrap."
            )
        reason = fit.estimator.exempt.get("refits")
        if reason:
            instead = "ClusterRobust" if fit.own_variance is None else "OwnVariance"
            raise EffectError(
                f"{fit.estimator.name} can not be refitted on drawn clusters, for {reason}. Use {instead}."
            )
        return cls(fit, _clusters(fit, level))

    @property
    def n_clusters(self) -> int:
        """G."""
        return int(self.cluster.max()) + 1

    @cached_property
    def _rows(self) -> list[IntArray]:
        """Rows of the panel's frame in each cluster."""
        of_row = self.cluster[self.fit.design.panel.row_unit]
        order = np.argsort(of_row, kind="stable")
        return np.split(order, np.cumsum(np.bincount(of_row, minlength=self.n_clusters))[:-1])

    def effects(self, chosen: IntArray) -> FloatArray | None:
        """(k,) effects from the chosen clusters, each as often as it is named; None where they give no estimate.

        An effect that they do not identify is missing.
        """
        return self.effects_on(self._panel(chosen))

    def effects_on(self, panel: Panel) -> FloatArray | None:
        """(k,) effects from another panel with the same columns, by the same design method and estimator; as above."""
        design = self.fit.design
        try:
            again = choose_design(
                panel,
                design.method,
                estimand=design.estimand,
                covariates=design.covariates,
                pool=design.pool,
                eligibility=design.eligibility,
            )
            found = self.fit.estimator.fit(again, self.fit.outcome)
            if self.fit.pooled_by is not None:
                found = pool_fit(found, cast("PoolBy", self.fit.pooled_by), self.fit.window)
        except (MentorevalError, np.linalg.LinAlgError):  # counted by the caller, who stops where there are many
            return None
        values = dict(zip(found.terms["term"], found.theta, strict=True))
        return np.array([values.get(term, np.nan) for term in self.fit.terms["term"]])

    def _panel(self, chosen: IntArray) -> Panel:
        """A panel of the chosen clusters; copies of a unit, and of a school, are different ones."""
        panel = self.fit.design.panel
        rows = np.concatenate([self._rows[g] for g in chosen])
        copy = np.repeat(np.arange(len(chosen)), [len(self._rows[g]) for g in chosen])
        frame = panel.frame.iloc[rows].reset_index(drop=True)
        unit = copy * panel.n_units + panel.row_unit[rows]
        frame[panel.unit] = pd.factorize(unit)[0]
        if panel.school is not None and len(np.unique(chosen)) < len(chosen) and self._holds_schools:
            label = frame[panel.school].astype(object).map(str, na_action="ignore")
            frame[panel.school] = [
                f"{c}:{name}" if isinstance(name, str) else name for c, name in zip(copy, label, strict=True)
            ]
        return replace(panel, frame=frame)

    @cached_property
    def _holds_schools(self) -> bool:
        """Whether clusters hold several units, so that a copy of one is a school of its own."""
        return self.n_clusters < len(self.cluster)


def _clusters(fit: Fit, level: str) -> IntArray:
    """(n_units,) clusters of every unit of the panel, also of those that the design left out."""
    panel = fit.design.panel
    if level == "student":
        codes = np.arange(panel.n_units)
    else:
        fit.cluster_codes(level)
        codes = own_school(panel)
        if (codes < 0).any():
            raise EffectError(
                f"{int((codes < 0).sum()):,} of {panel.n_units:,} students have no school, so schools can not be "
                "drawn. Complete it, or use cluster = 'student'."
            )
    codes = np.unique(codes, return_inverse=True)[1]
    rank = np.empty(int(codes.max()) + 1, dtype=np.int64)
    rank[canonical_order(_summary(panel, fit.outcome, codes))] = np.arange(len(rank))
    return rank[codes]


def _summary(panel: Panel, outcome: str, codes: IntArray) -> FloatArray:
    """(G, 2) mean outcome, as a distance from the mean of all, and number of units of each cluster."""
    values = panel.frame[outcome].to_numpy(dtype=float, na_value=np.nan)
    known, of_row = ~np.isnan(values), codes[panel.row_unit]
    size = int(codes.max()) + 1
    count = np.bincount(of_row[known], minlength=size)
    total = np.bincount(of_row[known], values[known] - values[known].mean(), minlength=size)
    return np.column_stack([total / np.maximum(count, 1), np.bincount(codes)])


def refit_level(fit: Fit, cluster: str | None) -> str:
    """What is drawn or left out: the cluster that was asked for, else school where there are several, else student."""
    schools = fit.clusters.get("school")
    several = schools is not None and len(np.unique(schools[schools >= 0])) > 1
    return cluster or ("school" if several else "student")


def check_failures(failed: int, tried: int) -> None:
    """EffectError where so many refits gave no estimate that the spread of the others says little."""
    if failed > MOST_FAILED * tried:
        raise EffectError(
            f"{failed:,} of {tried:,} refits gave no estimate: without some clusters the design or the effect falls "
            "away. Use ClusterRobust or WildClusterBootstrap, or a coarser design."
        )
