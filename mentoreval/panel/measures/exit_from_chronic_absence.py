"""exit_from_chronic_absence: whether a student who was chronically absent last year no longer is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pandas as pd

from mentoreval.errors import OptionError
from mentoreval.panel.attendance_days import FEDERAL_PERCENT
from mentoreval.panel.facts import Domain, Unit
from mentoreval.panel.measure import Measure, check_min_enrolled_days, measured, need_years, reasons
from mentoreval.panel.periods import year_before
from mentoreval.panel.records_by_period import RecordsByPeriod


@dataclass(frozen=True)
class ExitFromChronicAbsence(Measure):
    """1 if a student who was chronically absent in the school year before is not in this one, 0 if still.

    Only students who were chronically absent before have a value. Many leave the group by chance alone (regression to
    the mean): the share who exit says nothing without a comparison that was chosen by the same rule.

    min_enrolled_days : students enrolled for fewer days in either year have no value
    percent : share of the enrolled days, in percent, from which absence is chronic
    """

    name: ClassVar[str] = "exit_from_chronic_absence"
    unit: ClassVar[Unit] = "flag"
    higher_is_better: ClassVar[bool] = True
    domain: ClassVar[Domain] = "attendance"

    min_enrolled_days: int = 10
    percent: float = FEDERAL_PERCENT

    def check(self) -> None:
        """min_enrolled_days is at least 1; percent is between 0 and 100."""
        check_min_enrolled_days(self.min_enrolled_days)
        if not 0 < self.percent < 100:
            raise OptionError(f"percent is between 0 and 100; got {self.percent:g}.")

    def compute(self, records: RecordsByPeriod) -> pd.DataFrame:
        """student_id, period, exit_from_chronic_absence, reason."""
        need_years(self, records)
        attendance = records.attendance_counted
        now = attendance.frame[["student_id", "period"]].assign(
            chronic=attendance.absent_at_least(self.percent), withheld=attendance.withheld(self.min_enrolled_days)
        )
        last = now.rename(columns={"period": "before", "chronic": "chronic_before", "withheld": "withheld_before"})
        both = now.assign(before=now["period"].map(year_before)).merge(last, on=["student_id", "before"], how="left")
        unknown = both["chronic_before"].isna()
        reason = reasons(
            ("no_year_before", unknown),
            ("year_before_unknown", both["withheld_before"].notna()),
            ("not_chronic_before", both["chronic_before"].eq(False)),
        )
        return measured(both, self.name, ~both["chronic"], reason.where(reason.notna(), both["withheld"]))
