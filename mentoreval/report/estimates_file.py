"""Estimates file: every estimate as a CSV, with no more of small numbers of students than the tables of the report."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, ClassVar, Self

import pandas as pd

from mentoreval.report.disclosure import says_share, shown_count
from mentoreval.report.disclosure_cells import Key, Place, Sum
from mentoreval.report.exhibit import Exhibit
from mentoreval.report.results import COUNTS, estimates_table, period_key, sample_of
from mentoreval.report.words import Words
from mentoreval.study.evaluation import Evaluation

BETWEEN_PROGRAMS = " – "
DECIMALS_OF_HIDDEN = 3
"""Of numbers that rest on a number of students that is not shown."""


@dataclass(frozen=True, eq=False)
class EstimatesFile(Exhibit):
    """All estimates, for the file beside the report.

    frame : as ``estimates_table`` gives it
    """

    name: ClassVar[str] = "estimates"
    counts: ClassVar[tuple[str, ...]] = COUNTS
    cost: ClassVar[float] = 1.0

    @classmethod
    def gather(cls, evaluation: Evaluation) -> tuple[Self, ...]:
        """One for the whole study."""
        return (cls(estimates_table(evaluation), measures=evaluation.panel.measures),)

    def counted(self, row: pd.Series, column: str) -> Key:
        """The analytic sample of a result, or that of one period of an estimate over time."""
        if pd.isna(row["mean_treated"]) and row["role"] == "over_time":
            return period_key(str(row["name"]), row["event_time"], column)
        return sample_of(row, column)

    def sums(self) -> list[Sum]:
        """Of two results on one outcome by one design the smaller sample lies in the larger.

        So it is taken to be for two pairs of several programs, of the students in the program that both have.
        """
        chains: dict[tuple[str, ...], dict[Key, float]] = {}
        for _, row in self.frame[self.frame["mean_treated"].notna()].iterrows():
            programs = str(row["pair"]).split(BETWEEN_PROGRAMS) if row["pair"] else []
            for place, arm in enumerate(self.counts):
                whose = ("", programs[place]) if len(programs) == len(self.counts) else (str(row["design"]), arm)
                chains.setdefault((str(row["outcome"]), *whose), {})[sample_of(row, arm)] = float(row[arm])
        found = []
        for chain in chains.values():
            ordered = sorted(chain, key=lambda key: -chain[key])
            found += [Sum(larger, (smaller,)) for larger, smaller in pairwise(ordered)]
        return found

    def without(self, hidden: Mapping[Place, Any], limit: int) -> Self:
        """As any exhibit; nothing so exact that a hidden number could be had from it as a denominator."""
        frame = super().without(hidden, limit).frame
        unknown = {name: ~(frame[name] >= 0).fillna(False).astype(bool) for name in COUNTS}
        either = unknown["n_treated"] | unknown["n_comparison"]
        exact = [name for name in frame.columns if frame[name].dtype.kind == "f"]
        frame.loc[either, exact] = frame.loc[either, exact].round(DECIMALS_OF_HIDDEN)
        coded = {name: self._has_coded_share(frame, name, limit) for name in COUNTS}
        for name in COUNTS:
            arm = name.removeprefix("n_")
            frame.loc[unknown[name] | coded[name], [f"mean_{arm}", f"sd_{arm}", "sd_pooled"]] = math.nan
        return replace(self, frame=frame)

    def _has_coded_share(self, frame: pd.DataFrame, name: str, limit: int) -> pd.Series:
        """Rows on a yes-or-no outcome of which the tables show no exact share in an arm."""
        rows = zip(frame["outcome"], frame[f"mean_{name.removeprefix('n_')}"], frame[name], strict=True)
        found = []
        for outcome, share, n in rows:
            facts = self.measure(outcome)
            found.append(facts is not None and facts.unit == "flag" and not says_share(share, n, limit))
        return pd.Series(found, index=frame.index, dtype=bool)

    def csv(self, limit: int) -> bytes:
        """The file, in each outcome's own unit; its texts are English, as its column names are."""
        words = Words("en", smallest_shown=limit)
        table = self.frame.copy()
        for name in COUNTS:
            table[name] = [shown_count(count, words).replace(",", "") for count in table[name]]
        return str(table.to_csv(index=False, float_format="%.10g", lineterminator="\n")).encode()
