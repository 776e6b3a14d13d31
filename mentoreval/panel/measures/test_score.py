"""test_score: a score as standard deviations from the mean of the same grade, year and test."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import narwhals as nw
import numpy as np
import pandas as pd

from mentoreval.errors import DataError, OptionError, suggest
from mentoreval.panel.collect import collect_frame
from mentoreval.panel.facts import Domain, Unit
from mentoreval.panel.measure import Measure, measured, reasons
from mentoreval.panel.records_by_period import RecordsByPeriod

GROUP = ("test", "subject", "school_year", "grade_level")


@dataclass(frozen=True)
class TestScore(Measure):
    """(Score − mean) ÷ standard deviation, within grade × year × test; of several in a period the last.

    Scale scores of different grades, years or tests have scales of their own and are never pooled as they are. Best are
    the mean and standard deviation of the state (``norms``); without them those of all students who were tested in
    these records, mentored or not, are taken.

    subject : of the test; it may be left out where only one was tested
    norms : a CSV file with the columns test, subject, school_year, grade_level, mean and sd; empty for these records
    min_reference : students of a group who must be tested for their mean and standard deviation to be used
    """

    __test__: ClassVar[bool] = False  # pytest would take the name for a test
    name: ClassVar[str] = "test_score"
    unit: ClassVar[Unit] = "count"
    higher_is_better: ClassVar[bool] = True
    domain: ClassVar[Domain] = "academic_achievement"

    files: ClassVar[tuple[str, ...]] = ("norms",)
    subject: str = ""
    norms: str = ""
    min_reference: int = 30

    def check(self) -> None:
        """min_reference is at least 2."""
        if self.min_reference < 2:
            raise OptionError(f"min_reference is at least 2; got {self.min_reference}.")

    @property
    def rule(self) -> str:
        """The reference population."""
        return "test_score_norms" if self.norms else f"test_score_district min_reference={self.min_reference}"

    def compute(self, records: RecordsByPeriod) -> pd.DataFrame:
        """student_id, period, test_score, reason."""
        scores = self._scores(records)
        scores = scores.merge(
            _norms(Path(self.norms)) if self.norms else _own_norms(scores), on=list(GROUP), how="left"
        )
        order = ["student_id", "period", *(["date"] if "date" in scores else []), "test"]
        last = scores.sort_values(order, kind="stable").drop_duplicates(["student_id", "period"], keep="last")
        last = last.reset_index(drop=True)
        small = last["n"] < self.min_reference
        reason = reasons(
            ("no_grade_level", last["grade_level"].isna()),
            ("no_norms", last["mean"].isna()),
            ("reference_too_small", small),
            ("reference_does_not_vary", ~(last["sd"] > 0)),
        )
        return measured(last, self.name, (last["scale_score"] - last["mean"]) / last["sd"], reason)

    def _scores(self, records: RecordsByPeriod) -> pd.DataFrame:
        """Every score of the subject, with its period and grade level."""
        table = records.records.assessments
        if table is None:
            raise DataError(
                f"{records.records.source} has no assessments table, and test_score is asked for. "
                "Add assessments.csv (student_id, school_year, test, subject, scale_score), or leave it out."
            )
        subjects = sorted(collect_frame(table.select("subject").unique())["subject"])
        if self.subject and self.subject not in subjects:
            raise DataError(f"Nobody was tested in {self.subject!r}.{suggest(self.subject, subjects)}")
        if not self.subject and len(subjects) > 1:
            raise DataError(f"There are tests in {', '.join(subjects)}: say which with subject.")
        if self.subject:
            table = table.filter(nw.col("subject") == self.subject)
        scores = collect_frame(records.rule.label_rows(table, "assessments"))
        enrolled = records.student_periods.set_index(["student_id", "period"])["grade_level"].rename("enrolled_grade")
        scores = scores.join(enrolled, on=["student_id", "period"])
        grade = scores["grade_level"] if "grade_level" in scores else scores["enrolled_grade"]
        return scores.assign(grade_level=grade.fillna(scores["enrolled_grade"]).astype(float))


def _own_norms(scores: pd.DataFrame) -> pd.DataFrame:
    """Mean and standard deviation (ddof 1) of all students who were tested, by group."""
    grouped = scores.groupby(list(GROUP))["scale_score"]
    return grouped.agg(mean="mean", sd="std", n="size").reset_index()


def _norms(path: Path) -> pd.DataFrame:
    """Means and standard deviations of a file, one for each group."""
    if not path.is_file():
        raise OptionError(f"There is no file of norms {str(path)!r}: a CSV with {', '.join(GROUP)}, mean and sd.")
    table = pd.read_csv(path, dtype={"test": str, "subject": str, "school_year": str, "grade_level": float})
    missing = [name for name in (*GROUP, "mean", "sd") if name not in table]
    if missing or table.duplicated(list(GROUP)).any():
        what = f"has no column {', '.join(missing)}" if missing else "has a group more than once"
        raise DataError(f"{path.name} {what}. It needs one row for each {', '.join(GROUP)}, with mean and sd.")
    return table[[*GROUP, "mean", "sd"]].assign(n=np.inf)
