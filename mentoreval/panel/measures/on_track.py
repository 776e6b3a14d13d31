"""on_track: whether a first-year high school student is on the way to graduate on time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pandas as pd

from mentoreval.errors import OptionError
from mentoreval.panel.course_marks import CORE_SUBJECTS
from mentoreval.panel.facts import Domain, Unit
from mentoreval.panel.mark_rule import MarkRule
from mentoreval.panel.measure import Measure, measured, need_years, reasons
from mentoreval.panel.records_by_period import RecordsByPeriod


@dataclass(frozen=True)
class OnTrack(Measure):
    """1 if the student earned enough credits in the grade and failed at most so many semesters of core courses, else 0.

    The usual rule for grade 9: five full credits, and no more than one semester F in English, mathematics, science or
    social studies. A mark for the whole year counts as two semesters where the course has no other. Districts count
    credits differently (ten semester credits are five full ones): say how many a year needs.

    credits : that a student must have earned in the year
    core_failures : semesters of core courses that may be failed
    grade_level : of the students who are judged; all others have no value
    core : subjects, as the grades write them, in small letters
    scale : a CSV file with columns mark and points in place of the usual letters
    """

    name: ClassVar[str] = "on_track"
    unit: ClassVar[Unit] = "flag"
    higher_is_better: ClassVar[bool] = True
    domain: ClassVar[Domain] = "progressing_in_school"

    credits: float = 5.0
    core_failures: int = 1
    grade_level: int = 9
    files: ClassVar[tuple[str, ...]] = ("scale",)
    core: tuple[str, ...] = CORE_SUBJECTS
    scale: str = ""

    def check(self) -> None:
        """credits is above 0, core_failures not negative, and there is a core subject."""
        if self.credits <= 0 or self.core_failures < 0 or not self.core:
            raise OptionError(
                "on_track takes credits above 0, core_failures of 0 or more and at least one core subject."
            )

    @property
    def rule(self) -> str:
        """Credits, failures and grade; the subjects are in the study file."""
        return f"on_track credits={self.credits:g} core_failures={self.core_failures} grade_level={self.grade_level}"

    def compute(self, records: RecordsByPeriod) -> pd.DataFrame:
        """student_id, period, on_track, reason."""
        need_years(self, records)
        keys = ["student_id", "period"]
        rule = MarkRule(scale=self.scale)
        marks = records.marks_by(rule).frame
        marks = marks.merge(records.core_failures(self.core, rule), on=keys, how="left")
        marks = marks.merge(records.student_periods[[*keys, "grade_level"]], on=keys, how="left")
        reason = reasons(
            ("other_grade_level", marks["grade_level"] != self.grade_level),
            ("no_core_course", marks["semesters"].isna()),
        )
        enough = (marks["earned"] >= self.credits) & (marks["failed_core"].fillna(0) <= self.core_failures)
        return measured(marks, self.name, enough, reason)
