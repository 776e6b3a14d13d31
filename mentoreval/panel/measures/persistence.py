"""persistence: whether a student is enrolled again in the next school year."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pandas as pd

from mentoreval.errors import OptionError
from mentoreval.panel.facts import Domain, Unit
from mentoreval.panel.measure import Measure, measured, need_years, reasons
from mentoreval.panel.next_year import years_and_next
from mentoreval.panel.records_by_period import RecordsByPeriod


@dataclass(frozen=True)
class Persistence(Measure):
    """1 if the student is enrolled in these records in the next school year too, else 0.

    The last year of the records has no value, for nobody can know. Students who finished the last grade, or whose exit
    code says that they moved to another district, did not stay away from school: they have no value either.

    final_grade_level : after which nobody comes back
    transfer_codes : exit codes of students who went to a school outside these records
    graduate_codes : exit codes of students who finished school
    """

    name: ClassVar[str] = "persistence"
    unit: ClassVar[Unit] = "flag"
    higher_is_better: ClassVar[bool] = True
    domain: ClassVar[Domain] = "staying_in_school"

    final_grade_level: int = 12
    transfer_codes: tuple[str, ...] = ("transfer", "transferred_out")
    graduate_codes: tuple[str, ...] = ("graduated",)

    def check(self) -> None:
        """final_grade_level is a grade."""
        if not 0 <= self.final_grade_level <= 12:
            raise OptionError(f"final_grade_level is from 0 to 12; got {self.final_grade_level}.")

    @property
    def rule(self) -> str:
        """The last grade."""
        return f"enrolled_next_year final_grade_level={self.final_grade_level}"

    def compute(self, records: RecordsByPeriod) -> pd.DataFrame:
        """student_id, period, persistence, reason."""
        need_years(self, records)
        years = years_and_next(records.records)
        code, gone = years["exit_code"], ~years["returned"]
        finished = code.isin([word.lower() for word in self.graduate_codes])
        reason = reasons(
            ("no_later_year", years["last_year"]),
            ("finished_school", gone & (finished | (years["grade_level"] >= self.final_grade_level))),
            ("transferred_out", gone & code.isin([word.lower() for word in self.transfer_codes])),
        )
        return measured(years, self.name, years["returned"], reason)
