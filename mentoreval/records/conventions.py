"""Conventions of an export that no column can say: how attendance is kept, and what an exit date means."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args

from mentoreval.errors import OptionError, suggest
from mentoreval.records.records import AttendanceMode
from mentoreval.records.validation import Problem

ExitDateIs = Literal["last_day", "day_after"]
CONVENTIONS_FILE = "records.toml"
ALLOWED: dict[str, tuple[str, ...]] = {"attendance": get_args(AttendanceMode), "exit_date_is": get_args(ExitDateIs)}


@dataclass(frozen=True)
class Conventions:
    """attendance : how the attendance table is kept; exit_date_is : the last day, or the day after. None = not said."""

    attendance: AttendanceMode | None = None
    exit_date_is: ExitDateIs | None = None

    def __post_init__(self) -> None:
        for name, allowed in ALLOWED.items():
            value = getattr(self, name)
            if value is not None and value not in allowed:
                raise OptionError(f"{name} = {value!r} is not allowed.{suggest(str(value), allowed)}")

    def over(self, other: Conventions) -> Conventions:
        """These conventions, and those of the other where these say nothing."""
        said = {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) is not None}
        return replace(other, **said)


def read_conventions(folder: Path) -> tuple[Conventions, tuple[Problem, ...]]:
    """What ``records.toml`` in the folder says, and what is wrong with it; nothing where there is no such file."""
    file = folder / CONVENTIONS_FILE
    if not file.is_file():
        return Conventions(), ()
    try:
        said = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        finding = f"{CONVENTIONS_FILE} can not be read: {error}."
        return Conventions(), (Problem(CONVENTIONS_FILE, "", "conventions", finding, "Correct that line."),)
    problems = tuple(problem for name, value in said.items() if (problem := _problem_of(name, value)))
    good: dict[str, Any] = {name: value for name, value in said.items() if _problem_of(name, value) is None}
    return Conventions(**good), problems


def _problem_of(name: str, value: object) -> Problem | None:
    if name not in ALLOWED:
        finding = f"{CONVENTIONS_FILE} has an unknown key {name!r}.{suggest(name, ALLOWED)}"
    elif value not in ALLOWED[name]:
        finding = f"{CONVENTIONS_FILE}: {name} = {value!r} is not allowed.{suggest(str(value), ALLOWED[name])}"
    else:
        return None
    return Problem(CONVENTIONS_FILE, name, "conventions", finding, "Correct or remove that line.")
