"""Fidelity: whether a program was run as planned, for each match, mentor or site. It says nothing of effects."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal, get_args

import numpy as np
import pandas as pd

from mentoreval.errors import DataError, OptionError, suggest
from mentoreval.panel.collect import collect_frame
from mentoreval.panel.contacts import CHECK_IN
from mentoreval.panel.dosage import contacts_by_period, dosage_rows, match_weeks
from mentoreval.panel.match_program import MatchProgram
from mentoreval.panel.match_rows import PEER_MENTOR, MatchRows
from mentoreval.panel.periods import PeriodRule
from mentoreval.panel.program import Program
from mentoreval.panel.programs import PROGRAMS
from mentoreval.panel.records_by_period import RecordsByPeriod
from mentoreval.records.records import LedgerEntry, Records
from mentoreval.registry import build

Level = Literal["match", "mentor", "site", "model", "matched_by"]
KEY = {"match": "match_id", "mentor": "mentor_id", "site": "site", "model": "model", "matched_by": "matched_by"}

MATCH_COLUMNS = (
    "match_id", "student_id", "mentor_id", "model", "site", "matched_by", "mentor_type", "training_hours", "start_date",
    "end_date", "end_reason", "days_matched", "sessions", "minutes", "check_ins", "weeks_matched", "weeks_with_contact",
    "contact_weeks_share", "planned_contacts", "planned_share", "longest_gap_days", "first_contact_days", "caseload",
)  # fmt: skip
OPEN = "open"
NOT_SAID = "not_said"


@dataclass(frozen=True, eq=False)
class Fidelity:
    """How a program was carried out.

    program : its name
    matches : one row per match that counts, with the columns of ``MATCH_COLUMNS``; what no table says is missing
    level : what ``frame`` has a row of
    students : what the students table says of the mentees, by student_id
    entries : what is odd about matches and sessions, as in the ledger of a panel
    """

    program: str
    matches: pd.DataFrame
    level: str = "mentor"
    students: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)
    entries: tuple[LedgerEntry, ...] = field(default=(), repr=False)

    def by(self, level: str) -> Fidelity:
        """The same for each of ``Level``, or for each value of a column of the students table.

        Such a column is for districts and the like: ``by("district")``. OptionError for another level.
        """
        known = (*get_args(Level), *self.students.columns)
        if level not in known:
            raise OptionError(f"There is no level {level!r}.{suggest(str(level), known)}")
        return replace(self, level=level)

    @property
    def frame(self) -> pd.DataFrame:
        """One row per match, mentor, site, model, way of matching, or value of a column, sorted.

        Of all but matches: matches, mentees, mentors, n_ended, never_met (matches without a contact), training_hours
        (mean over mentors), sessions, minutes, check_ins, weeks_matched, weeks_with_contact, contact_weeks_share (weeks
        with a contact of all weeks matched), planned_contacts, planned_share (contacts over planned, of matches with a
        plan), longest_gap_days (of any match), first_contact_days (median) and caseload (mean over matches). Matches
        whose site or value is not said stand under "not_said".
        """
        if self.level == "match":
            return self.matches
        key = KEY.get(self.level, self.level)
        groups = self.matches[key] if self.level in KEY else self.matches["student_id"].map(self.students[key])
        rows = self.matches.assign(**{key: _said(groups)})
        rows = rows.assign(held=rows["sessions"].where(rows["planned_contacts"].notna()))
        grouped = rows.groupby(key, sort=True)
        frame = grouped.agg(
            matches=("match_id", "size"),
            mentees=("student_id", "nunique"),
            mentors=("mentor_id", "nunique"),
            n_ended=("end_date", "count"),
            never_met=("sessions", lambda sessions: int((sessions == 0).sum())),
            **{name: (name, _sum) for name in ("sessions", "minutes", "check_ins", "weeks_matched")},
            weeks_with_contact=("weeks_with_contact", _sum),
            planned_contacts=("planned_contacts", _sum),
            held=("held", _sum),
            longest_gap_days=("longest_gap_days", "max"),
            first_contact_days=("first_contact_days", "median"),
            caseload=("caseload", "mean"),
        )
        trained = rows.drop_duplicates([key, "mentor_id"]).groupby(key)["training_hours"].mean()
        return frame.assign(
            training_hours=trained,
            contact_weeks_share=_ratio(frame["weeks_with_contact"], frame["weeks_matched"]),
            planned_share=_ratio(frame["held"], frame["planned_contacts"]),
        ).drop(columns="held").reset_index()  # fmt: skip

    @property
    def ended(self) -> pd.DataFrame:
        """end_reason, matches, share: why matches ended; "open" = they go on, "not_said" = ended without a reason."""
        reason = _said(self.matches["end_reason"]).where(self.matches["end_date"].notna(), OPEN)
        return _counted(reason, "end_reason")

    @property
    def matched_by(self) -> pd.DataFrame:
        """matched_by, matches, share: how pairs were made; "not_said" where the table does not say it."""
        return _counted(_said(self.matches["matched_by"]), "matched_by")

    def __repr__(self) -> str:
        held, planned = self.matches["sessions"].sum(), self.matches["planned_contacts"].sum()
        plan = f" of {planned:,.0f} planned" if planned else ""
        size = f"{len(self.matches):,} matches, {self.matches['mentor_id'].nunique():,} mentors"
        return f"Fidelity of {self.program}: {size}, {held:,.0f} contacts{plan}"

    def _repr_html_(self) -> str:
        return f"<p>{self!r}</p>{self.frame.to_html(index=False)}"


def fidelity(records: Records, program: str | Program, *, by: str = "mentor") -> Fidelity:
    """How a program of matches was carried out, for the report of a coordinator.

    records : the tables; matches and sessions are needed, a calendar for weeks, plans and gaps, mentors for training
    program : by name, or as ``CheckConnect(max_caseload=30)``; matches that do not qualify are not in it
    by : what ``Fidelity.frame`` has a row of: one of ``Level``, such as "mentor" or "site", or a column of the students
        table, such as "district"

    Raises
    ------
    DataError : no table of matches or sessions, or a program that has no matches.
    OptionError : another level.
    """
    program = build(PROGRAMS, program, "program") if isinstance(program, str) else program
    if not isinstance(program, MatchProgram):
        raise DataError(f"The program {program.name} has no matches whose fidelity could be looked at.")
    if records.sessions is None:
        raise DataError(
            f"{records.source} has no sessions table, so nobody can say whether pairs met. "
            "Add sessions.csv (or .parquet) with match_id, date and minutes."
        )
    view = RecordsByPeriod(records, PeriodRule())
    rows, contacts = program.rows(records), program.contacts(records)
    assert contacts is not None  # there is a table of sessions
    judged = program.judged(rows, contacts, records.source)
    pairs = judged[judged["excluded"].isna() & (judged["model"] != PEER_MENTOR)]
    if pairs.empty:
        raise DataError(f"No match of {program.name} qualifies, seen from mentees: there is nothing to look at.")
    matches = program.followed(view, pairs.reset_index(drop=True))
    weeks = match_weeks(view, matches)
    met = contacts_by_period(view, matches, contacts.frame)
    per_match = _over_periods(dosage_rows(weeks, matches, met, of="match_id"))
    check_ins = met[met["activity"] == CHECK_IN].groupby("match_id").size()
    has_activity = contacts.frame["activity"].notna().any()
    frame = matches.join(per_match, on="match_id").join(_mentor_facts(rows), on="mentor_id")
    nothing = {name: frame[name].fillna(0.0) for name in ("sessions", "minutes")}
    frame = frame.assign(
        **nothing,
        check_ins=frame["match_id"].map(check_ins).fillna(0.0) if has_activity else np.nan,
        days_matched=(frame["end_date"] - frame["start_date"]).dt.days + 1.0,
    )
    found = frame[list(MATCH_COLUMNS)].sort_values("match_id", ignore_index=True)
    students = collect_frame(records.students).set_index("student_id")
    students = students.loc[students.index.isin(found["student_id"])]
    remarks = program.remarks(rows, matches, weeks, contacts)
    return Fidelity(program.name, found, students=students, entries=remarks).by(by)


def _mentor_facts(rows: MatchRows) -> pd.DataFrame:
    return rows.mentors[["training_hours"]]


def _over_periods(dosage: pd.DataFrame) -> pd.DataFrame:
    """Rows by match and school year as one by match: sums; the longest gap of any year; caseload by weeks."""
    load = (dosage["caseload"] * dosage["weeks_matched"]).rename("load")
    grouped = dosage.assign(load=load).groupby("match_id")
    total = grouped[["sessions", "minutes", "weeks_matched", "weeks_with_contact", "load", "planned_contacts"]].sum(
        min_count=1
    )
    return total.assign(
        longest_gap_days=grouped["longest_gap_days"].max(),
        first_contact_days=grouped["first_contact_days"].max(),
        contact_weeks_share=_ratio(total["weeks_with_contact"], total["weeks_matched"]),
        planned_share=_ratio(total["sessions"], total["planned_contacts"]),
        caseload=_ratio(total["load"], total["weeks_matched"]),
    ).drop(columns="load")


def _sum(values: pd.Series[float]) -> float:
    """The sum of what is known; missing where nothing is."""
    return float(values.sum(min_count=1))


def _ratio(part: pd.Series[float], whole: pd.Series[float]) -> pd.Series[float]:
    return part / whole.where(whole > 0)


def _said(values: pd.Series[str]) -> pd.Series[str]:
    return values.astype(object).where(values.notna(), NOT_SAID)


def _counted(values: pd.Series[str], name: str) -> pd.DataFrame:
    counts = values.value_counts().rename_axis(name).reset_index(name="matches")
    ordered = counts.sort_values(["matches", name], ascending=[False, True], ignore_index=True)
    return ordered.assign(share=ordered["matches"] / ordered["matches"].sum())
