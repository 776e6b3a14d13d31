"""top_two_box: whether the answer to a question is one of the two highest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pandas as pd

from mentoreval.errors import OptionError
from mentoreval.panel.facts import Domain, Unit
from mentoreval.panel.measure import Measure, measured, reasons
from mentoreval.panel.records_by_period import RecordsByPeriod
from mentoreval.panel.survey_answers import answers_by_student


@dataclass(frozen=True)
class TopTwoBox(Measure):
    """1 if the answer to an item is one of the highest, else 0; of several forms about a student the mean answer.

    ``survey_shares`` gives the share of all forms with Wilson's interval and its change from year to year, also of
    forms that name no student.

    item : the question, as the surveys name it
    lowest, highest : the answers at the ends of its scale
    boxes : how many of the highest answers count: 2 of 1 to 5 are 4 and 5
    role : who answered, where several people answer about a student; None takes all
    """

    name: ClassVar[str] = "top_two_box"
    unit: ClassVar[Unit] = "flag"
    higher_is_better: ClassVar[bool] = True
    domain: ClassVar[Domain] = "other"

    item: str = ""
    lowest: float = 1.0
    highest: float = 5.0
    boxes: int = 2
    role: str | None = None

    def check(self) -> None:
        """There are fewer boxes than answers."""
        if not 0 < self.boxes <= self.highest - self.lowest:
            raise OptionError(f"top_two_box takes boxes from 1 to {self.highest - self.lowest:g}.")

    @property
    def rule(self) -> str:
        """The boxes and the scale."""
        return f"top_boxes boxes={self.boxes} lowest={self.lowest:g} highest={self.highest:g}"

    def compute(self, records: RecordsByPeriod) -> pd.DataFrame:
        """student_id, period, top_two_box, reason; OptionError where no item is named."""
        if not self.item:
            raise OptionError('top_two_box needs a question: item = "…".')
        bounds = (self.lowest, self.highest)
        frame = answers_by_student(records.records, records.rule, (self.item,), self.role, bounds)
        answer = frame[self.item]
        return measured(frame, self.name, answer > self.highest - self.boxes, reasons(("too_few_items", answer.isna())))
