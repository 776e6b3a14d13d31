"""Impacts: what was found, with every number that a reviewer asks for, and beside other ways to find it."""

from __future__ import annotations

from typing import ClassVar

from mentoreval.report.document import Block, Heading, Paragraph
from mentoreval.report.section import Material, Section
from mentoreval.report.words import Words


class Impacts(Section):
    """What was found, in numbers."""

    name: ClassVar[str] = "impacts"

    def write(self, material: Material, words: Words) -> tuple[Block, ...]:
        """Impact table, how the numbers came about, robustness."""
        blocks: list[Block] = [Paragraph(words("impacts.intro", count=len(material.headlines)))]
        blocks += material.tables("impact_table", words)
        blocks += material.tables("impact_details", words)
        blocks.append(Heading(words("impacts.robustness_title")))
        robustness = material.tables("robustness_table", words)
        blocks.append(Paragraph(words("impacts.robustness" if robustness else "impacts.no_robustness")))
        blocks += robustness
        return tuple(blocks)
