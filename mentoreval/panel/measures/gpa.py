"""gpa: the mean of grade points, weighted by credits."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pandas as pd

from mentoreval.errors import OptionError
from mentoreval.panel.facts import Domain, Unit
from mentoreval.panel.mark_rule import MOST_POINTS, MarkRule
from mentoreval.panel.measure import Measure, measured, ratio, reasons
from mentoreval.panel.records_by_period import RecordsByPeriod


@dataclass(frozen=True)
class Gpa(Measure):
    """Sum of points × credits ÷ sum of credits of the marks of one period.

    How marks become points, and which do not count, is in ``mentoreval.panel.mark_rule``. A student whose marks carry
    no points, or no credits, has no value. Marks that can not be read, and numbers above ``highest``, are refused with
    their counts: a mean over marks on two scales is one of neither.

    weighted : half a point more for a passed honors course, one for an advanced one (AP, IB, dual enrolment), by the
        column course_level of the grades
    scale : a CSV file with columns mark and points in place of the usual letters
    highest : the highest number that is read as grade points
    """

    name: ClassVar[str] = "gpa"
    unit: ClassVar[Unit] = "points"
    higher_is_better: ClassVar[bool] = True
    domain: ClassVar[Domain] = "academic_achievement"

    files: ClassVar[tuple[str, ...]] = ("scale",)
    weighted: bool = False
    scale: str = ""
    highest: float = MOST_POINTS

    def check(self) -> None:
        """highest is above 0."""
        if self.highest <= 0:
            raise OptionError(f"highest is above 0; got {self.highest:g}.")

    @property
    def rule(self) -> str:
        """The scale, and whether it is weighted for the level of a course."""
        kind = "weighted" if self.weighted else "unweighted"
        return f"gpa_scale_{kind} scale={Path(self.scale).name.replace(' ', '_')}" if self.scale else f"gpa_a_4_{kind}"

    def compute(self, records: RecordsByPeriod) -> pd.DataFrame:
        """student_id, period, gpa, reason."""
        marks = records.marks_by(MarkRule(self.weighted, self.scale, self.highest)).frame
        reason = reasons(("no_mark_with_points", marks["gpa_credits"] == 0))
        return measured(marks, self.name, ratio(marks["quality_points"], marks["gpa_credits"]), reason)
