"""Baseline table: how alike the arms were before the program, on the very students behind an estimate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import pandas as pd

from mentoreval.panel.facts import MeasureFacts
from mentoreval.panel.panel import PRIOR
from mentoreval.report import amounts
from mentoreval.report.disclosure import shown_count
from mentoreval.report.document import Column, Table
from mentoreval.report.exhibit import Exhibit
from mentoreval.report.words import Words, opened
from mentoreval.study.evaluation import Evaluation, Result

ROW = ["covariate", "level"]


@dataclass(frozen=True, eq=False)
class BaselineTable(Exhibit):
    """One for each analytic sample behind a headline result; outcomes with the same sample share it.

    frame : as ``baseline_equivalence`` gives it, for outcomes that share a sample the covariates of all of them
    facts : outcomes; pair, of several programs the two that are compared
    """

    name: ClassVar[str] = "baseline_table"
    counts: ClassVar[tuple[str, ...]] = ("n_treated", "n_comparison")

    @classmethod
    def gather(cls, evaluation: Evaluation) -> tuple[Self, ...]:
        """The baselines of the headline results, those of the same students as one."""
        groups: list[_Group] = []
        for result in evaluation.with_role("headline"):
            joined = next((group for group in groups if group.takes(result)), None)
            if joined is not None:
                joined.results.append(result)
            elif len(result.baseline):
                groups.append(_Group([result]))
        return tuple(
            cls(
                group.frame,
                subject=group.results[0].plan.name,
                measures=evaluation.panel.measures,
                facts={
                    "outcomes": tuple(result.plan.outcome for result in group.results),
                    "pair": group.results[0].plan.contrast,
                },
            )
            for group in groups
        )

    def table(self, words: Words) -> Table:
        """One row for each covariate or level of one."""
        arms = [(words("arm.n_treated"), "treated"), (words("arm.n_comparison"), "comparison")]
        columns = [Column(words("column.covariate"), numeric=False)]
        for arm, _ in arms:
            columns += [Column(words("column.n"), group=arm), Column(words("column.mean_sd"), group=arm)]
        columns += [Column(words("column.effect_size")), Column(words("column.band"), numeric=False)]
        pair = str(self.facts.get("pair", ""))
        outcomes = [words.outcome(str(name), pair) for name in self._outcomes]
        caption = words("caption.baseline_table", outcomes=outcomes)
        rows = tuple(self._row(words, row) for _, row in self.frame.iterrows())
        return Table(f"table-{self.id}", caption, tuple(columns), rows, (words("note.baseline"),))

    @property
    def _outcomes(self) -> tuple[object, ...]:
        outcomes = self.facts["outcomes"]
        return outcomes if isinstance(outcomes, tuple) else (outcomes,)

    def _row(self, words: Words, row: pd.Series) -> tuple[str, ...]:
        cells = [opened(words.covariate(str(row["covariate"]), "" if pd.isna(row["level"]) else str(row["level"])))]
        facts = self._facts_of(row)
        for arm in ("treated", "comparison"):
            n, mean, sd = row[f"n_{arm}"], float(row[f"mean_{arm}"]), float(row[f"sd_{arm}"])
            cells += [shown_count(n, words), amounts.mean_and_sd(words, facts, mean, sd, n)]
        band = str(row["band"])
        if band == "needs_adjustment":
            band = "adjusted" if row["adjusted"] else "not_adjusted"
        return (*cells, words.number(float(row["effect_size"]), 2), words(f"band.{band}"))

    def _facts_of(self, row: pd.Series) -> MeasureFacts | None:
        """Unit of a covariate: that of the outcome of which it is the value before, or a flag where it is 0 or 1."""
        name = str(row["covariate"])
        if name.startswith(PRIOR):
            return self.measure(name.removeprefix(PRIOR))
        is_share = row["kind"] == "binary" or row["effect_size_kind"] == "cox_index"
        return MeasureFacts("flag") if is_share else None


@dataclass
class _Group:
    """Results on the same students: what their baselines have in common is the same, number for number."""

    results: list[Result]

    @property
    def frame(self) -> pd.DataFrame:
        """Every covariate of any of the results once."""
        rows = pd.concat([result.baseline for result in self.results], ignore_index=True)
        return rows.drop_duplicates(ROW, ignore_index=True)

    def takes(self, result: Result) -> bool:
        """Whether a result belongs here. Which covariates decide about it does not matter for the table."""
        if result.plan.design != self.results[0].plan.design:
            return False
        own = self.frame.merge(result.baseline[ROW], on=ROW)
        other = result.baseline.merge(self.frame[ROW], on=ROW)
        tidy = [
            frame.drop(columns=["pretest", "decides"]).sort_values(ROW, ignore_index=True) for frame in (own, other)
        ]
        return len(own) > 0 and tidy[0].equals(tidy[1])
