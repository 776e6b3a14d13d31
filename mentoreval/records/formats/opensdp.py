"""OpenSDP: the column names of the Strategic Data Project's specification, which many states' research files have.

A school year is the year of its spring, a grade level is -1 before kindergarten, 0 in kindergarten and -9 where there
is none, and statuses such as ell are 0 or 1; of frpl 1 is reduced price and 2 is free. Names and values: Strategic Data
Project, Identify: Data Specification Guide (github.com/OpenSDP/college-going-toolkit-r, SDPIdentify.Rmd). The practice
files of that toolkit (its folder data) have the same names, and N, R and F in frpl. What the synthetic data engine
OpenSDPsynthR writes has no spells of enrolment and is not of this layout.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import narwhals as nw

from mentoreval.records.checked import Checked, ask
from mentoreval.records.conventions import Conventions
from mentoreval.records.format import Format, Translation
from mentoreval.records.records import LazyTable, LedgerEntry
from mentoreval.records.source_rows import (
    CannotTranslate,
    Wanted,
    drop,
    kept_as,
    refuse_words,
    spring_year,
    take,
    translate_codes,
)
from mentoreval.records.sources import Sources
from mentoreval.records.tables import TABLES
from mentoreval.records.validation import Problem

Columns = dict[str, tuple[str, ...]]

STATUSES = {"frpl": "economically_disadvantaged", "ell": "english_learner", "iep": "disability"}
DAYS: Columns = {
    "days_enrolled": ("days_enrolled", "total_days_enrolled"),
    "days_absent": ("days_absent", "total_days_absent"),
}
SEX = {"1": "male", "0": "female"}
FRPL = {"0": "0", "1": "1", "2": "1", "N": "0", "R": "1", "F": "1"}
RACES = {
    "1": "African American", "2": "Asian American", "3": "Hispanic", "4": "American Indian", "5": "White",
    "6": "Other", "7": "Multiple",
}  # fmt: skip
SPELL_YEAR = ["student_id", "school_id", "school_year"]


@dataclass(frozen=True)
class OpenSdp(Format):
    """Files with the column names of OpenSDP: attributes of students, their years, and their spells in schools.

    attributes, years, spells : the files that hold them; one file may be all three
    ungraded : enrolment at grade level -9 is an error, or left out
    """

    name: ClassVar[str] = "opensdp"
    beside: ClassVar[tuple[str, ...]] = tuple(name for name in TABLES if name not in ("students", "enrolment"))
    attributes: str = "Student_Attributes"
    years: str = "Student_School_Year"
    spells: str = "Student_School_Enrollment"
    ungraded: Literal["error", "drop"] = "error"

    def translate(self, sources: Sources) -> Translation:
        """Students with the statuses of their first year, spells with the year's grade level, and totals of days."""
        try:
            people, years, spells = self._people(sources), self._years(sources), self._spells(sources)
        except CannotTranslate as error:
            return Translation(problems=error.problems)
        spells, days = self._with_grades(spells, years), _days(spells, years)
        years = _mapped_statuses(years)
        frames = {"students": _with_statuses(people.frame, years.frame), "enrolment": _enrolment(spells)}
        titles = {"students": people.name, "enrolment": spells.name}
        said = Conventions()
        if days is not None and "attendance" not in sources.tables:
            frames["attendance"], titles["attendance"] = days, spells.name
            said = Conventions(attendance="yearly_totals")
        # One file may be all three: its rows are then accounted for once, by what happened to them as spells.
        rows = {table.name: table for table in (people, years, spells)}
        problems = tuple(problem for table in (people, years, spells) for problem in table.problems)
        return Translation(frames, titles, tuple(rows.values()), said, problems)

    def _people(self, sources: Sources) -> Checked:
        columns: Columns = {
            "student_id": ("sid",),
            "gender": ("male",),
            "race_ethnicity": ("race_ethnicity",),
        }
        columns |= {"birth_date": ("birth_date", "birthdate")}
        people = _needed(sources, Wanted(self.attributes, "students", columns, tuple(columns)[1:]))
        people = translate_codes(people, ("students", "gender"), SEX, "The column male is 1 or 0.")
        people = translate_codes(people, ("students", "race_ethnicity"), RACES, "", others_stay=True)
        return people if self.attributes != self.years else kept_as(people, people.frame.unique())

    def _years(self, sources: Sources) -> Checked:
        columns: Columns = {
            "student_id": ("sid",),
            "school_year": ("school_year",),
            "grade_level": ("grade_level",),
        }
        columns |= {name: (name,) for name in STATUSES} | DAYS
        years = _needed(sources, Wanted(self.years, "enrolment", columns, (*STATUSES, *DAYS)))
        refuse_words(years, "attendance", {name: theirs[0] for name, theirs in DAYS.items()})
        return translate_codes(years, ("students", "frpl"), FRPL, "The column frpl is 0, 1 or 2, or N, R or F.")

    def _spells(self, sources: Sources) -> Checked:
        columns: Columns = {
            "student_id": ("sid",),
            "school_year": ("school_year",),
            "school_id": ("school_code", "school_id"),
        }
        columns |= {"entry_date": ("enrollment_date",), "exit_date": ("withdrawal_date",)} | DAYS
        columns["exit_code"] = ("withdrawal_code",)
        spells = _needed(sources, Wanted(self.spells, "enrolment", columns, ("exit_date", "exit_code", *DAYS)))
        refuse_words(spells, "attendance", {name: theirs[0] for name, theirs in DAYS.items()})
        return spells

    def _with_grades(self, spells: Checked, years: Checked) -> Checked:
        grades = years.frame.select("student_id", "school_year", "grade_level").unique()
        graded = kept_as(spells, spells.frame.join(grades, on=["student_id", "school_year"], how="left"))
        if self.ungraded == "error":
            return graded
        return drop(graded, {"ungraded": nw.col("grade_level").is_in(["-9", "-9.0"])}, "student_id")


def _needed(sources: Sources, wanted: Wanted) -> Checked:
    table = take(sources, wanted)
    if table is None:
        finding = f"There is no {wanted.name} in {sources.where}."
        advice = "Add it, or name the file that holds it in the options of the format (attributes, years, spells)."
        raise CannotTranslate(Problem(wanted.table, "", "missing_table", finding, advice))
    return table


def _enrolment(spells: Checked) -> LazyTable:
    year = spring_year(nw.col("school_year")).alias("school_year")
    codes = ["exit_code"] if ask(spells.frame, rows=nw.col("exit_code").count())["rows"] else []
    return spells.frame.select("student_id", "school_id", year, "grade_level", "entry_date", "exit_date", *codes)


def _with_statuses(people: LazyTable, years: LazyTable) -> LazyTable:
    """Students with what was true in their first year, before any program that came later."""
    first = years.group_by("student_id").agg(school_year=nw.col("school_year").min())
    statuses = years.join(first, on=["student_id", "school_year"], how="inner")
    renamed = {ours: nw.col(theirs) for theirs, ours in STATUSES.items()}
    return people.join(statuses.select("student_id", **renamed).unique(), on="student_id", how="left")


def _mapped_statuses(years: Checked) -> Checked:
    changing = years.frame.select("student_id", *STATUSES).unique().group_by("student_id").agg(n=nw.len())
    rows = ask(changing.filter(nw.col("n") > 1), rows=nw.len())["rows"]
    return years.keeping(years.frame, LedgerEntry(years.name, "status_of_first_year", "mapped", rows))


def _days(spells: Checked, years: Checked) -> LazyTable | None:
    """Totals of days, by school where the spells have them; None where days enrolled or absent are not there at all."""
    for table, keys in ((spells, SPELL_YEAR), (years, ["student_id", "school_year"])):
        filled = ask(table.frame, **{name: nw.col(name).count() for name in DAYS})
        if all(filled.values()):
            return _sums(table.frame, keys)
    return None


def _sums(frame: LazyTable, keys: list[str]) -> LazyTable:
    """Sums over the spells of a student in one school and year; missing where one of them is."""
    numbers = {name: nw.col(name).cast(nw.Float64).sum() for name in DAYS}
    gaps = {f"_{name}": nw.col(name).count() for name in DAYS}
    sums = frame.group_by(keys).agg(**numbers, **gaps, _rows=nw.len())
    whole = {name: nw.when(nw.col(f"_{name}") == nw.col("_rows")).then(nw.col(name)) for name in DAYS}
    totals: Mapping[str, nw.Expr] = {**whole, "school_year": spring_year(nw.col("school_year"))}
    return sums.select(*[key for key in keys if key != "school_year"], **totals)
