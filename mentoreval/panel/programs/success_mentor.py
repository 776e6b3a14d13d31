"""success_mentor: adults from outside, staff of the school or older students meet chronically absent students."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import pandas as pd

from mentoreval.errors import OptionError
from mentoreval.panel.match_program import MatchProgram

MentorType = Literal["external", "internal", "peer"]
MODEL = "success_mentor"


@dataclass(frozen=True)
class SuccessMentor(MatchProgram):
    """Matches of the model "success_mentor", or "success_mentor_external", "…_internal" and "…_peer".

    mentor_types : the types of mentors that count. The type of a match is that in its model, else its mentor_type, else
        that of the mentors table. Where not all types count, matches of the others are left out, as are those whose
        type is not known
    planned_per_week : three meetings a week are the plan of My Brother's Keeper Success Mentors
    max_caseload : 20 students are the upper end in New York City; 5 in My Brother's Keeper

    Further options: ``MatchProgram``.
    """

    name: ClassVar[str] = "success_mentor"
    models: ClassVar[tuple[str, ...]] = (MODEL, *(f"{MODEL}_{kind}" for kind in ("external", "internal", "peer")))

    planned_per_week: float | None = 3.0
    max_caseload: int | None = 20
    mentor_types: tuple[MentorType, ...] = ("external", "internal", "peer")

    def check(self) -> None:
        """As every program of matches; at least one type counts."""
        super().check()
        if not self.mentor_types:
            raise OptionError("mentor_types names at least one of external, internal, peer.")

    def why_not(self, matches: pd.DataFrame) -> pd.Series[str]:
        """As every program of matches, and matches with mentors of another type."""
        reason = super().why_not(matches)
        if set(self.mentor_types) == {"external", "internal", "peer"}:
            return reason
        said = matches["model"].str.removeprefix(f"{MODEL}_").where(matches["model"].isin(self.models[1:]))
        kind = said.where(said.notna(), matches["mentor_type"])
        return reason.mask(reason.isna() & ~kind.isin(self.mentor_types), "other_mentor_type")
