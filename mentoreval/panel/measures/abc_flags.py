"""abc_flags: how many of the early warnings attendance, behaviour and course performance a student shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pandas as pd

from mentoreval.errors import OptionError
from mentoreval.panel.attendance_days import DAY, FEDERAL_PERCENT
from mentoreval.panel.course_marks import CORE_SUBJECTS
from mentoreval.panel.facts import Domain, Unit
from mentoreval.panel.mark_rule import MarkRule
from mentoreval.panel.measure import Measure, check_min_enrolled_days, measured, need_years, reasons
from mentoreval.panel.records_by_period import RecordsByPeriod
from mentoreval.records.records import LedgerEntry


@dataclass(frozen=True)
class AbcFlags(Measure):
    """Number of warnings, 0 to 3: A chronically absent, B suspended, C failed a core course.

    B is judged from the suspensions in the attendance table. Where no suspension stands there at all, behaviour is not
    judged: the number goes to 2, and the ledger says so. A student without attendance or core marks has no value.

    absent_percent : attendance warns from this share of days absent on (20 in the Philadelphia studies of grade 6)
    suspended_days : behaviour warns from so many days suspended on
    core_failures : course performance warns from so many failed semesters in core courses on
    core : subjects, as the grades write them, in small letters
    scale : a CSV file with columns mark and points in place of the usual letters
    min_enrolled_days : students enrolled for fewer days in the year have no value
    """

    name: ClassVar[str] = "abc_flags"
    unit: ClassVar[Unit] = "count"
    higher_is_better: ClassVar[bool] = False
    domain: ClassVar[Domain] = "other"

    absent_percent: float = FEDERAL_PERCENT
    suspended_days: float = 1.0
    core_failures: int = 1
    files: ClassVar[tuple[str, ...]] = ("scale",)
    core: tuple[str, ...] = CORE_SUBJECTS
    scale: str = ""
    min_enrolled_days: int = 10

    def check(self) -> None:
        """Thresholds are above 0, and there is a core subject."""
        check_min_enrolled_days(self.min_enrolled_days)
        if not 0 < self.absent_percent < 100 or min(self.suspended_days, self.core_failures) <= 0 or not self.core:
            raise OptionError("abc_flags takes thresholds above 0 and at least one core subject.")

    @property
    def rule(self) -> str:
        """The three thresholds; the subjects are in the study file."""
        return (
            f"abc_flags absent_percent={self.absent_percent:g} suspended_days={self.suspended_days:g} "
            f"core_failures={self.core_failures} min_enrolled_days={self.min_enrolled_days}"
        )

    def remarks(self, records: RecordsByPeriod) -> tuple[LedgerEntry, ...]:
        """Whether behaviour was judged."""
        judged = records.attendance_counted.suspensions
        rows = 0 if judged else len(records.attendance_counted.frame)
        return (LedgerEntry("panel", f"{self.name}.behaviour_not_judged", "flagged", rows),)

    def compute(self, records: RecordsByPeriod) -> pd.DataFrame:
        """student_id, period, abc_flags, reason."""
        need_years(self, records)
        attendance = records.attendance_counted
        days = attendance.frame.assign(
            absent_flag=attendance.absent_at_least(self.absent_percent),
            behaviour_flag=attendance.suspensions & (attendance.frame["suspended"] >= self.suspended_days * DAY),
            withheld=attendance.withheld(self.min_enrolled_days),
        )
        failures = records.core_failures(self.core, MarkRule(scale=self.scale))
        days = days.merge(failures, on=["student_id", "period"], how="left")
        flags = days["absent_flag"].astype(int) + days["behaviour_flag"] + (days["failed_core"] >= self.core_failures)
        reason = reasons(("no_core_course", days["semesters"].isna()))
        return measured(days, self.name, flags, days["withheld"].where(days["withheld"].notna(), reason))
