"""attrition: who of those compared has no result, and is it as many in both arms?"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import ClassVar

import pandas as pd

from mentoreval.design.baseline import FlowStep
from mentoreval.effects.estimate import Estimate
from mentoreval.errors import OptionError
from mentoreval.evidence.attrition import Attrition, attrition_of_counts, count_analysed, measure_attrition
from mentoreval.evidence.check import Check, Finding

BOUNDS = ("cautious", "optimistic")


@dataclass(frozen=True)
class AttritionCheck(Check):
    """Shares of both arms that were compared but are not in the estimate.

    A lottery is judged by the boundaries of the What Works Clearinghouse, counted from the lottery on: pass inside the
    cautious one, caution inside the optimistic one only, fail outside both. For other studies there is no such
    boundary: counted from the comparison on, the verdict is pass or caution, by two conventions.

    largest_gap : difference between the arms' shares above which the verdict is caution, for want of a better one just
        below what the cautious boundary of a lottery allows where few are lost
    largest_overall : share of both arms together above which it is caution; the upper end of the "five and twenty" rule
        (Schulz and Grimes 2002)

    Whoever is in no row of the data can not be counted. Over several periods nobody is lost who counts in one of them;
    ``composition_change`` looks at each.
    """

    name: ClassVar[str] = "attrition"
    largest_gap: float = 0.05
    largest_overall: float = 0.2

    def check(self) -> None:
        """Two shares."""
        if not 0 < self.largest_gap < 1 or not 0 < self.largest_overall < 1:
            raise OptionError(
                f"attrition: largest_gap and largest_overall are shares between 0 and 1; "
                f"got {self.largest_gap} and {self.largest_overall}."
            )

    def examine(self, subject: Estimate) -> Finding:
        """The verdict; the frame has for each arm who was there, who is in the estimate, and the share that is lost."""
        lottery = measure_attrition(subject)
        steps = {step.key: step for step in subject.design.flow}
        start = steps["compared"] if lottery is None else subject.design.baseline.screened[-1]
        analysed = count_analysed(subject)
        frame = _arms(start, analysed)
        if lottery is None:
            return self._observed(attrition_of_counts(start.n_treated, start.n_comparison, *analysed), frame)
        return self._lottery(lottery, frame)

    def _lottery(self, found: Attrition, frame: pd.DataFrame) -> Finding:
        numbers = _numbers(found)
        if found.case == "cannot_judge":
            return Finding(self.name, "cannot_judge", f"{self.name}.beyond_table", numbers, frame)
        if found.overall == 0:
            return Finding(self.name, "pass", f"{self.name}.nobody_lost", numbers, frame)
        if found.case == "low":
            return Finding(self.name, "pass", f"{self.name}.low", numbers, frame)
        if found.case == "low_optimistic":
            return Finding(self.name, "caution", f"{self.name}.low_optimistic", numbers, frame)
        return Finding(self.name, "fail", f"{self.name}.high", numbers, frame)

    def _observed(self, found: Attrition, frame: pd.DataFrame) -> Finding:
        numbers = {name: value for name, value in _numbers(found).items() if name not in BOUNDS}
        if found.overall == 0:
            return Finding(self.name, "pass", f"{self.name}.nobody_lost", numbers, frame)
        if found.differential > self.largest_gap:
            return Finding(self.name, "caution", f"{self.name}.uneven", numbers, frame)
        if found.overall > self.largest_overall:
            return Finding(self.name, "caution", f"{self.name}.many_lost", numbers, frame)
        return Finding(self.name, "pass", f"{self.name}.few_lost", numbers, frame)


def _arms(start: FlowStep, analysed: tuple[int, int]) -> pd.DataFrame:
    frame = pd.DataFrame(
        {"arm": ["treated", "comparison"], "n": [start.n_treated, start.n_comparison], "n_analysed": analysed}
    )
    frame["n_lost"] = frame["n"] - frame["n_analysed"]
    return frame.assign(share_lost=frame["n_lost"] / frame["n"])


def _numbers(found: Attrition) -> dict[str, object]:
    """Shares, and the boundaries where they are known."""
    return {name: value for name, value in asdict(found).items() if isinstance(value, float) and not math.isnan(value)}
