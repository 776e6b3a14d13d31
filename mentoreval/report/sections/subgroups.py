"""Subgroups: whether the difference is the same for different students."""

from __future__ import annotations

import math
from typing import ClassVar

from mentoreval.report.document import Block, Bullets, Heading, Paragraph
from mentoreval.report.section import Material, Section
from mentoreval.report.subgroup_rows import grouping_name
from mentoreval.report.words import Words, opened
from mentoreval.study.subgroups import SubgroupResult


class Subgroups(Section):
    """For whom."""

    name: ClassVar[str] = "subgroups"

    def write(self, material: Material, words: Words) -> tuple[Block, ...]:
        """How to read it, the pictures; for each grouping the tests, the table, a baseline table for each level."""
        found = material.evaluation.subgroups
        if not found:
            return (Paragraph(words("subgroups.none")),)
        tests = [one for one in found if math.isfinite(one.p_adjusted)]
        blocks: list[Block] = [
            Paragraph(words("subgroups.intro")),
            Paragraph(words("subgroups.read", count=len(tests))),
        ]
        blocks += material.pictures("subgroup_plot", words)
        for name in dict.fromkeys(one.name for one in found):
            members = [one for one in found if one.name == name]
            grouping = grouping_name(words, name, members[0].found.by)
            blocks.append(Heading(opened(words("subgroups.by", grouping=grouping))))
            blocks.append(Bullets(tuple(_test(one, words) for one in members)))
            blocks += material.tables("subgroup_table", words, name)
            blocks += [
                exhibit.tabled(words)
                for exhibit in material.shown("subgroup_baseline")
                if exhibit.facts["grouping"] == name
            ]
        return tuple(blocks)


def _test(one: SubgroupResult, words: Words) -> str:
    """Whether the levels differ in one outcome."""
    outcome = opened(words.outcome(one.plan.outcome, one.plan.contrast))
    test = one.found.test
    if not math.isfinite(one.p_adjusted):
        return words("subgroups.no_test", outcome=outcome)
    level = 1 - one.found.overall.confidence
    key = "subgroups.differ" if one.p_adjusted <= level else "subgroups.not_clear"
    assumed = words("subgroups.shared" if one.found.shared else "subgroups.independent")
    return words(key, outcome=outcome, f=test.statistic, df=test.df, df_denominator=test.df_denominator,
                 p=test.p_value, p_adjusted=one.p_adjusted, assumed=assumed)  # fmt: skip
