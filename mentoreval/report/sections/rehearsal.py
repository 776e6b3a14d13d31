"""Rehearsal: what the analysis says where the truth is known, on the study's own students."""

from __future__ import annotations

from typing import ClassVar

from mentoreval.evidence.rehearsal import NAME
from mentoreval.report import amounts
from mentoreval.report.document import Block, Heading, Paragraph
from mentoreval.report.rehearsal_text import say_differences, say_rehearsal
from mentoreval.report.section import Material, Section
from mentoreval.report.words import Words, opened
from mentoreval.study.evaluation import Result


class RehearsalSection(Section):
    """The analysis tried out where the answer is known."""

    name: ClassVar[str] = "rehearsal"

    def write(self, material: Material, words: Words) -> tuple[Block, ...]:
        """How it was done and what it can not see; then each headline in sentences, a figure and a table."""
        if material.study.rehearsal is None:
            return (Paragraph(words("rehearsal.none")),)
        blocks: list[Block] = [Paragraph(words("rehearsal.intro")), Paragraph(words("rehearsal.hidden"))]
        for result in material.headlines:
            held = material.evaluation.rehearsals.get(result.plan.name)
            blocks.append(Heading(opened(words.outcome(result.plan.outcome, result.plan.contrast))))
            if held is None:
                blocks.append(Paragraph(_said(result, words)))
                continue
            if not material.smaller_arm(result):
                blocks.append(Paragraph(words("first.too_few", limit=words.smallest_shown)))
                continue
            scale = amounts.reader_scale(held.measure)
            said = say_rehearsal(held.summary, held.confidence, scale, words)
            if any(one.check == NAME and one.key == "failed" for one in result.findings):
                blocks.append(Paragraph(_said(result, words)))
            blocks.append(Paragraph(" ".join(reversed(said))))
            blocks += [Paragraph(text, "note") for text in say_differences(held, words)]
            blocks += material.pictures(NAME, words, result.plan.name)
            blocks += material.tables(NAME, words, result.plan.name)
        return tuple(blocks)


def _said(result: Result, words: Words) -> str:
    """Why there was no answer."""
    finding = next(one for one in result.findings if one.check == NAME)
    return words(f"finding.{finding.key}", **finding.numbers)
