"""Dosage: how much of the program there was. A description, and it says so."""

from __future__ import annotations

from typing import ClassVar

from mentoreval.report.document import Block, Bullets, Heading, Paragraph
from mentoreval.report.section import Material, Section
from mentoreval.report.words import Words, opened


class Dosage(Section):
    """What took place."""

    name: ClassVar[str] = "dosage"

    def write(self, material: Material, words: Words) -> tuple[Block, ...]:
        """That it is a description; quartiles over matches, how often they met, how they ended, what is odd."""
        tables = material.tables("dosage_table", words)
        if not tables:
            return (Paragraph(words("dosage.none")),)
        blocks: list[Block] = [Paragraph(words("dosage.intro", program=material.program(words)))]
        blocks += tables
        blocks += material.pictures("meeting_weeks", words)
        blocks += (*material.tables("meeting_weeks", words), *material.tables("match_counts", words))
        described = [result for result in material.evaluation.results if result.plan.estimator.descriptive]
        if described:
            outcomes = dict.fromkeys(opened(words.outcome(result.plan.outcome)) for result in described)
            blocks.append(Heading(words("dosage.response_title")))
            blocks.append(Bullets((words("dosage.response", outcomes=list(outcomes)),)))
        return tuple(blocks)
