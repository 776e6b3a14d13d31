"""pretrends: did the arms already move apart before the program?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mentoreval.effects.estimate import Estimate
from mentoreval.errors import OptionError
from mentoreval.evidence.check import Check, Finding


@dataclass(frozen=True)
class Pretrends(Check):
    """A joint Wald test that every effect before the start is zero.

    A test that finds nothing is weak comfort: with few schools it misses trends that would matter. The finding says how
    many terms were tested, and passing is said as "none found", never as "none there".

    level : p-value below which trends count as found
    """

    name: ClassVar[str] = "pretrends"
    level: float = 0.05

    def check(self) -> None:
        """The level is a share."""
        if not 0 < self.level < 1:
            raise OptionError(f"pretrends: level is a share between 0 and 1; got {self.level}.")

    def examine(self, subject: Estimate) -> Finding:
        """fail where a trend is found, pass where none is, cannot_judge without periods before the start."""
        group_time = subject.fit.group_time is not None and subject.fit.pooled_by is None
        effects = subject.pool("event_time") if group_time else subject
        frame = effects.frame
        before = frame[frame["event_time"].lt(0) & frame["std_error"].notna()]
        if before.empty:
            return Finding(self.name, "cannot_judge", f"{self.name}.no_period_before", {}, before)
        test = effects.joint_test(list(before["term"]))
        numbers = {"p_value": test.p_value, "n_terms": test.df, "statistic": test.statistic}
        if test.p_value < self.level:
            return Finding(self.name, "fail", f"{self.name}.found", numbers, before)
        return Finding(self.name, "pass", f"{self.name}.none_found", numbers, before)
