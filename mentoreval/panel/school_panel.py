"""School panel: from students to schools, for programs that reach whole schools.

A school's outcome is made of all its students: the mean over students, for attendance rates the mean over their days
enrolled, or a sum, as the measure says. Attendance is counted in each school apart, so that a student who moved counts
in both schools with the days there; what is not counted by school, such as marks, counts in the school with most days.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from mentoreval.panel.enrolled_days import first_examples
from mentoreval.panel.measure import MEASURE_KEYS, Measure
from mentoreval.panel.records_by_period import RecordsByPeriod
from mentoreval.records.records import LedgerEntry

SCHOOL_KEYS = ("school_id", "period")
ENROLMENT = "enrolment"
STUDENTS = "n_students"


@dataclass(frozen=True, eq=False)
class SchoolRows:
    """Rows of a panel of schools.

    frame : one row per school × period: school_id, period, n_students, enrolment (n_students in the school's first
        period, its weight), first_treated, the mean of every attribute that is a number, and the outcomes
    attributes : names of these means
    entries : what the ledger is to say
    """

    frame: pd.DataFrame
    attributes: tuple[str, ...]
    entries: tuple[LedgerEntry, ...]


def school_rows(
    view: RecordsByPeriod,
    treated: pd.DataFrame,
    outcomes: Mapping[str, Measure],
    attributes: pd.DataFrame,
    starts: pd.Series[str] | None = None,
) -> SchoolRows:
    """Students of each school and period, as one row.

    treated : as the program returns it. A school's program starts in the first period in which it starts for one of the
        students who are at the school in that period, unless ``starts`` states it
    starts : first period by school_id; a school that is not in it never starts
    attributes : the students table
    """
    keys, by_student = list(SCHOOL_KEYS), view.student_periods
    everybody = view.enrolled.frame[["student_id", *keys, "grade_level"]].merge(attributes, on="student_id", how="left")
    numbers = [name for name in everybody.columns if pd.api.types.is_numeric_dtype(everybody[name])]
    grouped = everybody.groupby(keys)
    frame = grouped[numbers].mean().assign(**{STUDENTS: grouped.size()}).reset_index()
    first = frame.sort_values("period").drop_duplicates("school_id").set_index("school_id")[STUDENTS]
    frame[ENROLMENT] = frame["school_id"].map(first).astype(float)
    frame["first_treated"] = frame["school_id"].map(_school_starts(by_student, treated) if starts is None else starts)
    entries: list[LedgerEntry] = []
    for name, measure in outcomes.items():
        pooled, left_out = _pool(measure, view, by_student)
        frame = frame.join(pooled.rename(name), on=keys)
        entries += left_out
        silent = frame.loc[frame[name].isna(), "school_id"]
        entries.append(
            LedgerEntry("panel", f"{name}.no_student_measured", "flagged", len(silent), first_examples(silent))
        )
    return SchoolRows(frame.sort_values(keys, ignore_index=True), tuple(numbers), tuple(entries))


def _school_starts(by_student: pd.DataFrame, treated: pd.DataFrame) -> pd.Series[str]:
    """First period in which the program starts for a student of the school; a school without one is not in it."""
    known = treated.dropna(subset=["first_treated"])
    starts = known.rename(columns={"first_treated": "period"})[list(MEASURE_KEYS)]
    return starts.merge(by_student, on=list(MEASURE_KEYS)).groupby("school_id")["period"].min()


def _pool(
    measure: Measure, view: RecordsByPeriod, by_student: pd.DataFrame
) -> tuple[pd.Series[float], list[LedgerEntry]]:
    """The measure of each school and period, and the students who have none."""
    keys, name = list(SCHOOL_KEYS), measure.name
    found = measure.compute(view.each_school)
    if "school_id" not in found:
        found = found.merge(by_student[[*MEASURE_KEYS, "school_id"]], on=list(MEASURE_KEYS))
    entries = [
        LedgerEntry("panel", f"{name}.{key}", "flagged", len(out), first_examples(out["student_id"]))
        for key, out in found.groupby("reason")
    ]
    known = found[found[name].notna()]
    if measure.pools_by == "students":
        return known.groupby(keys)[name].mean(), entries
    if measure.pools_by == "sum":
        return known.groupby(keys)[name].sum(), entries
    days = view.each_school.attendance.frame
    both = ["student_id", *(key for key in keys if key in days)]
    known = known.merge(days[[*both, "enrolled"]], on=both)
    total = known.assign(part=known[name] * known["enrolled"]).groupby(keys)[["part", "enrolled"]].sum()
    return total["part"] / total["enrolled"], entries
