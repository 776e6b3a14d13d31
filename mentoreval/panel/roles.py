"""The roles of a frame's columns: read, checked together, and every mistake named with its rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from numbers import Number
from typing import Any

import numpy as np
import pandas as pd

from mentoreval.errors import DataError, first_few, suggest

ONE_PERIOD = "period"
ONE_PERIOD_LABEL = "all"
START = "first_treated"


@dataclass(frozen=True)
class Roles:
    """Which column plays which part."""

    unit: str
    period: str
    first_treated: str
    covariates: tuple[str, ...]
    outcomes: tuple[str, ...]
    school: str | None
    mentor: str | None
    weight: str | None
    has_period: bool

    @property
    def columns(self) -> list[str]:
        """Every column that a role names, once."""
        single = [self.unit, self.period, self.first_treated, self.school, self.mentor, self.weight]
        return list(dict.fromkeys(name for name in (*single, *self.covariates, *self.outcomes) if name))

    @property
    def numbers(self) -> list[str]:
        """The columns that must hold numbers."""
        return [*self.outcomes, *([self.weight] if self.weight else [])]


def check_roles(df: pd.DataFrame, **given: Any) -> Roles:
    """Roles whose columns all exist and do not contradict each other; one DataError that names every mistake."""
    _check_table(df)
    treated, first_treated, period = given["treated"], given["first_treated"], given["period"]
    if (treated is None) == (first_treated is None):
        raise DataError(
            "Name exactly one of first_treated= (a column of start periods) and treated= (a column of 0/1)."
        )
    if first_treated is not None and period is None:
        raise DataError("first_treated= needs period=; where there is one period, use treated= instead.")
    covariates, outcomes = _names(given["covariates"], "covariates"), _names(given["outcomes"], "outcomes")
    roles = Roles(
        unit=given["unit"],
        period=period or _free_name(ONE_PERIOD, df),
        first_treated=first_treated or _free_name(START, df),
        covariates=covariates,
        outcomes=outcomes,
        school=given["school"],
        mentor=given["mentor"],
        weight=given["weight"],
        has_period=period is not None,
    )
    made = {name for name, column in ((roles.period, period), (roles.first_treated, first_treated)) if column is None}
    wanted = [name for name in roles.columns if name not in made] + ([treated] if treated else [])
    _refuse_missing(df, wanted)
    _refuse_overlap(roles, treated)
    return roles


def _check_table(df: object) -> None:
    if not isinstance(df, pd.DataFrame):
        raise DataError(f"A panel is made from a pandas DataFrame, not from {type(df).__name__}: convert it first.")
    if df.empty:
        raise DataError("The frame has no rows.")


def _free_name(name: str, df: pd.DataFrame) -> str:
    """A name for a column that is made here, so that it can not hide one of the user's."""
    return name if name not in df.columns else _free_name(f"{name}_", df)


def _refuse_missing(df: pd.DataFrame, wanted: list[str]) -> None:
    missing = [name for name in wanted if name not in df.columns]
    if missing:
        known = [str(name) for name in df.columns]
        unknown = " ".join(f"The frame has no column {name!r}." for name in missing)
        raise DataError(unknown + suggest(missing[0], known))
    twice = [name for name in dict.fromkeys(wanted) if (df.columns == name).sum() > 1]
    if twice:
        raise DataError(f"The frame has more than one column named {', '.join(twice)}. Rename or remove one.")


def _names(names: Iterable[str], role: str) -> tuple[str, ...]:
    if isinstance(names, str):
        raise DataError(f"{role} takes a list of columns, not the text {names!r}: write [{names!r}].")
    return tuple(dict.fromkeys(names))


def _refuse_overlap(roles: Roles, treated: str | None) -> None:
    both = [name for name in roles.covariates if name in roles.outcomes]
    if both:
        raise DataError(
            f"{', '.join(both)} can not be a covariate and an outcome: the program may have changed it. "
            f"To compare students with the same value before the program, name 'prior_{both[0]}' in the design."
        )
    if not roles.outcomes:
        raise DataError("Name at least one outcome.")
    fixed = {roles.unit: "the unit", roles.period: "the period", roles.first_treated: "the start", treated: "the arm"}
    for name in (*roles.covariates, *roles.outcomes, roles.school):
        if name is not None and name in fixed:
            raise DataError(f"{name!r} can not be a covariate, an outcome or the school: it already is {fixed[name]}.")
    if roles.mentor in roles.covariates:
        raise DataError(f"{roles.mentor!r} can not be a covariate: only mentored students have a mentor.")


def tidy_frame(df: pd.DataFrame, roles: Roles) -> pd.DataFrame:
    """A copy with the columns that have a role; units in the order of their first row, periods in time, rows from 0."""
    frame = df[[name for name in roles.columns if name in df.columns]].copy()
    if not roles.has_period:
        frame[roles.period] = ONE_PERIOD_LABEL
    for name in (roles.unit, roles.period):
        gaps = frame[name].isna()
        if gaps.any():
            rows = first_few(frame.index[gaps.to_numpy()])
            raise DataError(f"{int(gaps.sum()):,} rows have no {name} (rows {rows}). Complete or remove them.")
    frame[roles.period] = _comparable_periods(frame[roles.period])
    if roles.first_treated in frame:
        frame[roles.first_treated] = _start_like_period(frame[roles.first_treated], frame[roles.period])
    for name in roles.numbers:
        frame[name] = _as_number(frame[name])
    unit, period = pd.factorize(frame[roles.unit])[0], pd.factorize(frame[roles.period], sort=True)[0]
    return frame.iloc[np.lexsort((period, unit))].reset_index(drop=True)


def _comparable_periods(period: pd.Series[Any]) -> pd.Series[Any]:
    """Periods as whole numbers, or as values that sort in time."""
    if isinstance(period.dtype, pd.CategoricalDtype):
        labels = period.cat.categories
        if period.cat.ordered and not labels.is_monotonic_increasing:
            raise DataError(
                f"{period.name} is ordered {first_few(labels)}, but the texts do not sort so. "
                "Use whole numbers, or texts that sort in time such as '2003-04'."
            )
        period = period.astype(labels.dtype)
    if pd.api.types.is_numeric_dtype(period) and not pd.api.types.is_bool_dtype(period):
        fraction = period != period.round()
        if fraction.any():
            shown = first_few(period[fraction])
            raise DataError(f"{period.name} must be whole numbers or texts that sort in time; found {shown}.")
        return period.astype(np.int64)
    kinds = sorted({type(label).__name__ for label in period.unique()})
    if len(kinds) > 1:
        raise DataError(f"{period.name} mixes {' and '.join(kinds)}, which do not sort: write all periods alike.")
    return period


def _start_like_period(start: pd.Series[Any], period: pd.Series[Any]) -> pd.Series[Any]:
    """Starts in the type of the periods, so that both can be compared; missing stays missing."""
    if isinstance(start.dtype, pd.CategoricalDtype):
        start = start.astype(start.cat.categories.dtype)
    known = start.notna()
    if not pd.api.types.is_integer_dtype(period):
        if known.any() and type(start[known].iloc[0]) is not type(period.iloc[0]):
            raise DataError(
                f"{start.name} holds values such as {start[known].iloc[0]!r} and {period.name} such as "
                f"{period.iloc[0]!r}: write both in the same way."
            )
        return start
    numbers = pd.to_numeric(start, errors="coerce").astype(float)
    wrong = known & (~np.isfinite(numbers) | (numbers != numbers.round()) | ((numbers <= 0) & (numbers < period.min())))
    if wrong.any():
        raise DataError(
            f"{start.name} has {int(wrong.sum()):,} rows that are not a period of this panel "
            f"({first_few(start[wrong])}). It takes the period in which the program starts; leave it missing for units "
            "that never take part."
        )
    return numbers.astype("Int64")


def with_start(df: pd.DataFrame, roles: Roles, treated: str) -> pd.DataFrame:
    """The frame with a start column made from 0/1: its one period for treated rows, missing for the others."""
    flag = pd.to_numeric(df[treated], errors="coerce")
    wrong = ~flag.isin([0, 1])
    if wrong.any():
        raise DataError(
            f"{treated} must be 0 or 1 in every row; {int(wrong.sum()):,} of {len(df):,} rows hold something else "
            f"({first_few(df.loc[wrong.to_numpy(), treated])})."
        )
    label: object = ONE_PERIOD_LABEL
    if roles.has_period:
        labels = df[roles.period].dropna().unique()
        if len(labels) != 1:
            raise DataError(
                f"treated= says who is treated but not since when, and {roles.period} has {len(labels)} periods. "
                "Use first_treated= with the period in which the program starts."
            )
        label = labels[0]
    start = pd.Series([label if one else None for one in flag == 1], index=df.index, dtype=object)
    return df.assign(**{roles.first_treated: start})


def check_frame(frame: pd.DataFrame, roles: Roles) -> None:
    """Refuse duplicate unit × period, starts that change within a unit, and weights that are missing or negative."""
    twice = frame.duplicated([roles.unit, roles.period], keep=False)
    if twice.any():
        pairs = frame.loc[twice, [roles.unit, roles.period]].drop_duplicates()
        shown = first_few(f"{unit} in {period}" if roles.has_period else unit for unit, period in pairs.to_numpy())
        what = f"{roles.unit} × {roles.period}" if roles.has_period else roles.unit
        raise DataError(f"{len(pairs):,} {what} stand more than once ({shown}). Keep one row for each.")
    same_unit = frame[roles.unit].eq(frame[roles.unit].shift()).to_numpy(dtype=bool)
    start = pd.factorize(frame[roles.first_treated])[0]
    moves = same_unit & np.append(False, start[1:] != start[:-1])
    if moves.any():
        moving = frame.loc[moves, roles.unit].unique()
        raise DataError(
            f"{roles.first_treated} changes within {len(moving):,} units ({first_few(moving)}). "
            "A unit starts once: give the same start in all of its rows."
        )
    if roles.weight:
        wrong = frame[roles.weight].isna() | (frame[roles.weight] < 0)
        if wrong.any():
            count = f"{int(wrong.sum()):,} of {len(frame):,} rows"
            raise DataError(f"{roles.weight} must be known and at least 0 in every row; it is not in {count}.")


def _as_number(column: pd.Series[Any]) -> pd.Series[Any]:
    """A column of numbers or true/false as it is, objects that are numbers as numbers; else a DataError."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype)
    if not pd.api.types.is_numeric_dtype(column):
        text = column[column.notna() & ~column.map(lambda value: isinstance(value, (Number, np.bool_)))]
        if len(text):
            raise DataError(
                f"{column.name} must be numbers; {len(text):,} of {len(column):,} rows hold something else "
                f"({first_few(text)}). Correct them, or read the column as numbers."
            )
        column = column.astype(float)
    infinite = np.isinf(column.to_numpy(dtype=float, na_value=np.nan))
    if infinite.any():
        raise DataError(
            f"{column.name} is infinite in {int(infinite.sum()):,} rows. Make them missing or correct them."
        )
    return column


def checked_pretests(pretests: Mapping[str, str], roles: Roles) -> dict[str, str]:
    """Pretests by outcome; DataError where one names an outcome or a covariate that has no such role."""
    for outcome, covariate in pretests.items():
        if outcome not in roles.outcomes:
            raise DataError(f"pretests names {outcome!r}, which is not an outcome.{suggest(outcome, roles.outcomes)}")
        if covariate not in roles.covariates:
            raise DataError(
                f"The pretest {covariate!r} of {outcome!r} is not a covariate.{suggest(covariate, roles.covariates)}"
            )
    return dict(pretests)
