"""Groups of mentees who meet their mentor together."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mentoreval.aliases import BoolArray, IntArray
from mentoreval.worlds.district.matches import Running


def group_sessions(
    running: Running, mentor: IntArray, present: BoolArray, every: int, group_minutes: int, rng: np.random.Generator
) -> tuple[IntArray, ...]:
    """Meetings of groups in one school year: match, day and minutes, each (k,).

    A group meets on every so many days of school; those of its mentees come who are in school on the day.
    mentor : (n_matches,) who leads the group of each match; present : (n, n_days) students in school
    every : days of the calendar between meetings; 5 is weekly, 20 about monthly
    """
    n_mentors = 1 + int(mentor.max(initial=-1))
    day = np.arange(present.shape[1])
    first_meeting = rng.integers(0, every, size=n_mentors)[mentor[running.match]]
    meets = (day - first_meeting[:, None]) % every == 0
    open_then = (running.first[:, None] <= day) & (day < running.stop[:, None])
    which, on_day = np.nonzero(meets & open_then & present[running.row])
    return running.match[which], on_day, np.full(len(which), group_minutes)


def group_sizes(sessions: pd.DataFrame, matches: pd.DataFrame) -> pd.Series[int]:
    """How many mentees met together in each session: those of one mentor on one day."""
    met = sessions[["match_id", "date"]].merge(matches[["match_id", "mentor_id"]], on="match_id", how="left")
    return met.groupby(["mentor_id", "date"])["match_id"].transform("size").set_axis(sessions.index)
