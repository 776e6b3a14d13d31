"""What a peer program writes down: its mentors, how pairs were made, why matches ended. All numbers are assumptions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentoreval.aliases import IntArray, ObjectArray
from mentoreval.worlds.district.calendar import dates_of
from mentoreval.worlds.district.district import Chronicle
from mentoreval.worlds.district.matches import YEAR_ENDED, History
from mentoreval.worlds.district.people import number_ids
from mentoreval.worlds.district.tables import Ids

MADE_BY: ObjectArray = np.array(["interests", "schedule", "language", "draw"], dtype=object)
ENDED_FOR: ObjectArray = np.array(["schedule_conflict", "mentor_left", "mentee_withdrew"], dtype=object)
ACTIVITIES: ObjectArray = np.array(["check_in", "homework", "goal_setting", "conversation"], dtype=object)
ENDS_EARLY, NOT_ATTENDED = 0.15, 0.07
FEWEST_DAYS = 25


@dataclass(frozen=True, eq=False)
class PeerLogs:
    """The logs of m matches.

    mentor : (n_mentors,) number of the student who is each mentor
    end_day : (m,) last day of matches that ended early, as a position in the dates of their year; −1 for the others
    reason : (m,) place in ENDED_FOR
    """

    mentor: IntArray
    end_day: IntArray
    reason: IntArray

    @classmethod
    def draw(cls, chronicle: Chronicle, history: History, mentor: IntArray, rng: np.random.Generator) -> PeerLogs:
        """Some of the matches that would have run to the end of their year end before."""
        matches = chronicle.matches
        m = len(matches)
        n_days = np.array([year.n_days for year in chronicle.district.years])[matches.cohort]
        early = (rng.random(m) < ENDS_EARLY) & (history.reason == YEAR_ENDED)
        length = FEWEST_DAYS + rng.random(m) * (n_days - matches.start - 2 * FEWEST_DAYS)
        end_day = np.where(early, matches.start + length.astype(np.int64), -1)
        return cls(mentor, end_day, rng.integers(0, len(ENDED_FOR), size=m))

    def into(
        self, tables: Mapping[str, pd.DataFrame], chronicle: Chronicle, ids: Ids, rng: np.random.Generator
    ) -> dict[str, pd.DataFrame]:
        """The tables with a table of mentors, and with what the logs say in those of matches and sessions."""
        early = self.end_day >= 0
        last = dates_of(chronicle.district.years, chronicle.matches.cohort, np.maximum(self.end_day, 0))
        matches = tables["matches"].assign(
            model="peer_cross_age",
            end_date=np.where(early, last, tables["matches"]["end_date"].astype(object)),
            end_reason=np.where(early, ENDED_FOR[self.reason], tables["matches"]["end_reason"].astype(object)),
            matched_by=MADE_BY[rng.integers(0, len(MADE_BY), size=len(early))],
            planned_per_week=1,
        )
        sessions = tables["sessions"]
        end = sessions["match_id"].map(matches.set_index("match_id")["end_date"])
        sessions = sessions[(sessions["date"] <= end).to_numpy()].reset_index(drop=True)
        n = len(sessions)
        activity = ACTIVITIES[rng.integers(0, len(ACTIVITIES), size=n)]
        came = (rng.random(n) >= NOT_ATTENDED).astype(np.int64)
        sessions = sessions.assign(mode="in_person", attended=came, activity=activity)
        return {**tables, "matches": matches, "sessions": sessions, "mentors": self.mentors(matches, ids, rng)}

    def mentors(self, matches: pd.DataFrame, ids: Ids, rng: np.random.Generator) -> pd.DataFrame:
        """One row for each peer mentor."""
        n = len(self.mentor)
        first = matches.groupby("mentor_id")["start_date"].min()
        names = number_ids("T", n)
        columns = {"mentor_id": names, "mentor_type": "peer", "student_id": ids.student[self.mentor]}
        columns |= {
            "start_date": first.reindex(names.tolist()).to_numpy(),
            "training_hours": 6 + 2 * rng.integers(0, 8, size=n),
        }
        return pd.DataFrame({**columns, "max_caseload": 3})
