"""Timeline: periods in order, and whole numbers ("clock") that measure the distance between them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from mentoreval.aliases import IntArray


@dataclass(frozen=True, eq=False)
class Timeline:
    """The periods of a panel.

    Whole-number periods (2003, 2004, …) are their own clock, so that a gap between them stays a gap. Texts ("2003-04",
    "2021-22 S1") are numbered in sorted order over every period and every start that occurs.

    periods : labels of the periods that have rows, in order
    clock : (n_periods,) clock time of each
    labels : label of every clock time that occurs, also of starts outside the periods
    counts : True where the periods are whole numbers, so that the clock measures how far apart they are
    """

    NEVER: ClassVar[int] = np.iinfo(np.int64).max

    periods: pd.Index
    clock: IntArray
    labels: dict[int, object]
    counts: bool = True

    @classmethod
    def of(cls, period: pd.Series, first_treated: pd.Series) -> Timeline:
        """The timeline of a column of periods and a column of starts (missing = never)."""
        periods = pd.Index(pd.unique(period)).sort_values()
        starts = pd.Index(pd.unique(first_treated.dropna()))
        if pd.api.types.is_integer_dtype(periods.dtype):
            everything = [int(label) for label in (*periods, *starts)]
            return cls(periods, periods.to_numpy(dtype=np.int64), {label: label for label in everything})
        everything = sorted({*periods, *starts})
        numbers = {label: number for number, label in enumerate(everything)}
        clock = np.array([numbers[label] for label in periods], dtype=np.int64)
        return cls(periods, clock, {number: label for label, number in numbers.items()}, counts=False)

    def position(self, labels: pd.Series) -> IntArray:
        """(m,) position of each label among ``periods``."""
        return self.periods.get_indexer(pd.Index(labels)).astype(np.int64)

    def clock_of(self, labels: pd.Series) -> IntArray:
        """(m,) clock time of each label; NEVER where it is missing."""
        numbers = {label: number for number, label in self.labels.items()}
        codes, distinct = pd.factorize(labels)
        clock = np.array([numbers[label] for label in distinct] + [self.NEVER], dtype=np.int64)
        return clock[codes]

    def position_of_clock(self, clock: IntArray) -> IntArray:
        """(m,) position among ``periods`` of each clock time; -1 where no period has that time."""
        place = np.minimum(np.searchsorted(self.clock, clock), len(self.clock) - 1)
        return np.where(self.clock[place] == clock, place, -1).astype(np.int64)

    def before(self, clock: IntArray, without: Collection[object] = ()) -> IntArray:
        """(m,) clock time of the last period before each clock time; the time less one where there is none.

        without : labels of periods that do not count
        """
        usable = self.clock[~self.periods.isin(list(without))]
        if not len(usable):
            return clock - 1
        place = np.searchsorted(usable, clock) - 1
        return np.where(place >= 0, usable[np.maximum(place, 0)], clock - 1)

    def from_on(self, clock: IntArray) -> IntArray:
        """(m,) clock time of the first period at or after each clock time; the time itself where there is none."""
        place = np.searchsorted(self.clock, clock)
        return np.where(place < len(self.clock), self.clock[np.minimum(place, len(self.clock) - 1)], clock)

    def label(self, clock: int) -> object:
        """The label of a clock time."""
        return self.labels[int(clock)]
