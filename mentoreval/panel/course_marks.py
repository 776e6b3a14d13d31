"""Course marks: from the marks of a student in a period to grade points, credits and failed courses.

What a mark is worth is in ``mentoreval.panel.mark_rule``.
"""

from __future__ import annotations

from dataclasses import dataclass

import narwhals as nw
import pandas as pd

from mentoreval.errors import DataError
from mentoreval.panel.collect import collect_frame
from mentoreval.panel.enrolled_days import first_examples
from mentoreval.panel.mark_rule import UNCOUNTED, WITHDRAWN, MarkRule, is_failed
from mentoreval.panel.periods import PeriodRule
from mentoreval.records.records import LazyTable, LedgerEntry, Records

TERMS = ("S1", "S2", "Y")

CORE_SUBJECTS = (
    "english", "ela", "english language arts", "language arts", "reading", "math", "mathematics", "science",
    "social studies", "social_studies", "history",
)  # fmt: skip
"""How the subjects of core courses are usually written."""


@dataclass(frozen=True, eq=False)
class CourseMarks:
    """Marks of a student in a period.

    frame : one row per student × period with a mark: student_id, period, quality_points (points × credits, summed),
        gpa_credits (credits of the marks that have points), courses (marks that say passed or failed), failed,
        attempted (credits of those courses) and earned (credits of those passed, or as the table states them)
    entries : what the ledger is to say
    """

    frame: pd.DataFrame
    entries: tuple[LedgerEntry, ...] = ()


def count_marks(records: Records, rule: PeriodRule, marks: MarkRule | None = None) -> CourseMarks:
    """Add up a student's marks by year or by semester.

    For a year, a course with a mark for the whole year (term Y) counts by that mark, and its semester marks do not
    count again. For a semester, marks for the whole year belong to no semester: they are left out, and the ledger says
    how many.
    """
    marks = marks or MarkRule()
    if rule.length == "month":
        raise DataError('Marks are given by term and have no month. Use period = "year" or "semester" for grades.')
    grades = _tidy_grades(records)
    if marks.weighted:
        _need_column(records, "course_level", "Points can not be weighted by the level of a course", "use unweighted")
    kinds = collect_frame(grades.group_by("mark", "term").agg(rows=nw.len()))
    blank = kinds["mark"].isna() | (kinds["mark"] == "")
    of_year = ~blank & (kinds["term"] == "Y")
    unread = _unread(kinds, blank, marks)
    of_year &= ~kinds["mark"].isin(unread.index)
    entries = [_entry(grades.filter(_is_blank(nw.col("mark"))), "missing_mark", kinds.loc[blank, "rows"])]
    is_unread = nw.col("mark").is_in(list(unread.index))
    if len(unread):
        entries.append(_entry(grades.filter(is_unread), "unparsed_mark", unread))
    marked = grades.filter(~_is_blank(nw.col("mark")) & ~is_unread)
    if rule.length == "semester":
        whole_year = marked.filter(nw.col("term") == "Y")
        entries.append(_entry(whole_year, "mark_of_whole_year", kinds.loc[of_year, "rows"]))
        marked = marked.filter(nw.col("term") != "Y")
    elif of_year.any():
        marked = _final_marks(marked)
    return CourseMarks(_sums(rule.label_terms(marked), marks), tuple(entries))


def count_failures(records: Records, subjects: tuple[str, ...], marks: MarkRule) -> pd.DataFrame:
    """Marks and failed semesters in courses of these subjects, by student and school year.

    Every semester mark counts one; a mark for the whole year counts two semesters where the course has no other. Marks
    that can not be read are left out; ``count_marks`` lists them for the ledger.

    returns : student_id, period, semesters, failed_core
    """
    grades = _tidy_grades(records)
    _need_column(records, "subject", "Core courses can not be told from others", "leave the measure out")
    course = ("student_id", "school_year", "course_id")
    one, two, none = nw.lit(1), nw.lit(2), nw.lit(0)
    mark, is_year = nw.col("mark"), nw.col("term") == "Y"
    core = grades.filter(
        nw.col("subject").str.to_lowercase().is_in(subjects) & ~_is_blank(mark) & ~mark.is_in(WITHDRAWN)
    )
    kinds = collect_frame(core.group_by("mark", "term").agg(rows=nw.len()))
    unread = _unread(kinds, pd.Series(False, index=kinds.index), marks)
    core = core.filter(~mark.is_in(list(unread.index)))
    core = core.with_columns(semesters=nw.when(is_year).then(two).otherwise(one), points=marks.points(mark))
    core = core.with_columns(fewest=nw.col("semesters").min().over(*course))
    core = core.filter(nw.col("semesters") == nw.col("fewest"))
    failed = nw.when(is_failed(mark, nw.col("points"))).then(nw.col("semesters")).otherwise(none)
    counted = core.select("student_id", nw.col("school_year").alias("period"), "semesters", failed_core=failed)
    return collect_frame(
        counted.group_by("student_id", "period").agg(nw.col("semesters").sum(), nw.col("failed_core").sum())
    )


def _tidy_grades(records: Records) -> LazyTable:
    """The grades with tidy marks; a DataError if there are none."""
    if records.grades is None:
        raise DataError(
            f"{records.source} has no grades table, and a measure of grades is asked for. "
            "Add grades.csv (or .parquet), or leave that measure out."
        )
    return records.grades.with_columns(_tidy(nw.col("mark")).alias("mark"))


def _need_column(records: Records, name: str, why: str, otherwise: str) -> None:
    if records.grades is not None and name not in records.grades.collect_schema().names():
        raise DataError(f"{why}: grades has no column {name}. Add it, or {otherwise}.")


def _tidy(mark: nw.Expr) -> nw.Expr:
    return mark.cast(nw.String).str.strip_chars().str.to_uppercase().str.replace_all("−", "-", literal=True)


def _is_blank(mark: nw.Expr) -> nw.Expr:
    return mark.is_null() | (mark == "")


def _unread(kinds: pd.DataFrame, blank: pd.Series[bool], rule: MarkRule) -> pd.Series[int]:
    """Rows of each mark that can not be read; DataError where these are most marks, or points on another scale."""
    marks = kinds[~blank].groupby("mark")["rows"].sum()
    unknown = marks[~rule.known(marks.index).to_numpy()].sort_values(ascending=False, kind="stable")
    numbers = pd.to_numeric(pd.Series(unknown.index), errors="coerce")
    high = numbers.between(rule.highest, 6, inclusive="right").any()
    if high or unknown.sum() > marks.sum() / 2:
        shown = ", ".join(f"{mark!r} in {rows:,} rows" for mark, rows in unknown.items())
        ask = " Numbers above 4.3 look like weighted points: say so with highest = 5, or export unweighted points."
        raise DataError(
            f"grades has {int(unknown.sum()):,} of {int(marks.sum()):,} marks that can not be read: {shown}. Write "
            f"letters from A+ to F, points from 0 to {rule.highest:g}, or one of I, P, NP, CR, NC, W; or give the "
            f"points of your own marks in a scale file.{ask if high else ''}"
        )
    terms = kinds[~kinds["term"].isin(TERMS)].groupby("term", dropna=False)["rows"].sum()
    if len(terms):
        shown = ", ".join(f"{term!r} in {rows:,} rows" for term, rows in terms.items())
        raise DataError(f"grades has terms that are not known: {shown}. Write S1, S2, or Y for the whole year.")
    return unknown


def _final_marks(grades: LazyTable) -> LazyTable:
    """Without the semester marks of courses that have a mark for the year."""
    course = ("student_id", "school_year", "course_id")
    of_year = nw.when(nw.col("term") == "Y").then(nw.lit(1)).otherwise(nw.lit(0))
    grades = grades.with_columns(of_year=of_year)
    return grades.with_columns(has_year=nw.col("of_year").max().over(*course)).filter(
        nw.col("of_year") == nw.col("has_year")
    )


def _sums(grades: LazyTable, rule: MarkRule) -> pd.DataFrame:
    mark, points, names = nw.col("mark"), nw.col("points"), grades.collect_schema().names()
    zero, none, one = nw.lit(0.0), nw.lit(0), nw.lit(1)
    uncounted, withdrawn = mark.is_in(UNCOUNTED), mark.is_in(WITHDRAWN)
    credits = nw.col("credits").fill_null(1.0) if "credits" in names else nw.lit(1.0)
    failed = is_failed(mark, points)
    passed = nw.when(failed | withdrawn).then(zero).otherwise(nw.col("credits"))
    earned = nw.coalesce(nw.col("credits_earned"), passed) if "credits_earned" in names else passed
    level = nw.col("course_level").str.to_lowercase() if "course_level" in names else None
    counted = grades.with_columns(points=rule.points(mark), credits=credits).select(
        "student_id",
        "period",
        quality_points=nw.when(uncounted)
        .then(zero)
        .otherwise((points + rule.extra(points, level)) * nw.col("credits")),
        gpa_credits=nw.when(uncounted).then(zero).otherwise(nw.col("credits")),
        courses=nw.when(withdrawn).then(none).otherwise(one),
        failed=nw.when(failed).then(one).otherwise(none),
        attempted=nw.when(withdrawn).then(zero).otherwise(nw.col("credits")),
        earned=nw.when(withdrawn).then(zero).otherwise(earned),
    )
    columns = ("quality_points", "gpa_credits", "courses", "failed", "attempted", "earned")
    return collect_frame(counted.group_by("student_id", "period").agg(*[nw.col(name).sum() for name in columns]))


def _entry(grades: LazyTable, rule: str, rows: pd.Series[int]) -> LedgerEntry:
    """Marks that are left out; the students are looked up only where there are any."""
    count = int(rows.sum())
    students = collect_frame(grades.select("student_id").unique())["student_id"] if count else ()
    return LedgerEntry("grades", rule, "dropped", count, first_examples(students))
