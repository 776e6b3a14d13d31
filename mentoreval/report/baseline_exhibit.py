"""Baseline exhibit: a table of the arms before the program that says of no level how few students have it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import pandas as pd

from mentoreval.panel.facts import MeasureFacts
from mentoreval.panel.panel import PRIOR
from mentoreval.report import amounts
from mentoreval.report.disclosure import least_rate, says_share, shown_count
from mentoreval.report.disclosure_cells import Cell, Key, Place, Sum, sample_key
from mentoreval.report.document import Column, Table
from mentoreval.report.exhibit import Exhibit
from mentoreval.report.words import Words, opened
from mentoreval.study.evaluation import Evaluation, Result

ROW = ["covariate", "level"]
HALF_A_STUDENT = 0.5


@dataclass(frozen=True, eq=False)
class BaselineExhibit(Exhibit):
    """What every table of the arms before the program has in common.

    frame : as ``baseline_equivalence`` gives it, for outcomes that share a sample the covariates of all of them
    facts : outcomes; design; pair, of several programs the two that are compared
    """

    counts: ClassVar[tuple[str, ...]] = ("n_treated", "n_comparison")
    cost: ClassVar[float] = 6.0  # without a size no share beside it is exact, so rather one share than that

    @classmethod
    def of_group(cls, group: Group, evaluation: Evaluation) -> Self:
        """The baseline of results on the same students."""
        facts = {
            "outcomes": tuple(result.plan.outcome for result in group.results),
            "design": group.results[0].plan.design,
            "pair": group.results[0].plan.contrast,
        }
        return cls(group.frame, subject=group.results[0].plan.name, measures=evaluation.panel.measures, facts=facts)

    def cells(self, limit: int) -> list[Cell]:
        """The students with a value of each covariate, and of those in the levels of one how many have each level."""
        levels = [
            _level_cell(self._level_key(row, arm), index, row, arm, limit)
            for index, row in self._levels.iterrows()
            for arm in self.counts
        ]
        return [*super().cells(limit), *levels]

    def counted(self, row: pd.Series, column: str) -> Key:
        """The analytic sample, or the part of it with a value of the covariate."""
        return sample_key(self.facts.get("design", self.subject), column, row[column])

    def sums(self) -> list[Sum]:
        """Those with a value are part of the sample; those of all levels of a covariate are those with a value."""
        found = []
        for arm in self.counts:
            largest = self.frame.iloc[int(self.frame[arm].astype(float).argmax())]
            whole = self.counted(largest, arm)
            parts = dict.fromkeys(self.counted(row, arm) for _, row in self.frame.iterrows())
            found += [Sum(whole, (part,)) for part in parts if part != whole]
            for _, group in self._levels.groupby("covariate", sort=False):
                keys = tuple(self._level_key(row, arm) for _, row in group.iterrows())
                have = (group[f"mean_{arm.removeprefix('n_')}"].astype(float) * group[arm].astype(float)).sum()
                rest = abs(have - float(group[arm].iloc[0])) > HALF_A_STUDENT
                found.append(Sum(self.counted(group.iloc[0], arm), keys, rest))
        return found

    def without(self, hidden: Mapping[Place, Any], limit: int) -> Self:
        """As any exhibit; a share that would give another away goes, and no effect size tells what a share does not."""
        shown = super().without(hidden, limit)
        frame = shown.frame
        for index, column in (place for place in hidden if str(place[1]).startswith("mean_")):
            frame.loc[index, column] = math.nan
        told = [
            not self._is_share(row) or all(_is_exact(row, left, arm, limit) for arm in self.counts)
            for (_, row), (_, left) in zip(self.frame.iterrows(), frame.iterrows(), strict=True)
        ]
        frame["effect_size"] = frame["effect_size"].astype(float).where(pd.Series(told, index=frame.index, dtype=bool))
        return replace(shown, frame=frame)

    @property
    def _levels(self) -> pd.DataFrame:
        return self.frame[self.frame["level"].notna() & (self.frame["level"].astype(str) != "")]

    def _level_key(self, row: pd.Series, arm: str) -> Key:
        return "level", self.subject, str(row["covariate"]), str(row["level"]), arm

    def _is_share(self, row: pd.Series) -> bool:
        facts = self._facts_of(row)
        return facts is not None and facts.unit == "flag"

    def table(self, words: Words) -> Table:
        """One row for each covariate or level of one."""
        arms = [(words("arm.n_treated"), "treated"), (words("arm.n_comparison"), "comparison")]
        columns = [Column(words("column.covariate"), numeric=False)]
        for arm, _ in arms:
            columns += [Column(words("column.n"), group=arm), Column(words("column.mean_sd"), group=arm)]
        columns += [Column(words("column.effect_size")), Column(words("column.band"), numeric=False)]
        pair = str(self.facts.get("pair", ""))
        outcomes = [words.outcome(str(name), pair) for name in self._outcomes]
        caption = self._title(words, outcomes)
        rows = tuple(self._row(words, row) for _, row in self.frame.iterrows())
        return Table(f"table-{self.id}", caption, tuple(columns), rows, (words("note.baseline"),))

    def _title(self, words: Words, outcomes: list[str]) -> str:
        """Whose baseline it is."""
        return words("caption.baseline_table", outcomes=outcomes)

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
        return (*cells, words.number(float(row["effect_size"]), 2), self._verdict(words, row))

    def _verdict(self, words: Words, row: pd.Series) -> str:
        band = str(row["band"])
        if band == "needs_adjustment":
            band = "adjusted" if row["adjusted"] else "not_adjusted"
        return words(f"band.{band}")

    def _facts_of(self, row: pd.Series) -> MeasureFacts | None:
        """Unit of a covariate: that of the outcome of which it is the value before, or a flag where it is 0 or 1."""
        name = str(row["covariate"])
        if name.startswith(PRIOR):
            return self.measure(name.removeprefix(PRIOR))
        is_share = row["kind"] == "binary" or row["effect_size_kind"] == "cox_index"
        return MeasureFacts("flag") if is_share else None


def _level_cell(key: Key, index: Any, row: pd.Series, arm: str, limit: int) -> Cell:
    """How many have a level: printed as a share, unless only a bound of the share is."""
    column, n = f"mean_{arm.removeprefix('n_')}", float(row[arm])
    share = float(row[column]) if math.isfinite(float(row[column])) else 0.0
    if not _is_coded(row, arm, limit):
        return Cell(key, share * n, (index, column))
    return Cell(key, share * n, (), coded=max(least_rate(n, limit) * n, limit) if share < 0.5 else n)


def _is_coded(row: pd.Series, arm: str, limit: int) -> bool:
    """Whether of a share only a bound is printed, or nothing."""
    return not says_share(float(row[f"mean_{arm.removeprefix('n_')}"]), row[arm], limit)


def _is_exact(row: pd.Series, left: pd.Series, arm: str, limit: int) -> bool:
    """Whether a share is still said after protection, and with its decimals."""
    share = left[f"mean_{arm.removeprefix('n_')}"]
    return not (_is_coded(row, arm, limit) or pd.isna(share) or pd.isna(left[arm]) or left[arm] < 0)


def grouped(results: Iterable[Result]) -> list[Group]:
    """Results with a baseline, those of the same students together."""
    groups: list[Group] = []
    for result in results:
        joined = next((group for group in groups if group.takes(result)), None)
        if joined is not None:
            joined.results.append(result)
        elif len(result.baseline):
            groups.append(Group([result]))
    return groups


@dataclass
class Group:
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
