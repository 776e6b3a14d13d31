"""Impacts: what was found, with every number that a reviewer asks for."""

from __future__ import annotations

from typing import ClassVar

from mentoreval.report.chances import say_chances
from mentoreval.report.document import Block, Paragraph
from mentoreval.report.estimate_notes import say_notes
from mentoreval.report.section import Material, Section
from mentoreval.report.words import Words


class Impacts(Section):
    """What was found, in numbers."""

    name: ClassVar[str] = "impacts"

    def write(self, material: Material, words: Words) -> tuple[Block, ...]:
        """Impact table, how the numbers came about, how likely they matter."""
        blocks: list[Block] = [Paragraph(words("impacts.intro", count=len(material.headlines)))]
        blocks += material.tables("impact_table", words)
        blocks += material.tables("impact_details", words)
        blocks += say_notes(material.headlines, words)
        blocks += say_chances(material, words)
        return tuple(blocks)
