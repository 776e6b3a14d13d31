"""Arms: a portfolio of several program models, each compared with every other on the students they have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import combinations
from typing import ClassVar

import numpy as np
import pandas as pd

from mentoreval.aliases import BoolArray, Estimand, FloatArray, IntArray
from mentoreval.design.arm_scores import ArmEntries, ArmMethod, ArmScores, check_request, with_every_arm
from mentoreval.design.baseline import Baseline, FlowStep, stand_at_start
from mentoreval.design.covariate_matrix import covariate_matrix
from mentoreval.design.design import NO_SET, Design, DesignMethod, Weighting
from mentoreval.design.eligibility import Eligibility
from mentoreval.design.programs import REFERENCE, Arms, SeveralPrograms, SeveralRule, read_arms
from mentoreval.design.propensity import known_covariates
from mentoreval.design.reweighting import weight_facts
from mentoreval.errors import DesignError, OptionError, first_few, suggest
from mentoreval.numerics.multinomial import ArmEstimand, common_range
from mentoreval.numerics.two_samples import effective_sample_size
from mentoreval.panel.panel import PRIOR, Panel, Pool


@dataclass(frozen=True)
class ArmContrast(DesignMethod):
    """Two arms of a portfolio, with weights or matches from the scores of all of its arms.

    It describes the designs that ``ArmComparison.design`` gives and can not be used by itself: the scores need the
    students of the other arms, who are not in the panel of two. Refitting inference therefore refuses such a design.

    reference : the label of no program
    """

    name: ClassVar[str] = "arm_contrast"
    arm: str = ""
    treated: str = ""
    comparison: str = ""
    method: ArmMethod = "weighting"
    common_support: bool = True
    reference: str = "none"

    @property
    def to_none(self) -> bool:
        """Whether the comparison is the arm without a program."""
        return self.comparison == self.reference

    def weigh(self, baseline: Baseline, estimand: Estimand) -> Weighting:
        """DesignError: two arms by themselves do not tell the scores of all."""
        raise DesignError(
            f"The weights of {self.treated!r} against {self.comparison!r} come from the scores of all arms of "
            f"{self.arm!r}, whose students this panel of two arms does not hold. Choose it with compare_arms(…) and, "
            "for inference, take the weights as given: ClusterRobust, MultiplierBootstrap or WildClusterBootstrap."
        )


@dataclass(frozen=True, eq=False)
class ArmComparison:
    """Several arms made alike at once. All arrays have one element for each entry of the baseline.

    arm : the column with the labels
    portfolio : the arms by code, the reference first, and who is in them
    entry_arm : (m,) code of every entry
    considered : (m,) at risk and complete, in a cohort that has every arm
    supported : (m,) on the common support
    pool, eligibility : as in ``choose_design``
    scores : (m, K) generalized propensity scores: of the model on the common support, beyond it of the one before
    weights : (m,) weight of each entry; the same whichever arms are compared
    matches : (s, K) matched sets, of an entry of every arm each; empty for weighting
    """

    panel: Panel
    arm: str
    portfolio: Arms
    method: ArmMethod
    estimand: ArmEstimand
    target: str | None
    common_support: bool
    baseline: Baseline
    entry_arm: IntArray
    considered: BoolArray
    supported: BoolArray
    scores: FloatArray
    weights: FloatArray
    matches: IntArray
    pool: Pool = "never_treated"
    eligibility: tuple[Eligibility, ...] = ()
    facts: dict[str, object] = field(default_factory=dict)

    @property
    def arms(self) -> tuple[str, ...]:
        """Labels by code: the reference first, then the programs in sorted order."""
        return self.portfolio.labels

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
        b takes part in the cohort of its own start only. Against the reference, units of every program that start
        later also are in the panel where the pool is not_yet_treated. ``propensity`` is P(a) / (P(a) + P(b)).

        Raises OptionError for an arm that does not exist, DesignError for a pair that the comparison does not answer.
        """
        treated, other = self._codes(a, b)
        pool = self.pool if other == REFERENCE else "never_treated"
        panel = self._panel_of(treated, other, waiting=pool == "not_yet_treated")
        baseline, place = self._entries_of(panel, treated, other, pool)
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
        contrast = ArmContrast(self.arm, a, b, self.method, self.common_support, self.arms[REFERENCE])
        estimand: Estimand = "ATC" if b == self.target else self.estimand
        return Design(panel, baseline, weighting, estimand, contrast, self.pool, self.eligibility)

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row per arm: distinct units in the panel, left out for being in several programs as well, considered,
        outside of the common support and on it, compared; the effective sample size (Σw)²/Σw² of its weights before
        (sampling weights) and after."""
        rows = []
        for code, label in enumerate(self.arms):
            own = self.entry_arm == code
            counts = {
                "n_in_panel": int(np.count_nonzero(self.portfolio.unit == code)),
                "n_in_several": int(self.portfolio.n_left_out[code]),
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

    def _panel_of(self, treated: int, other: int, *, waiting: bool) -> Panel:
        """The units of two arms, those of the second without a start; with ``waiting`` also those who start later."""
        code = self.portfolio.unit[self.panel.row_unit]
        kept = np.isin(code, (treated, other)) | (waiting & (code > REFERENCE))
        frame = self.panel.frame[kept].reset_index(drop=True)
        start = frame[self.panel.first_treated]
        frame[self.panel.first_treated] = start.mask(pd.Series(code[kept] == other, index=frame.index))
        return replace(self.panel, frame=frame, covariates=_without(self.arm, self.panel.covariates))

    def _entries_of(self, panel: Panel, treated: int, other: int, pool: Pool) -> tuple[Baseline, IntArray]:
        """The baseline of a pair, and (its entries,) the entry here of the same unit and cohort; -1 where none is."""
        # Who starts another program is in the panel of the pair to wait, not to be treated.
        starters = self.portfolio.unit[self.panel.units.get_indexer(panel.units)] == treated
        baseline = stand_at_start(panel, self.baseline.covariates, pool, self.eligibility, starters)
        place = self._places(panel, baseline)
        wanted = np.where(baseline.treated, treated, other)
        place = np.where((place >= 0) & (self.entry_arm[place] == wanted), place, -1)
        return replace(baseline, screened=self._screened(baseline, treated, other)), place

    def _screened(self, baseline: Baseline, treated: int, other: int) -> tuple[FlowStep, ...]:
        """The sample flow of a pair, with those first who are in one of its programs and in another as well."""
        first, *steps = baseline.screened
        out = self.portfolio.n_left_out
        if not out.any():
            return baseline.screened
        everybody = FlowStep(first.key, first.n_treated + int(out[treated]), first.n_comparison + int(out[other]))
        return (everybody, replace(first, key="one_program"), *steps)

    def _places(self, panel: Panel, baseline: Baseline) -> IntArray:
        """(entries of the pair,) the entry here of the same unit and cohort; -1 where there is none."""
        cohorts = {self.panel.timeline.label(clock): number for number, clock in enumerate(self.panel.cohorts)}
        number = np.array([cohorts[panel.timeline.label(clock)] for clock in panel.cohorts], dtype=np.int64)
        table = np.full((self.panel.n_units, len(cohorts)), -1, dtype=np.int64)
        own = np.searchsorted(self.panel.cohorts, self.baseline.cohort)
        table[self.baseline.unit, own] = np.arange(self.baseline.size)
        unit = self.panel.units.get_indexer(panel.units)[baseline.unit]
        return table[unit, number[np.searchsorted(panel.cohorts, baseline.cohort)]]

    def _pairs_among(self, place: IntArray, treated: int, other: int) -> tuple[IntArray, FloatArray]:
        """Matched sets as pairs (p, 2) of entries of the pair's baseline, and the distance in log odds of the two."""
        found = self.matches[:, [treated, other]]
        back = np.full(self.baseline.size, -1, dtype=np.int64)
        back[place[place >= 0]] = np.flatnonzero(place >= 0)
        linear = np.log(self.scores[:, treated]) - np.log(self.scores[:, other])
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
    several: SeveralPrograms | SeveralRule = "refuse",
    pool: Pool = "never_treated",
    eligibility: Sequence[Eligibility] = (),
) -> ArmComparison:
    """Compare several program models with each other and with no program, from the baseline alone.

    Generalized propensity scores come from a multinomial logit of the arm on the covariates. With ``common_support``
    only students stay each of whose scores lies within the range that it has in every arm, and the model is fitted
    again on them (Lopez & Gutman 2017, Statistical Science 32:432). Then all arms are made to resemble the same
    students, so that a against b plus b against c is a against c.

    Weighting: 1/P(own arm) for the ATE, P(target)/P(own arm) for the ATT, and for the ATO 1/P(own arm) times the
    harmonic mean of all scores (Li & Li 2019, Annals of Applied Statistics 13:2389); times sampling weights, scaled so
    that in each cohort all arms have the same sum (for the ATE then times the arm's share of the students).

    Matching, on the vector of scores: each student of the target arm is matched, with replacement and in the cohort, to
    the nearest of every other arm in the Mahalanobis distance of the log odds of all arms against the target, within a
    caliper of CALIPER standard deviations in each; only those stay who found somebody in all arms (after Scotina &
    Gutman 2019, Statistics in Medicine 38:3139; the caliper and the last rule are of Lopez & Gutman 2017).

    Parameters
    ----------
    panel : a panel whose treated units are those of all programs
    arm : a column with the unit's program, such as a covariate of the panel; missing or ``reference`` = no program,
        "a + b" = both at once. It is never taken as a covariate
    method : "weighting" or "matching"
    estimand : ATE everybody, ATT the students of ``target``, ATO those who could as well have been in any arm; by
        default the ATE for weighting and the ATT, the only one, for matching
    target : for the ATT, whose students: an arm, also the reference
    reference : the label of no program
    covariates : as in ``choose_design``
    common_support : whether to leave students outside of it out
    several : what is done with students who are in several programs, at once or one after another: a rule, or
        ``SeveralPrograms`` with its options
    pool, eligibility : as in ``choose_design``; the rules hold for every arm. Those not yet treated at a cohort's
        start, in whichever program later, belong to the reference then

    Cohorts in which an arm has nobody take no part. Weights are estimated; errors that take them as given leave it out.

    Raises
    ------
    OptionError : an estimand, method or target that does not exist.
    DataError : no such column, units in several programs and no rule for them, a treated unit without an arm or one
        with an arm and no start.
    DesignError : one arm only, an arm with fewer than FEWEST students or none on the common support, covariates that
        are constant or tell an arm apart from all others, nobody to match.
    """
    chosen: ArmEstimand = estimand or ("ATT" if method == "matching" else "ATE")
    check_request(method, chosen, target, covariates)
    portfolio = read_arms(panel, arm, reference, SeveralPrograms.of(several))
    arms = portfolio.labels
    if target is not None and target not in arms:
        raise OptionError(f"There is no arm {target!r} in {arm!r} to be the target.{suggest(str(target), arms)}")
    _refuse_rule_on(arm, eligibility)
    names = _without(arm, panel.default_covariates if covariates is None else covariates)
    baseline = stand_at_start(panel, names, pool, eligibility)
    baseline = baseline.only(portfolio.unit[baseline.unit] >= REFERENCE)
    entry_arm = np.where(baseline.treated, portfolio.unit[baseline.unit], np.int64(REFERENCE))
    considered = with_every_arm(baseline, entry_arm, baseline.comparable(), arms, "with complete covariates")
    model = ArmScores.fit(baseline, considered, entry_arm, arms, known_covariates(baseline, considered))
    scores, supported = model.spread(np.full((baseline.size, len(arms)), np.nan)), considered
    if common_support:
        inside = considered.copy()
        inside[considered] = common_range(model.model.probability, entry_arm[considered])
        supported = with_every_arm(baseline, entry_arm, inside, arms, "on the common support of all arms")
        matrix = covariate_matrix(baseline.frame[supported])
        model = ArmScores.fit(baseline, supported, entry_arm, arms, matrix)
        scores = model.spread(scores)
    task = ArmEntries(baseline, np.flatnonzero(supported), entry_arm, scores, arms)
    code = arms.index(target) if target is not None else REFERENCE
    matches = task.matched(code) if method == "matching" else np.empty((0, len(arms)), dtype=np.int64)
    weights = task.match_weights(matches) if method == "matching" else task.weights(chosen, code)
    return ArmComparison(
        panel=panel, arm=arm, portfolio=portfolio, method=method, estimand=chosen, target=target,
        common_support=common_support, baseline=baseline, entry_arm=entry_arm, considered=considered,
        supported=supported, scores=scores, weights=weights, matches=matches, facts=model.facts,
        pool=pool, eligibility=tuple(eligibility),
    )  # fmt: skip


def _refuse_rule_on(arm: str, eligibility: Sequence[Eligibility]) -> None:
    if any(rule.covariate == arm for rule in eligibility):
        raise OptionError(f"{arm!r} names the programs and can not be an eligibility rule, which all arms must meet.")


def _without(arm: str, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in names if name not in (arm, PRIOR + arm))


def _turned(pair: tuple[str, str], reference: str) -> tuple[str, str]:
    """The pair with its second arm first, unless that is the reference, which has no start."""
    return pair if pair[1] == reference else pair[::-1]
