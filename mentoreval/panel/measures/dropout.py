"""dropout: whether a student left school without finishing it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pandas as pd

from mentoreval.errors import DataError
from mentoreval.panel.facts import Domain, Unit
from mentoreval.panel.measure import Measure, measured, need_years, reasons
from mentoreval.panel.next_year import years_and_next
from mentoreval.panel.records_by_period import RecordsByPeriod


@dataclass(frozen=True)
class Dropout(Measure):
    """1 if the student left with an exit code of dropping out and is not enrolled in the next school year, else 0.

    Who is enrolled in the next year, or graduated, did not drop out. Who left with another code, or none, has no value:
    leaving a district is not leaving school. The last year of the records has no value.

    dropout_codes : exit codes of students who left school without finishing
    graduate_codes : exit codes of students who finished
    left_without_code : whether those who are gone without any exit code count as dropped out
    """

    name: ClassVar[str] = "dropout"
    unit: ClassVar[Unit] = "flag"
    higher_is_better: ClassVar[bool] = False
    domain: ClassVar[Domain] = "staying_in_school"

    dropout_codes: tuple[str, ...] = ("dropout", "dropped_out")
    graduate_codes: tuple[str, ...] = ("graduated",)
    left_without_code: bool = False

    @property
    def rule(self) -> str:
        """Whether leaving without a code counts."""
        return f"dropped_out left_without_code={self.left_without_code}"

    def compute(self, records: RecordsByPeriod) -> pd.DataFrame:
        """student_id, period, dropout, reason."""
        need_years(self, records)
        if "exit_code" not in records.records.enrolment.collect_schema().names():
            raise DataError(
                "The enrolment has no column exit_code, so nobody can say who dropped out. Add it, or use persistence."
            )
        years = years_and_next(records.records)
        code, gone = years["exit_code"], ~years["returned"]
        dropped = gone & (
            code.isin([word.lower() for word in self.dropout_codes]) | (self.left_without_code & code.isna())
        )
        graduated = code.isin([word.lower() for word in self.graduate_codes])
        reason = reasons(
            ("no_later_year", years["last_year"] & ~graduated),
            ("left_without_code", gone & code.isna() & ~dropped),
            ("left_for_other_reason", gone & ~dropped & ~graduated),
        )
        return measured(years, self.name, dropped, reason)
