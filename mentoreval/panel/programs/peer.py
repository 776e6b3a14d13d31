"""peer: students mentor students, of the same age or younger ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import pandas as pd

from mentoreval.panel.match_program import MatchProgram
from mentoreval.panel.match_rows import MatchRows


@dataclass(frozen=True)
class Peer(MatchProgram):
    """Matches of the models "peer", "peer_same_age" and "peer_cross_age".

    Peer mentors take part too and are never comparison students. They are known by the mentors table (student_id), or
    where the mentor_id of the match is an identifier of a student; matches whose mentor is not known are flagged.

    age : "same" or "cross" counts matches of that model only; "any" counts all three
    studied : "mentees", or "mentors": what being a mentor does to the mentors, from their first match on. The others in
        the program are then left out. Mentors are the units, so that there is no mentor to cluster by

    Further options: ``MatchProgram``.
    """

    name: ClassVar[str] = "peer"
    models: ClassVar[tuple[str, ...]] = ("peer", "peer_same_age", "peer_cross_age")
    mentors_are_students: ClassVar[bool] = True

    age: Literal["any", "same", "cross"] = "any"
    studied: Literal["mentees", "mentors"] = "mentees"

    def models_that_count(self) -> tuple[str, ...]:
        """The model of that age, or all."""
        if self.model is not None or self.age == "any":
            return super().models_that_count()
        return (f"peer_{self.age}_age",)

    def participants(self, rows: MatchRows) -> pd.DataFrame:
        """The matches of mentees, or those of this program seen from their mentors."""
        if self.studied == "mentees":
            return rows.frame
        belongs = super().why_not(rows.frame).isna()
        return rows.turned[belongs.reindex(rows.turned.index)]

    def why_not(self, matches: pd.DataFrame) -> pd.Series[str]:
        """As every program of matches; those of mentors were chosen before."""
        if self.studied == "mentees":
            return super().why_not(matches)
        return pd.Series(None, index=matches.index, dtype="str")
