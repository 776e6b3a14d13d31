"""A made-up program: students whom nobody mentored are given one, as the real students came to theirs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd
from scipy.special import logit

from mentoreval.aliases import BoolArray, FloatArray, IntArray
from mentoreval.design.design import Baseline, Design, stand_at_start
from mentoreval.design.propensity import PropensityModel
from mentoreval.errors import EffectError
from mentoreval.numerics.unequal_draws import draw_cells, tilt
from mentoreval.panel.panel import Panel
from mentoreval.panel.timeline import Timeline
from mentoreval.registry import make

MOST_STUDENTS = 1 / 3
"""Share of the never-mentored students of a school, or of a panel without schools, who may be given the program; more
where the study itself has fewer comparison students for each mentee."""

MOST_SCHOOLS = 1 / 2
"""Share of the schools without the program that may be given it."""

LEAST_SHARE = 1 / 3
"""Share of the real mentees for whom the never-mentored of the same schools must have room; else whole schools without
the program are given it."""

FEWEST_STUDENTS, FEWEST_SCHOOLS = 30, 6
"""Never-treated students, and schools, without which a made-up program says little: six schools have only twenty
halves. A panel without schools may be one of schools, and is taken as such."""

FEWEST_MENTEES = 5
"""Made-up mentees in a panel of students with schools; elsewhere two made-up units are enough."""

CERTAIN = 1e-9
"""Fitted probabilities are held this far from 0 and 1."""

Level = Literal["unit", "school"]


class RehearsalRefusedError(EffectError):
    """No rehearsal can be held; ``key`` and ``numbers`` say why in any language."""

    def __init__(self, message: str, key: str, numbers: Mapping[str, object] | None = None) -> None:
        super().__init__(message)
        self.key, self.numbers = key, dict(numbers or {})


@dataclass(frozen=True, eq=False)
class Candidates:
    """The never-treated units who could start with one cohort; arrays of m.

    cohort : clock time of the start
    unit : (m,) unit codes of the panel of the never-treated
    linear : (m,) log odds of being chosen, by the fitted selection
    school : (m,) code of the school at the start; 0 for all where there are no schools
    """

    cohort: int
    unit: IntArray
    linear: FloatArray
    school: IntArray


@dataclass(frozen=True, eq=False)
class MadeUpProgram:
    """How the program is made up: by the real one's selection, numbers, schools, mentors and starts.

    candidates : of each cohort
    number : (cohorts, schools) made-up mentees; with level "school" the real mentees of each program school
    share : (cohorts, schools) with level "school" the share of those at risk who were mentored in each program school
    level : "unit" where units of the same schools, or of a panel without schools, are chosen; "school" where schools
        without the program are, which copy a program school each: its starts, its share of mentees, its mentors
    caseload : for each (cohort, school) of the real program the mentor code of each mentee; -1 = none is recorded
    n_real, n_made_up : mentees, or program schools
    """

    n_units: int
    candidates: tuple[Candidates, ...]
    number: IntArray
    share: FloatArray
    level: Level
    n_real: int
    n_made_up: int
    caseload: Mapping[tuple[int, int], IntArray] = field(default_factory=dict)

    def draw(self, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
        """One made-up program: (n_units,) clock times of the starts, and (n_units,) mentor codes, -1 for none."""
        start = np.full(self.n_units, Timeline.NEVER, dtype=np.int64)
        mentor = np.full(self.n_units, -1, dtype=np.int64)
        copied = self._copies(rng) if self.level == "school" else np.arange(self.number.shape[1])
        for place, group in enumerate(self.candidates):
            free = np.flatnonzero(start[group.unit] == Timeline.NEVER)
            unit, school = group.unit[free], group.school[free]
            number = self._numbers(place, copied, np.bincount(school, minlength=len(copied)))
            drawn = draw_cells(tilt(group.linear[free], school, number), school, number, rng)
            start[unit[drawn]] = group.cohort
            if self.caseload:
                self._give_mentors(place, copied, unit[drawn], school[drawn], mentor, rng)
        return start, mentor

    def _numbers(self, place: int, copied: IntArray, size: IntArray) -> IntArray:
        """(schools,) made-up mentees of a cohort among those who are free."""
        if self.level == "unit":
            return np.asarray(np.minimum(self.number[place], size))
        share = np.where(copied >= 0, self.share[place, np.maximum(copied, 0)], 0.0)
        return np.rint(share * size).astype(np.int64)

    def _copies(self, rng: np.random.Generator) -> IntArray:
        """(schools,) the program school that each school copies; -1 for none."""
        schools, odds = self._school_odds
        cell = np.zeros(len(schools), dtype=np.int64)
        number = np.array([self.n_made_up])
        chosen = schools[draw_cells(tilt(odds, cell, number), cell, number, rng)]
        copied = np.full(self.number.shape[1], -1, dtype=np.int64)
        real = np.flatnonzero(self.number.sum(axis=0))
        copied[rng.permutation(chosen)] = rng.permutation(real)[: len(chosen)]
        return copied

    @cached_property
    def _school_odds(self) -> tuple[IntArray, FloatArray]:
        """Schools without the program, and the log odds of the mean fitted probability of their students."""
        school = np.concatenate([group.school for group in self.candidates])
        probability = 1 / (1 + np.exp(-np.concatenate([group.linear for group in self.candidates])))
        size = np.bincount(school, minlength=self.number.shape[1])
        without = np.flatnonzero((size > 0) & (self.number.sum(axis=0) == 0))
        mean = (np.bincount(school, probability, minlength=len(size)) / np.maximum(size, 1))[without]
        return without, logit(np.clip(mean, CERTAIN, 1 - CERTAIN))

    def _give_mentors(
        self, place: int, copied: IntArray, unit: IntArray, school: IntArray, mentor: IntArray,
        rng: np.random.Generator,
    ) -> None:  # fmt: skip
        """Deal the mentees of a cohort out to the mentors of their school, whole caseloads first."""
        order = np.lexsort((rng.random(len(unit)), school))
        for members in np.split(order, np.flatnonzero(np.diff(school[order])) + 1):
            own = self.caseload.get((place, int(copied[school[members[0]]]))) if len(members) else None
            if own is not None:
                mentors = rng.permutation(np.unique(own))
                dealt = np.concatenate([own[own == one] for one in mentors])
                mentor[unit[members]] = np.resize(dealt, len(members))


def make_up(design: Design, selection: Sequence[str] | None = None) -> MadeUpProgram:
    """The made-up program of a design, in the unit codes of the panel of its never-treated units.

    selection : covariates on which the made-up selection hangs; None takes the scores of the design, or where it has
        none a logit on its covariates

    Raises RehearsalRefusedError where too few students or schools are left.
    """
    return _Maker(design, *_selected(design, selection)).make()


def never_treated(panel: Panel) -> BoolArray:
    """(n_units,) True for units that do not start in the periods of the panel."""
    return np.asarray(panel.start > panel.timeline.clock[-1])


def _selected(design: Design, selection: Sequence[str] | None) -> tuple[Baseline, BoolArray, FloatArray]:
    """The entries, those at risk whose selection is known, and their log odds of being chosen."""
    base, considered = design.baseline, design.weighting.considered
    if selection is not None:
        base = stand_at_start(design.panel, tuple(selection), design.pool, design.eligibility)
        considered = base.at_risk & base.complete
    elif not np.isnan(design.weighting.propensity).all():
        score = design.weighting.propensity
        known = considered & base.at_risk & ~np.isnan(score)
        return base, known, logit(np.clip(score, CERTAIN, 1 - CERTAIN))
    considered = considered & base.at_risk & base.complete
    if not base.covariates:
        return base, considered, np.zeros(base.size)
    model = getattr(design.method, "propensity", None) or make(PropensityModel, "logit")  # type: ignore[type-abstract]
    within = tuple(getattr(design.method, "exact", ()))
    return base, considered, model.score(base, considered & base.comparable(), within).linear


@dataclass(frozen=True, eq=False)
class _Maker:
    """The entries of the real program, and what is counted in them."""

    design: Design
    base: Baseline
    known: BoolArray
    linear: FloatArray

    @property
    def panel(self) -> Panel:
        """The panel of the study."""
        return self.design.panel

    @cached_property
    def usable(self) -> BoolArray:
        """(m,) entries with a score."""
        return self.known & ~np.isnan(self.linear)

    @cached_property
    def school(self) -> IntArray:
        """(m,) code of the school of each entry; 0 where there are none, or where it is missing."""
        codes = self.panel.school_at_start(self.base.unit, self.base.cohort)
        return np.unique(codes, return_inverse=True)[1].astype(np.int64)

    @cached_property
    def real(self) -> BoolArray:
        """(m,) the mentees."""
        return self.usable & self.base.treated

    @cached_property
    def pool(self) -> BoolArray:
        """(m,) the never-treated, of cohorts that have mentees."""
        own = np.isin(self.base.cohort, np.unique(self.base.cohort[self.real]))
        return self.usable & ~self.base.treated & own & never_treated(self.panel)[self.base.unit]

    @cached_property
    def cohorts(self) -> IntArray:
        """Clock times at which some mentee starts."""
        return np.unique(self.base.cohort[self.real])

    def _count(self, chosen: BoolArray) -> IntArray:
        """(cohorts, schools) chosen entries."""
        shape = (len(self.cohorts), int(self.school.max()) + 1)
        code = np.searchsorted(self.cohorts, self.base.cohort[chosen]) * shape[1] + self.school[chosen]
        return np.bincount(code, minlength=shape[0] * shape[1]).reshape(shape)

    def _distinct(self) -> IntArray:
        """(schools,) never-treated units who could start with some cohort."""
        pairs = np.unique(np.column_stack([self.school, self.base.unit])[self.pool], axis=0)
        return np.bincount(pairs[:, 0], minlength=int(self.school.max()) + 1).astype(np.int64)

    def make(self) -> MadeUpProgram:
        """By units of the same schools where these can hold LEAST_SHARE of the mentees; else by schools."""
        self._refuse_nobody()
        real, free = self._count(self.real), self._count(self.pool)
        within = _within(real, free, self._distinct())
        without = int(((free.sum(axis=0) > 0) & (real.sum(axis=0) == 0)).sum())
        by_school = self.panel.school is not None and within.sum() < real.sum() * LEAST_SHARE
        if by_school and without >= FEWEST_SCHOOLS:
            schools = int((real.sum(axis=0) > 0).sum())
            made_up = min(schools, int(without * MOST_SCHOOLS))
            return self._program("school", real, real / np.maximum(real + free, 1), schools, made_up)
        fewest = FEWEST_MENTEES if self.panel.school is not None else 2
        if within.sum() < fewest:
            raise self._too_few(int(within.sum()), int(real.sum()), without)
        return self._program("unit", within, np.zeros(real.shape), int(real.sum()), int(within.sum()))

    def _program(self, level: Level, number: IntArray, share: FloatArray, n_real: int, n_made: int) -> MadeUpProgram:
        kept = never_treated(self.panel)
        code = np.cumsum(kept) - 1
        groups = []
        for cohort in self.cohorts:
            chosen = self.pool & (self.base.cohort == cohort)
            unit = code[self.base.unit[chosen]]
            groups.append(Candidates(int(cohort), unit, self.linear[chosen], self.school[chosen]))
        return MadeUpProgram(int(kept.sum()), tuple(groups), number, share, level, n_real, n_made, self._caseload())

    def _caseload(self) -> dict[tuple[int, int], IntArray]:
        panel = self.panel
        if panel.mentor is None:
            return {}
        entries = np.flatnonzero(self.real)
        codes = np.append(pd.factorize(panel.frame[panel.mentor], sort=True)[0], -1)
        mentor = codes[panel.rows_at_start(self.base.unit[entries], self.base.cohort[entries])]
        place = np.searchsorted(self.cohorts, self.base.cohort[entries])
        frame = pd.DataFrame({"place": place, "school": self.school[entries], "mentor": mentor})
        cells = frame.groupby(["place", "school"])["mentor"].agg(list).reset_index()
        keys = cells[["place", "school"]].to_numpy(dtype=np.int64).tolist()
        return {(one, school): np.array(own) for (one, school), own in zip(keys, cells["mentor"], strict=True)}

    def _refuse_nobody(self) -> None:
        n_pool = len(np.unique(self.base.unit[self.pool]))
        fewest = FEWEST_STUDENTS if self.panel.school is not None else FEWEST_SCHOOLS
        if n_pool < fewest:
            raise RehearsalRefusedError(
                f"A rehearsal needs at least {fewest} units that never start, have all covariates and meet the rules; "
                f"there are {n_pool}. A comparison of those who start with those who start later can not be rehearsed.",
                "too_few_units", {"count": n_pool, "fewest": fewest},
            )  # fmt: skip

    def _too_few(self, made_up: int, real: int, without: int) -> RehearsalRefusedError:
        if self.panel.school is None or made_up > 0:
            return RehearsalRefusedError(
                f"Only {made_up} of {real} mentees can be made up while comparison units are left in their schools.",
                "too_few_units", {"count": made_up, "fewest": FEWEST_MENTEES},
            )  # fmt: skip
        return RehearsalRefusedError(
            f"The schools with the program have nobody without it, and {without} schools never had it. A rehearsal "
            f"needs {FEWEST_SCHOOLS} of these, to give the program to some and compare with the others.",
            "too_few_schools", {"count": without, "fewest": FEWEST_SCHOOLS},
        )  # fmt: skip


def _within(real: IntArray, free: IntArray, distinct: IntArray) -> IntArray:
    """(cohorts, schools) as many made-up mentees as real ones, or as many as there is room for.

    real, free : (cohorts, schools) mentees, and never-treated who could have started with the cohort
    distinct : (schools,) never-treated who could have with any

    The cohorts of a school are cut by one factor, so that their shares stay as far as each has room.
    """
    total = real.sum(axis=0)
    factor = np.minimum(1.0, _room(total, distinct) / np.maximum(total, 1))
    return np.asarray(np.floor(np.minimum(real * factor, _room(real, free)) + 0.5), dtype=np.int64)


def _room(real: IntArray, free: IntArray) -> FloatArray:
    """Made-up mentees beside whom enough are left: two for each, or at least as many for each as the study has."""
    return np.asarray(np.maximum(free * MOST_STUDENTS, real * free / np.maximum(real + free, 1)))
