"""WWC audit: what a reviewer of the What Works Clearinghouse would ask of every result."""

from __future__ import annotations

from typing import ClassVar

from mentoreval.evidence.wwc_audit import EstimateAudit, wwc_audit
from mentoreval.report.document import Block, Heading, Paragraph, Statement, Tone
from mentoreval.report.section import Material, Section
from mentoreval.report.words import Words, opened
from mentoreval.study.evaluation import Result

_TONES: dict[str, Tone] = {"prevented": "bad", "unjudged": "unsure", "nothing": "good"}


class WwcAuditSection(Section):
    """What a federal reviewer would ask."""

    name: ClassVar[str] = "wwc_audit"

    def write(self, material: Material, words: Words) -> tuple[Block, ...]:
        """For each main result what stands in the way; the tiers; then the fourteen items of every estimate."""
        audits = {audit.subject.name: audit for audit in wwc_audit(material.evaluation).audits}
        blocks: list[Block] = [Paragraph(words("wwc.intro"))]
        blocks += [_statement(result, audits[result.plan.name], words) for result in material.headlines]
        blocks.append(Heading(words("wwc.tiers_title")))
        blocks.append(Paragraph(words("wwc.tiers_intro")))
        blocks += material.tables("essa_table", words)
        for result in material.headlines:
            outcome = words.outcome(result.plan.outcome, result.plan.contrast)
            blocks.append(Heading(words("wwc.items_of", outcome=outcome)))
            blocks += material.tables("wwc_audit_table", words, result.plan.name)
        others = [result for result in material.evaluation.results if result.plan.role != "headline"]
        if others:
            blocks.append(Heading(words("wwc.others_title")))
        for result in others:
            blocks += material.tables("wwc_audit_table", words, result.plan.name)
        return tuple(blocks)


def _statement(result: Result, audit: EstimateAudit, words: Words) -> Statement:
    """What was found that would prevent a rating of one main result, what can not be judged."""
    against, unjudged = audit.against, audit.unjudged
    status = "prevented" if against else "unjudged" if unjudged else "nothing"
    said = [] if against or unjudged else [words("wwc.nothing")]
    for key, items in (("prevented", against), ("unjudged", unjudged)):
        if items:
            said.append(words(f"wwc.{key}", items=[words(f"wwc_item.{item}") for item in items]))
    said.append(words(f"wwc.ceiling.{_ceiling(audit)}"))
    return Statement(
        title=opened(words.outcome(result.plan.outcome, result.plan.contrast)),
        mark=words(f"wwc.status.{status}.mark"),
        label=words(f"wwc.status.{status}.label"),
        tone=_TONES[status],
        sentences=tuple(said),
    )


def _ceiling(audit: EstimateAudit) -> str:
    if audit.subject.attrition is None:
        return "no_lottery"
    return "lottery" if audit.ceiling == "without_reservations" else "lottery_lost"
