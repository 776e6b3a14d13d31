"""Eligibility: the rule by which students could be chosen, applied to both arms at the same date."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentoreval.aliases import BoolArray
from mentoreval.errors import OptionError
from mentoreval.registry import Kind


@dataclass(frozen=True)
class Eligibility(Kind):
    """A bound that a covariate must meet at the baseline, in both arms.

    A program that picks students with many absences last year picks a bad year; the same students have a better one
    without any program. Only students who met the same rule at the same date share that recovery.

    covariate : a covariate of the panel or ``prior_<outcome>``
    at_least, at_most : bounds, inclusive
    equals : a value, instead of bounds
    """

    covariate: str
    at_least: float | None = None
    at_most: float | None = None
    equals: str | float | bool | None = None

    def check(self) -> None:
        """Refuse a rule that says nothing or contradicts itself."""
        bounds = self.at_least is not None or self.at_most is not None
        if bounds == (self.equals is not None):
            raise OptionError(f"The eligibility rule on {self.covariate!r} takes at_least and/or at_most, or equals.")

    def holds(self, values: pd.Series) -> BoolArray:
        """(m,) True where the rule is met; a missing value does not meet it."""
        if self.equals is not None:
            return np.asarray((values == self.equals).fillna(False), dtype=bool)
        if not pd.api.types.is_numeric_dtype(values):
            raise OptionError(f"The eligibility rule on {self.covariate!r} needs equals: its values are not numbers.")
        numbers = values.to_numpy(dtype=float, na_value=np.nan)
        low = -np.inf if self.at_least is None else self.at_least
        high = np.inf if self.at_most is None else self.at_most
        return (numbers >= low) & (numbers <= high)


def meets_all(rules: Iterable[Eligibility], columns: pd.DataFrame) -> BoolArray:
    """(m,) True where every rule is met by the columns of the same names."""
    met = np.ones(len(columns), dtype=bool)
    for rule in rules:
        met &= rule.holds(columns[rule.covariate])
    return met
