"""Plan: what was decided before the outcomes were looked at, and what was not."""

from __future__ import annotations

import datetime
from typing import ClassVar

from mentoreval.report.document import Block, Paragraph
from mentoreval.report.section import Material, Section
from mentoreval.report.words import Words


class Plan(Section):
    """Whether the plan was locked, and what became of it."""

    name: ClassVar[str] = "plan"

    def write(self, material: Material, words: Words) -> tuple[Block, ...]:
        """One sentence for each thing that happened to the plan, and a table of every estimate."""
        registration = material.evaluation.registration
        if registration is None:
            return (Paragraph(words("plan.not_locked")),)
        day = words.date(datetime.date.fromisoformat(registration.locked_on))
        said = [words("plan.locked", day=day, digest=registration.digest[:12])]
        for status in ("planned", "changed", "exploratory", "dropped"):
            n = registration.count(status)
            if n:
                said.append(words(f"plan.{status}", n=n))
        return Paragraph(" ".join(said)), *material.tables("plan_table", words)
