"""Rehearsal: the whole analysis again and again on the study's own never-mentored students, with a known truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from mentoreval.aliases import Verdict
from mentoreval.effects.estimate import Estimate
from mentoreval.errors import OptionError
from mentoreval.evidence.check import Finding
from mentoreval.evidence.known_effect import EffectPath
from mentoreval.evidence.made_up_program import MadeUpProgram, RehearsalRefusedError, make_up
from mentoreval.evidence.rehearsal_draws import DRAW_COLUMNS, Analysis, Drawn, Rehearser
from mentoreval.evidence.rehearsal_verdict import SUMMARY_COLUMNS, chance_of_the_pool, summarize
from mentoreval.numerics.processes import cores, in_processes
from mentoreval.panel.facts import MeasureFacts

NAME = "rehearsal"

RANK: tuple[Verdict, ...] = ("pass", "caution", "fail", "cannot_judge")

DEFAULT_EFFECT = 0.10
"""Standard deviations of the outcome that are taken as the smallest effect that matters, where nobody said."""


@dataclass(frozen=True, eq=False)
class Rehearsal:
    """What an analysis did where the truth was known.

    frame : DRAW_COLUMNS, one row for each draw and known effect; imbalance is the largest effect size of a covariate
        between the arms after the design; a draw that gave no estimate says why in ``reason``
    confidence : of the analysis' intervals
    program : how the program was made up
    mentor_spread : standard deviation between mentors, in the outcome's unit, of what mentees of one share beyond the
        known effect
    path : how the known effect runs over time
    assumed : True where nobody said which effect matters, and DEFAULT_EFFECT was taken
    chance : standard error that the mean estimate of many draws owes to these never-mentored students, who are the same
        in all draws: others like them would have another mean. Where errors are by school, by school or by student,
        whichever is more: what a few schools say of it is itself uncertain, and students are never alike by school only
    measure : what is known of the outcome
    """

    outcome: str
    frame: pd.DataFrame
    confidence: float
    program: MadeUpProgram
    mentor_spread: float = 0.0
    path: EffectPath = "growing"
    assumed: bool = False
    chance: float = 0.0
    measure: MeasureFacts | None = None

    @property
    def effects(self) -> tuple[float, ...]:
        """The known effects, in the order in which they were asked for."""
        return tuple(dict.fromkeys(self.frame["effect"]))

    def draws(self, effect: float) -> pd.DataFrame:
        """The draws of a known effect that gave an estimate with its uncertainty."""
        return self.frame[self.frame["effect"] == effect].dropna(subset=["estimate", "conf_low", "conf_high"])

    @cached_property
    def summary(self) -> pd.DataFrame:
        """SUMMARY_COLUMNS, one row for each known effect.

        bias : mean estimate less the truth; bias_error : its standard error, for the number of draws and for the chance
            of these students
        spread : standard deviation of the estimates; mean_std_error : what the analysis takes it for
        coverage : share of the intervals that hold the truth, with its 99 % interval
        found : share of p-values below 1 − confidence: false alarms where the effect is zero, else power
        fault : "" or the key of what is worst: biased, too_narrow, by_chance (which may pass), failed, few_draws
        """
        return summarize(self.frame, self.confidence, self.chance)

    @property
    def worst(self) -> pd.Series:
        """The row of ``summary`` that decides the verdict; where all are alike the last."""
        rank = [RANK.index(verdict) for verdict in self.summary["verdict"]]
        return self.summary.iloc[len(rank) - 1 - int(np.argmax(rank[::-1]))]

    def finding(self) -> Finding:
        """fail where estimates are surely far off or intervals surely hold the truth too seldom, at any known effect.

        biased : what is left of the bias beyond its 99 % interval is above a fifth of the spread of the estimates:
            caution, above two fifths: fail. So is what the analysis makes of the effect, apart from what it finds
            without one in the same draws
        too_narrow : coverage, for other students like these, is surely below the stated confidence: caution, and by
            more than 2.5 points: fail
        by_chance : estimates were visibly off, or intervals held the truth too seldom, by no more than the chance of
            these very students explains: pass where it explains that 19 times in 20, caution beyond
        cannot_judge : more than a tenth of the draws gave no estimate, or fewer than 20 did
        """
        worst = self.worst
        verdict: Verdict = worst["verdict"]
        key = str(worst["fault"] or "right")
        numbers = {name: worst[name] for name in SUMMARY_COLUMNS[:-2]} | {"confidence": self.confidence}
        if verdict == "cannot_judge":
            numbers["why"] = next((text for text in self.frame["reason"] if text), "")
        return Finding(NAME, verdict, f"{NAME}.{key}", numbers, self.summary)

    def __repr__(self) -> str:
        text = self.summary.to_string(index=False, float_format="{:.4g}".format)
        return f"Rehearsal of {self.outcome}: {self.finding().verdict}\n{text}"

    def _repr_html_(self) -> str:
        return f"<p>Rehearsal of {self.outcome}: {self.finding().verdict}</p>{self.summary.to_html(index=False)}"


def rehearse(
    estimate: Estimate,
    *,
    draws: int = 200,
    effect: float | None = None,
    seed: int = 0,
    workers: int | None = None,
    path: EffectPath = "growing",
    selection: Sequence[str] | None = None,
) -> Rehearsal:
    """Carry out an analysis again where its truth is known: on its own never-mentored students.

    They are given a made-up program by the study's own fitted selection, with its numbers, schools, mentors and starts,
    and a known effect: none, and ``effect``. The pipeline (propensity, design, balance, estimator, inference) runs on
    each. What nobody recorded can not be rehearsed: selection on it is not in the made-up program.

    Whoever is not chosen with one start is there to be chosen with the next, as the fitted selection has it. Where that
    hangs on the outcome of the period before, those who are never chosen had good periods, and a comparison with them
    (pool "never_treated") is off, which the rehearsal says; those not yet chosen are a fair comparison. A study whose
    program considers each student once, as when each school has one start, knows that only if schools are on record.

    Parameters
    ----------
    estimate : its design, estimator and inference are what is rehearsed, and its headline what is judged
    draws : made-up programs, 1 or more
    effect : the known effect in the outcome's unit, the smallest that would matter; by default DEFAULT_EFFECT standard
        deviations of the outcome among the never-mentored, in the direction that is better for the student
    seed : each draw has a generator of its own, so that the answer does not hang on the number of workers
    workers : processes; None = as many as there are cores
    path : how the known effect runs over time. "growing" by an equal step in each period from the start on, since an
        analysis that is right for such an effect is right for a constant one and not the reverse; or "constant". Its
        size is such that what the headline averages is ``effect``
    selection : covariates on which the made-up selection hangs; None = those of the design. Others show what would
        happen if those who chose had looked at what the design leaves out

    Where mentors are known, the mentees of one share more than chance gives them; a deviation of that size, of mean
    zero over mentors, is added to the known effect.

    Raises
    ------
    RehearsalRefusedError : too few never-treated students or schools, a design that can not be chosen again, or no draw
        that gave an estimate; the message says why the first did not.
    """
    return rehearse_together(
        (estimate,), (effect,), draws=draws, seed=seed, workers=workers, path=path, selection=selection
    )[0]


def rehearse_together(
    estimates: Sequence[Estimate],
    effects: Sequence[float | None],
    *,
    draws: int,
    seed: int,
    workers: int | None = None,
    path: EffectPath = "growing",
    selection: Sequence[str] | None = None,
) -> tuple[Rehearsal, ...]:
    """``rehearse`` of several estimates on one design, which is chosen once for all of them in each draw."""
    _check(estimates, draws, workers)
    design = estimates[0].design
    if design.method.name == "arm_contrast":
        raise RehearsalRefusedError(
            "This design is one pair of several programs, whose scores can not be estimated from the pair alone.",
            "several_programs",
        )
    program = make_up(design, selection)
    wanted = [default_effect(one) if given is None else given for one, given in zip(estimates, effects, strict=True)]
    pairs = zip(estimates, wanted, strict=True)
    analyses = [Analysis.of(one, (0.0, effect) if effect else (0.0,)) for one, effect in pairs]
    rehearser = Rehearser.of(design, program, analyses, path)
    tasks = list(enumerate(np.random.SeedSequence(seed).spawn(draws), start=1))
    answers = in_processes("Rehearsing", rehearser.draw, tasks, cores() if workers is None else workers)
    return tuple(
        _rehearsal(analysis, [answer[place] for answer in answers], rehearser, effects[place] is None)
        for place, analysis in enumerate(analyses)
    )


def _check(estimates: Sequence[Estimate], draws: int, workers: int | None) -> None:
    if draws < 1:
        raise OptionError(f"draws is 1 or more; got {draws}.")
    if workers is not None and workers < 1:
        raise OptionError(f"workers is 1 or more; got {workers}. Leave it out for as many as there are cores.")
    if any(one.design is not estimates[0].design for one in estimates):
        raise OptionError("Estimates that are rehearsed together share one design. Rehearse others apart.")


def _rehearsal(analysis: Analysis, drawn: Sequence[Drawn], rehearser: Rehearser, assumed: bool) -> Rehearsal:
    program, path = rehearser.program, rehearser.path
    measure = rehearser.panel.measures.get(analysis.outcome)
    frame = pd.DataFrame([row for one in drawn for row in one.rows], columns=list(DRAW_COLUMNS))
    numbers = [name for name in DRAW_COLUMNS if name not in ("draw", "reason")]
    frame[numbers] = frame[numbers].astype(float)
    if frame["estimate"].isna().all():
        why = str(frame["reason"][0])
        message = f"None of {len(drawn)} rehearsals gives an estimate. The first says: {why}"
        raise RehearsalRefusedError(message, "failed", {"n_failed": len(drawn), "why": why})
    levels = zip(*(one.pulls for one in drawn if one.pulls), strict=True)
    chance = max((chance_of_the_pool(level) for level in levels), default=0.0)
    return Rehearsal(
        analysis.outcome, frame, analysis.confidence, program, analysis.mentor_spread, path, assumed, chance, measure
    )


def refused(error: RehearsalRefusedError) -> Finding:
    """The finding of a rehearsal that could not be held."""
    return Finding(NAME, "cannot_judge", f"{NAME}.{error.key}", error.numbers)


def default_effect(estimate: Estimate) -> float:
    """DEFAULT_EFFECT standard deviations of the outcome among the never-treated, in the better direction."""
    panel = estimate.design.panel
    never = (panel.start > panel.timeline.clock[-1])[panel.row_unit]
    facts = panel.measures.get(estimate.outcome)
    sign = 1.0 if facts is None or facts.higher_is_better else -1.0
    return sign * DEFAULT_EFFECT * float(panel.frame[estimate.outcome][never].astype(float).std())
