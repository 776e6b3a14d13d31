"""Conventions of an export that no column can say, and rules for what can be read in more than one way.

They are stated by a person, as parameters or in ``records.toml`` beside the tables, and never guessed.
"""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from mentoreval.errors import OptionError, suggest
from mentoreval.records.records import AttendanceMode
from mentoreval.records.validation import Problem

ExitDateIs = Literal["last_day", "day_after"]
Conflicts: TypeAlias = Literal["most_severe", "error"] | Sequence[str]
Retakes = Literal["error", "all", "best", "last"]
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
    retakes : several marks of one course and term are a problem ("error", the default); or "all" of them count; or the
        "best"; or the "last", by the column date of grades
    as_of : the last day that the export knows; what lies later is dropped. Unsaid, the day on which it is read
    dates : how dates are written, such as "MM/DD/YYYY" ("us" for short), or "excel" for the day numbers of a workbook,
        which count from 1899-12-30; without it only 2021-09-01 is a date
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
    from mentoreval.records.written_dates import DATES_SAID, is_date_format

    return "" if isinstance(value, str) and is_date_format(value) else f" Write it as {DATES_SAID}."


OTHERS: dict[str, Callable[[object], str]] = {"absent_from": _wrong_share, "as_of": _wrong_date, "dates": _wrong_dates}


def conventions_of(said: Mapping[str, Any], where: str) -> Conventions:
    """The conventions that a table of a TOML file states, or that stand as options of a command.

    OptionError with what is wrong and, for a name that does not exist, with those that do.
    """
    for name, value in said.items():
        if wrong := _wrong(name, value):
            raise OptionError(f"{where}{wrong}")
    return _stated(said)


def conventions_file(file: Path) -> Conventions:
    """The conventions that a TOML file states; OptionError where it is not there, is no TOML, or has a mistake."""
    try:
        said = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise OptionError(f"There is no file {str(file)!r} that states conventions.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise OptionError(f"{file.name} can not be read: {error}.") from error
    return conventions_of(said, file.name)


def setting(text: str) -> tuple[str, Any]:
    """A convention and its value from "name=value", where the value may be as in TOML or a bare word."""
    name, equals, value = text.partition("=")
    if not equals:
        raise OptionError(f"{text!r} is not a setting. Write it as name=value, such as dates=MM/DD/YYYY.")
    try:
        return name.strip(), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return name.strip(), value.strip()


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
    return _stated({name: value for name, value in said.items() if _problem_of(name, value) is None}), problems


def _stated(said: Mapping[str, Any]) -> Conventions:
    """Conventions without mistakes; a list of codes can not be changed any more."""
    kept: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in said.items()}
    return Conventions(**kept)


def _problem_of(name: str, value: object) -> Problem | None:
    wrong = _wrong(name, value)
    if not wrong:
        return None
    return Problem(CONVENTIONS_FILE, name, "conventions", f"{CONVENTIONS_FILE}{wrong}", "Correct or remove that line.")


def _wrong(name: str, value: object) -> str:
    """What is wrong with a convention, to stand after the name of the place where it is stated; else nothing."""
    known = [option.name for option in fields(Conventions)]
    if name not in known:
        return f" has an unknown key {name!r}.{suggest(name, known)}"
    wrong = wrong_value(name, value)
    return f": {name} = {value!r} is not allowed.{wrong}" if wrong else ""
