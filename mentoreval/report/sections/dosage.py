"""Dosage: how much of the program there was. A description, and it says so."""

from __future__ import annotations

from typing import ClassVar

from mentoreval.report.document import Block, Heading, Paragraph
from mentoreval.report.section import Material, Section
from mentoreval.report.words import Words


class Dosage(Section):
    """What took place."""

    name: ClassVar[str] = "dosage"

    def write(self, material: Material, words: Words) -> tuple[Block, ...]:
        """That it is a description; quartiles over matches, how often they met, how they ended, what is odd."""
        tables = material.tables("dosage_table", words)
        responses = material.tables("dose_response", words)
        if not tables and not responses:
            return (Paragraph(words("dosage.none")),)
        blocks: list[Block] = [Paragraph(words("dosage.intro", program=material.program(words)))]
        blocks += tables
        blocks += material.pictures("meeting_weeks", words)
        blocks += (*material.tables("meeting_weeks", words), *material.tables("match_counts", words))
        if responses:
            blocks += [Heading(words("dosage.response_title")), Paragraph(words("dosage.response")), *responses]
        return tuple(blocks)
