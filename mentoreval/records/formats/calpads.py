"""CALPADS: California's Student Absence Summary (STAS), one row for each student, school and year.

Days are those of the state's formula. Absent: excused, unexcused, suspended out of school, and independent study for
which no attendance is claimed (until 2020-21: incomplete independent study). Expected: Expected Attendance Days, of
which the others are parts: days attended, the absences, days of in-school suspension and all independent study add up
to them. Until 2020-21 the days attended held those of in-school suspension; since 2021-22 they are days in person only.

Numbers and names of the fields: CALPADS validations STAS0318 (13.15 to 13.22, and that they add up), STAS0311 (what
changed in May 2022) and STAS0739 (13.24) at documentation.calpads.org; the copies of the file specifications by the
vendors Aeries (13.01 to 13.06, 13.13) and eSchoolPlus (13.01 to 13.10); CALPADS' letter of 11 May 2017 on 13.16. The
fields 13.11, 13.12, 13.14 and 13.23 were not confirmed, and are not used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import narwhals as nw

from mentoreval.records.conventions import Conventions
from mentoreval.records.dialect import Dialect
from mentoreval.records.format import Format, Translation
from mentoreval.records.source_rows import CannotTranslate, Wanted, drop, flagged, refuse_words, take
from mentoreval.records.sources import Sources
from mentoreval.records.tables import TABLES
from mentoreval.records.validation import Problem

RECORD = "STAS"
IDS = {
    "ssid": (7, ("SSID", "Statewide Student Identifier")),
    "local": (8, ("Local Student ID", "Local Student Identifier")),
}
PLACE = {
    "record_type": (1, ("Record Type Code",)),
    "school_id": (5, ("School of Attendance",)),
    "school_year": (6, ("Academic Year ID",)),
    "exempt": (13, ("Student Absence Summary Data Collection Exemption Indicator", "Exemption Indicator")),
}
DAYS = {
    "expected": (15, ("Expected Attendance Days",)),
    "attended": (16, ("Days Attended In-Person", "Days Attended")),
    "suspended": (17, ("Days Absent Out-of-School Suspension",)),
    "suspended_in_school": (18, ("Days in Attendance In-School Suspension",)),
    "excused": (19, ("Days Absent In-Person Excused Non-Suspension", "Days Absent Excused Non-Suspension")),
    "unexcused": (20, ("Days Absent In-Person Unexcused Non-Suspension", "Days Absent Unexcused Non-Suspension")),
    "study_unclaimed": (21, ("Non-ADA Generating Independent Study Days", "Non-ADA Independent Study Days")),
    "study_incomplete": (0, ("Incomplete Independent Study Days",)),
    "study_claimed": (22, ("ADA-Generating Independent Study Days", "ADA Independent Study Days")),
}
"""The number of each field within 13, and its public names, today's first. Field 21 has had two names."""
OPTIONAL = ("record_type", "attended", "suspended_in_school", "study_unclaimed", "study_incomplete", "study_claimed")
ROUNDING = 0.011  # days are reported with two decimals


@dataclass(frozen=True)
class Calpads(Format):
    """California's Student Absence Summary; students and enrolment stand beside it as tables of our own.

    Where days of attendance stand beside it too, it is taken to be of other, earlier school years.

    file : the extract
    student_id : the identifier that students and enrolment have, the state's (SSID) or the district's
    delimiter : between the fields, such as "^" or "|", where the file has no commas
    header : whether the first line has the public names of the fields; without it they are known by their order
    """

    name: ClassVar[str] = "calpads"
    beside: ClassVar[tuple[str, ...]] = tuple(TABLES)
    file: str = RECORD
    student_id: Literal["ssid", "local"] = "ssid"
    delimiter: str = ","
    header: bool = True

    def check(self) -> None:
        """Refuse what is no delimiter."""
        Dialect(delimiter=self.delimiter)

    def translate(self, sources: Sources) -> Translation:
        """Totals of years, with the reasons of absences."""
        try:
            rows = take(sources, self._wanted())
            if rows is None:
                return Translation(problems=(self._no_file(sources),))
            exempt = nw.col("exempt").str.to_lowercase().is_in(["y", "yes", "true", "1"])
            other = nw.col("record_type") != RECORD
            rows = drop(rows, {"other_record_type": other, "exempt_from_absence_summary": exempt}, "student_id")
            refuse_words(rows, "attendance", {name: theirs[0] for name, (_, theirs) in DAYS.items()})
        except CannotTranslate as error:
            return Translation(problems=error.problems)
        rows = rows.keeping(rows.frame.with_columns(**_totals()))
        rows = flagged(rows, "days_do_not_add_up", _off().fill_null(False), "student_id")
        frame = rows.frame.select("student_id", "school_id", "school_year", *_totals())
        if "attendance" in sources.tables:
            return Translation({"attendance_totals": frame}, {"attendance_totals": rows.name}, (rows,))
        said = Conventions(attendance="yearly_totals")
        return Translation({"attendance": frame}, {"attendance": rows.name}, (rows,), said)

    def _wanted(self) -> Wanted:
        fields = {"student_id": IDS[self.student_id], **PLACE, **DAYS}
        columns = {ours: names if self.header else (f"field_{number}",) for ours, (number, names) in fields.items()}
        # A table that is no text, such as a sheet, is read as it is where nothing else is stated.
        stated = Dialect(self.delimiter, header_line=int(self.header))
        return Wanted(self.file, "attendance", columns, ("exempt", *OPTIONAL), None if stated == Dialect() else stated)

    def _no_file(self, sources: Sources) -> Problem:
        finding = f"There is no {self.file} in {sources.where}."
        advice = 'Add the extract of CALPADS\' Student Absence Summary, or name it with file = "…".'
        return Problem("attendance", "", "missing_table", finding, advice)


def _days(name: str) -> nw.Expr:
    """Days of a field; an empty one is no day."""
    return nw.col(name).cast(nw.Float64).fill_null(0.0)


def _totals() -> Mapping[str, nw.Expr]:
    """The state's formula; without expected days nothing is known."""
    unclaimed = _days("study_unclaimed") + _days("study_incomplete")
    return {
        "days_enrolled": nw.col("expected").cast(nw.Float64),
        "days_absent": _days("excused") + _days("unexcused") + _days("suspended") + unclaimed,
        "days_absent_excused": _days("excused"),
        "days_absent_unexcused": _days("unexcused"),
        "days_suspended": _days("suspended"),
    }


def _off() -> nw.Expr:
    """Whether the days do not add up to those expected, neither as since 2021-22 nor as before; False if unknown."""
    off = nw.col("attended").cast(nw.Float64) + nw.col("days_absent") - nw.col("days_enrolled")
    apart = _days("suspended_in_school") + _days("study_claimed")
    return (off.abs() > ROUNDING) & ((off + apart).abs() > ROUNDING)
