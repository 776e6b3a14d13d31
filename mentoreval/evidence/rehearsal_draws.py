"""Rehearsal draws: the whole pipeline of some estimates again, on a made-up program with a known effect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mentoreval.aliases import Estimand, FloatArray, IntArray
from mentoreval.design.design import Design, DesignMethod, choose_design
from mentoreval.design.eligibility import Eligibility
from mentoreval.effects.estimate import Estimate, PoolBy
from mentoreval.effects.estimator import Estimator, Fit
from mentoreval.effects.inference import Inference, default_inference
from mentoreval.effects.pooling import AVERAGE, Window, pool_fit
from mentoreval.errors import MentorevalError
from mentoreval.evidence.known_effect import EffectPath, EffectRows, add_effect, headline_average, mentor_spread
from mentoreval.evidence.made_up_program import MadeUpProgram, never_treated
from mentoreval.panel.panel import Panel, Pool

DRAW_COLUMNS = (
    "draw", "effect", "truth", "estimate", "std_error", "p_value", "conf_low", "conf_high", "n_treated",
    "n_comparison", "imbalance", "reason",
)  # fmt: skip
_TAKEN = ("estimate", "std_error", "p_value", "conf_low", "conf_high", "n_treated", "n_comparison")


@dataclass(frozen=True, eq=False)
class Analysis:
    """An estimate as a recipe.

    inference : None where the study named none, so that the rule that chose it chooses again
    effects : the known effects that it is tried on
    mentor_spread : standard deviation of what the mentees of a mentor share beyond a known effect
    """

    outcome: str
    estimator: Estimator
    inference: Inference | None
    confidence: float
    pooled_by: PoolBy | None
    window: Window | None
    effects: tuple[float, ...]
    mentor_spread: float

    @classmethod
    def of(cls, subject: Estimate, effects: Sequence[float]) -> Analysis:
        """The recipe of an estimate."""
        fit = subject.fit
        inference = None if subject.reason else subject.inference
        by = cast("PoolBy | None", fit.pooled_by or ("simple" if fit.group_time is not None else None))
        spread = mentor_spread(fit.design, fit.outcome)
        return cls(fit.outcome, fit.estimator, inference, subject.confidence, by, fit.window, tuple(effects), spread)

    def estimate(self, fit: Fit) -> Estimate:
        """A fit, pooled as its headline is, with its uncertainty."""
        chosen = self.inference or default_inference(fit)[0]
        if self.pooled_by is not None:
            fit = pool_fit(fit, self.pooled_by, self.window)
        return chosen.apply(fit, self.confidence)


@dataclass(frozen=True, eq=False)
class Drawn:
    """What one made-up program gave for one analysis.

    rows : with DRAW_COLUMNS, one for each known effect
    pulls : by which each unit (units,), and where errors are by school each school (schools,), moved the estimate
        without an effect; empty where the estimator has no influence function
    """

    rows: list[dict[str, Any]]
    pulls: tuple[NDArray[np.float32], ...] = ()


@dataclass(frozen=True, eq=False)
class Recipe:
    """How a design is chosen."""

    method: DesignMethod
    estimand: Estimand
    covariates: tuple[str, ...]
    pool: Pool
    eligibility: tuple[Eligibility, ...]

    @classmethod
    def of(cls, design: Design) -> Recipe:
        """The recipe of a design."""
        return cls(design.method, design.estimand, design.covariates, design.pool, design.eligibility)

    def choose(self, panel: Panel) -> Design:
        """The design on another panel."""
        return choose_design(
            panel, self.method, estimand=self.estimand, covariates=self.covariates, pool=self.pool,
            eligibility=self.eligibility,
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Rehearser:
    """All that a draw needs, and nothing that can not be sent to another process.

    panel : of the never-treated units alone
    mentors : labels of the mentors by code; None where the panel has none
    """

    panel: Panel
    recipe: Recipe
    program: MadeUpProgram
    analyses: tuple[Analysis, ...]
    path: EffectPath
    mentors: pd.Index | None

    @classmethod
    def of(cls, design: Design, program: MadeUpProgram, analyses: Sequence[Analysis], path: EffectPath) -> Rehearser:
        """The rehearser of a design."""
        panel = design.panel
        mentors = None if panel.mentor is None else pd.Index(pd.factorize(panel.frame[panel.mentor], sort=True)[1])
        return cls(_of_never_treated(panel), Recipe.of(design), program, tuple(analyses), path, mentors)

    def draw(self, task: tuple[int, np.random.SeedSequence]) -> list[Drawn]:
        """What one made-up program gives for each analysis."""
        number, seed = task
        rng = np.random.Generator(np.random.PCG64(seed))
        start, mentor = self.program.draw(rng)
        common: dict[str, Any] = {"draw": number, "reason": ""}
        try:
            design = self.recipe.choose(self._with(start, mentor, {}))
            common["imbalance"] = _imbalance(design)
        except (MentorevalError, np.linalg.LinAlgError) as error:
            failed = {**common, "reason": str(error)}
            return [Drawn([{**failed, "effect": effect} for effect in one.effects]) for one in self.analyses]
        return [self._analyse(one, design, mentor, common, rng) for one in self.analyses]

    def _analyse(
        self, analysis: Analysis, design: Design, mentor: IntArray, common: dict[str, Any], rng: np.random.Generator
    ) -> Drawn:
        """All known effects on the same made-up program; the first is none."""
        shared = self._shared(analysis, mentor, rng)
        rows: list[dict[str, Any]] = [{**common, "effect": effect} for effect in analysis.effects]
        pulls: tuple[NDArray[np.float32], ...] = ()
        try:
            fit = analysis.estimator.fit(design, analysis.outcome)
            planned = replace(fit, pooled_by=analysis.pooled_by, window=analysis.window)
            average = headline_average(planned, self.path)
            without = analysis.estimate(fit)
            rows[0] |= _answer(without, 0.0)
            pulls, acts = _pulls(without), EffectRows.of(planned, self.path)
            for row in rows[1:]:
                sized = replace(acts, size=acts.size * (row["effect"] / average))
                row |= _answer(analysis.estimate(_refit(analysis, design, sized, shared, rng)), row["effect"])
        except (MentorevalError, np.linalg.LinAlgError) as error:  # counted, and told where there are many
            rows = [row if "truth" in row else {**row, "reason": str(error)} for row in rows]
        return Drawn(rows, pulls)

    def _shared(self, analysis: Analysis, mentor: IntArray, rng: np.random.Generator) -> FloatArray:
        """(n_units,) what each unit shares with the other mentees of its mentor; 0 for a unit without one."""
        drawn = rng.normal(size=int(mentor.max(initial=-1)) + 2) * analysis.mentor_spread
        drawn[-1] = 0.0
        return drawn[mentor]

    def _with(self, start: IntArray, mentor: IntArray, outcomes: dict[str, FloatArray]) -> Panel:
        """The panel with made-up starts and mentors."""
        panel, columns = self.panel, dict[str, Any](outcomes)
        if self.mentors is not None:
            assert panel.mentor is not None
            columns[panel.mentor] = pd.Series(self.mentors).array.take(mentor[panel.row_unit], allow_fill=True)
        return panel.with_starts(start, columns)


def _refit(analysis: Analysis, design: Design, effect: EffectRows, shared: FloatArray, rng: np.random.Generator) -> Fit:
    """The fit with the effect in the outcomes. The design stays, for it does not see them."""
    panel = design.panel
    outcome = add_effect(panel, analysis.outcome, effect, shared[panel.row_unit], rng)
    again = panel.with_starts(panel.start, {analysis.outcome: outcome})
    return analysis.estimator.fit(replace(design, panel=again), analysis.outcome)


def _of_never_treated(panel: Panel) -> Panel:
    """The panel of the never-treated, its texts as categories, and what no start changes worked out."""
    kept = never_treated(panel)[panel.row_unit]
    frame = panel.frame[kept].reset_index(drop=True)
    for name in panel.covariates:
        column = frame[name]
        if pd.api.types.infer_dtype(column, skipna=True) == "string":
            frame[name] = column.astype(pd.CategoricalDtype(sorted(column.dropna().unique())))
    for name in panel.outcomes:
        frame[name] = frame[name].to_numpy(dtype=float, na_value=np.nan)
    alone = replace(panel, frame=frame)
    vars(alone)["timeline"] = panel.timeline
    for part in ("units", "row_period", "row_of", "unit_weight", "_first_row_of_unit"):
        getattr(alone, part)
    if panel.school is not None:
        _ = alone._school_text, alone._school_code
    return alone


def _answer(estimate: Estimate, truth: float) -> dict[str, Any]:
    """The numbers of a headline, and the truth."""
    head = estimate.headline()
    return {name: float(head[name]) for name in _TAKEN} | {"truth": truth}


def _pulls(estimate: Estimate) -> tuple[NDArray[np.float32], ...]:
    """By which each unit, and where errors are by school each school, moved the headline; see ``Drawn``."""
    fit = estimate.fit
    if fit.influence is None or "student" not in fit.clusters:
        return ()
    place = 0 if len(fit.theta) == 1 else int(np.flatnonzero(fit.terms["term"] == AVERAGE)[0])
    panel, moved = fit.design.panel, fit.influence[:, place] / len(fit.influence)
    sizes = {"student": panel.n_units}
    if estimate.cluster == "school":
        sizes["school"] = int(panel._school_code.max()) + 1
    summed = (np.bincount(fit.clusters[level], moved, minlength=size) for level, size in sizes.items())
    return tuple(one.astype(np.float32) for one in summed)


def _imbalance(design: Design) -> float:
    """Largest effect size of a covariate between the arms after the design; NaN where it has no covariates."""
    return abs(float(design.balance().opinion.value)) if design.covariates else float("nan")
