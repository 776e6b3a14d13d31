"""What an outcome says of itself, so that figures, tables and reports never branch on its name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Unit = Literal["share", "days", "points", "count", "flag"]
Domain = Literal[
    "attendance", "academic_achievement", "progressing_in_school", "staying_in_school", "behaviour", "other"
]


@dataclass(frozen=True)
class MeasureFacts:
    """Facts about an outcome.

    unit : share (0 to 1; a difference is said in percentage points), days, points (grade points), count, or flag
        (0 or 1; its mean is a share)
    higher_is_better : direction in which a student is better off
    domain : WWC outcome domain
    share_of : of what a share is one: of days, so that attendance can be said in days of a school year; or of students,
        as where a flag of students became a share of a school
    rule : the rule by which it was measured, as a key and its parameters, e.g. "absent_10_percent min_enrolled_days=10"
    """

    unit: Unit = "count"
    higher_is_better: bool = True
    domain: Domain = "other"
    rule: str = ""
    share_of: Literal["days", "students"] = "days"
