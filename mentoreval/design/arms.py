"""Arms: a portfolio of several program models, each compared with every other on the students they have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import combinations
from typing import ClassVar, Literal, get_args

import numpy as np
import pandas as pd

from mentoreval.aliases import BoolArray, Estimand, FloatArray, IntArray
from mentoreval.design.covariate_matrix import CovariateMatrix, covariate_matrix
from mentoreval.design.design import NO_SET, Baseline, Design, DesignMethod, Weighting, stand_at_start
from mentoreval.design.propensity import known_covariates, with_cohorts
from mentoreval.design.reweighting import weight_facts
from mentoreval.design.separation import refuse_separation
from mentoreval.errors import DataError, DesignError, OptionError, first_few, suggest
from mentoreval.numerics.matching import match_nearest
from mentoreval.numerics.multinomial import (
    ArmEstimand,
    MultinomialFit,
    common_range,
    fit_multinomial,
    generalized_weights,
    overlap_density,
    score_strata,
)
from mentoreval.numerics.strata import UNMATCHED, Limits
from mentoreval.numerics.two_samples import effective_sample_size
from mentoreval.panel.panel import PRIOR, Panel

ArmMethod = Literal["weighting", "matching"]

REFERENCE = 0
"""Code of the arm without a program; the programs follow from 1."""

FEWEST = 10
"""Fewer students than this in an arm are too few to say how it was chosen."""

CALIPER = 0.25
STRATA = 5
"""Of vector matching: widest difference in standard deviations of the log odds, and number of k-means strata, both as
in Lopez & Gutman (2017)."""


@dataclass(frozen=True)
class ArmContrast(DesignMethod):
    """Two arms of a portfolio, with weights or matches from the scores of all of its arms.

    It describes the designs that ``ArmComparison.design`` gives and can not be used by itself: the scores need the
    students of the other arms, who are not in the panel of two. Refitting inference therefore refuses such a design.
    """

    name: ClassVar[str] = "arm_contrast"
    arm: str = ""
    treated: str = ""
    comparison: str = ""
    method: ArmMethod = "weighting"
    common_support: bool = True

    def weigh(self, baseline: Baseline, estimand: Estimand) -> Weighting:
        """DesignError: two arms by themselves do not tell the scores of all."""
        raise DesignError(
            f"The weights of {self.treated!r} against {self.comparison!r} come from the scores of all arms of "
            f"{self.arm!r}, whose students this panel of two arms does not hold. Choose it with compare_arms(…) and, "
            "for inference, take the weights as given: ClusterRobust, MultiplierBootstrap or WildClusterBootstrap."
        )


@dataclass(frozen=True, eq=False)
class ArmComparison:
    """Several arms made alike at once. All arrays but ``unit_arm`` have one element for each entry of the baseline.

    arm : the column with the labels
    arms : labels by code: the reference first, then the programs in sorted order
    unit_arm : (n_units,) code of every unit of the panel
    entry_arm : (m,) code of every entry
    considered : (m,) at risk and complete, in a cohort that has every arm
    supported : (m,) on the common support
    scores : (m, K) generalized propensity scores: of the model on the common support, beyond it of the one before
    weights : (m,) weight of each entry; the same whichever arms are compared
    matches : (s, K) matched sets, of an entry of every arm each; empty for weighting
    """

    panel: Panel
    arm: str
    arms: tuple[str, ...]
    method: ArmMethod
    estimand: ArmEstimand
    target: str | None
    common_support: bool
    baseline: Baseline
    unit_arm: IntArray
    entry_arm: IntArray
    considered: BoolArray
    supported: BoolArray
    scores: FloatArray
    weights: FloatArray
    matches: IntArray
    facts: dict[str, object] = field(default_factory=dict)

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The pairs to compare, (a, b) with a the program whose effect against b is meant; for the ATT those of the
        target arm."""
        programs, reference = self.arms[1:], self.arms[REFERENCE]
        pairs = [*((program, reference) for program in programs), *combinations(programs, 2)]
        if self.target is None:
            return pairs
        return [pair if pair[0] == self.target else _turned(pair, reference) for pair in pairs if self.target in pair]

    def design(self, a: str, b: str) -> Design:
        """The design of arm a against arm b, for any estimator: the units of both arms, those of b as if never treated.

        Its estimand is that of the comparison; for the ATT with b as the target it is the ATC of that pair. A unit of
        b takes part in the cohort of its own start only. ``propensity`` is P(a) / (P(a) + P(b)).

        Raises OptionError for an arm that does not exist, DesignError for a pair that the comparison does not answer.
        """
        treated, other = self._codes(a, b)
        panel = self._panel_of(treated, other)
        baseline = stand_at_start(panel, self.baseline.covariates)
        place = self._places(panel, baseline)
        known = place >= 0
        entries = np.where(known, place, 0)
        both = self.scores[entries][:, [treated, other]]
        weights = np.where(known, self.weights[entries], 0.0)
        pairs, apart = self._pairs_among(place, treated, other)
        weighting = Weighting(
            weights=weights,
            matched_set=np.full(baseline.size, NO_SET, dtype=np.int64),
            propensity=np.where(known, both[:, 0] / both.sum(axis=1), np.nan),
            pairs=pairs,
            considered=known & self.considered[entries],
            pair_distance=apart,
            conditional=self.method == "matching",
            facts={**weight_facts(weights, baseline.treated), **self.facts},
        )
        contrast = ArmContrast(self.arm, a, b, self.method, self.common_support)
        return Design(panel, baseline, weighting, "ATC" if b == self.target else self.estimand, contrast)

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row per arm: distinct units in the panel, considered, outside of the common support and on it, compared;
        the effective sample size (Σw)²/Σw² of its weights before (sampling weights) and after."""
        rows = []
        for code, label in enumerate(self.arms):
            own = self.entry_arm == code
            counts = {
                "n_in_panel": int(np.count_nonzero(self.unit_arm == code)),
                "n_considered": self._units(own & self.considered),
                "n_outside_support": self._units(own & self.considered) - self._units(own & self.supported),
                "n_supported": self._units(own & self.supported),
                "n_compared": self._units(own & (self.weights > 0)),
            }
            before = effective_sample_size(self.baseline.weight[own & self.considered])
            after = effective_sample_size(self.weights[own])
            rows.append({"arm": label, **counts, "ess_before": before, "ess_after": after})
        return pd.DataFrame(rows)

    def balance(self) -> pd.DataFrame:
        """One row per covariate and level: the largest absolute standardized difference of any pair, before and after.

        smd_before, smd_after : as in the balance of the pair's design; pair_before, pair_after : "a – b", where it is
        (McCaffrey et al. 2013, Statistics in Medicine 32:3388)
        """
        frames = []
        for a, b in self.pairs:
            frame = self.design(a, b).balance().frame
            frame = frame.loc[frame["kind"] != "distance", ["covariate", "level", "smd_before", "smd_after"]]
            frames.append(frame.assign(pair=f"{a} – {b}"))
        table = frames[0][["covariate", "level"]].reset_index(drop=True)
        for when in ("before", "after"):
            sizes = pd.concat(frames).assign(size=lambda every: every[f"smd_{when}"].abs())  # noqa: B023 (used at once)
            worst = sizes.sort_values("size", ascending=False, kind="stable").drop_duplicates(["covariate", "level"])
            worst = worst.rename(columns={"pair": f"pair_{when}"})[["covariate", "level", "size", f"pair_{when}"]]
            table = table.merge(worst.rename(columns={"size": f"smd_{when}"}), on=["covariate", "level"], how="left")
        return table

    def __repr__(self) -> str:
        whose = f" of {self.target}" if self.target else ""
        table = self.frame.to_string(index=False, float_format="{:.1f}".format)
        return f"ArmComparison: {self.method}, {self.estimand}{whose}, {len(self.arms)} arms of {self.arm}\n{table}"

    def _repr_html_(self) -> str:
        heading = repr(self).partition("\n")[0]
        return f"<p>{heading}</p>{self.frame.to_html(index=False, float_format='{:.1f}'.format)}"

    def _units(self, mask: BoolArray) -> int:
        return len(np.unique(self.baseline.unit[mask]))

    def _codes(self, a: str, b: str) -> tuple[int, int]:
        for label in (a, b):
            if label not in self.arms:
                raise OptionError(f"There is no arm {label!r} in {self.arm!r}.{suggest(str(label), self.arms)}")
        if a == b or a == self.arms[REFERENCE]:
            raise DesignError(
                f"{a!r} against {b!r} is no comparison: the first must be a program, the second another arm. Ask for "
                f"one of {first_few(self.pairs, 20)}."
            )
        if self.target is not None and self.target not in (a, b):
            raise DesignError(
                f"This comparison answers for the students of {self.target!r}, who are neither in {a!r} nor in {b!r}. "
                f"Ask for one of {first_few(self.pairs, 20)}, or compare the arms with target={a!r}."
            )
        return self.arms.index(a), self.arms.index(b)

    def _panel_of(self, treated: int, other: int) -> Panel:
        """The units of two arms, those of the second without a start."""
        code = self.unit_arm[self.panel.row_unit]
        kept = np.isin(code, (treated, other))
        frame = self.panel.frame[kept].reset_index(drop=True)
        start = frame[self.panel.first_treated]
        frame[self.panel.first_treated] = start.mask(pd.Series(code[kept] == other, index=frame.index))
        return replace(self.panel, frame=frame, covariates=_without(self.arm, self.panel.covariates))

    def _places(self, panel: Panel, baseline: Baseline) -> IntArray:
        """(entries of the pair,) the entry here of the same unit and cohort, of its own arm; -1 where there is none."""
        cohorts = {self.panel.timeline.label(clock): number for number, clock in enumerate(self.panel.cohorts)}
        number = np.array([cohorts[panel.timeline.label(clock)] for clock in panel.cohorts], dtype=np.int64)
        table = np.full((self.panel.n_units, len(cohorts)), -1, dtype=np.int64)
        own = np.searchsorted(self.panel.cohorts, self.baseline.cohort)
        table[self.baseline.unit, own] = np.arange(self.baseline.size)
        unit = self.panel.units.get_indexer(panel.units)[baseline.unit]
        return table[unit, number[np.searchsorted(panel.cohorts, baseline.cohort)]]

    def _pairs_among(self, place: IntArray, treated: int, other: int) -> tuple[IntArray, FloatArray]:
        """The matched sets as pairs (p, 2) of entries of the pair's baseline, and how far apart their log odds are."""
        found = self.matches[:, [treated, other]]
        back = np.full(self.baseline.size, -1, dtype=np.int64)
        back[place[place >= 0]] = np.flatnonzero(place >= 0)
        if self.target is None:
            return back[found], np.empty(0)
        linear = _log_odds(self.scores[:, self.arms.index(self.target)])
        return back[found], np.abs(linear[found[:, 0]] - linear[found[:, 1]])


def compare_arms(  # noqa: PLR0913 (what is compared, for whom, and how)
    panel: Panel,
    arm: str,
    *,
    method: ArmMethod = "weighting",
    estimand: ArmEstimand | None = None,
    target: str | None = None,
    reference: str = "none",
    covariates: Sequence[str] | None = None,
    common_support: bool = True,
) -> ArmComparison:
    """Compare several program models with each other and with no program, from the baseline alone.

    Generalized propensity scores come from a multinomial logit of the arm on the covariates. With ``common_support``
    only students stay each of whose scores lies within the range that it has in every arm, and the model is fitted
    again on them (Lopez & Gutman 2017, Statistical Science 32:432). Then all arms are made to resemble the same
    students, so that a against b plus b against c is a against c.

    Weighting: 1/P(own arm) for the ATE, P(target)/P(own arm) for the ATT, and for the ATO 1/P(own arm) times the
    harmonic mean of all scores (Li & Li 2019, Annals of Applied Statistics 13:2389); times sampling weights, scaled so
    that in each cohort all arms have the same sum (for the ATE then times the arm's share of the students).

    Matching: vector matching (Lopez & Gutman 2017, section 4): each student of the target arm is matched, with
    replacement, to the nearest of every other arm in the log odds of the target's score, within a caliper of CALIPER
    standard deviations and within k-means strata of the other arms' scores; only those stay who found somebody in all.

    Parameters
    ----------
    panel : a panel whose treated units are those of all programs
    arm : a column with the unit's program, such as a covariate of the panel; missing or ``reference`` = no program. It
        is the same in all rows of a unit that name a program, and never taken as a covariate
    method : "weighting" or "matching"
    estimand : ATE everybody, ATT the students of ``target``, ATO those who could as well have been in any arm; by
        default the ATE for weighting and the ATT, the only one, for matching
    target : for the ATT, whose students: an arm, also the reference
    reference : the label of no program
    covariates : as in ``choose_design``
    common_support : whether to leave students outside of it out

    Cohorts in which an arm has nobody take no part. Weights are estimated; errors that take them as given leave it out.

    Raises
    ------
    OptionError : an estimand, method or target that does not exist.
    DataError : no such column, an arm that changes within a unit, a treated unit without an arm or one with an arm and
        no start.
    DesignError : one arm only, an arm with fewer than FEWEST students or none on the common support, covariates that
        are constant or tell an arm apart from all others, nobody to match.
    """
    chosen: ArmEstimand = estimand or ("ATT" if method == "matching" else "ATE")
    _check_request(method, chosen, target, covariates)
    arms, unit_arm = _read_arms(panel, arm, reference)
    if target is not None and target not in arms:
        raise OptionError(f"There is no arm {target!r} in {arm!r} to be the target.{suggest(str(target), arms)}")
    names = _without(arm, panel.default_covariates if covariates is None else covariates)
    baseline = stand_at_start(panel, names)
    entry_arm = np.where(baseline.treated, unit_arm[baseline.unit], np.int64(REFERENCE))
    considered = _with_every_arm(baseline, entry_arm, baseline.comparable(), arms, "with complete covariates")
    model = _Scores.fit(baseline, considered, entry_arm, arms, known_covariates(baseline, considered))
    scores, supported = model.spread(np.full((baseline.size, len(arms)), np.nan)), considered
    if common_support:
        inside = considered.copy()
        inside[considered] = common_range(model.fit_.probability, entry_arm[considered])
        supported = _with_every_arm(baseline, entry_arm, inside, arms, "on the common support of all arms")
        matrix = covariate_matrix(baseline.frame[supported])
        model = _Scores.fit(baseline, supported, entry_arm, arms, matrix)
        scores = model.spread(scores)
    task = _Task(baseline, np.flatnonzero(supported), entry_arm, scores, arms)
    code = arms.index(target) if target is not None else REFERENCE
    matches = task.matched(code) if method == "matching" else np.empty((0, len(arms)), dtype=np.int64)
    weights = task.match_weights(matches, code) if method == "matching" else task.weights(chosen, code)
    return ArmComparison(
        panel=panel, arm=arm, arms=arms, method=method, estimand=chosen, target=target, common_support=common_support,
        baseline=baseline, unit_arm=unit_arm, entry_arm=entry_arm, considered=considered, supported=supported,
        scores=scores, weights=weights, matches=matches, facts=model.facts,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Scores:
    """A multinomial logit of the arm, and the entries (m,) that it was fitted on."""

    rows: BoolArray
    fit_: MultinomialFit
    facts: dict[str, object]

    @classmethod
    def fit(
        cls, baseline: Baseline, rows: BoolArray, entry_arm: IntArray, arms: tuple[str, ...], matrix: CovariateMatrix
    ) -> _Scores:
        """Fit on some entries, whose covariates are ``matrix``; DesignError where covariates tell an arm apart."""
        own = entry_arm[rows]
        for code, label in enumerate(arms):
            try:
                refuse_separation(matrix, own == code)
            except DesignError as error:
                raise DesignError(f"Arm {label!r} (called treated here) against all other arms: {error}") from error
        model = with_cohorts(matrix, baseline.cohort[rows])
        fit = fit_multinomial(model.values, own, baseline.weight[rows])
        labels = [column.label for column in model.columns]
        if not fit.converged:
            reach = np.nanmax(np.abs(fit.coefficients), axis=1) * np.ptp(model.values, axis=0)
            raise DesignError(
                f"The generalized propensity model did not settle in {fit.iterations} iterations: covariates tell arms "
                f"apart together, or have a few extreme values. Log odds run farthest along "
                f"{labels[int(np.nanargmax(reach))]!r}: drop, cap or coarsen it."
            )
        facts: dict[str, object] = {
            "propensity_model": "multinomial_logit",
            "propensity_iterations": fit.iterations,
            "aliased_covariates": tuple(labels[place] for place in fit.aliased),
        }
        return cls(rows, fit, facts)

    def spread(self, scores: FloatArray) -> FloatArray:
        """(m, K) scores with those of this model in their places."""
        everywhere = scores.copy()
        everywhere[self.rows] = self.fit_.probability
        return everywhere


@dataclass(frozen=True, eq=False)
class _Task:
    """The supported entries ``rows`` of a baseline, to be weighted or matched."""

    baseline: Baseline
    rows: IntArray
    entry_arm: IntArray
    scores: FloatArray
    arms: tuple[str, ...]

    def weights(self, estimand: ArmEstimand, target: int) -> FloatArray:
        """(m,) weights with the same sum for all arms of a cohort; for the ATE times the share of the arm."""
        arm, sampling, scores = self.entry_arm[self.rows], self.baseline.weight[self.rows], self.scores[self.rows]
        cohort = np.unique(self.baseline.cohort[self.rows], return_inverse=True)[1]
        factor = {"ATE": np.ones(arm.size), "ATT": (arm == target).astype(float)}.get(estimand)
        total = np.bincount(cohort, sampling * (overlap_density(scores) if factor is None else factor))
        raw = sampling * generalized_weights(scores, arm, estimand, target)
        cell = cohort * len(self.arms) + arm
        weights = np.zeros(self.baseline.size)
        weights[self.rows] = raw * total[cohort] / np.bincount(cell, raw)[cell]
        if estimand == "ATE":
            weights[self.rows] *= (np.bincount(arm, sampling) / sampling.sum())[arm]
        return weights

    def matched(self, target: int) -> IntArray:
        """(s, K) entries of the sets: one of the target arm and its nearest in every other."""
        arm, linear = self.entry_arm[self.rows], _log_odds(self.scores[self.rows])
        seekers = np.flatnonzero(arm == target)
        found = np.full((seekers.size, len(self.arms)), UNMATCHED, dtype=np.int64)
        found[:, target] = self.rows[seekers]
        caliper = CALIPER * float(np.std(linear[:, target], ddof=1))
        for other in range(len(self.arms)):
            if other != target:
                two = np.flatnonzero((arm == target) | (arm == other))
                limits = Limits(caliper=caliper, strata=self._strata(linear, target, other)[two])
                near = match_nearest(linear[two, target], arm[two] == target, replace=True, order="data", limits=limits)
                found[:, other] = np.where(near[:, 0] == UNMATCHED, UNMATCHED, self.rows[two[near[:, 0]]])
        complete = (found != UNMATCHED).all(axis=1)
        if not complete.any():
            fewest = int(np.argmin((found != UNMATCHED).sum(axis=0)))
            raise DesignError(
                f"None of {seekers.size:,} students of {self.arms[target]!r} can be matched in every other arm; fewest "
                f"in {self.arms[fewest]!r} ({int((found[:, fewest] != UNMATCHED).sum()):,}). Use method='weighting', "
                "another target, or fewer covariates."
            )
        return found[complete]

    def match_weights(self, matches: IntArray, target: int) -> FloatArray:
        """(m,) times that an entry is in a set, times its sampling weight."""
        return np.bincount(matches.ravel(), minlength=self.baseline.size) * self.baseline.weight

    def _strata(self, linear: FloatArray, target: int, other: int) -> IntArray:
        """(rows,) cohort and k-means stratum of the scores of all arms but the two that are matched."""
        cohort = np.unique(self.baseline.cohort[self.rows], return_inverse=True)[1].astype(np.int64)
        rest = [code for code in range(len(self.arms)) if code not in (target, other)]
        return cohort * STRATA + score_strata(linear[:, rest], STRATA) if rest else cohort


def _read_arms(panel: Panel, arm: str, reference: str) -> tuple[tuple[str, ...], IntArray]:
    """Labels by code, and the code of every unit of the panel."""
    if arm not in panel.frame.columns:
        raise DataError(
            f"This panel has no column {arm!r} with the arms: name it among the covariates of the panel."
            f"{suggest(str(arm), (str(name) for name in panel.frame.columns))}"
        )
    label = panel.frame[arm].astype(object).map(str, na_action="ignore")
    codes, names = pd.factorize(label.mask(label == reference), sort=True)
    known, unit = codes >= 0, panel.row_unit
    low, high = np.full(panel.n_units, len(names)), np.full(panel.n_units, -1)
    np.minimum.at(low, unit[known], codes[known])
    np.maximum.at(high, unit[known], codes[known])
    starts, never = panel.start <= panel.timeline.clock[-1], panel.start == panel.timeline.NEVER
    _refuse_units(panel, low < high, f"have more than one {arm}; compare_arms takes one program per unit, the first")
    _refuse_units(panel, starts & (high < 0), f"are treated but have no {arm}; write down their program")
    _refuse_units(panel, never & (high >= 0), f"have a {arm} but no {panel.first_treated}; give one, or remove it")
    unit_arm = np.where(starts, high + 1, REFERENCE).astype(np.int64)
    arms = (reference, *(str(name) for name in names))
    counts = np.bincount(unit_arm, minlength=len(arms))
    if len(names) == 0 or counts[REFERENCE] == 0:
        raise DesignError(
            f"{arm!r} has {len(names):,} programs ({first_few(names)}) and {int(counts[REFERENCE]):,} units without "
            "one: nothing to compare. It takes at least one program and units that were never in any."
        )
    return arms, unit_arm


def _refuse_units(panel: Panel, wrong: BoolArray, what: str) -> None:
    if wrong.any():
        shown = first_few(panel.units[wrong])
        raise DataError(f"{int(wrong.sum()):,} of {panel.n_units:,} units ({shown}) {what}.")


def _with_every_arm(
    baseline: Baseline, entry_arm: IntArray, rows: BoolArray, arms: tuple[str, ...], which: str
) -> BoolArray:
    """(m,) the rows of cohorts that have every arm; DesignError where an arm has fewer than FEWEST units in them."""
    clocks, cohort = np.unique(baseline.cohort, return_inverse=True)
    sizes = np.zeros((clocks.size, len(arms)), dtype=np.int64)
    np.add.at(sizes, (cohort[rows], entry_arm[rows]), 1)
    kept = rows & (sizes > 0).all(axis=1)[cohort]
    for code, label in enumerate(arms):
        found, alone = (len(np.unique(baseline.unit[some & (entry_arm == code)])) for some in (kept, rows))
        if found < FEWEST:
            where = f" ({alone:,} if cohorts that lack an arm are counted)" if alone > found else ""
            raise DesignError(
                f"Arm {label!r} has {found:,} students {which}{where}, fewer than the {FEWEST} that a score needs. "
                "Join it with a similar arm, leave it out, or give fewer covariates."
            )
    return kept


def _check_request(method: str, estimand: str, target: str | None, covariates: object) -> None:
    if method not in get_args(ArmMethod):
        raise OptionError(f"There is no method {method!r} for several arms.{suggest(str(method), get_args(ArmMethod))}")
    if estimand not in get_args(ArmEstimand):
        hint = " For the students of one arm, or of none, use the ATT with target=." if estimand == "ATC" else ""
        known = suggest(str(estimand), get_args(ArmEstimand))
        raise OptionError(f"There is no estimand {estimand!r} for several arms.{hint}{known}")
    if method == "matching" and estimand != "ATT":
        raise DesignError(
            f"Matching answers for the students of one arm (ATT), not for the {estimand}: use estimand='ATT' with "
            "target=, or method='weighting'."
        )
    if (estimand == "ATT") != (target is not None):
        raise OptionError(
            "The ATT of several arms is that of the students of one of them: name it, as target='peer'."
            if target is None
            else f"target={target!r} says whose effect the ATT is; it does not go with the {estimand}. Leave it out."
        )
    if isinstance(covariates, str):
        raise OptionError(f"covariates takes a list of names, not the text {covariates!r}: write [{covariates!r}].")


def _without(arm: str, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in names if name not in (arm, PRIOR + arm))


def _turned(pair: tuple[str, str], reference: str) -> tuple[str, str]:
    """The pair with its second arm first, unless that is the reference, which has no start."""
    return pair if pair[1] == reference else pair[::-1]


def _log_odds(probability: FloatArray) -> FloatArray:
    return np.asarray(np.log(probability) - np.log1p(-probability), dtype=float)
