"""Tiers of evidence of the Every Student Succeeds Act (ESSA), condition by condition.

Source: the ESSA page of the What Works Clearinghouse. Nobody's tier is claimed: what is said is which conditions were
found not to be met, and which can not be judged.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from mentoreval.evidence.audited import Audited, ItemOpinion

Met = Literal["yes", "no", "cannot_judge"]
TIERS: Mapping[str, tuple[str, ...]] = {
    "strong": ("random_low_attrition", "nothing_found", "significant_positive", "no_harm", "students", "sites"),
    "moderate": ("nothing_found", "significant_positive", "no_harm", "students", "sites"),
    "promising": ("controls", "significant_positive", "no_harm"),
}
"""Tiers 1 to 3 and their conditions; tier 4 asks for a rationale and no result."""

ENOUGH_STUDENTS, ENOUGH_SITES = 350, 2


@dataclass(frozen=True)
class Condition:
    """One condition: whether it is met, and the number on which that rests; NaN where it rests on none."""

    name: str
    met: Met
    number: float = math.nan


def tier_conditions(
    subject: Audited, items: Mapping[str, ItemOpinion], harmed: bool, level: float = 0.05
) -> tuple[Condition, ...]:
    """The conditions of tiers 1 to 3 for one estimate.

    harmed : whether a main result of the same family is significantly in the bad direction
    """
    return (
        _random_low_attrition(subject),
        Condition("nothing_found", _nothing_found(subject, items)),
        _significant_positive(subject, level),
        Condition("no_harm", "no" if harmed else "yes"),
        _students(subject),
        _sites(subject),
        _controls(subject),
    )


def judge_tiers(conditions: tuple[Condition, ...]) -> dict[str, tuple[Met, tuple[str, ...]]]:
    """For each tier whether its conditions are met, and the names of those that are not or can not be judged."""
    by_name = {condition.name: condition for condition in conditions}
    judged: dict[str, tuple[Met, tuple[str, ...]]] = {}
    for tier, names in TIERS.items():
        failed = tuple(name for name in names if by_name[name].met == "no")
        unknown = tuple(name for name in names if by_name[name].met == "cannot_judge")
        judged[tier] = ("no", failed) if failed else ("cannot_judge", unknown) if unknown else ("yes", ())
    return judged


def _random_low_attrition(subject: Audited) -> Condition:
    if subject.attrition is None:
        return Condition("random_low_attrition", "no")
    met: Mapping[str, Met] = {"low": "yes", "cannot_judge": "cannot_judge"}
    return Condition("random_low_attrition", met.get(subject.attrition.case, "no"), subject.attrition.overall)


def stands_against(items: Mapping[str, ItemOpinion]) -> tuple[str, ...]:
    """The items that would prevent a rating: those that failed, and those that want an adjustment.

    A deviation from a plan is to be told, and prevents none. Item 3 is not counted where it wants an adjustment:
    whether the model has it is item 4.
    """
    verdicts = {item: opinion.verdict for item, opinion in items.items() if item != "deviations"}
    waits = {item for item, verdict in verdicts.items() if verdict == "needs_adjustment"} - {"baseline"}
    return tuple(item for item, verdict in verdicts.items() if verdict == "fail" or item in waits)


def waits_for_judgement(subject: Audited, items: Mapping[str, ItemOpinion]) -> tuple[str, ...]:
    """The items that can not be judged, but for those on which no rating hangs.

    These are a plan that was not registered, and the correlation of before and after where no changes are compared.
    """
    spared = {"deviations"} if subject.compares_changes else {"deviations", "correlation"}
    unknown = (item for item, opinion in items.items() if opinion.verdict == "cannot_judge")
    return tuple(item for item in unknown if item not in spared)


def _nothing_found(subject: Audited, items: Mapping[str, ItemOpinion]) -> Met:
    """Whether nothing was found that would prevent a rating."""
    if stands_against(items):
        return "no"
    return "cannot_judge" if waits_for_judgement(subject, items) else "yes"


def is_significant(subject: Audited, level: float) -> bool:
    """Whether the result is significant, after adjustment where its family has several."""
    value = subject.adjusted.get("p_adjusted", subject.headline["p_value"])
    return float(str(value)) <= level


def _significant_positive(subject: Audited, level: float) -> Condition:
    value = float(str(subject.adjusted.get("p_adjusted", subject.headline["p_value"])))
    if not math.isfinite(value) or subject.facts is None:
        return Condition("significant_positive", "cannot_judge", value)
    good = (float(subject.headline["estimate"]) > 0) == subject.facts.higher_is_better
    return Condition("significant_positive", "yes" if good and value <= level else "no", value)


def _students(subject: Audited) -> Condition:
    n = subject.n_units(True) + subject.n_units(False)
    if subject.is_aggregate:
        return Condition("students", "cannot_judge")
    return Condition("students", "yes" if n >= ENOUGH_STUDENTS else "no", n)


def _sites(subject: Audited) -> Condition:
    if subject.panel.school is None and not subject.is_aggregate:
        return Condition("sites", "cannot_judge")
    n = subject.n_units(True) + subject.n_units(False) if subject.is_aggregate else 0
    sites = n or len({*subject.schools(True).tolist(), *subject.schools(False).tolist()})
    return Condition("sites", "yes" if sites >= ENOUGH_SITES else "no", sites)


def _controls(subject: Audited) -> Condition:
    """Statistical controls for selection: a lottery, a comparison that was chosen, a model, or changes."""
    design = subject.design
    chosen = design.method.name != "unadjusted" or subject.is_random
    modelled = bool(subject.estimate.fit.estimator.adjusts_for(design)) or subject.compares_changes
    return Condition("controls", "yes" if chosen or modelled else "no")
