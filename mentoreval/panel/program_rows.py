"""Program rows: what is known of the program after its start, as columns of the panel."""

from __future__ import annotations

import pandas as pd

from mentoreval.panel.dosage import DOSAGE_COLUMNS
from mentoreval.panel.enrolled_days import first_examples
from mentoreval.panel.program import Course
from mentoreval.records.records import LedgerEntry

MODEL = "model"
ACTS = "program_acts"
PARTICIPATED = "participated"
PROGRAM_COLUMNS = (MODEL, ACTS, PARTICIPATED, *DOSAGE_COLUMNS)
COUNTED = ("sessions", "minutes", PARTICIPATED)
"""0 for a student and period without any."""


def with_course(frame: pd.DataFrame, course: Course) -> tuple[pd.DataFrame, tuple[LedgerEntry, ...]]:
    """Rows of the panel with the columns that the course gives, and what the ledger is to say.

    model : the kinds of mentoring of the student, in every row; missing for students who were never mentored
    program_acts : 0/1, where the program may end. Students who started but have no row in which it acts are left out:
        they were mentored, and nothing in their rows would show it
    participated and the columns of dosage : 0 contacts where there was none, the others missing
    """
    entries = list(course.entries)
    if course.models is not None:
        frame = frame.merge(course.models, on="student_id", how="left")
        frame[MODEL] = frame[MODEL].where(frame["first_treated"].notna())
    if course.acts is not None:
        frame = frame.assign(**{ACTS: _acting(frame, course.acts)})
        started = frame["first_treated"].notna() & ~(frame["first_treated"] > frame["period"].max())
        seen = frame.groupby("student_id")[ACTS].transform("max") > 0
        unseen = frame.loc[started & ~seen, "student_id"]
        entries.append(LedgerEntry("panel", "ended_unseen", "dropped", len(unseen), first_examples(unseen)))
        frame = frame[~started | seen].reset_index(drop=True)
    if course.dosage is not None:
        frame, away = _dosed(frame, course.dosage)
        entries.append(away)
    return frame, tuple(entries)


def _acting(frame: pd.DataFrame, acts: pd.DataFrame) -> pd.Series[float]:
    """(rows,) 1 where a run of the student holds the period, else 0."""
    rows = frame[["student_id", "period"]].assign(row=frame.index).merge(acts, on="student_id")
    holds = (rows["first"] <= rows["period"]) & (rows["last"].isna() | (rows["period"] <= rows["last"].fillna("")))
    return pd.Series(frame.index.isin(rows.loc[holds, "row"]).astype(float), index=frame.index)


def _dosed(frame: pd.DataFrame, dosage: pd.DataFrame) -> tuple[pd.DataFrame, LedgerEntry]:
    """Rows with dosage, and an entry for the contacts of periods in which the student has no row."""
    keys = ["student_id", "period"]
    out = dosage[~pd.MultiIndex.from_frame(dosage[keys]).isin(pd.MultiIndex.from_frame(frame[keys]))]
    lost = out[out["sessions"] > 0]
    entry = LedgerEntry(
        "sessions", "in_period_not_enrolled", "flagged", int(lost["sessions"].sum()), first_examples(lost["student_id"])
    )
    joined = frame.merge(dosage, on=keys, how="left")
    return joined.assign(**{name: joined[name].fillna(0.0) for name in COUNTED}), entry
