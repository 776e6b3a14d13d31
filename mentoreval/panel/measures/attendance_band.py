"""attendance_band: in which of four bands of attendance a student is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pandas as pd

from mentoreval.errors import OptionError
from mentoreval.panel.facts import Domain, Unit
from mentoreval.panel.measure import Measure, check_min_enrolled_days, measured
from mentoreval.panel.records_by_period import RecordsByPeriod

BANDS = ("severe", "moderate", "at_risk", "satisfactory")
USUAL_LIMITS = (80.0, 90.0, 95.0)


@dataclass(frozen=True)
class AttendanceBand(Measure):
    """1 severe (attendance of 80 % or less), 2 moderate (to 90 %), 3 at risk (to 95 %), 4 satisfactory (above).

    A limit belongs to the band below it: exactly 90 % is moderate, that is chronically absent. The comparison is made
    in whole thousandths of a day, so that no rounding decides. The bands are in order but not equally far apart: their
    mean says less than the share of students in each, which ``BANDS`` names.

    limits : the upper limits of the first three bands, in percent of enrolled days present
    min_enrolled_days : students enrolled for fewer days in the period have no band
    """

    name: ClassVar[str] = "attendance_band"
    unit: ClassVar[Unit] = "count"
    higher_is_better: ClassVar[bool] = True
    domain: ClassVar[Domain] = "attendance"

    limits: tuple[float, ...] = USUAL_LIMITS
    min_enrolled_days: int = 10

    def check(self) -> None:
        """Three rising limits between 0 and 100; min_enrolled_days is at least 1."""
        check_min_enrolled_days(self.min_enrolled_days)
        rising = all(low < high for low, high in zip((0.0, *self.limits), (*self.limits, 100.0), strict=True))
        if len(self.limits) != len(BANDS) - 1 or not rising:
            raise OptionError(f"limits are three rising shares in percent, such as [80, 90, 95]; got {self.limits}.")

    @property
    def rule(self) -> str:
        """The limits and the minimum enrolment."""
        named = zip(BANDS, self.limits, strict=False)
        limits = " ".join(f"{band}={limit:g}" for band, limit in named)
        return f"attendance_band {limits} min_enrolled_days={self.min_enrolled_days}"

    @property
    def counts_any_days(self) -> bool:
        """A band is one of any stretch of days."""
        return True

    def compute(self, records: RecordsByPeriod) -> pd.DataFrame:
        """student_id, period, attendance_band, reason."""
        days = records.attendance.frame
        present = (days["enrolled"] - days["absent"]) * 100
        band = pd.Series(1, index=days.index)
        for limit in self.limits:
            band += present > days["enrolled"] * limit
        return measured(days, self.name, band, records.attendance.withheld(self.min_enrolled_days))
