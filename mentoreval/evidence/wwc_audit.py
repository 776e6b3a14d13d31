"""WWC audit: what a What Works Clearinghouse reviewer needs of every estimate, item by item.

No rating is given: the Clearinghouse alone gives it. What is said is what was found that would prevent one, and what
can not be judged from the data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, Protocol

import pandas as pd

from mentoreval.effects.estimate import Estimate
from mentoreval.evidence import wwc_items, wwc_result_items
from mentoreval.evidence.audited import Audited, ItemOpinion
from mentoreval.evidence.essa import (
    Condition,
    is_significant,
    judge_tiers,
    stands_against,
    tier_conditions,
    waits_for_judgement,
)
from mentoreval.evidence.multiplicity import SeveralEstimates, adjust_p_values
from mentoreval.panel.facts import MeasureFacts

Ceiling = Literal["without_reservations", "with_reservations"]
ITEMS: Mapping[str, Callable[[Audited], ItemOpinion]] = {
    "formation": wwc_items.formation,
    "sample": wwc_items.sample,
    "baseline": wwc_items.baseline,
    "adjustment": wwc_items.adjustment,
    "measure": wwc_result_items.measure,
    "result": wwc_result_items.result,
    "clustering": wwc_result_items.clustering,
    "effect_size": wwc_result_items.standardized,
    "missing_data": wwc_items.missing_data,
    "correlation": wwc_items.correlation,
    "domain": wwc_result_items.domain,
    "subgroups": wwc_items.subgroups,
    "confounds": wwc_items.confounds,
    "deviations": wwc_result_items.deviations,
}
"""The fourteen items in order."""

AUDIT_COLUMNS = ("name", "outcome", "main", "number", "item", "verdict", "key", "numbers")
LEVEL = 0.05


class Auditable(SeveralEstimates, Protocol):
    """An evaluation, or anything with the same properties."""

    @property
    def estimates(self) -> Mapping[str, Estimate]:
        """Every estimate by name, those that answer no question too."""

    @property
    def registered(self) -> Mapping[str, tuple[str, tuple[str, ...]]]:
        """By name planned, changed or exploratory, and what was changed; empty where no plan was registered."""


@dataclass(frozen=True, eq=False)
class EstimateAudit:
    """The review of one estimate.

    subject : the estimate and its sample
    items : what was found for each of ITEMS
    conditions : of the tiers of the Every Student Succeeds Act
    """

    subject: Audited
    items: Mapping[str, ItemOpinion]
    conditions: tuple[Condition, ...]

    @property
    def ceiling(self) -> Ceiling:
        """The best rating that the design allows: a lottery with low attrition alone gets past reservations."""
        attrition = self.subject.attrition
        return "without_reservations" if attrition is not None and attrition.case == "low" else "with_reservations"

    @property
    def against(self) -> tuple[str, ...]:
        """The items that would prevent a rating as they are."""
        return stands_against(self.items)

    @property
    def unjudged(self) -> tuple[str, ...]:
        """The items that can not be judged, and on which a rating hangs."""
        return waits_for_judgement(self.subject, self.items)


@dataclass(frozen=True, eq=False)
class WwcAudit:
    """The reviews of all estimates of a study."""

    audits: tuple[EstimateAudit, ...]

    @property
    def frame(self) -> pd.DataFrame:
        """One row for each estimate and item with AUDIT_COLUMNS; ``numbers`` is a mapping."""
        rows = [
            (
                audit.subject.name, audit.subject.estimate.outcome, audit.subject.main, number, item, opinion.verdict,
                opinion.key, dict(opinion.numbers),
            )
            for audit in self.audits
            for number, (item, opinion) in enumerate(audit.items.items(), 1)
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=list(AUDIT_COLUMNS))

    @property
    def conditions(self) -> pd.DataFrame:
        """One row for each estimate and condition of the ESSA tiers: name, outcome, condition, met, number."""
        rows = [
            (audit.subject.name, audit.subject.estimate.outcome, each.name, each.met, each.number)
            for audit in self.audits
            for each in audit.conditions
        ]
        return pd.DataFrame(rows, columns=["name", "outcome", "condition", "met", "number"])

    @property
    def tiers(self) -> pd.DataFrame:
        """One row for each estimate and ESSA tier: name, outcome, tier, met (as far as the data show), because."""
        rows = [
            (audit.subject.name, audit.subject.estimate.outcome, tier, met, ", ".join(names))
            for audit in self.audits
            for tier, (met, names) in judge_tiers(audit.conditions).items()
        ]
        return pd.DataFrame(rows, columns=["name", "outcome", "tier", "met", "because"])

    def __repr__(self) -> str:
        frame = self.frame
        frame["verdict"] = frame["verdict"] + " (" + frame["key"] + ")"
        wide = frame.pivot(index=["number", "item"], columns="name", values="verdict")
        return f"WWC audit of {len(self.audits)} estimates\n{wide.reset_index('number', drop=True).to_string()}"

    def _repr_html_(self) -> str:
        frame = self.frame.drop(columns=["main"])
        return f"{frame.to_html(index=False)}{self.conditions.to_html(index=False)}"


def wwc_audit(estimates: Auditable | Mapping[str, Estimate]) -> WwcAudit:
    """Review every estimate of a study by the fourteen items that a What Works Clearinghouse reviewer asks for.

    Parameters
    ----------
    estimates : an evaluation, or estimates by name, which then all count as main results

    Returns
    -------
    For each estimate and item pass, needs_adjustment, fail or cannot_judge with the key of the reason; the conditions
    of the ESSA tiers; and the best rating that the design allows. A comparison that no lottery made never gets past
    "with reservations".

    Rows of the attrition table that could not be verified, and whatever the data do not hold, are said to be beyond
    judgement and never guessed.
    """
    everything = estimates if isinstance(estimates, Mapping) else estimates.estimates
    planned = {} if isinstance(estimates, Mapping) else estimates.registered
    adjusted = adjust_p_values(estimates, "benjamini_hochberg", level=LEVEL).set_index("name")
    subjects = [
        replace(_subject(name, estimate, adjusted), planned=planned.get(name, ("", ())))
        for name, estimate in everything.items()
    ]
    return WwcAudit(tuple(_audit(subject, subjects) for subject in subjects))


def _subject(name: str, estimate: Estimate, adjusted: pd.DataFrame) -> Audited:
    main = name in adjusted.index
    facts = adjusted.loc[name].to_dict() if main else {}
    return Audited(
        name, estimate, main, {str(key): value for key, value in facts.items()}, _left_out(estimate, adjusted)
    )


def _left_out(estimate: Estimate, adjusted: pd.DataFrame) -> tuple[str, ...]:
    """Outcomes of the same domain in the data that no main result is about."""
    measures, told = estimate.design.panel.measures, set(adjusted["outcome"])
    own = measures.get(estimate.outcome, MeasureFacts()).domain
    if own == "other":
        return ()
    return tuple(name for name, facts in measures.items() if facts.domain == own and name not in told)


def _audit(subject: Audited, everyone: list[Audited]) -> EstimateAudit:
    items = {name: judge(subject) for name, judge in ITEMS.items()}
    harmed = any(_harms(other) for other in everyone if other.adjusted.get("family") == _family(subject, everyone))
    return EstimateAudit(subject, items, tier_conditions(subject, items, harmed, LEVEL))


def _family(subject: Audited, everyone: list[Audited]) -> object:
    """The family of an estimate; of another way to a main result, that of the main result of its outcome."""
    same = (other for other in everyone if other.main and other.estimate.outcome == subject.estimate.outcome)
    source = subject if subject.main else next(same, subject)
    return source.adjusted.get("family", "")


def _harms(subject: Audited) -> bool:
    """Whether a main result is significantly in the bad direction."""
    if not subject.main or subject.facts is None or not is_significant(subject, LEVEL):
        return False
    return (float(subject.headline["estimate"]) > 0) != subject.facts.higher_is_better
