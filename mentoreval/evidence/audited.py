"""Audited: one estimate and what a reviewer asks about its sample, each worked out once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd

from mentoreval.aliases import BoolArray, FloatArray, IntArray
from mentoreval.design.design import Design
from mentoreval.effects.estimate import Estimate
from mentoreval.effects.sample import outcome_at
from mentoreval.evidence.attrition import Attrition, measure_attrition
from mentoreval.evidence.wwc import BaselineOpinion, EffectSize, baseline_equivalence, effect_size, judge_baseline
from mentoreval.numerics.reported_effects import pooled_correlation
from mentoreval.panel.facts import MeasureFacts
from mentoreval.panel.panel import PRIOR, Panel

AuditVerdict = Literal["pass", "needs_adjustment", "fail", "cannot_judge"]

AGGREGATES = ("school", "county", "classroom", "district", "site")
"""What a unit is called where it stands for many students."""


@dataclass(frozen=True)
class ItemOpinion:
    """What was found for one of the fourteen items.

    key : the reason, as a message key below the item
    numbers : numbers and names that its sentence needs; those that begin with ``n_`` count students
    """

    verdict: AuditVerdict
    key: str
    numbers: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Audited:
    """An estimate under review.

    name : of the estimate in its study
    main : whether it is one of the results that answer the study's questions
    adjusted : the p-value of its outcome adjusted within its family, and the family; empty for other estimates
    left_out : outcomes of the same domain in the data for which the study has no main result
    planned : planned, changed or exploratory, and what was changed; empty where no plan was registered
    """

    name: str
    estimate: Estimate
    main: bool = True
    adjusted: Mapping[str, object] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    planned: tuple[str, tuple[str, ...]] = ("", ())

    # ------------------------------------------------------------------ what it is about
    @property
    def design(self) -> Design:
        """The design behind it."""
        return self.estimate.design

    @property
    def panel(self) -> Panel:
        """The panel behind it."""
        return self.estimate.design.panel

    @property
    def facts(self) -> MeasureFacts | None:
        """What its outcome says of itself; None where nothing is known."""
        return self.panel.measures.get(self.estimate.outcome)

    @property
    def is_random(self) -> bool:
        """Whether a lottery made the arms."""
        return self.panel.assignment == "random"

    @property
    def is_aggregate(self) -> bool:
        """Whether a unit stands for many students."""
        unit = self.panel.unit.lower()
        return self.panel.unit == self.panel.school or any(unit.startswith(name) for name in AGGREGATES)

    @property
    def compares_changes(self) -> bool:
        """Whether the estimator subtracts what was before."""
        return self.estimate.fit.estimator.sees_changes()

    # ------------------------------------------------------------------ numbers of the estimate
    @cached_property
    def headline(self) -> pd.Series:
        """The row that answers the question."""
        return self.estimate.headline()

    @cached_property
    def baseline(self) -> pd.DataFrame:
        """As ``baseline_equivalence``."""
        return baseline_equivalence(self.estimate)

    @cached_property
    def opinion(self) -> BaselineOpinion:
        """As ``judge_baseline``."""
        return judge_baseline(self.baseline)

    @cached_property
    def attrition(self) -> Attrition | None:
        """Of a lottery; None otherwise."""
        return measure_attrition(self.estimate)

    @cached_property
    def size(self) -> EffectSize:
        """As ``effect_size``."""
        return effect_size(self.estimate)

    # ------------------------------------------------------------------ the analytic sample
    @cached_property
    def entries(self) -> IntArray:
        """(m,) entries of the baseline in the analytic sample."""
        return np.unique(self.estimate.fit.entries)

    @cached_property
    def unit(self) -> IntArray:
        """(m,) units."""
        return self.design.baseline.unit[self.entries]

    @cached_property
    def treated(self) -> BoolArray:
        """(m,) True in the treated arm."""
        return self.design.baseline.treated[self.entries]

    @cached_property
    def outcome(self) -> FloatArray:
        """(m,) the outcome at the time of the headline."""
        event_time = 0 if pd.isna(self.headline["event_time"]) else int(self.headline["event_time"])
        return outcome_at(self.design, self.estimate.outcome, event_time)[self.entries]

    def n_units(self, arm: bool) -> int:
        """Distinct units of an arm in the analytic sample."""
        return len(np.unique(self.unit[self.treated == arm]))

    @cached_property
    def school(self) -> IntArray:
        """(m,) code of the school at the start; -1 where it is not known."""
        return self.panel.school_at_start(self.unit, self.design.baseline.cohort[self.entries])

    def schools(self, arm: bool) -> IntArray:
        """Distinct schools of an arm."""
        codes = self.school[self.treated == arm]
        return np.unique(codes[codes >= 0])

    @cached_property
    def mentor(self) -> IntArray:
        """(m,) code of the mentor at the start; -1 without one or where none is known."""
        if self.panel.mentor is None:
            return np.full(len(self.entries), -1, dtype=np.int64)
        rows = self.panel.rows_at_start(self.unit, self.design.baseline.cohort[self.entries])
        codes = np.append(pd.factorize(self.panel.frame[self.panel.mentor], sort=True)[0], -1)
        return np.where(rows >= 0, codes[rows], -1).astype(np.int64)

    @cached_property
    def mentors(self) -> IntArray:
        """Distinct mentors of the treated arm."""
        codes = self.mentor[self.treated]
        return np.unique(codes[codes >= 0])

    @cached_property
    def same_school(self) -> float:
        """Share of treated entries whose school has comparison entries too; NaN where no school is known."""
        codes = self.school[self.treated]
        known = codes >= 0
        return float(np.isin(codes[known], self.schools(False)).mean()) if known.any() else math.nan

    @cached_property
    def correlation(self) -> float:
        """r of the outcome with its own value before the program, within the arms; NaN where it can not be had."""
        pretest = self.panel.pretest(self.estimate.outcome)
        if pretest is None:
            return math.nan
        base = self.design.baseline
        column = self.panel.covariates_at_baseline(self.unit, base.cohort[self.entries], [pretest])[pretest]
        before = pd.to_numeric(column, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        known = np.isfinite(before) & np.isfinite(self.outcome)
        each, counts = [], []
        for arm in (True, False):
            chosen = known & (self.treated == arm)
            if chosen.sum() > 3 and np.ptp(before[chosen]) > 0 and np.ptp(self.outcome[chosen]) > 0:
                each.append(float(np.corrcoef(before[chosen], self.outcome[chosen])[0, 1]))
                counts.append(int(chosen.sum()))
        return pooled_correlation(each, counts)

    @property
    def adjusts_for_pretest(self) -> bool:
        """Whether the impact model holds the outcome's own value before the program."""
        pretest = self.panel.pretest(self.estimate.outcome)
        return pretest is not None and pretest in self.estimate.fit.estimator.adjusts_for(self.design)

    @property
    def pretest_is_prior(self) -> bool:
        """Whether the measure before is the outcome itself, in the same unit."""
        return self.panel.pretest(self.estimate.outcome) == PRIOR + self.estimate.outcome
