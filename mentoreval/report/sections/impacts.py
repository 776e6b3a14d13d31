"""Impacts: what was found, with every number that a reviewer asks for, and beside other ways to find it."""

from __future__ import annotations

from typing import ClassVar

from mentoreval.effects.note import Note
from mentoreval.report.chances import say_chances, say_costs
from mentoreval.report.document import Block, Bullets, Heading, Paragraph
from mentoreval.report.section import Material, Section
from mentoreval.report.words import Words, opened
from mentoreval.study.evaluation import Result


class Impacts(Section):
    """What was found, in numbers."""

    name: ClassVar[str] = "impacts"

    def write(self, material: Material, words: Words) -> tuple[Block, ...]:
        """Impact table, how the numbers came about, robustness."""
        blocks: list[Block] = [Paragraph(words("impacts.intro", count=len(material.headlines)))]
        blocks += material.tables("impact_table", words)
        blocks += material.tables("impact_details", words)
        blocks += _notes(material.headlines, words)
        blocks += say_chances(material, words)
        blocks += say_costs(material, words)
        blocks.append(Heading(words("impacts.robustness_title")))
        robustness = material.tables("robustness_table", words)
        blocks.append(Paragraph(words("impacts.robustness" if robustness else "impacts.no_robustness")))
        blocks += robustness
        blocks += _notes(material.evaluation.with_role("robustness"), words)
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


def _notes(results: tuple[Result, ...], words: Words) -> list[Block]:
    """What the estimates note of the rows that are shown, each sentence once with the outcomes that it is about."""
    said: dict[str, list[str]] = {}
    for result in results:
        outcome = opened(words.outcome(result.plan.outcome, result.plan.contrast))
        for note in result.estimate.notes:
            if note.concerns(str(result.headline["term"])):
                said.setdefault(_sentence(note, words), []).append(outcome)
    told = [words("note.about", outcomes=dict.fromkeys(outcomes), text=text) for text, outcomes in said.items()]
    return [Bullets(tuple(told))] if told else []


def _sentence(note: Note, words: Words) -> str:
    """A note in words."""
    numbers = dict(note.numbers)
    if "cluster" in numbers:
        cluster = words.named("clusters", str(numbers["cluster"]))
        numbers["clusters"] = words("label.clusters", count=numbers["count"], cluster=cluster)
    return words(f"note.{note.key}", terms=note.terms, **numbers)
