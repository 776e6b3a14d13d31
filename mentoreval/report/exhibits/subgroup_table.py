"""Subgroup table: what was found in each level of a covariate, for each outcome."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import pandas as pd

from mentoreval.report import amounts
from mentoreval.report.disclosure import shown_count
from mentoreval.report.disclosure_cells import Key, Sum, sample_key
from mentoreval.report.document import Column, Table
from mentoreval.report.exhibit import Exhibit
from mentoreval.report.results import COUNTS
from mentoreval.report.subgroup_rows import GROUPING, OVERALL, grouping_facts, grouping_name, level_name, subgroup_rows
from mentoreval.report.words import Words, opened
from mentoreval.study.evaluation import Evaluation


@dataclass(frozen=True, eq=False)
class SubgroupTable(Exhibit):
    """One for each grouping.

    frame : outcome, pair, design, level ("overall" for everyone), n_treated, n_comparison, estimate, std_error,
        conf_low, conf_high, p_value, df, mean_treated, mean_comparison, effect_size,
        improvement_index, reason; for each outcome everyone first
    facts : grouping, by, flag, confidence
    """

    name: ClassVar[str] = "subgroup_table"
    counts: ClassVar[tuple[str, ...]] = COUNTS
    cost: ClassVar[float] = 2.0  # the main results are dearer, a share beside it is less so

    @classmethod
    def gather(cls, evaluation: Evaluation) -> tuple[Self, ...]:
        """One for each covariate by which the study looks at subgroups."""
        found = []
        for name in dict.fromkeys(one.name for one in evaluation.subgroups):
            members = [one for one in evaluation.subgroups if one.name == name]
            facts = {GROUPING: name, **grouping_facts(members[0]), "confidence": evaluation.study.confidence}
            frame = pd.DataFrame([row for one in members for row in subgroup_rows(one)])
            found.append(cls(frame, subject=name, measures=evaluation.panel.measures, facts=facts))
        return tuple(found)

    def counted(self, row: pd.Series, column: str) -> Key:
        """The analytic sample of everyone, or of the level."""
        return sample_key(row["design"], column, row[column])

    def sums(self) -> list[Sum]:
        """The levels of an outcome share nobody, and together are at most everyone."""
        found = []
        for arm in self.counts:
            for _, group in self.frame.groupby(["outcome", "pair"], sort=False):
                keys = [self.counted(row, arm) for _, row in group.iterrows()]
                found.append(Sum(keys[0], tuple(keys[1:])))
        return found

    def table(self, words: Words) -> Table:
        """Everyone and then each level, outcome by outcome."""
        grouping = grouping_name(words, str(self.facts[GROUPING]), str(self.facts["by"]))
        columns = [Column(words("column.outcome"), numeric=False), Column(opened(grouping), numeric=False)]
        keys = ("n_treated", "n_comparison", "difference", "interval", "p_value", "effect_size", "improvement_index")
        columns += [Column(words(f"column.{key}", confidence=self.facts["confidence"])) for key in keys]
        rows = tuple(self._row(words, row) for _, row in self.frame.iterrows())
        caption = words("caption.subgroup_table", grouping=grouping)
        return Table(
            f"table-{self.id}", caption, tuple(columns), rows, (words("note.subgroup_table"), *self._why(words))
        )

    def level(self, words: Words, row: pd.Series) -> str:
        """A row's level, or that it is everyone."""
        if row["level"] == OVERALL:
            return words("label.everyone")
        return opened(level_name(words, str(self.facts["by"]), str(row["level"]), bool(self.facts["flag"])))

    def _row(self, words: Words, row: pd.Series) -> tuple[str, ...]:
        scale = amounts.table_scale(self.measure(row["outcome"]))
        known = pd.notna(row["estimate"])
        return (
            amounts.named_with_unit(words, opened(words.outcome(row["outcome"], row["pair"])), scale),
            self.level(words, row),
            shown_count(row["n_treated"], words),
            shown_count(row["n_comparison"], words),
            amounts.digits(words, scale, row["estimate"], signed=True) if known else words("label.not_estimated"),
            amounts.bounds(words, scale, row["conf_low"], row["conf_high"]),
            words.p_value(float(row["p_value"])),
            words.number(float(row["effect_size"]), 2, signed=True),
            words.number(float(row["improvement_index"]), 0, signed=True),
        )

    def _why(self, words: Words) -> tuple[str, ...]:
        """Why levels have no estimate, each reason once with its levels."""
        said: dict[str, list[str]] = {}
        for _, row in self.frame[self.frame["reason"] != ""].iterrows():
            said.setdefault(row["reason"], []).append(self.level(words, row))
        return tuple(
            words("note.not_estimated", levels=list(dict.fromkeys(levels)), reason=words(f"subgroup_reason.{reason}"))
            for reason, levels in said.items()
        )
