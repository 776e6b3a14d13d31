"""Course marks: from the marks of a student in a period to grade points and failed courses.

Letters become points by the crosswalk that most districts use: A+ and A 4.0, A− 3.7, B+ 3.3, B 3.0, B− 2.7, C+ 2.3,
C 2.0, C− 1.7, D+ 1.3, D 1.0, D− 0.7, F 0. A mark that is a number from 0 to 4.3 is its own points.

======================  ==============================  =====================
mark                    in the mean of grade points     a failed course
======================  ==============================  =====================
A+ … D−, 0.7 to 4.3     its points                      no
F, numbers below 0.7    its points                      yes
I  (incomplete)         0                               yes
NC, NP (no credit)      left out                        yes
P, CR  (credit)         left out                        no
W  (withdrawn)          left out                        left out
======================  ==============================  =====================
"""

from __future__ import annotations

from dataclasses import dataclass

import narwhals as nw
import pandas as pd

from mentoreval.errors import DataError
from mentoreval.panel.collect import collect_frame
from mentoreval.panel.enrolled_days import first_examples
from mentoreval.panel.periods import PeriodRule
from mentoreval.records.records import LazyTable, LedgerEntry, Records

POINTS = {
    "A+": 4.0, "A": 4.0, "A-": 3.7, "B+": 3.3, "B": 3.0, "B-": 2.7, "C+": 2.3, "C": 2.0, "C-": 1.7,
    "D+": 1.3, "D": 1.0, "D-": 0.7, "F": 0.0, "I": 0.0,
}  # fmt: skip
NO_CREDIT = ("NC", "NP")
CREDIT = ("P", "CR")
WITHDRAWN = ("W",)
LOWEST_PASS = POINTS["D-"]
MOST_POINTS = 4.3
TERMS = ("S1", "S2", "Y")


@dataclass(frozen=True, eq=False)
class CourseMarks:
    """Marks of a student in a period.

    frame : one row per student × period with a mark: student_id, period, quality_points (points × credits, summed),
        gpa_credits (credits of the marks that have points), courses (marks that say passed or failed), failed
    entries : what the ledger is to say
    """

    frame: pd.DataFrame
    entries: tuple[LedgerEntry, ...] = ()


def count_marks(records: Records, rule: PeriodRule) -> CourseMarks:
    """Add up a student's marks by year or by semester.

    For a year, a course with a mark for the whole year (term Y) counts by that mark, and its semester marks do not
    count again. For a semester, marks for the whole year belong to no semester: they are left out, and the ledger says
    how many.
    """
    if records.grades is None:
        raise DataError(
            f"{records.source} has no grades table, and a measure of grades is asked for. "
            "Add grades.csv (or .parquet), or leave that measure out."
        )
    if rule.length == "month":
        raise DataError('Marks are given by term and have no month. Use period = "year" or "semester" for grades.')
    grades = records.grades.with_columns(_tidy(nw.col("mark")).alias("mark"))
    kinds = collect_frame(grades.group_by("mark", "term").agg(rows=nw.len()))
    blank = kinds["mark"].isna() | (kinds["mark"] == "")
    of_year = ~blank & (kinds["term"] == "Y")
    _refuse_unknown(kinds, blank)
    entries = [_entry(grades.filter(_is_blank(nw.col("mark"))), "missing_mark", kinds.loc[blank, "rows"])]
    marked = grades.filter(~_is_blank(nw.col("mark")))
    if rule.length == "semester":
        whole_year = marked.filter(nw.col("term") == "Y")
        entries.append(_entry(whole_year, "mark_of_whole_year", kinds.loc[of_year, "rows"]))
        marked = marked.filter(nw.col("term") != "Y")
    elif of_year.any():
        marked = _final_marks(marked)
    return CourseMarks(_sums(rule.label_terms(marked)), tuple(entries))


def _tidy(mark: nw.Expr) -> nw.Expr:
    return mark.cast(nw.String).str.strip_chars().str.to_uppercase().str.replace_all("−", "-", literal=True)


def _is_blank(mark: nw.Expr) -> nw.Expr:
    return mark.is_null() | (mark == "")


def _refuse_unknown(kinds: pd.DataFrame, blank: pd.Series[bool]) -> None:
    marks = kinds[~blank].groupby("mark")["rows"].sum()
    points = pd.to_numeric(pd.Series(marks.index, index=marks.index), errors="coerce")
    known = marks.index.isin([*POINTS, *NO_CREDIT, *CREDIT, *WITHDRAWN]) | points.between(0, MOST_POINTS).to_numpy()
    unknown = marks[~known].sort_values(ascending=False, kind="stable")
    if len(unknown):
        shown = ", ".join(f"{mark!r} in {rows:,} rows" for mark, rows in unknown.items())
        raise DataError(
            f"grades has {int(unknown.sum()):,} of {int(marks.sum()):,} marks that can not be read: {shown}. Write "
            f"letters from A+ to F, points from 0 to {MOST_POINTS}, or one of I, P, NP, CR, NC, W."
        )
    terms = kinds[~kinds["term"].isin(TERMS)].groupby("term", dropna=False)["rows"].sum()
    if len(terms):
        shown = ", ".join(f"{term!r} in {rows:,} rows" for term, rows in terms.items())
        raise DataError(f"grades has terms that are not known: {shown}. Write S1, S2, or Y for the whole year.")


def _final_marks(grades: LazyTable) -> LazyTable:
    """Without the semester marks of courses that have a mark for the year."""
    course = ("student_id", "school_year", "course_id")
    of_year = nw.when(nw.col("term") == "Y").then(nw.lit(1)).otherwise(nw.lit(0))
    grades = grades.with_columns(of_year=of_year)
    return grades.with_columns(has_year=nw.col("of_year").max().over(*course)).filter(
        nw.col("of_year") == nw.col("has_year")
    )


def _sums(grades: LazyTable) -> pd.DataFrame:
    mark, has_credits = nw.col("mark"), "credits" in grades.collect_schema().names()
    uncounted = mark.is_in([*NO_CREDIT, *CREDIT, *WITHDRAWN])
    credits = nw.col("credits").fill_null(1.0) if has_credits else nw.lit(1.0)
    failed = mark.is_in(NO_CREDIT) | (~uncounted & (nw.col("points") < LOWEST_PASS))
    one, none = nw.lit(1), nw.lit(0)
    counted = grades.with_columns(points=_points(mark), credits=credits).select(
        "student_id",
        "period",
        quality_points=nw.when(uncounted).then(nw.lit(0.0)).otherwise(nw.col("points") * nw.col("credits")),
        gpa_credits=nw.when(uncounted).then(nw.lit(0.0)).otherwise(nw.col("credits")),
        courses=nw.when(mark.is_in(WITHDRAWN)).then(none).otherwise(one),
        failed=nw.when(failed).then(one).otherwise(none),
    )
    columns = ("quality_points", "gpa_credits", "courses", "failed")
    return collect_frame(counted.group_by("student_id", "period").agg(*[nw.col(name).sum() for name in columns]))


def _points(mark: nw.Expr) -> nw.Expr:
    """Points of marks that are letters of the crosswalk or numbers; 0 for the others, which nothing reads."""
    letters = [*POINTS, *NO_CREDIT, *CREDIT, *WITHDRAWN]
    points = nw.when(mark.is_in(letters)).then(nw.lit("0")).otherwise(mark).cast(nw.Float64)
    for letter, value in POINTS.items():
        if value:
            points = nw.when(mark == letter).then(nw.lit(value)).otherwise(points)
    return points


def _entry(grades: LazyTable, rule: str, rows: pd.Series[int]) -> LedgerEntry:
    """Marks that are left out; the students are looked up only where there are any."""
    count = int(rows.sum())
    students = collect_frame(grades.select("student_id").unique())["student_id"] if count else ()
    return LedgerEntry("grades", rule, "dropped", count, first_examples(students))
