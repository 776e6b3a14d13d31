"""Offer: what a folder of tables can be asked, so that a new study names only what is there."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from mentoreval.errors import DataError, MentorevalError
from mentoreval.panel.build import ATTRIBUTES
from mentoreval.panel.collect import collect_frame
from mentoreval.panel.measures import MEASURES
from mentoreval.panel.periods import PeriodRule
from mentoreval.panel.programs import PROGRAMS
from mentoreval.panel.records_by_period import RecordsByPeriod
from mentoreval.records.read import read_records
from mentoreval.records.records import Records

KNOWN_OF_MOST = 0.95
"""Share of students of whom an attribute is known before it is offered: matching leaves out those without it."""


@dataclass(frozen=True, eq=False)
class Offer:
    """What is there.

    programs : kinds of program of which the tables have students, with how many; the one with most first
    measures : outcomes that can be measured from these tables, by name
    covariates : what of a student is known to nearly all of them
    n_schools : schools with an enrolled student
    made_up : True where a made-up district lies in the folder
    """

    folder: Path
    records: Records
    programs: dict[str, int]
    measures: tuple[str, ...]
    covariates: tuple[str, ...]
    n_schools: int
    made_up: bool


def look_at(folder: str | os.PathLike[str], say: Callable[[str], None] = lambda step: None) -> Offer:
    """Read a folder of tables and try which programs and measures it can serve; no outcome of a student is looked at.

    Raises DataError where the tables can not be read, or where no student took part in any program.
    """
    place = Path(folder)
    say("Reading the data")
    records = read_records(place)
    view = RecordsByPeriod(records, PeriodRule("year"))
    say("Looking for programs")
    programs = {name: _mentored(name, view) for name, kind in PROGRAMS.items() if kind.unit == "student"}
    programs = {name: n for name, n in sorted(programs.items(), key=lambda pair: -pair[1]) if n}
    if not programs:
        raise DataError(
            f"The tables in {str(folder)!r} have no student who took part in a program. A study needs the table "
            "matches: who was matched with a mentor, and since when."
        )
    say("Looking for outcomes")
    students = collect_frame(records.students)
    rows = view.student_periods
    return Offer(
        folder=place,
        records=records,
        programs=programs,
        measures=tuple(name for name in MEASURES if _can_measure(name, view)),
        covariates=("grade_level", *(name for name in ATTRIBUTES if _known(students, name))),
        n_schools=int(rows["school_id"].nunique()),
        made_up=(place / "truth.json").is_file(),
    )


def _mentored(program: str, view: RecordsByPeriod) -> int:
    """Students who took part in a kind of program; 0 where the tables have not what it needs."""
    try:
        return int(PROGRAMS[program]().treat(view)["first_treated"].notna().sum())
    except MentorevalError:
        return 0


def _can_measure(measure: str, view: RecordsByPeriod) -> bool:
    """Whether there is a value for anybody; not where a table is missing, or an option that only a person can give."""
    try:
        found = MEASURES[measure]().compute(view)
    except (MentorevalError, TypeError):  # TypeError: an option without a default
        return False
    return bool(found[measure].notna().any())


def _known(students: pd.DataFrame, name: str) -> bool:
    return name in students and students[name].notna().mean() >= KNOWN_OF_MOST and students[name].nunique() > 1
