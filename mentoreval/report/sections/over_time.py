"""Over time: the difference between the groups before and after the program began."""

from __future__ import annotations

from typing import ClassVar

from mentoreval.report.document import Block, Paragraph
from mentoreval.report.section import Material, Section
from mentoreval.report.words import Words


class OverTime(Section):
    """Before and after."""

    name: ClassVar[str] = "over_time"

    def write(self, material: Material, words: Words) -> tuple[Block, ...]:
        """How to read the picture, then figure and table of each estimate over time."""
        studies = material.shown("event_study")
        if not studies:
            return (Paragraph(words("over_time.none")),)
        blocks: list[Block] = [Paragraph(words("over_time.intro"))]
        for exhibit in studies:
            blocks += [exhibit.picture(words), exhibit.tabled(words)]
        return tuple(blocks)
