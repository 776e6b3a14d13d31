"""Baseline: students as they stood before the program, all that a design may see."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
import pandas as pd

from mentoreval.aliases import BoolArray, FloatArray, IntArray
from mentoreval.design.covariate_matrix import CovariateMatrix, covariate_matrix
from mentoreval.design.eligibility import Eligibility, meets_all
from mentoreval.errors import DesignError
from mentoreval.panel.panel import Panel, Pool


@dataclass(frozen=True)
class FlowStep:
    """One step of the sample flow: a message key and the numbers of distinct units that are left in each arm."""

    key: str
    n_treated: int
    n_comparison: int


@dataclass(frozen=True, eq=False)
class Baseline:
    """Students as they stood before the program: all that a design method may see.

    One entry for each unit and cohort at whose start the unit could be compared: the unit's own cohort for a treated
    unit, every cohort for a unit of the comparison pool. All arrays have one element per entry.

    unit : (m,) unit code
    cohort : (m,) clock time of the start that the entry belongs to
    treated : (m,) True where the unit starts at that time
    at_risk : (m,) True where the unit has a row in the baseline period and in the period of the start
    weight : (m,) sampling weight
    covariates : names of the covariates to make alike
    screened : the steps of the sample flow that led to these entries
    """

    unit: IntArray
    cohort: IntArray
    treated: BoolArray
    at_risk: BoolArray
    weight: FloatArray
    covariates: tuple[str, ...]
    screened: tuple[FlowStep, ...]
    _read: Callable[[tuple[str, ...]], pd.DataFrame]
    _codes: Callable[[str], IntArray]

    @cached_property
    def frame(self) -> pd.DataFrame:
        """(m, covariates) covariates at the baseline, in their own types; missing where nothing is known."""
        return self._read(self.covariates)

    def matrix(self, chosen: BoolArray) -> CovariateMatrix:
        """The covariates of the chosen entries (m,) as numbers; where all are chosen, worked out only once."""
        return self._whole_matrix if chosen.all() else covariate_matrix(self.frame[chosen])

    @cached_property
    def _whole_matrix(self) -> CovariateMatrix:
        return covariate_matrix(self.frame)

    def column(self, name: str) -> pd.Series:
        """(m,) a column at the baseline that need not be a covariate, such as one to match exactly on."""
        return self.frame[name] if name in self.covariates else self._read((name,))[name]

    def codes(self, name: str) -> IntArray:
        """(m,) a number for each value of such a column; -1 where it is missing."""
        return self._codes(name)

    @cached_property
    def complete(self) -> BoolArray:
        """(m,) True where every covariate is known."""
        known = np.ones(self.size, dtype=bool)
        for name in self.frame:
            known &= self.frame[name].notna().to_numpy(dtype=bool)
        return known

    @property
    def size(self) -> int:
        """Number of entries."""
        return len(self.unit)

    def comparable(self, also: tuple[str, ...] = ()) -> BoolArray:
        """(m,) True for entries that a method may choose from; DesignError where there is none.

        They are at risk, have every covariate and every column of ``also``, a sampling weight above 0, and are of a
        cohort in which both arms are left.
        """
        chosen = self.at_risk & self.complete & (self.weight > 0)
        for name in set(also) - set(self.covariates):
            chosen &= self.codes(name) >= 0
        starts, waits = (pd.unique(self.cohort[chosen & arm]) for arm in (self.treated, ~self.treated))
        both = np.intersect1d(starts, waits)
        chosen &= np.isin(self.cohort, both)
        if not chosen.any():
            raise DesignError(self._nobody_comparable(also))
        return chosen

    def only(self, kept: BoolArray) -> Baseline:
        """The baseline of the entries (m,) that are kept, with the sample flow as it is."""
        places = np.flatnonzero(kept)

        def read(names: tuple[str, ...]) -> pd.DataFrame:
            """Covariates of the kept entries."""
            return self._read(names).take(places).reset_index(drop=True)

        def codes(name: str) -> IntArray:
            """Numbers for the values that the kept entries have in a column."""
            return self._codes(name)[places]

        unit, cohort, treated = self.unit[places], self.cohort[places], self.treated[places]
        at_risk, weight = self.at_risk[places], self.weight[places]
        return Baseline(unit, cohort, treated, at_risk, weight, self.covariates, self.screened, read, codes)

    def _nobody_comparable(self, also: tuple[str, ...]) -> str:
        gaps = {name: int(self.column(name)[self.at_risk].isna().sum()) for name in (*self.covariates, *also)}
        worst = max(gaps, key=lambda name: gaps[name], default="")
        where = f" {worst!r} is missing in {gaps[worst]:,} of them; leave it out." if gaps.get(worst) else ""
        return (
            f"No cohort has students in both arms who can be compared. {int(self.at_risk.sum()):,} of {self.size:,} "
            f"entries are enrolled before and at the start ({int((self.at_risk & self.treated).sum()):,} treated), and "
            f"{int((self.at_risk & self.complete).sum()):,} of them have all covariates.{where}"
        )


def stand_at_start(
    panel: Panel,
    covariates: tuple[str, ...],
    pool: Pool = "never_treated",
    eligibility: Sequence[Eligibility] = (),
    starters: BoolArray | None = None,
) -> Baseline:
    """The entries of every cohort's start: its treated units and the units of the pool, those who meet every rule.

    starters : (n_units,) True for the units whose own start is asked about, by default all; others only wait for theirs
    """
    asked = np.ones(panel.n_units, dtype=bool) if starters is None else starters
    for name in (*covariates, *(rule.covariate for rule in eligibility)):
        panel.check_covariate(name)
    unit, cohort = _entries(panel, pool, asked)
    treated = panel.start[unit] == cohort
    screened = [_everybody(panel, pool, asked)]
    if not panel.is_cross_section:
        screened.append(count_arms("start_in_panel", unit, treated))
    if eligibility:
        rules = panel.covariates_at_baseline(unit, cohort, dict.fromkeys(rule.covariate for rule in eligibility))
        met = meets_all(eligibility, rules)
        unit, cohort, treated = unit[met], cohort[met], treated[met]
        screened.append(count_arms("eligible", unit, treated))
    starts_in = panel.rows_at_start(unit, cohort)
    at_risk = (starts_in >= 0) & (panel.rows_before(unit, cohort) >= 0)

    @cache
    def read(names: tuple[str, ...]) -> pd.DataFrame:
        """Covariates at the baseline of every entry."""
        return panel.covariates_at_baseline(unit, cohort, names)

    @cache
    def codes(name: str) -> IntArray:
        """Numbers for the values of a column; the panel has numbered its schools, which are read at the start."""
        if name == panel.school:
            return np.where(starts_in >= 0, panel.school_at_start(unit, cohort), -1)
        column = read(covariates)[name] if name in covariates else read((name,))[name]
        return pd.factorize(column)[0].astype(np.int64)

    weight = panel.unit_weight[unit]
    return Baseline(unit, cohort, treated, at_risk, weight, covariates, tuple(screened), read, codes)


def _entries(panel: Panel, pool: Pool, asked: BoolArray) -> tuple[IntArray, IntArray]:
    """Unit and cohort of every entry: at each start, the units that start and those of the pool."""
    if len(panel.cohorts) == 0:
        raise DesignError("Every treated unit starts in the first period, so nobody is seen before the program.")
    units, cohorts = [], []
    for cohort in panel.cohorts:
        waits_until = cohort if pool == "not_yet_treated" else panel.timeline.clock[-1]
        chosen = np.flatnonzero((panel.start > waits_until) | ((panel.start == cohort) & asked))
        units.append(chosen)
        cohorts.append(np.full(len(chosen), cohort, dtype=np.int64))
    return np.concatenate(units), np.concatenate(cohorts)


def _everybody(panel: Panel, pool: Pool, asked: BoolArray) -> FlowStep:
    last = panel.timeline.clock[-1]
    first_wait = panel.cohorts[0] if pool == "not_yet_treated" and len(panel.cohorts) else last
    return FlowStep("in_panel", int(((panel.start <= last) & asked).sum()), int((panel.start > first_wait).sum()))


def count_arms(key: str, unit: IntArray, treated: BoolArray) -> FlowStep:
    """A step of the sample flow: how many distinct units of each arm are among the entries (m,)."""
    distinct = (int(np.count_nonzero(np.bincount(unit[arm]))) for arm in (treated, ~treated))
    return FlowStep(key, *distinct)
