"""credits_earned: how many credits a student earned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pandas as pd

from mentoreval.panel.facts import Domain, MeasureFacts, Unit
from mentoreval.panel.mark_rule import MarkRule
from mentoreval.panel.measure import Measure, measured, ratio, reasons
from mentoreval.panel.records_by_period import RecordsByPeriod


@dataclass(frozen=True)
class CreditsEarned(Measure):
    """Credits of the courses that a student passed in the period, or the credits earned that the grades state.

    A failed, incomplete or no-credit course earns none; a course from which the student withdrew is neither earned nor
    attempted.

    out_of_attempted : the share of the attempted credits that were earned, instead of their number
    scale : a CSV file with columns mark and points in place of the usual letters
    """

    name: ClassVar[str] = "credits_earned"
    unit: ClassVar[Unit] = "count"
    higher_is_better: ClassVar[bool] = True
    domain: ClassVar[Domain] = "progressing_in_school"

    files: ClassVar[tuple[str, ...]] = ("scale",)
    out_of_attempted: bool = False
    scale: str = ""

    @property
    def rule(self) -> str:
        """Credits, or their share."""
        return "credits_out_of_attempted" if self.out_of_attempted else "credits_of_passed_courses"

    @property
    def facts(self) -> MeasureFacts:
        """A count, or a share of what was attempted."""
        unit: Unit = "share" if self.out_of_attempted else "count"
        return MeasureFacts(unit, self.higher_is_better, self.domain, self.rule)

    def compute(self, records: RecordsByPeriod) -> pd.DataFrame:
        """student_id, period, credits_earned, reason."""
        marks = records.marks_by(MarkRule(scale=self.scale)).frame
        reason = reasons(("no_course_finished", marks["courses"] == 0))
        if self.out_of_attempted:
            reason = reason.mask(reason.isna() & (marks["attempted"] == 0), "no_credits_attempted")
        earned = ratio(marks["earned"], marks["attempted"]) if self.out_of_attempted else marks["earned"]
        return measured(marks, self.name, earned, reason)
