"""The calendar as sorted numbers: days in session between two dates are a difference of two positions.

Only days on which a student's spells overlap are ever written out one by one, so that the work grows with spells of
enrolment and not with student-days.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from mentoreval.aliases import IntArray, ObjectArray

SPAN = 1 << 22
"""More days than any calendar has, so that a school's year, or a student, and a day fit into one sorted number."""


class Count(NamedTuple):
    """Days in session of one spell in one run of days of the same period, arrays of equal length.

    spell : number of the spell
    period : label
    days : days in session, at least 1
    last_day : days since 1970-01-01
    """

    spell: IntArray
    period: ObjectArray
    days: IntArray
    last_day: IntArray


@dataclass(frozen=True, eq=False)
class SessionDays:
    """Days in session, sorted by block (one school in one school year) and date.

    blocks : (school_id, school_year) of each block
    key : (n,) block × SPAN + days since 1970-01-01
    day : (n,) days since 1970-01-01
    period : (n,) label
    run : (n,) number of the run of consecutive days with the same block and period
    run_start : (runs + 1,) position at which each run starts, and n
    """

    blocks: pd.MultiIndex
    key: IntArray
    day: IntArray
    period: ObjectArray
    run: IntArray
    run_start: IntArray

    @classmethod
    def of(cls, calendar: pd.DataFrame) -> SessionDays:
        """From school_id, school_year, date and period, one row per day in session of a school."""
        blocks = pd.MultiIndex.from_frame(calendar[["school_id", "school_year"]].drop_duplicates())
        block = _places(calendar, blocks)
        day = day_number(calendar["date"])
        order = np.lexsort((day, block))
        block, day, period = block[order], day[order], calendar["period"].to_numpy(dtype=object)[order]
        new = np.ones(len(day), dtype=bool)
        new[1:] = (block[1:] != block[:-1]) | (period[1:] != period[:-1])
        starts = np.append(np.flatnonzero(new), len(day)).astype(np.int64)
        return cls(blocks, block * SPAN + day, day, period, np.cumsum(new) - 1, starts)

    def block_of(self, spells: pd.DataFrame) -> IntArray:
        """(m,) block of each spell's school_id and school_year."""
        return _places(spells, self.blocks)

    def between(self, pieces: pd.DataFrame) -> tuple[IntArray, IntArray]:
        """(m,), (m,) first position and position after the last of the days from start to stop in each block."""
        first = pieces["block"].to_numpy() * SPAN
        low = np.searchsorted(self.key, first + pieces["start"].to_numpy(), side="left")
        high = np.searchsorted(self.key, first + pieces["stop"].to_numpy(), side="right")
        return low.astype(np.int64), high.astype(np.int64)

    def count(self, pieces: pd.DataFrame) -> Count:
        """Days in session of pieces (spell, block, start, stop) that do not overlap, by period."""
        low, high = self.between(pieces)
        held = high > low
        spell, low, high = pieces["spell"].to_numpy()[held], low[held], high[held]
        piece, run = ranges(self.run[low], self.run[high - 1] + 1)
        stop = np.minimum(high[piece], self.run_start[run + 1])
        start = np.maximum(low[piece], self.run_start[run])
        return Count(spell[piece], self.period[self.run_start[run]], stop - start, self.day[stop - 1])


def disjoint_pieces(spells: pd.DataFrame, session: SessionDays) -> tuple[pd.DataFrame, bool]:
    """Cut spells so that no student-day is in two of them, and say whether any were.

    spells : spell, student, block, start, stop (whole numbers) and rank; a contested day goes to the spell in session
        with the highest rank
    returns : pieces with the same columns
    """
    spells = spells.sort_values(["student", "start"], kind="stable", ignore_index=True)
    student = spells["student"].to_numpy() * SPAN
    reach = np.maximum.accumulate(student + spells["stop"].to_numpy())
    overlap = np.flatnonzero((student + spells["start"].to_numpy())[1:] <= reach[:-1]) + 1
    if not len(overlap):
        return spells, False
    touched = spells["student"].isin(spells["student"].iloc[overlap])
    cut = _cut_at_edges(spells[touched])
    contested = cut.duplicated(["student", "start"], keep=False)
    days = _days_of_highest_rank(cut[contested], session)
    return pd.concat([spells[~touched], cut[~contested], days], ignore_index=True), True


def _cut_at_edges(spells: pd.DataFrame) -> pd.DataFrame:
    """Spells cut wherever a spell of the same student starts or has ended; pieces are then equal or apart."""
    starts = spells[["student", "start"]].rename(columns={"start": "edge"})
    stops = spells[["student", "stop"]].rename(columns={"stop": "edge"})
    edges = pd.concat([starts, stops.assign(edge=stops["edge"] + 1)]).drop_duplicates().sort_values(["student", "edge"])
    edges["until"] = edges.groupby("student")["edge"].shift(-1) - 1
    pieces = spells.merge(edges.dropna().astype(np.int64), on="student")
    inside = (pieces["start"] <= pieces["edge"]) & (pieces["edge"] <= pieces["stop"])
    return pieces[inside].assign(start=pieces["edge"], stop=pieces["until"])[list(spells.columns)]


def _days_of_highest_rank(pieces: pd.DataFrame, session: SessionDays) -> pd.DataFrame:
    """One piece for each contested day in session."""
    low, high = session.between(pieces)
    piece, position = ranges(low, high)
    days = pieces.iloc[piece].assign(start=session.day[position], stop=session.day[position])
    return days.sort_values("rank", kind="stable").drop_duplicates(["student", "start"], keep="last")


def ranges(start: IntArray, stop: IntArray) -> tuple[IntArray, IntArray]:
    """(total,), (total,) for each half-open range its number, repeated, and the whole numbers in it."""
    length = np.maximum(stop - start, 0)
    number = np.repeat(np.arange(len(length)), length)
    offset = np.arange(len(number)) - np.repeat(np.cumsum(length) - length, length)
    return number, start[number] + offset


def day_number(dates: pd.Series[Any]) -> IntArray:
    """(n,) days since 1970-01-01 of dates without gaps."""
    return dates.to_numpy(dtype="datetime64[D]").astype(np.int64)


def _places(frame: pd.DataFrame, blocks: pd.MultiIndex) -> IntArray:
    return blocks.get_indexer(pd.MultiIndex.from_frame(frame[["school_id", "school_year"]])).astype(np.int64)
