"""Attrition of a lottery as the What Works Clearinghouse (WWC) bounds it: who was lost, and how unevenly.

The boundaries are Table II.1 of the WWC Standards 4.0 (p. 12, the same in 4.1), read from two transcriptions that were
compared with the model behind it (bias of .05 standard deviations at most). Between whole percentages they are
interpolated. From 57 percent on no transcription with both columns was found, so nothing is judged there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mentoreval.effects.estimate import Estimate

AttritionCase = Literal["low", "low_optimistic", "high", "cannot_judge"]

CAUTIOUS = (
    5.7, 5.8, 5.9, 5.9, 6.0, 6.1, 6.2, 6.3, 6.3, 6.3,
    6.3, 6.2, 6.2, 6.1, 6.0, 5.9, 5.9, 5.8, 5.7, 5.5,
    5.4, 5.3, 5.2, 5.1, 4.9, 4.8, 4.7, 4.5, 4.4, 4.3,
    4.1, 4.0, 3.8, 3.6, 3.5, 3.3, 3.2, 3.1, 2.9, 2.8,
    2.6, 2.5, 2.3, 2.1, 2.0, 1.8, 1.6, 1.5, 1.3, 1.2,
    1.0, 0.9, 0.7, 0.6, 0.4, 0.3, 0.2,
)  # fmt: skip
"""Largest differential attrition in percentage points at 0, 1, … 56 percent overall, cautious assumptions."""

OPTIMISTIC = (
    10.0, 10.1, 10.2, 10.3, 10.4, 10.5, 10.7, 10.8, 10.9, 10.9,
    10.9, 10.9, 10.9, 10.8, 10.8, 10.7, 10.6, 10.5, 10.3, 10.2,
    10.0, 9.9, 9.7, 9.5, 9.4, 9.2, 9.0, 8.8, 8.6, 8.4,
    8.2, 8.0, 7.8, 7.6, 7.4, 7.2, 7.0, 6.7, 6.5, 6.3,
    6.0, 5.8, 5.6, 5.3, 5.1, 4.9, 4.6, 4.4, 4.2, 3.9,
    3.7, 3.5, 3.2, 3.0, 2.8, 2.6, 2.3,
)  # fmt: skip
"""The same under optimistic assumptions."""

LARGEST_JUDGED = len(CAUTIOUS) - 1
"""Percent overall up to which both boundaries are known."""


@dataclass(frozen=True)
class Attrition:
    """Who of a lottery is missing from an estimate; shares from 0 to 1.

    case : low = inside the cautious boundary; low_optimistic = inside the optimistic one only; high = outside both;
        cannot_judge = beyond the rows that are known
    overall : share of all who were in the lottery
    differential : absolute difference of the arms' shares
    cautious, optimistic : the largest differential allowed at this overall share, interpolated; NaN where not known
    """

    case: AttritionCase
    overall: float
    differential: float
    cautious: float
    optimistic: float
    lost_treated: float = math.nan
    lost_comparison: float = math.nan


def judge_attrition(overall: float, differential: float) -> Attrition:
    """Where shares of attrition lie; the cautious boundary holds where a program may itself keep students in school.

    overall, differential : shares from 0 to 1
    """
    percent = round(100 * overall, 9)
    if not percent <= LARGEST_JUDGED:
        return Attrition("cannot_judge", overall, differential, math.nan, math.nan)
    rows = np.arange(len(CAUTIOUS))
    cautious, optimistic = (float(np.interp(percent, rows, column)) / 100 for column in (CAUTIOUS, OPTIMISTIC))
    case: AttritionCase = "low" if differential <= cautious else "low_optimistic"
    return Attrition(case if differential <= optimistic else "high", overall, differential, cautious, optimistic)


def attrition_of_counts(
    n_treated: int, n_comparison: int, analysed_treated: int, analysed_comparison: int
) -> Attrition:
    """Attrition from the numbers in the lottery and in the analysis; every arm had someone in the lottery."""
    lost = 1 - analysed_treated / n_treated, 1 - analysed_comparison / n_comparison
    overall = 1 - (analysed_treated + analysed_comparison) / (n_treated + n_comparison)
    judged = judge_attrition(overall, abs(lost[0] - lost[1]))
    return Attrition(judged.case, overall, judged.differential, judged.cautious, judged.optimistic, *lost)


def count_analysed(estimate: Estimate) -> tuple[int, int]:
    """Distinct units in the estimate, of the treated arm and of the comparison."""
    base, entries = estimate.design.baseline, estimate.fit.entries
    treated, comparison = (len(np.unique(base.unit[entries[base.treated[entries] == arm]])) for arm in (True, False))
    return treated, comparison


def measure_attrition(estimate: Estimate) -> Attrition | None:
    """Attrition of an estimate whose arms are those of a lottery; None where assignment was not random.

    Whoever was in the lottery but is not in the data can not be counted. Rules that both arms met before the lottery
    are not attrition: counting begins after them.
    """
    design = estimate.design
    if design.panel.assignment != "random":
        return None
    start = design.baseline.screened[-1]
    return attrition_of_counts(start.n_treated, start.n_comparison, *count_analysed(estimate))
