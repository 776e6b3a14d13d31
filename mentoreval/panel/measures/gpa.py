"""gpa: the mean of grade points, weighted by credits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pandas as pd

from mentoreval.panel.facts import Domain, Unit
from mentoreval.panel.measure import Measure, measured, ratio
from mentoreval.panel.records_by_period import RecordsByPeriod


@dataclass(frozen=True)
class Gpa(Measure):
    """Sum of points × credits ÷ sum of credits, unweighted for advanced courses, of the marks of one period.

    How marks become points, and which do not count, is in ``mentoreval.panel.course_marks``. A student whose marks
    carry no points, or no credits, has no value.
    """

    name: ClassVar[str] = "gpa"
    unit: ClassVar[Unit] = "points"
    higher_is_better: ClassVar[bool] = True
    domain: ClassVar[Domain] = "academic_achievement"

    @property
    def rule(self) -> str:
        """The scale: A = 4, unweighted."""
        return "gpa_a_4_unweighted"

    def compute(self, records: RecordsByPeriod) -> pd.DataFrame:
        """student_id, period, gpa, reason."""
        marks = records.marks.frame
        reason = pd.Series("no_mark_with_points", index=marks.index, dtype="str").where(marks["gpa_credits"] == 0)
        return measured(marks, self.name, ratio(marks["quality_points"], marks["gpa_credits"]), reason)
