"""The roles of a frame's columns: read, checked together, and every mistake named with its rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from numbers import Number
from typing import Any

import numpy as np
import pandas as pd

from mentoreval.aliases import BoolArray, IntArray
from mentoreval.errors import DataError, first_few, suggest
from mentoreval.numerics.codes import number
from mentoreval.panel.identifiers import differs, factorize_runs

ONE_PERIOD = "period"
ONE_PERIOD_LABEL = "all"
START = "first_treated"


@dataclass(frozen=True)
class Roles:
    """Which column plays which part.

    status : says whether the program acts on the unit in the period, where it ends for some unit
    """

    unit: str
    period: str
    first_treated: str
    covariates: tuple[str, ...]
    outcomes: tuple[str, ...]
    school: str | None
    mentor: str | None
    weight: str | None
    has_period: bool
    status: str | None = None
    participated: str | None = None
    dosage: str | None = None

    @property
    def columns(self) -> list[str]:
        """Every column that a role names, once."""
        fixed = (self.unit, self.period, self.first_treated, self.status, self.school, self.mentor, self.weight)
        single = (*fixed, self.participated, self.dosage)
        return list(dict.fromkeys(name for name in (*single, *self.covariates, *self.outcomes) if name))

    @property
    def numbers(self) -> list[str]:
        """The columns that must hold numbers."""
        return [*self.outcomes, *(name for name in (self.weight, self.status, self.participated, self.dosage) if name)]


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
        participated=given.get("participated"),
        dosage=given.get("dosage"),
    )
    if given.get("assignment", "observed") not in ("observed", "random"):
        raise DataError(f"assignment is 'observed' or 'random', not {given['assignment']!r}.")
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
    for name in (roles.participated, roles.dosage):
        if name is not None and (name in fixed or name in roles.outcomes):
            raise DataError(f"{name!r} can not be participation or dosage: it already has another role.")
        if name in roles.covariates:
            raise DataError(after_the_start(str(name)))
    if roles.mentor in roles.covariates:
        raise DataError(f"{roles.mentor!r} can not be a covariate: only mentored students have a mentor.")


def after_the_start(name: str) -> str:
    """Why participation and dosage are no covariates."""
    return (
        f"{name!r} can not be a covariate: it is known only after the program started, and is a part of what the "
        "program did, so that students made alike in it are no longer alike in anything else. Covariates are what was "
        "true before. DoseResponse describes outcomes by dosage."
    )


@dataclass(frozen=True, eq=False)
class TidyFrame:
    """The columns that have a role; units in the order of their first row, periods in time, rows from 0.

    unit, period : (rows,) codes of the row's unit, in the order of the frame, and of its period, in time
    units, periods : labels of the codes
    """

    frame: pd.DataFrame
    unit: IntArray
    period: IntArray
    units: pd.Index
    periods: pd.Index

    @property
    def same_unit(self) -> BoolArray:
        """(rows − 1,) whether each row has the unit of the row before."""
        return np.asarray(self.unit[1:] == self.unit[:-1])


def tidy_frame(df: pd.DataFrame, roles: Roles) -> TidyFrame:
    """A copy of the columns that have a role, in order; DataError for gaps and for values that are no periods."""
    frame = df[[name for name in roles.columns if name in df.columns]].copy(deep=False)
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
    unit, units = factorize_runs(frame[roles.unit])
    period, periods = _period_codes(frame[roles.period])
    place = unit * len(periods) + period
    if not (place[1:] > place[:-1]).all():
        order = np.argsort(place, kind="stable")
        frame, unit, period = frame.iloc[order], unit[order], period[order]
    return TidyFrame(frame.reset_index(drop=True), unit, period, units, periods)


def _period_codes(period: pd.Series[Any]) -> tuple[IntArray, pd.Index]:
    """(rows,) codes of the periods in time, and their labels."""
    if not pd.api.types.is_integer_dtype(period):
        codes, labels = pd.factorize(period, sort=True)
        return codes.astype(np.int64), pd.Index(labels)
    values = period.to_numpy(dtype=np.int64)
    codes = number(values)
    label_of = np.empty(int(codes.max()) + 1, dtype=np.int64)
    label_of[codes] = values
    return codes, pd.Index(label_of)


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
        fraction = period[period != period.round()] if pd.api.types.is_float_dtype(period) else period[:0]
        if len(fraction):
            shown = first_few(fraction)
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
    if not pd.api.types.is_integer_dtype(period):
        known = start[start.notna()]
        if len(known) and type(known.iloc[0]) is not type(period.iloc[0]):
            raise DataError(
                f"{start.name} holds values such as {known.iloc[0]!r} and {period.name} such as "
                f"{period.iloc[0]!r}: write both in the same way."
            )
        return start
    codes, labels = factorize_runs(start)
    numbers = pd.to_numeric(labels.to_series(), errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    wrong = ~np.isfinite(numbers) | (numbers != numbers.round()) | ((numbers <= 0) & (numbers < period.min()))
    if wrong.any():
        rows = np.isin(codes, np.flatnonzero(wrong))
        raise DataError(
            f"{start.name} has {int(rows.sum()):,} rows that are not a period of this panel "
            f"({first_few(start[rows])}). It takes the period in which the program starts; leave it missing for units "
            "that never take part."
        )
    whole = pd.array(numbers, dtype="Int64").take(codes, allow_fill=True)
    return pd.Series(whole, index=start.index, name=start.name)


def with_start(df: pd.DataFrame, roles: Roles, treated: str) -> tuple[pd.DataFrame, Roles]:
    """The frame with a start column made from 0/1, and the roles, with a status where the program ends for a unit.

    The start is the first period with a 1 in it, missing for units without. Where some unit has a 0 after a 1, the
    column of 0/1 stays in the frame as ``Roles.status``.
    """
    flag = pd.to_numeric(df[treated], errors="coerce")
    wrong = ~flag.isin([0, 1])
    if wrong.any():
        raise DataError(
            f"{treated} must be 0 or 1 in every row; {int(wrong.sum()):,} of {len(df):,} rows hold something else "
            f"({first_few(df.loc[wrong.to_numpy(), treated])})."
        )
    if not roles.has_period:
        label = pd.Series(ONE_PERIOD_LABEL, index=df.index, dtype=object)
        return df.assign(**{roles.first_treated: label.where(flag == 1, None)}), roles
    code, labels = pd.factorize(df[roles.period], sort=True)
    on, unit = (flag == 1).to_numpy(), pd.factorize(df[roles.unit])[0]
    first, last = np.full(unit.max() + 2, len(labels)), np.full(unit.max() + 2, -1)
    np.minimum.at(first, unit[on], code[on])
    np.maximum.at(last, unit[~on], code[~on])
    if len(labels) > 1 and not ((first < len(labels)) & (last >= 0)).any():
        raise DataError(
            f"treated= says who is treated but not since when: {treated} never changes within a unit, and "
            f"{roles.period} has {len(labels)} periods. Give 1 from the start on and 0 before, or use first_treated= "
            "with the period in which the program starts."
        )
    start = pd.Series([*labels, None], dtype=object).take(first[unit]).set_axis(df.index)
    ends = bool((last > first).any())
    frame = df.assign(**{treated: flag.astype(float), roles.first_treated: start})
    return frame, replace(roles, status=treated if ends else None)


def check_frame(tidy: TidyFrame, roles: Roles) -> None:
    """Refuse duplicate unit × period, starts that change within a unit, and weights that are missing or negative."""
    frame = tidy.frame
    again = tidy.same_unit & (tidy.period[1:] == tidy.period[:-1])
    if again.any():
        pairs = frame.loc[np.append(False, again), [roles.unit, roles.period]].drop_duplicates()
        shown = first_few(f"{unit} in {period}" if roles.has_period else unit for unit, period in pairs.to_numpy())
        what = f"{roles.unit} × {roles.period}" if roles.has_period else roles.unit
        raise DataError(f"{len(pairs):,} {what} stand more than once ({shown}). Keep one row for each.")
    moves = tidy.same_unit & differs(frame[roles.first_treated])
    if moves.any():
        moving = frame.loc[np.append(False, moves), roles.unit].unique()
        raise DataError(
            f"{roles.first_treated} changes within {len(moving):,} units ({first_few(moving)}). "
            "A unit starts once: give the same start in all of its rows."
        )
    if roles.participated:
        strange = ~frame[roles.participated].isin([0, 1]) & frame[roles.participated].notna()
        if strange.any():
            raise DataError(
                f"{roles.participated} must be 0 or 1; {int(strange.sum()):,} of {len(frame):,} rows hold something "
                f"else ({first_few(frame.loc[strange, roles.participated])})."
            )
    if roles.dosage and (frame[roles.dosage] < 0).any():
        raise DataError(f"{roles.dosage} is below 0 in {int((frame[roles.dosage] < 0).sum()):,} rows. Correct them.")
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
