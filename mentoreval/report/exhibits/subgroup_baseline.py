"""Subgroup baseline: how alike the arms were before the program within each level, on that level's own students."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Self

from mentoreval.report.baseline_exhibit import BaselineExhibit, grouped
from mentoreval.report.results import level_results
from mentoreval.report.subgroup_rows import GROUPING, grouping_facts, level_of
from mentoreval.report.words import Words
from mentoreval.study.evaluation import Evaluation


@dataclass(frozen=True, eq=False)
class SubgroupBaseline(BaselineExhibit):
    """One for each level and analytic sample in it.

    facts : as in ``BaselineExhibit``, grouping and level, and what the level's name needs
    """

    name: ClassVar[str] = "subgroup_baseline"
    cost: ClassVar[float] = 2.0  # as in the table of subgroups

    @classmethod
    def gather(cls, evaluation: Evaluation) -> tuple[Self, ...]:
        """The baselines of every level that has an estimate; outcomes with the same students share one."""
        found = []
        levels = level_results(evaluation)
        by_name = {level.result.plan.name: level for level in levels}
        for group in grouped(level.result for level in levels):
            made = cls.of_group(group, evaluation)
            level = by_name[made.subject]
            facts = {**made.facts, GROUPING: level.of.name, "level": level.group.level, **grouping_facts(level.of)}
            found.append(replace(made, facts=facts))
        return tuple(found)

    def _title(self, words: Words, outcomes: list[str]) -> str:
        return words("caption.subgroup_baseline", level=level_of(self.facts, words), outcomes=outcomes)
