"""survey_scale: the mean answer to the items of a scale."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pandas as pd

from mentoreval.aliases import FloatArray
from mentoreval.errors import OptionError
from mentoreval.numerics.reliability import cronbach_alpha
from mentoreval.panel.facts import Domain, MeasureFacts, Unit
from mentoreval.panel.measure import Measure, measured, reasons
from mentoreval.panel.records_by_period import RecordsByPeriod
from mentoreval.panel.survey_answers import answers_by_student

FEWEST = 10
"""Complete answers below which alpha says next to nothing."""


@dataclass(frozen=True)
class SurveyScale(Measure):
    """Mean of the answered items of a scale, reversed items turned, for students who answered enough of them.

    items : of the scale, as the surveys name them
    reverse : those of them in which a high answer is a low value: x becomes lowest + highest − x
    lowest, highest : the answers at the ends
    min_answered : share of the items that must be answered
    role : who answered, where several people answer about a student; None takes all
    """

    name: ClassVar[str] = "survey_scale"
    unit: ClassVar[Unit] = "count"
    higher_is_better: ClassVar[bool] = True
    domain: ClassVar[Domain] = "other"

    items: tuple[str, ...] = ()
    reverse: tuple[str, ...] = ()
    lowest: float = 1.0
    highest: float = 5.0
    min_answered: float = 0.8
    role: str | None = None

    def check(self) -> None:
        """Reversed items are among the items, and the bounds are in order."""
        if not set(self.reverse) <= set(self.items):
            raise OptionError(f"survey_scale: reverse names some of the items; got {self.items} and {self.reverse}.")
        if self.lowest >= self.highest or not 0 < self.min_answered <= 1:
            raise OptionError("survey_scale takes lowest below highest and min_answered above 0 and at most 1.")

    @property
    def rule(self) -> str:
        """The number of items, the bounds and how many must be answered."""
        return f"survey_scale {self._options}"

    @property
    def _options(self) -> str:
        return (
            f"items={len(self.items)} reversed={len(self.reverse)} lowest={self.lowest:g} "
            f"highest={self.highest:g} min_answered={self.min_answered:.0%}"
        )

    def facts_of(self, records: RecordsByPeriod) -> MeasureFacts:
        """With Cronbach's alpha in the rule; without it for one item, and below ``FEWEST`` complete answers."""
        answers = self._complete(records)
        alpha = cronbach_alpha(answers)
        if len(answers) < FEWEST or np.isnan(alpha):
            return self.facts
        return replace(self.facts, rule=f"survey_scale_with_alpha {self._options} alpha={alpha:.2f}")

    def answers(self, records: RecordsByPeriod) -> pd.DataFrame:
        """student_id, period and a column for each item, reversed items turned; OptionError where no item is named."""
        if not self.items:
            raise OptionError('survey_scale needs the items of the scale: items = ["…", "…"].')
        bounds = (self.lowest, self.highest)
        frame = answers_by_student(records.records, records.rule, self.items, self.role, bounds)
        turned = list(self.reverse)
        frame[turned] = self.lowest + self.highest - frame[turned]
        return frame

    def alpha(self, records: RecordsByPeriod) -> float:
        """Cronbach's alpha over all students and periods who answered every item."""
        return cronbach_alpha(self._complete(records))

    def _complete(self, records: RecordsByPeriod) -> FloatArray:
        """The answers (n, items) of those who answered every item."""
        return self.answers(records)[list(self.items)].dropna().to_numpy(dtype=float)

    def compute(self, records: RecordsByPeriod) -> pd.DataFrame:
        """student_id, period, survey_scale, reason."""
        frame = self.answers(records)
        items = frame[list(self.items)]
        needed = np.ceil(self.min_answered * len(self.items) - 1e-9)
        return measured(frame, self.name, items.mean(axis=1), reasons(("too_few_items", items.count(axis=1) < needed)))
