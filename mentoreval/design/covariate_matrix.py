"""Covariates as numbers: a frame of covariates becomes a matrix whose every column knows its covariate and level."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mentoreval.aliases import FloatArray, IntArray
from mentoreval.errors import DataError, DesignError, first_few

IDENTIFIER_SHARE = 0.5
MANY_LEVELS = 20
"""A text with more levels than this, and than this share of the students, tells nearly everyone apart."""


@dataclass(frozen=True)
class Column:
    """One column of the matrix.

    covariate : the covariate it comes from
    level : the level that it marks with 1; None for numbers and true/false
    binary : True where it holds 0 and 1 only
    reference : True for the level of a covariate that a model with an intercept leaves out
    """

    covariate: str
    level: str | None
    binary: bool
    reference: bool = False

    @property
    def label(self) -> str:
        """How a message names it, e.g. ``race = black``."""
        return self.covariate if self.level is None else f"{self.covariate} = {self.level}"


@dataclass(frozen=True, eq=False)
class CovariateMatrix:
    """Covariates as numbers.

    values : (n, k) numbers as they are, true/false as 1/0, one column of 0/1 for every level of a text; NaN = missing.
        It is stored column after column, as it is made and mostly read
    columns : k descriptions
    """

    values: FloatArray
    columns: tuple[Column, ...]

    def for_model(self) -> CovariateMatrix:
        """Without one level of each text, so that a model with an intercept can be estimated."""
        kept = [place for place, column in enumerate(self.columns) if not column.reference]
        if len(kept) == len(self.columns):
            return self
        return CovariateMatrix(self.values[:, kept], tuple(self.columns[place] for place in kept))

    def for_distance(self) -> CovariateMatrix:
        """For a distance between students: all levels of a text, as columns divided by √2.

        So two students of different levels differ by 1, whether there are two levels or ten.
        """
        scale = np.array([1.0 if column.level is None else np.sqrt(0.5) for column in self.columns])
        return CovariateMatrix(self.values * scale, self.columns)

    def refuse_constants(self) -> None:
        """DesignError for covariates that are the same for every student: they can make nobody more alike."""
        alike = np.nanmax(self.values, axis=0) == np.nanmin(self.values, axis=0)
        same = {column.covariate: self._value(place) for place, column in enumerate(self.columns) if alike[place]}
        if same:
            named = ", ".join(f"{covariate!r} (always {value})" for covariate, value in same.items())
            noun = "Covariate" if len(same) == 1 else "Covariates"
            verb = "is" if len(same) == 1 else "are"
            raise DesignError(
                f"{noun} {named} {verb} constant: the same for all {len(self.values):,} students who could be "
                "compared. A constant can make nobody more alike: remove it from the covariates."
            )

    def _value(self, place: int) -> str:
        column = self.columns[place]
        return f"{np.nanmax(self.values[:, place]):g}" if column.level is None else column.level


def covariate_matrix(frame: pd.DataFrame) -> CovariateMatrix:
    """The matrix of a frame of covariates, one row per student.

    A covariate without any value is one column of NaN. Raises DataError for infinite numbers, dates, and texts that
    tell nearly everyone apart.
    """
    parts: list[FloatArray] = []
    columns: list[Column] = []
    for name in frame.columns:
        values, described = _columns_of(str(name), frame[name])
        parts.append(values)
        columns.extend(described)
    values = np.empty((len(frame), len(columns)), order="F")
    place = 0
    for part in parts:
        values[:, place : place + part.shape[1]] = part
        place += part.shape[1]
    return CovariateMatrix(values, tuple(columns))


def _columns_of(name: str, series: pd.Series[Any]) -> tuple[FloatArray, list[Column]]:
    """The columns (n, some) of one covariate."""
    if series.isna().all():
        return np.full((len(series), 1), np.nan), [Column(name, None, False)]
    if pd.api.types.is_datetime64_any_dtype(series) or pd.api.types.is_timedelta64_dtype(series):
        raise DataError(f"Covariate {name!r} holds dates or durations. Turn it into a number, such as age in years.")
    if _is_numeric(series):
        return _number(name, series)
    return _levels(name, series)


def _is_numeric(series: pd.Series[Any]) -> bool:
    """Numbers and true/false, also where a missing value made a column of objects of them."""
    if isinstance(series.dtype, pd.CategoricalDtype):
        return False
    if pd.api.types.is_numeric_dtype(series):
        return True
    return pd.api.types.infer_dtype(series, skipna=True) in ("boolean", "integer", "floating", "mixed-integer-float")


def _number(name: str, series: pd.Series[Any]) -> tuple[FloatArray, list[Column]]:
    values = _as_floats(series)
    infinite = np.isinf(values)
    if infinite.any():
        raise DataError(
            f"Covariate {name!r} is infinite for {int(infinite.sum()):,} of {len(values):,} students. "
            "Make it missing or correct it."
        )
    return values[:, None], [Column(name, None, _is_binary(values))]


def _as_floats(series: pd.Series[Any]) -> FloatArray:
    """The values of a series, without a copy where they are floats already; NaN = missing."""
    if isinstance(series.dtype, np.dtype) and series.dtype.kind in "fiub":
        return np.asarray(series.to_numpy(), dtype=np.float64)
    return series.to_numpy(dtype=float, na_value=np.nan)


def _is_binary(values: FloatArray) -> bool:
    """Whether all known values are 0 or 1; the first few tell mostly."""
    few = values[:100]
    return all(bool(((part == 0) | (part == 1) | np.isnan(part)).all()) for part in (few, values))


def _levels(name: str, series: pd.Series[Any]) -> tuple[FloatArray, list[Column]]:
    codes, levels = _factorize(series)
    if len(levels) > max(MANY_LEVELS, IDENTIFIER_SHARE * len(series)):
        raise DataError(
            f"Covariate {name!r} has {len(levels):,} different values for {len(series):,} students "
            f"({first_few(levels)}): it tells nearly everyone apart. Leave it out, or coarsen it."
        )
    values = np.empty((len(codes), len(levels)), order="F")
    for place in range(len(levels)):
        values[:, place] = codes == place
    values[codes < 0] = np.nan
    return values, [Column(name, level, True, place == 0) for place, level in enumerate(levels)]


def _factorize(series: pd.Series[Any]) -> tuple[IntArray, list[str]]:
    """Codes (-1 = missing) and the levels that occur: those of a category in its order, others sorted."""
    codes, found = pd.factorize(series)
    if isinstance(series.dtype, pd.CategoricalDtype):
        labels = [str(label) for label in series.cat.categories if label in set(found)]
    else:
        labels = sorted({str(label) for label in found})
    place = {label: number for number, label in enumerate(labels)}
    recoded = np.array([place[str(label)] for label in found] + [-1], dtype=np.int64)
    return recoded[codes], labels
