"""CALPADS: California's Student Absence Summary (STAS), one row for each student, school and year.

Days are those of the state's formula. Absent: excused, unexcused, suspended out of school, and independent study for
which no attendance is claimed. Expected: days in person, those of an in-school suspension among them, and all days of
independent study. Until independent study was split in two, the expected days held all of it, and its incomplete days
were absences. CALPADS File Specifications, fields 13.15 to 13.21.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import narwhals as nw

from mentoreval.records.conventions import Conventions
from mentoreval.records.format import Format, Translation
from mentoreval.records.source_rows import CannotTranslate, Wanted, drop, flagged, refuse_words, take
from mentoreval.records.sources import Sources
from mentoreval.records.tables import TABLES
from mentoreval.records.validation import Problem

DAYS = {
    "expected": ("Expected Attendance Days",),
    "attended": ("Days Attended",),
    "suspended": ("Days Absent Out-of-School Suspension",),
    "excused": ("Days Absent Excused Non-Suspension",),
    "unexcused": ("Days Absent Unexcused Non-Suspension",),
    "incomplete_study": ("Incomplete Independent Study Days",),
    "study_claimed": ("ADA-generating Independent Study Days", "ADA Independent Study Days"),
    "study_unclaimed": ("Non-ADA-generating Independent Study Days", "Non-ADA Independent Study Days"),
}
OPTIONAL = ("attended", "incomplete_study", "study_claimed", "study_unclaimed")
IDS = {"ssid": ("SSID", "Statewide Student Identifier"), "local": ("Local Student ID", "Local Student Identifier")}
STUDY_IS_SPLIT = ~(nw.col("study_claimed").is_null() & nw.col("study_unclaimed").is_null())
ROUNDING = 0.011  # days are reported with two decimals
EXEMPT = ("Student Absence Summary Data Collection Exemption Indicator", "Exemption Indicator")


@dataclass(frozen=True)
class Calpads(Format):
    """California's Student Absence Summary; students and enrolment stand beside it as tables of our own.

    file : the extract, with the public names of its fields in the first line
    student_id : the identifier that students and enrolment have, the state's (SSID) or the district's
    """

    name: ClassVar[str] = "calpads"
    beside: ClassVar[tuple[str, ...]] = tuple(name for name in TABLES if name != "attendance")
    file: str = "STAS"
    student_id: Literal["ssid", "local"] = "ssid"

    def translate(self, sources: Sources) -> Translation:
        """Totals of years, with the reasons of absences."""
        columns = {
            "student_id": IDS[self.student_id],
            "school_id": ("School of Attendance",),
            "school_year": ("Academic Year ID",),
            "exempt": EXEMPT,
            **DAYS,
        }
        try:
            rows = take(sources, Wanted(self.file, "attendance", columns, ("exempt", *OPTIONAL)))
            if rows is None:
                return Translation(problems=(self._no_file(sources),))
            exempt = nw.col("exempt").str.to_lowercase().is_in(["y", "yes", "true", "1"])
            rows = drop(rows, {"exempt_from_absence_summary": exempt}, "student_id")
            refuse_words(rows, "attendance", {name: theirs[0] for name, theirs in DAYS.items()})
        except CannotTranslate as error:
            return Translation(problems=error.problems)
        rows = rows.keeping(rows.frame.with_columns(**_totals()))
        off = (_number("attended") + nw.col("days_absent") - nw.col("days_enrolled")).abs() > ROUNDING
        rows = flagged(rows, "days_do_not_add_up", (off & ~STUDY_IS_SPLIT).fill_null(False), "student_id")
        frame = rows.frame.select("student_id", "school_id", "school_year", *_totals())
        said = Conventions(attendance="yearly_totals")
        return Translation({"attendance": frame}, {"attendance": rows.name}, (rows,), said)

    def _no_file(self, sources: Sources) -> Problem:
        finding = f"There is no {self.file} in {sources.where}."
        advice = 'Add the extract of CALPADS\' Student Absence Summary, or name it with file = "…".'
        return Problem("attendance", "", "missing_table", finding, advice)


def _number(name: str) -> nw.Expr:
    return nw.col(name).cast(nw.Float64)


def _totals() -> Mapping[str, nw.Expr]:
    """The state's formula; an empty count is no day, but without expected days nothing is known."""
    days = {name: _number(name).fill_null(0.0) for name in DAYS}
    unclaimed = nw.when(STUDY_IS_SPLIT).then(days["study_unclaimed"]).otherwise(days["incomplete_study"])
    study = nw.when(STUDY_IS_SPLIT).then(days["study_claimed"] + days["study_unclaimed"]).otherwise(nw.lit(0.0))
    return {
        "days_enrolled": _number("expected") + study,
        "days_absent": days["excused"] + days["unexcused"] + days["suspended"] + unclaimed,
        "days_absent_excused": days["excused"],
        "days_absent_unexcused": days["unexcused"],
        "days_suspended": days["suspended"],
    }
