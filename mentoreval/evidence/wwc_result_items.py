"""The items of a What Works Clearinghouse (WWC) review that are about the outcome and the result."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import stdtr

from mentoreval.evidence.audited import Audited, ItemOpinion
from mentoreval.numerics.one_arm import correct_one_arm, intraclass_correlation


def measure(subject: Audited) -> ItemOpinion:
    """5: where the outcome comes from, how it is defined, and whether it was collected alike in both arms."""
    facts = subject.facts
    if facts is None:
        return ItemOpinion("cannot_judge", "nothing_known")
    numbers: dict[str, object] = {"domain": facts.domain, "unit": facts.unit, "rule": facts.rule}
    if not facts.rule:
        return ItemOpinion("cannot_judge", "no_rule", numbers)
    return ItemOpinion("pass", "same_rule", numbers)


def result(subject: Audited) -> ItemOpinion:
    """6: unadjusted means and spreads of both arms, and the adjusted difference with all that belongs to it."""
    size, row = subject.size, subject.headline
    names = ("estimate", "std_error", "df", "p_value", "conf_low", "conf_high")
    numbers: dict[str, object] = {name: float(row[name]) for name in names}
    arms = ("mean_treated", "sd_treated", "n_treated", "mean_comparison", "sd_comparison", "n_comparison")
    numbers |= {name: getattr(size, name) for name in arms}
    finite = all(math.isfinite(float(row[name])) for name in ("estimate", "p_value", "conf_low", "conf_high"))
    return ItemOpinion("pass" if finite else "cannot_judge", "complete" if finite else "no_interval", numbers)


def clustering(subject: Audited) -> ItemOpinion:
    """7: at which level errors are clustered, how many clusters and how alike students within them are.

    Where mentees of one mentor were taken for independent, effect size and p-value are corrected after Hedges and
    Citkowicz (2015), with the correlation that the data show among mentees of one mentor.
    """
    estimate = subject.estimate
    cluster = estimate.cluster or "student"
    numbers: dict[str, object] = {
        "cluster": cluster, "clusters": estimate.n_clusters, "inference": estimate.inference.name,
        "icc": _icc(subject, cluster),
    }  # fmt: skip
    if subject.is_aggregate:
        return ItemOpinion("pass", "units", numbers)
    follows = cluster in ("school", "mentor") or estimate.inference.name == "one_arm_clustering"
    if follows:
        key = "few" if estimate.few_clusters else "clustered"
        return ItemOpinion("cannot_judge" if estimate.few_clusters else "pass", key, numbers)
    if not len(subject.mentors):
        return ItemOpinion("cannot_judge", "mentors_not_known", numbers)
    nested = subject.treated & (subject.mentor >= 0)
    size = float(nested.sum()) / len(subject.mentors)
    if size <= 1:
        return ItemOpinion("pass", "one_each", numbers)
    return ItemOpinion("needs_adjustment", "mentors_not_counted", numbers | _corrected(subject, size))


def _icc(subject: Audited, cluster: str) -> float:
    """Intraclass correlation of the outcome less its arm's mean, by the clusters of the errors; NaN without any."""
    codes = {"school": subject.school, "mentor": subject.mentor}.get(cluster)
    if codes is None:
        return math.nan
    chosen = (codes >= 0) & np.isfinite(subject.outcome)
    values, treated = subject.outcome[chosen], subject.treated[chosen]
    means = [values[treated == arm].mean() if (treated == arm).any() else 0.0 for arm in (False, True)]
    return intraclass_correlation(values - np.array(means)[treated.astype(int)], codes[chosen])


def _corrected(subject: Audited, size: float) -> dict[str, object]:
    """Effect size and p-value as they would be if mentees of one mentor were counted as such."""
    icc, g = _icc(subject, "mentor"), subject.size.value
    numbers: dict[str, object] = {"icc": icc, "cluster_size": size, "mentors": len(subject.mentors)}
    if not (math.isfinite(icc) and math.isfinite(g)):
        return numbers | {"corrected": math.nan, "corrected_p": math.nan}
    found = correct_one_arm(g, subject.n_units(True), subject.n_units(False), size, icc)
    p = 2 * stdtr(found.df, -abs(found.g) / math.sqrt(found.variance))
    return numbers | {"corrected": found.g, "corrected_p": float(p)}


def standardized(subject: Audited) -> ItemOpinion:
    """8: the effect size, its standard error and the improvement index."""
    size = subject.size
    numbers: dict[str, object] = {
        "kind": size.kind, "effect_size": size.value, "std_error": size.std_error, "reason": size.reason,
        "improvement_index": size.improvement_index,
    }  # fmt: skip
    return ItemOpinion("cannot_judge" if size.reason else "pass", "missing" if size.reason else "known", numbers)


def domain(subject: Audited) -> ItemOpinion:
    """11: every outcome of the domain, significant or not, and what is left after Benjamini and Hochberg."""
    if not subject.main:
        return ItemOpinion("pass", "other_way")
    numbers: dict[str, object] = {**subject.adjusted, "left_out": list(subject.left_out)}
    if subject.left_out:
        return ItemOpinion("fail", "left_out", numbers)
    if not math.isfinite(float(str(numbers["p_value"]))):
        return ItemOpinion("cannot_judge", "no_p_value", numbers)
    if numbers["family_size"] == 1:
        return ItemOpinion("pass", "only_one", numbers)
    if numbers["significant"] and not numbers["significant_adjusted"]:
        return ItemOpinion("needs_adjustment", "lost", numbers)
    return ItemOpinion("pass", "kept" if numbers["significant"] else "not_significant", numbers)


def deviations(subject: Audited) -> ItemOpinion:
    """14: deviations from a plan that was registered; a study file alone does not prove when it was written."""
    status, changes = subject.planned
    if status == "planned":
        return ItemOpinion("pass", "planned")
    if status == "changed":
        return ItemOpinion("needs_adjustment", "changed", {"changes": list(changes)})
    if status == "exploratory":
        return ItemOpinion("fail", "exploratory")
    return ItemOpinion("cannot_judge", "no_registered_plan")
