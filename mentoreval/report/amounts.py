"""Amounts: in which unit an outcome is said to a reader, and how its levels, differences and ranges are written.

Where nothing is known of an outcome (``None`` for its facts) its numbers stand alone: no unit, no direction.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd

from mentoreval.panel.facts import MeasureFacts
from mentoreval.report.disclosure import shown_share
from mentoreval.report.words import Words

SCHOOL_YEAR_DAYS = 180


@dataclass(frozen=True)
class Scale:
    """A unit that people use.

    name : the unit's name among the language's keys
    factor : by which a value in the outcome's own unit is multiplied
    decimals : how many are shown
    phrases : the family of phrases that speak of it
    """

    name: str
    factor: float = 1.0
    decimals: int = 1
    phrases: str = "amount"

    @property
    def has_unit(self) -> bool:
        """False where nothing but the number is said; two such outcomes can not share an axis."""
        return self.name != _PLAIN.name

    def shows_as_zero(self, value: float) -> bool:
        """True where a difference is so small that its digits are all zero."""
        return math.isfinite(value) and round(abs(value * self.factor), self.decimals) == 0


_SCALES = {
    "share": Scale("percentage_points", 100.0, 1),
    "flag": Scale("percentage_points", 100.0, 1),
    "days": Scale("days", 1.0, 1, "days"),
    "points": Scale("points", 1.0, 2),
    "count": Scale("plain", 1.0, 2),
}
_PLAIN = _SCALES["count"]
_SCHOOL_DAYS = Scale("school_days", SCHOOL_YEAR_DAYS, 1, "school_days")


def table_scale(facts: MeasureFacts | None) -> Scale:
    """The unit for tables: percentage points for shares, else the outcome's own."""
    return _PLAIN if facts is None else _SCALES[facts.unit]


def reader_scale(facts: MeasureFacts | None) -> Scale:
    """The unit for sentences: as for tables, but a share of days attended becomes days of a 180-day school year."""
    of_days = facts is not None and facts.unit == "share" and facts.domain == "attendance" and facts.share_of == "days"
    return _SCHOOL_DAYS if of_days else table_scale(facts)


def digits(words: Words, scale: Scale, value: float, *, signed: bool = False) -> str:
    """A difference as a number alone."""
    return words.number(value * scale.factor, scale.decimals, signed=signed)


def size(words: Words, scale: Scale, value: float) -> str:
    """The size of a difference, without its sign, with its unit."""
    return words(f"size.{scale.name}", number=digits(words, scale, abs(value)))


def named_with_unit(words: Words, name: str, scale: Scale) -> str:
    """A name and, where there is one, the unit in brackets."""
    return words("label.with_unit", name=name, unit=words(f"unit.{scale.name}")) if scale.has_unit else name


def mean_and_sd(words: Words, facts: MeasureFacts | None, mean: float, sd: float, n: Any) -> str:
    """The mean of n students and its standard deviation in brackets; of a flag the share of students who have it.

    A mean of too few students, or a share that gives away a small number of them, is not shown.
    """
    if pd.isna(n):
        return words("sign.hidden")
    if facts is not None and facts.unit == "flag":
        return shown_share(mean, n, words)
    scale = table_scale(facts)
    is_share = facts is not None and facts.unit == "share"
    said = words.percent(mean, 1) if is_share else digits(words, scale, mean)
    return words("range.mean_sd", mean=said, sd=digits(words, scale, sd)) if math.isfinite(sd) else said


def bounds(words: Words, scale: Scale, low: float, high: float) -> str:
    """An interval as two numbers; a side without bound is infinite."""
    if math.isnan(low) or math.isnan(high):
        return words.number(math.nan)
    return words("range.plain", low=digits(words, scale, low), high=digits(words, scale, high))


def direction(scale: Scale, value: float) -> str:
    """Which of the phrases ``more``, ``less`` and ``same`` speaks of a difference."""
    if scale.shows_as_zero(value):
        return "same"
    return "more" if value > 0 else "less"


def spoken_range(words: Words, scale: Scale, low: float, high: float) -> str:
    """An interval in words: between 1.2 and 5.6 more days; from 0.8 fewer to 3.0 more days."""
    if low >= 0 or high <= 0:
        near, far = sorted((abs(low), abs(high)))
        way = "more" if low >= 0 else "less"
        ends = {"low": digits(words, scale, near), "high": digits(words, scale, far)}
        return words(f"range.{scale.phrases}.{way}", **ends, size=size(words, scale, far))
    ends = {"low": digits(words, scale, abs(low)), "high": digits(words, scale, high)}
    sizes = {"low_size": size(words, scale, low), "high_size": size(words, scale, high)}
    return words(f"range.{scale.phrases}.mixed", **ends, **sizes)
