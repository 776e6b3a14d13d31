"""Sample: who took part, how many were left at each step, and what was dropped or repaired in the records."""

from __future__ import annotations

from typing import ClassVar

from mentoreval.report.disclosure import shown_count
from mentoreval.report.document import Block, Heading, Paragraph
from mentoreval.report.section import Material, Section
from mentoreval.report.words import Words


class Sample(Section):
    """Who took part."""

    name: ClassVar[str] = "sample"

    def write(self, material: Material, words: Words) -> tuple[Block, ...]:
        """Setting and source, the panel in one sentence, flow of each design, ledger."""
        study, language = material.study, material.authors_language(words)
        given = [text for text in (study.setting, study.data.source) if text]
        blocks: list[Block] = [Paragraph(text, language=language) for text in given]
        blocks.append(Paragraph(self._panel(material, words)))
        for design in material.designs:
            if len(material.designs) > 1:
                blocks.append(Heading(words("sample.flow_of", design=material.design_name(design, words))))
            blocks += material.pictures("sample_flow", words, design)
            blocks += material.tables("sample_flow", words, design)
        if participants := material.tables("participants", words):
            blocks += [Heading(words("sample.participants_title")), Paragraph(words("sample.participants"))]
            blocks += participants
        blocks.append(Heading(words("sample.ledger_title")))
        ledger = material.tables("ledger_table", words)
        blocks.append(Paragraph(words("sample.ledger" if ledger else "sample.no_ledger")))
        blocks += ledger
        return tuple(blocks)

    def _panel(self, material: Material, words: Words) -> str:
        panel = material.evaluation.panel
        flows = material.shown("sample_flow")  # what a flow may show of them is what a sentence may
        units = shown_count(flows[0].facts.get("units", panel.n_units) if flows else panel.n_units, words)
        periods = panel.timeline.periods
        if panel.is_cross_section:
            sentences = [words("sample.cross_section", units=units)]
        else:
            ends = {"first": str(periods[0]), "last": str(periods[-1])}
            sentences = [words("sample.panel", units=units, periods=len(periods), **ends)]
        if panel.school is not None:
            sentences.append(words("sample.schools", count=int(panel.frame[panel.school].nunique())))
        if len(panel.cohorts) > 1:
            starts = [str(panel.timeline.label(clock)) for clock in panel.cohorts]
            sentences.append(words("sample.starts", starts=starts))
        return " ".join(sentences)
