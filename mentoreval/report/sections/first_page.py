"""First page: for the coordinator. The question, one verdict for each outcome, one picture, what this can say."""

from __future__ import annotations

from typing import ClassVar

from mentoreval.report.document import Block, Bullets, Callout, Heading, Paragraph
from mentoreval.report.plain import say_result
from mentoreval.report.section import Material, Section
from mentoreval.report.words import Words

CAN = ("compare", "size", "sure")
CANNOT = ("elsewhere", "one_student")


class FirstPage(Section):
    """What was found, in plain words."""

    name: ClassVar[str] = "first_page"

    def write(self, material: Material, words: Words) -> tuple[Block, ...]:
        """Question, label of made-up data, a statement for each headline, the picture, what this can and cannot say."""
        study = material.study
        blocks: list[Block] = [Paragraph(study.question, "lead", material.authors_language(words))]
        if study.synthetic:
            blocks.append(Callout(words("synthetic.title"), words("synthetic.text")))
        blocks += [say_result(material, result, words) for result in material.headlines]
        blocks.append(Paragraph(words("first.what_likely_means", times=round(100 * study.confidence)), "note"))
        blocks += self._failed(material, words)
        blocks += material.pictures("impact_plot", words)
        program = material.program(words)
        blocks.append(Heading(words("first.can_title")))
        blocks.append(Bullets(tuple(words(f"first.can.{point}", program=program) for point in CAN)))
        blocks.append(Heading(words("first.cannot_title")))
        # A lottery makes groups alike in what no record shows, and says nothing of the parts of what was offered.
        cannot = ("part" if material.evaluation.panel.assignment == "random" else "cause", *CANNOT)
        blocks.append(Bullets(tuple(words(f"first.cannot.{point}", program=program) for point in cannot)))
        return tuple(blocks)

    def _failed(self, material: Material, words: Words) -> list[Block]:
        """A word on checks that failed, so that nobody has to find it on a later page."""
        failed = [finding for result in material.headlines for finding in result.findings if finding.verdict == "fail"]
        if not failed:
            return []
        checks = dict.fromkeys(words.named("check", finding.check) for finding in failed)
        text = words("first.failed", checks=list(checks), page=words("title.findings"))
        return [Callout(words("first.failed_title"), text, "bad")]
