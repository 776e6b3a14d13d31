"""portfolio: several kinds of mentoring at once, each student's named in a column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import pandas as pd

from mentoreval.errors import DataError, OptionError, suggest
from mentoreval.panel.match_program import MatchProgram
from mentoreval.panel.match_rows import PEER_MENTOR, MatchRows


@dataclass(frozen=True)
class Portfolio(MatchProgram):
    """Every kind of mentoring in the matches table, or those that are named.

    The panel's column ``model`` names the kinds that each student got in the periods on record, joined by " + " in the
    order of their starts; it is missing for students who were never mentored. ``compare_arms(panel, "model")``, or
    ``[programs.NAME] column = "model"`` in a study file, compares them with each other and with none.

    only : the kinds that count, as the matches table names them; () = all. Students of others alone are left out
    peer_mentors : students who mentor others are left out, or an arm of their own, "peer_mentor"

    Further options: ``MatchProgram``.
    """

    name: ClassVar[str] = "portfolio"

    only: tuple[str, ...] = ()
    peer_mentors: Literal["left_out", "own_arm"] = "left_out"

    def check(self) -> None:
        """As every program of matches; kinds are named once, with ``only``."""
        super().check()
        if self.model is not None:
            raise OptionError(
                'A portfolio has several kinds of mentoring: name them with only = ["…"], not with model.'
            )

    def models_that_count(self) -> tuple[str, ...]:
        """The kinds that are named, and the arm of peer mentors."""
        own = (PEER_MENTOR,) if self.peer_mentors == "own_arm" else ()
        return (*self.only, *own) if self.only else ()

    def participants(self, rows: MatchRows) -> pd.DataFrame:
        """The matches of mentees, and perhaps those of peer mentors."""
        given = set(rows.frame["model"])
        for name in self.only:
            if name not in given:
                raise DataError(f"No match is of the model {name!r}.{suggest(name, given)}")
        if self.peer_mentors == "left_out":
            return rows.frame
        if rows.turned.empty:
            raise DataError(
                'peer_mentors = "own_arm" needs peer mentors who are known: a mentors table with their student_id, '
                "or matches of a peer model whose mentor_id is an identifier of a student."
            )
        return pd.concat([rows.frame, rows.turned], ignore_index=True)
