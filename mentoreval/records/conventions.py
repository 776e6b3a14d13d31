"""Conventions of an export that no column can say, and rules for what can be read in more than one way.

They are stated by a person, as parameters or in ``records.toml`` beside the tables, and never guessed.
"""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from mentoreval.errors import OptionError, suggest
from mentoreval.records.records import AttendanceMode
from mentoreval.records.validation import Problem

ExitDateIs = Literal["last_day", "day_after"]
Conflicts: TypeAlias = Literal["most_severe", "error"] | Sequence[str]
Retakes = Literal["error", "all"]
SchoolYearsAre = Literal["spring", "autumn"]
CONVENTIONS_FILE = "records.toml"
ALLOWED: dict[str, tuple[str, ...]] = {
    "attendance": get_args(AttendanceMode),
    "exit_date_is": get_args(ExitDateIs),
    "conflicts": ("most_severe", "error"),
    "retakes": get_args(Retakes),
    "school_years": get_args(SchoolYearsAre),
}


@dataclass(frozen=True)
class Conventions:
    """What was said of an export; None = not said.

    attendance : how the attendance table is kept
    exit_date_is : the last day of a spell of enrolment, or the day after
    conflicts : of several codes for one student-day the "most_severe" counts (the default), or the one that stands
        first in a list of codes; or they are a problem ("error")
    absent_from : share of a day, above 0 and up to 1, from which on an absence counts as a whole day, while a shorter
        one counts as none; or "part": each counts as the part that it is. Unsaid, shares that the table states count
        as they are, and shares that come from minutes or class periods count by 0.5
    retakes : several marks of one course and term are a problem, or "all" of them count
    as_of : the last day that the export knows; what lies later is dropped. Unsaid, the day on which it is read
    dates : how dates are written, such as "MM/DD/YYYY"; without it only 2021-09-01 is a date
    school_years : what a single year such as 2022 means: the "spring" in which the school year ends, or its "autumn"
    """

    attendance: AttendanceMode | None = None
    exit_date_is: ExitDateIs | None = None
    conflicts: Conflicts | None = None
    absent_from: float | Literal["part"] | None = None
    retakes: Retakes | None = None
    as_of: dt.date | None = None
    dates: str | None = None
    school_years: SchoolYearsAre | None = None

    def __post_init__(self) -> None:
        for option in fields(self):
            value = getattr(self, option.name)
            if value is not None and (wrong := wrong_value(option.name, value)):
                raise OptionError(f"{option.name} = {value!r} is not allowed.{wrong}")

    def over(self, other: Conventions) -> Conventions:
        """These conventions, and those of the other where these say nothing."""
        said = {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) is not None}
        return replace(other, **said)


def wrong_value(name: str, value: object) -> str:
    """What a convention takes, where it does not take this value; else nothing."""
    if name == "conflicts" and isinstance(value, list | tuple):
        return "" if value and all(isinstance(code, str) for code in value) else " Write a list of codes."
    if name in ALLOWED:
        return "" if value in ALLOWED[name] else suggest(str(value), ALLOWED[name])
    return OTHERS[name](value)


def _wrong_share(value: object) -> str:
    if value == "part" or (isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= 1):
        return ""
    return ' It is a share of the day, above 0 and up to 1, or "part".'


def _wrong_date(value: object) -> str:
    return "" if isinstance(value, dt.date) and not isinstance(value, dt.datetime) else " Write a date as 2021-09-01."


def _wrong_dates(value: object) -> str:
    from mentoreval.records.table_mapping import date_pattern

    try:
        date_pattern(str(value))
    except OptionError:
        return " Write it as MM/DD/YYYY, D.M.YYYY or YYYYMMDD."
    return ""


OTHERS: dict[str, Callable[[object], str]] = {"absent_from": _wrong_share, "as_of": _wrong_date, "dates": _wrong_dates}


def read_conventions(folder: Path) -> tuple[Conventions, tuple[Problem, ...]]:
    """What ``records.toml`` in the folder says, and what is wrong with it; nothing where there is no such file."""
    file = folder / CONVENTIONS_FILE
    if not file.is_file():
        return Conventions(), ()
    try:
        said = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, OSError, UnicodeDecodeError) as error:
        finding = f"{CONVENTIONS_FILE} can not be read: {error}."
        return Conventions(), (Problem(CONVENTIONS_FILE, "", "conventions", finding, "Correct that line."),)
    problems = tuple(problem for name, value in said.items() if (problem := _problem_of(name, value)))
    good: dict[str, Any] = {name: value for name, value in said.items() if _problem_of(name, value) is None}
    return Conventions(**good), problems


def _problem_of(name: str, value: object) -> Problem | None:
    known = [option.name for option in fields(Conventions)]
    if name not in known:
        finding = f"{CONVENTIONS_FILE} has an unknown key {name!r}.{suggest(name, known)}"
    elif wrong := wrong_value(name, value):
        finding = f"{CONVENTIONS_FILE}: {name} = {value!r} is not allowed.{wrong}"
    else:
        return None
    return Problem(CONVENTIONS_FILE, name, "conventions", finding, "Correct or remove that line.")
