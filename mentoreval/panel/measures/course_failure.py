"""course_failure: whether a student failed a course."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pandas as pd

from mentoreval.panel.facts import Domain, Unit
from mentoreval.panel.mark_rule import MarkRule
from mentoreval.panel.measure import Measure, measured
from mentoreval.panel.records_by_period import RecordsByPeriod


@dataclass(frozen=True)
class CourseFailure(Measure):
    """1 if the student failed at least one course in the period, else 0.

    Failed are F, points below those of a D−, an incomplete (I), and no credit (NC, NP). P and CR are passed. A course
    from which the student withdrew (W) counts neither way; a student with no other course has no value.

    scale : a CSV file with columns mark and points in place of the usual letters
    """

    name: ClassVar[str] = "course_failure"
    unit: ClassVar[Unit] = "flag"
    higher_is_better: ClassVar[bool] = False
    domain: ClassVar[Domain] = "academic_achievement"
    files: ClassVar[tuple[str, ...]] = ("scale",)

    scale: str = ""

    @property
    def rule(self) -> str:
        """Any failed course; incompletes and no credit count as failed."""
        return "any_failed_course"

    def compute(self, records: RecordsByPeriod) -> pd.DataFrame:
        """student_id, period, course_failure, reason."""
        marks = records.marks_by(MarkRule(scale=self.scale)).frame
        reason = pd.Series("no_course_finished", index=marks.index, dtype="str").where(marks["courses"] == 0)
        return measured(marks, self.name, marks["failed"] > 0, reason)
