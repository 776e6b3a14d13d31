"""e_mentoring: pairs who write to each other on a platform."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mentoreval.panel.match_program import MatchProgram


@dataclass(frozen=True)
class EMentoring(MatchProgram):
    """Matches of the model "e_mentoring", with one contact planned a week. Options: ``MatchProgram``.

    A message takes no time that a log knows, so that a session of 0 minutes counts as a contact.
    """

    name: ClassVar[str] = "e_mentoring"
    models: ClassVar[tuple[str, ...]] = ("e_mentoring",)

    planned_per_week: float | None = 1.0
    count_zero_minutes: bool = True
