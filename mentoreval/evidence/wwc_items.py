"""The items of a What Works Clearinghouse (WWC) review that are about the sample and the comparison."""

from __future__ import annotations

import math

import numpy as np

from mentoreval.design.equivalence import ALIKE
from mentoreval.effects.estimate import Estimate, estimate_effect
from mentoreval.effects.estimator import Estimator
from mentoreval.errors import MentorevalError
from mentoreval.evidence.audited import Audited, ItemOpinion
from mentoreval.registry import make

ENOUGH_CORRELATION = 0.6
"""From this correlation of before and after on, a comparison of changes may stand for an adjustment."""


def formation(subject: Audited) -> ItemOpinion:
    """1: the design, how the groups were formed, and whether they were chosen before the program began."""
    design, panel = subject.design, subject.panel
    numbers: dict[str, object] = {"method": design.method.name, "estimand": design.estimand}
    if subject.estimate.fit.estimator.descriptive:
        return ItemOpinion("fail", "only_described", numbers)
    if panel.is_cross_section:
        key = "random" if subject.is_random else "one_period"
        return ItemOpinion("pass" if subject.is_random else "cannot_judge", key, numbers)
    labels, cohorts = panel.timeline.labels, np.unique(design.baseline.cohort[subject.entries])
    before = np.unique(panel.baseline_clock(cohorts))
    numbers |= {"starts": [str(labels[clock]) for clock in cohorts], "before": [str(labels[c]) for c in before]}
    return ItemOpinion("pass", "random_periods" if subject.is_random else "chosen_before", numbers)


def sample(subject: Audited) -> ItemOpinion:
    """2: eligible, compared and analysed numbers by arm; schools and mentors."""
    steps = {step.key: step for step in subject.design.flow}
    first = subject.design.baseline.screened[-1]
    numbers: dict[str, object] = {
        "n_eligible_treated": first.n_treated, "n_eligible_comparison": first.n_comparison,
        "n_compared_treated": steps["compared"].n_treated, "n_compared_comparison": steps["compared"].n_comparison,
        "n_treated": subject.n_units(True), "n_comparison": subject.n_units(False),
        "schools_treated": len(subject.schools(True)), "schools_comparison": len(subject.schools(False)),
        "mentors": len(subject.mentors),
    }  # fmt: skip
    if subject.panel.school is None and not subject.is_aggregate:
        return ItemOpinion("cannot_judge", "no_schools", numbers)
    return ItemOpinion("pass", "with_mentors" if len(subject.mentors) else "no_mentors", numbers)


def baseline(subject: Audited) -> ItemOpinion:
    """3: were the groups alike before the program in what decides, on the analytic sample with its weights."""
    opinion, attrition = subject.opinion, subject.attrition
    numbers: dict[str, object] = {"covariates": list(opinion.covariates), "largest": opinion.largest}
    if attrition is not None and attrition.case == "low":
        return ItemOpinion("pass", "not_needed", numbers)
    if opinion.case == "unknown":
        return ItemOpinion("cannot_judge", "unknown" if opinion.covariates else "nothing_known", numbers)
    if opinion.case == "alike":
        return ItemOpinion("pass", "alike", numbers)
    if opinion.case == "not_alike":
        return ItemOpinion("fail", "not_alike", numbers)
    return ItemOpinion("needs_adjustment", "close", numbers)


def adjustment(subject: Audited) -> ItemOpinion:
    """4: the adjustment that is actually in the model, and whether what needs one has it."""
    adjusted = list(subject.estimate.fit.estimator.adjusts_for(subject.design))
    near = subject.baseline[subject.baseline["decides"] & (subject.baseline["band"] == "needs_adjustment")]
    needs = list(dict.fromkeys(near.loc[~near["adjusted"].astype(bool), "covariate"].astype(str)))
    numbers: dict[str, object] = {"adjusted": adjusted, "needs": needs}
    if subject.attrition is not None and subject.attrition.case == "low":
        return ItemOpinion("pass", "not_needed", numbers)
    if subject.opinion.case == "not_alike":
        return ItemOpinion("fail", "beyond_adjustment", numbers)
    if needs:
        return ItemOpinion("fail", "only_changes" if subject.compares_changes else "not_adjusted", numbers)
    if subject.opinion.case == "unknown":
        return ItemOpinion("cannot_judge", "unknown", numbers)
    return ItemOpinion("pass", "adjusted" if adjusted else "none_needed", numbers)


def missing_data(subject: Audited) -> ItemOpinion:
    """9: who was lost between comparison and result; for a lottery, attrition against both boundaries."""
    compared = {step.key: step for step in subject.design.flow}["compared"]
    numbers: dict[str, object] = {
        "n_lost_treated": compared.n_treated - subject.n_units(True),
        "n_lost_comparison": compared.n_comparison - subject.n_units(False),
    }
    attrition = subject.attrition
    if attrition is None:
        return ItemOpinion("pass", "complete_cases", numbers)
    numbers |= {name: getattr(attrition, name) for name in ("overall", "differential", "cautious", "optimistic")}
    if attrition.case == "low":
        return ItemOpinion("pass", "low", numbers)
    if attrition.case == "cannot_judge":
        return ItemOpinion("cannot_judge", "beyond_table", numbers)
    return ItemOpinion("needs_adjustment", attrition.case, numbers)


def correlation(subject: Audited) -> ItemOpinion:
    """10: the correlation of before and after; where changes are compared and it is low, or the gap is not small, the
    regression that holds the measure before is worked out beside it and should be the headline."""
    r = subject.correlation
    numbers: dict[str, object] = {"correlation": r}
    if math.isnan(r):
        return ItemOpinion("cannot_judge", "not_known", numbers)
    if not subject.compares_changes:
        return ItemOpinion("pass", "in_model" if subject.adjusts_for_pretest else "not_used", numbers)
    gap = _gap_before(subject)
    numbers["gap"] = gap
    if r >= ENOUGH_CORRELATION and abs(gap) <= ALIKE:
        return ItemOpinion("pass", "enough", numbers)
    other = regression_on_pretest(subject.estimate)
    if other is None:
        return ItemOpinion("needs_adjustment", "no_regression", numbers)
    row = other.headline()
    numbers |= {f"regression_{name}": float(row[name]) for name in ("estimate", "conf_low", "conf_high")}
    return ItemOpinion("needs_adjustment", "low" if r < ENOUGH_CORRELATION else "gap", numbers)


def _gap_before(subject: Audited) -> float:
    """Effect size between the arms in the outcome's own value before; NaN where there is none."""
    rows = subject.baseline[subject.baseline["pretest"]]
    return float(rows["effect_size"].iloc[0]) if len(rows) else math.nan


def regression_on_pretest(estimate: Estimate) -> Estimate | None:
    """The effect by regression on the outcome's value before, on the same design; None where it can not be had."""
    pretest = estimate.design.panel.pretest(estimate.outcome)
    if pretest is None:
        return None
    names = tuple(dict.fromkeys((pretest, *estimate.fit.estimator.adjusts_for(estimate.design))))
    model = make(Estimator, {"kind": "regression_adjustment", "covariates": names})  # type: ignore[type-abstract]
    kept = None if estimate.inference.refits else estimate.inference
    try:
        return estimate_effect(estimate.design, estimate.outcome, model, inference=kept, confidence=estimate.confidence)
    except MentorevalError:  # it is an offer beside the estimate; the item then says that there is none
        return None


def subgroups(subject: Audited) -> ItemOpinion:
    """12: a part of the students only with its own baseline."""
    if subject.estimate.fit.estimator.name == "triple_difference":
        return ItemOpinion("cannot_judge", "within_estimate")
    key = "by_rule" if subject.design.eligibility else "everyone"
    return ItemOpinion("pass", key, {"covariates": [rule.covariate for rule in subject.design.eligibility]})


def confounds(subject: Audited) -> ItemOpinion:
    """13: something that only one group has: one school, one mentor, other calendars or other codes."""
    if subject.is_aggregate:
        return _of_aggregates(subject)
    schools = subject.schools(True), subject.schools(False)
    if subject.panel.school is None or not len(schools[0]) or not len(schools[1]):
        return ItemOpinion("cannot_judge", "no_schools")
    apart = not np.isin(schools[0], schools[1]).any()
    if apart and min(len(schools[0]), len(schools[1])) == 1:
        return ItemOpinion("fail", "one_school")
    if len(subject.mentors) == 1 and (subject.mentor[subject.treated] >= 0).all():
        return ItemOpinion("fail", "one_mentor")
    if apart:
        return ItemOpinion("cannot_judge", "no_shared_school")
    return ItemOpinion("pass", "shared_schools", {"share": subject.same_school})


def _of_aggregates(subject: Audited) -> ItemOpinion:
    """Whole schools: a single one on a side is a confound; who was in them over the years is not known."""
    if min(subject.n_units(True), subject.n_units(False)) == 1:
        return ItemOpinion("fail", "one_unit")
    return ItemOpinion("cannot_judge", "composition")
