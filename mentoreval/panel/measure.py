"""Measure: from records to one number for each student and period."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd

from mentoreval.errors import OptionError
from mentoreval.panel.facts import Domain, MeasureFacts, Unit
from mentoreval.panel.records_by_period import RecordsByPeriod
from mentoreval.records.records import LedgerEntry
from mentoreval.registry import Kind

MEASURE_KEYS = ("student_id", "period")


@dataclass(frozen=True)
class Measure(Kind):
    """An outcome that a program may change, and what it says of itself. One method to write: ``compute``.

    unit, higher_is_better, domain : see ``MeasureFacts``; a kind states them as class attributes
    files : names of options that name a file; a study file gives it relative to itself
    pools_by : how the students of a school become one value: the mean over students, the mean over their days
        enrolled, or the sum
    """

    unit: ClassVar[Unit] = "count"
    higher_is_better: ClassVar[bool] = True
    domain: ClassVar[Domain] = "other"
    files: ClassVar[tuple[str, ...]] = ()
    pools_by: ClassVar[Literal["students", "days", "sum"]] = "students"

    @property
    def counts_any_days(self) -> bool:
        """Whether its value means the same on some weeks of a year as on all of it, so that it can be a baseline."""
        return False

    def remarks(self, records: RecordsByPeriod) -> tuple[LedgerEntry, ...]:
        """What a reader must know of how the records allowed it to be measured, for the ledger; by default nothing."""
        return ()

    @abstractmethod
    def compute(self, records: RecordsByPeriod) -> pd.DataFrame:
        """One row per student × period for which the records say anything.

        Large tables are summed where they lie: take ``records.attendance``, ``records.marks_by`` or
        ``records.enrolled``, which are counted once for all measures, or aggregate ``records.records`` lazily and
        collect what is left.

        returns : student_id, period, a column with the measure's name (float), and ``reason`` (text): a key that says
            why the value is missing, itself missing where there is a value
        """

    @property
    def rule(self) -> str:
        """The rule as a key with its parameters, such as ``chronic_absence min_enrolled_days=10``."""
        options = [f"{option.name}={getattr(self, option.name)}" for option in dataclasses.fields(self)]
        return " ".join([self.name, *options])

    @property
    def facts(self) -> MeasureFacts:
        """Unit, direction, domain and rule, for figures, tables and reports."""
        return MeasureFacts(self.unit, self.higher_is_better, self.domain, self.rule)

    def facts_of(self, records: RecordsByPeriod) -> MeasureFacts:
        """The same facts, where a kind has something to add that only the records can say; by default nothing."""
        return self.facts


def measured(keys: pd.DataFrame, name: str, value: pd.Series[Any], reason: pd.Series[str]) -> pd.DataFrame:
    """The frame that ``compute`` returns: values, missing wherever there is a reason.

    keys : has student_id and period, and school_id where schools are apart; value and reason are aligned with it
    """
    known = reason.isna()
    values = value.astype(float).where(known, np.nan)
    frame = keys[[*MEASURE_KEYS, *(["school_id"] if "school_id" in keys else [])]].copy()
    frame[name], frame["reason"] = values, reason
    return frame


def check_min_enrolled_days(days: int) -> None:
    """OptionError where a minimum enrolment is below one day."""
    if days < 1:
        raise OptionError(f"min_enrolled_days is at least 1; got {days}.")


def need_years(measure: Measure, records: RecordsByPeriod) -> None:
    """OptionError where a measure that is one of a school year is asked for by another period."""
    if records.rule.length != "year":
        raise OptionError(f'{measure.name} is a measure of a school year: use period = "year", or leave it out.')


def reasons(*cases: tuple[str, pd.Series[bool]]) -> pd.Series[str]:
    """For each row the first reason whose case applies; missing where none does."""
    reason = pd.Series(None, index=cases[0][1].index, dtype="str")
    for key, applies in reversed(cases):
        reason = reason.mask(applies, key)
    return reason


def ratio(numerator: pd.Series[Any], denominator: pd.Series[Any]) -> pd.Series[float]:
    """Numerator by denominator; missing, never infinite, where the denominator is zero."""
    return numerator.astype(float) / denominator.astype(float).where(denominator != 0)
