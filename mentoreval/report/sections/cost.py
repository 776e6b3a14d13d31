"""Cost: what the program costs, and what one more day in school costs by it."""

from __future__ import annotations

from typing import ClassVar

from mentoreval.report.chances import say_costs
from mentoreval.report.document import Block, Paragraph
from mentoreval.report.section import Material, Section
from mentoreval.report.words import Words


class Cost(Section):
    """What it costs."""

    name: ClassVar[str] = "cost"

    def write(self, material: Material, words: Words) -> tuple[Block, ...]:
        """The price for each student and for each day, or that the study does not know it."""
        return tuple(say_costs(material, words)) or (Paragraph(words("decision.no_price")),)
