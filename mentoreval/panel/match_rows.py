"""Match rows: the matches of a district with one name for each person, and the students who are mentors themselves.

A mentor with two identifiers is one person, known by the first of them in sorted order, wherever the mentors table
gives both the same person_id, or the same student_id. Whoever mentors as a peer is a student: by the mentors table, or
because the mentor_id of a match with a peer is an identifier of a student.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import pandas as pd

from mentoreval.errors import DataError
from mentoreval.panel.collect import collect_frame
from mentoreval.panel.enrolled_days import first_examples
from mentoreval.panel.identifiers import among
from mentoreval.records.records import LazyTable, LedgerEntry, Records

PEER = "peer"
PEER_MODELS = ("peer", "peer_same_age", "peer_cross_age", "success_mentor_peer")
PEER_MENTOR = "peer_mentor"
"""The label of the arm of students who mentor others."""

MATCH = ("match_id", "student_id", "mentor_id", "start_date")
OPTIONAL = ("end_date", "end_reason", "mentor_type", "site", "matched_by", "planned_per_week")
MENTOR = ("mentor_id", "mentor_type", "student_id", "person_id", "training_hours", "max_caseload")


@dataclass(frozen=True, eq=False)
class MatchRows:
    """Matches, mentors, and what was found in them.

    frame : one row per match: match_id, student_id, mentor_id (of the person), start_date, end_date, model, end_reason,
        mentor_type, site, matched_by, planned_per_week (missing where the table has none), by_peer (bool) and
        mentor_student (student_id of a mentor who is a student, where known)
    mentors : one row per person of the mentors table, by mentor_id: training_hours, max_caseload; empty without one
    entries : what the ledger is to say
    """

    frame: pd.DataFrame
    mentors: pd.DataFrame
    entries: tuple[LedgerEntry, ...]

    @classmethod
    def of(cls, records: Records, peer_models: Collection[str] = ()) -> MatchRows:
        """From the tables of matches, mentors and students; ``peer_models`` are further names of peer mentoring."""
        frame = _matches(records)
        mentors = _mentors(records)
        known = mentors.set_index("mentor_id")
        frame["mentor_type"] = _either(frame["mentor_type"], frame["mentor_id"].map(known["mentor_type"]))
        peers = {*PEER_MODELS, *peer_models}
        frame["by_peer"] = frame["model"].isin(peers) | (frame["mentor_type"] == PEER)
        itself = frame["mentor_id"].where(_by_students(frame, records.students))
        frame["mentor_student"] = _either(frame["mentor_id"].map(known["student_id"]), itself)
        frame["person"] = _either(frame["mentor_id"].map(known["person"]), frame["mentor_id"])
        entries = _entries(frame)
        people = mentors.groupby("person")[["training_hours", "max_caseload"]].max().rename_axis("mentor_id")
        return cls(frame.drop(columns="mentor_id").rename(columns={"person": "mentor_id"}), people, entries)

    @property
    def turned(self) -> pd.DataFrame:
        """Matches seen from a peer mentor who is known: the mentor as the participant, the model ``PEER_MENTOR``."""
        known = self.frame[self.frame["mentor_student"].notna()]
        student = known["mentor_student"].astype(known["student_id"].dtype)
        return known.assign(student_id=student, mentor_id=None, model=PEER_MENTOR)


def _by_students(frame: pd.DataFrame, students: LazyTable) -> pd.Series[bool]:
    """Whether each match is with a peer whose mentor_id is an identifier of a student."""
    if not frame["by_peer"].any():
        return frame["by_peer"]
    known = collect_frame(students.select("student_id"))["student_id"]
    return frame["by_peer"] & among(frame["mentor_id"], known)


def _matches(records: Records) -> pd.DataFrame:
    if records.matches is None:
        raise DataError(
            f"{records.source} has no matches table, so nobody can say who was mentored. "
            "Add matches.csv (or .parquet) with match_id, student_id, mentor_id and start_date."
        )
    frame = _columns(records.matches, MATCH, (*OPTIONAL, "model"))
    frame["end_date"] = pd.to_datetime(frame["end_date"]).astype("datetime64[us]")
    frame["planned_per_week"] = frame["planned_per_week"].astype(float)
    return frame.assign(model=frame["model"].astype(object).where(frame["model"].notna(), "one_to_one"))


def _mentors(records: Records) -> pd.DataFrame:
    """One row per mentor_id: the columns of MENTOR, and the person."""
    if records.mentors is None:
        frame = pd.DataFrame({name: pd.Series(dtype=object) for name in MENTOR})
    else:
        frame = _columns(records.mentors, MENTOR[:1], MENTOR[1:]).sort_values("mentor_id", ignore_index=True)
    for name in ("training_hours", "max_caseload"):
        frame[name] = frame[name].astype(float)
    same = _either(_either(frame["person_id"], frame["student_id"]), frame["mentor_id"])
    return frame.assign(person=frame.groupby(same)["mentor_id"].transform("first"))


def _either(stated: pd.Series[str], otherwise: pd.Series[str]) -> pd.Series[str]:
    """The first where it is known, else the second; as objects, since a column without any value has no type."""
    return stated.astype(object).where(stated.notna(), otherwise.astype(object))


def _columns(table: LazyTable, needed: tuple[str, ...], wanted: tuple[str, ...]) -> pd.DataFrame:
    """These columns of a table, those that it does not have as missing."""
    names = table.collect_schema().names()
    frame = collect_frame(table.select(*needed, *(name for name in wanted if name in names)))
    absent = {name: pd.Series(None, index=frame.index, dtype=object) for name in wanted if name not in names}
    return frame.assign(**absent)


def _entries(frame: pd.DataFrame) -> tuple[LedgerEntry, ...]:
    """Mentors with two identifiers, and mentors who are peers but no student that is known."""
    twice = frame[frame["person"] != frame["mentor_id"]]
    unknown = frame[frame["by_peer"] & frame["mentor_student"].isna()]
    return (
        LedgerEntry("matches", "mentor_with_two_ids", "repaired", len(twice), first_examples(twice["mentor_id"])),
        LedgerEntry("matches", "peer_mentor_unknown", "flagged", len(unknown), first_examples(unknown["mentor_id"])),
    )
