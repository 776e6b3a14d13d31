"""Robustness: the main results beside other ways to find the same answer."""

from __future__ import annotations

from typing import ClassVar

from mentoreval.report.document import Block, Heading, Paragraph
from mentoreval.report.estimate_notes import say_notes
from mentoreval.report.section import Material, Section
from mentoreval.report.words import Words


class Robustness(Section):
    """Other ways to answer the same question."""

    name: ClassVar[str] = "robustness"

    def write(self, material: Material, words: Words) -> tuple[Block, ...]:
        """The other estimates that were planned, then the specification curves."""
        tables = material.tables("robustness_table", words)
        blocks: list[Block] = [Paragraph(words("impacts.robustness" if tables else "impacts.no_robustness"))]
        blocks += tables
        blocks += say_notes(material.evaluation.with_role("robustness"), words)
        blocks += _curves(material, words)
        return tuple(blocks)


def _curves(material: Material, words: Words) -> list[Block]:
    """The specification curves, each with its sentence, its figure and its table."""
    curves = material.shown("specification_curve")
    if not curves:
        return []
    blocks: list[Block] = [Heading(words("specifications.title")), Paragraph(words("specifications.intro"))]
    for curve in curves:
        blocks += [curve.picture(words), curve.tabled(words)]
    return blocks
