"""MatchProgram: programs that are made of matches of a student with a mentor. One place for what they share."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import ClassVar, Literal

import pandas as pd

from mentoreval.errors import DataError, OptionError, suggest
from mentoreval.panel.contacts import ContactRule, Contacts
from mentoreval.panel.dosage import DOSAGE_COLUMNS, contacts_by_period, dosage_rows, match_weeks
from mentoreval.panel.enrolled_days import first_examples
from mentoreval.panel.match_rows import MatchRows
from mentoreval.panel.program import TREATED_COLUMNS, Course, Program, last_periods, start_periods
from mentoreval.panel.records_by_period import RecordsByPeriod
from mentoreval.records.records import LedgerEntry, Records

JOIN = " + "
"""Between the names of several kinds of mentoring of one student."""


@dataclass(frozen=True)
class MatchProgram(Program):
    """Matches of some kinds; the first one that qualifies starts the program for the student.

    By default this is intent to treat: a student who was matched counts as mentored from the start of the match on,
    whether or not the two ever met and whether or not the match has ended. Students who were only matched under another
    kind are taken out of the panel, for they were mentored too, and so are students who mentor others as peers: both
    took part in some program and can not stand for students who did not.

    The mentor of a student with several is that of the first match that qualifies, of two that start on one day that
    with the match_id that sorts first: later mentors are a part of what became of the first match.

    min_sessions : contacts that a match must have to qualify. Above 0 the question is another one (as treated):
        students who were matched but have no match with so many contacts are taken out of the panel altogether. They
        can not be comparison students, for they were offered the program, and they are not mentored by this rule. Who
        keeps meeting a mentor is no accident, so that the mentored students who are left differ from those who were
        matched, and no matching on baseline values mends that.
    model : the kind of mentoring in the matches table that counts, where the district calls it something else
    ends : "stays_on" = once mentored, always mentored; "switches_off" = the program acts from the period in which a
        match starts to that in which it ends (``Panel.status``)
    dose : what the panel's dosage counts: contacts, or their minutes
    planned_per_week : meetings planned in a week of school, for matches of which the table does not say it
    max_caseload : most mentees that a mentor is to have at once; more are flagged
    longest_session, most_per_day, count_zero_minutes : see ``ContactRule``
    """

    models: ClassVar[tuple[str, ...]] = ()
    mentors_are_students: ClassVar[bool] = False
    dosage: ClassVar[tuple[str, ...]] = (
        *DOSAGE_COLUMNS, "dosage", "participated", "n_sessions", "match_length", "end_reason", "program_acts",
    )  # fmt: skip

    min_sessions: int = 0
    model: str | None = None
    ends: Literal["stays_on", "switches_off"] = "stays_on"
    dose: Literal["sessions", "minutes"] = "sessions"
    planned_per_week: float | None = None
    max_caseload: int | None = None
    longest_session: int = 240
    most_per_day: int = 2
    count_zero_minutes: bool = False

    def check(self) -> None:
        """Numbers are not negative, and bounds are above 0."""
        if self.min_sessions < 0:
            raise OptionError(f"min_sessions is 0 or more; got {self.min_sessions}.")
        for name in ("planned_per_week", "max_caseload", "longest_session", "most_per_day"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise OptionError(f"{name} is above 0; got {value}.")

    # ------------------------------------------------------------------ what a kind may say for itself
    def models_that_count(self) -> tuple[str, ...]:
        """The kinds of mentoring that count, as the matches table names them; () = every kind."""
        return (self.model,) if self.model is not None else self.models

    def participants(self, rows: MatchRows) -> pd.DataFrame:
        """The matches, seen from those whom the program is studied on."""
        return rows.frame

    def why_not(self, matches: pd.DataFrame) -> pd.Series[str]:
        """A key for each match that does not belong to the program; missing for those that do."""
        wanted, given = self.models_that_count(), set(matches["model"])
        reason = pd.Series(None, index=matches.index, dtype="str")
        if wanted and not given & set(wanted):
            names = " or ".join(map(repr, wanted))
            raise DataError(
                f"No match is of the model {names}.{suggest(wanted[0], given)} "
                'Where the district calls it something else, say so with model = "…".'
            )
        return reason.mask(~matches["model"].isin(wanted), "other_model") if wanted else reason

    # ------------------------------------------------------------------ who took part
    def rows(self, records: Records) -> MatchRows:
        """The matches of the records, all kinds."""
        peer = (self.model,) if self.model is not None and self.mentors_are_students else ()
        return MatchRows.of(records, peer)

    def judged(self, rows: MatchRows, contacts: Contacts | None, source: str) -> pd.DataFrame:
        """The matches with ``excluded``: why one does not qualify, missing where it does."""
        matches = self.participants(rows).reset_index(drop=True)
        reason = self.why_not(matches)
        if self.min_sessions:
            if contacts is None:
                raise DataError(
                    f"{source} has no sessions table, and min_sessions asks how often a pair met. "
                    "Add sessions.csv (or .parquet), or set min_sessions = 0."
                )
            held = matches["match_id"].map(contacts.per_match).fillna(0)
            reason = reason.mask(reason.isna() & (held < self.min_sessions), "below_min_sessions")
        return matches.assign(excluded=reason)

    def contacts(self, records: Records) -> Contacts | None:
        """The sessions in which pairs of any kind met; None without a table of sessions."""
        return Contacts.of(records, ContactRule(self.longest_session, self.most_per_day, self.count_zero_minutes))

    def treat(self, records: RecordsByPeriod) -> pd.DataFrame:
        """student_id, first_treated, mentor_id (of the first match that qualifies), start_date, excluded."""
        rows = self.rows(records.records)
        contacts = self.contacts(records.records) if self.min_sessions else None
        matches = self.judged(rows, contacts, records.records.source)
        matches["qualifies"] = matches["excluded"].isna()
        ordered = matches.sort_values(
            ["student_id", "qualifies", "start_date", "match_id"], ascending=[True, False, True, True], kind="stable"
        )
        first = ordered.drop_duplicates("student_id", ignore_index=True)
        label = start_periods(records, first["student_id"], first["start_date"])
        treated = first.assign(first_treated=label.where(first["qualifies"]))[list(TREATED_COLUMNS)]
        return pd.concat([treated, self._others(rows, set(treated["student_id"]))], ignore_index=True)

    def _others(self, rows: MatchRows, seen: set[str]) -> pd.DataFrame:
        """Students who took part in another role, as rows of ``treat``: peer mentors, and mentees."""
        excluded: dict[str, str] = {}
        for students, reason in ((rows.turned, "peer_mentor"), (rows.frame, "mentored")):
            for student in students["student_id"]:
                if student not in seen:
                    excluded.setdefault(student, reason)
        names = sorted(excluded)
        return pd.DataFrame(
            {
                "student_id": pd.Series(names, dtype=object),
                "first_treated": pd.Series(None, index=range(len(names)), dtype="str"),
                "mentor_id": pd.Series(None, index=range(len(names)), dtype=object),
                "start_date": pd.Series(pd.NaT, index=range(len(names)), dtype="datetime64[us]"),
                "excluded": pd.Series([excluded[name] for name in names], dtype="str"),
            }
        )

    # ------------------------------------------------------------------ how it went on
    def course(self, records: RecordsByPeriod) -> Course:
        """Kinds of mentoring, runs of periods in which the program acts, dosage, and what is odd about the logs."""
        rows, contacts = self.rows(records.records), self.contacts(records.records)
        judged = self.judged(rows, contacts, records.records.source)
        matches = judged[judged["excluded"].isna()].drop(columns="excluded").reset_index(drop=True)
        matches = self.followed(records, matches)
        weeks = match_weeks(records, matches)
        dosage = None
        if contacts is not None:
            met = contacts_by_period(records, matches, contacts.frame)
            dosage = dosage_rows(weeks, matches, met).assign(participated=lambda d: (d["sessions"] > 0).astype(float))
        acts = matches[["student_id", "start_period", "end_period"]] if self.ends == "switches_off" else None
        return Course(
            models=_models(records, matches),
            acts=None if acts is None else acts.set_axis(["student_id", "first", "last"], axis=1),
            dosage=dosage,
            dose=None if dosage is None else self.dose,
            entries=self.remarks(rows, matches, weeks, contacts),
        )

    def followed(self, records: RecordsByPeriod, matches: pd.DataFrame) -> pd.DataFrame:
        """Matches in order of their start, with start_period, end_period (missing = open) and the planned meetings.

        A match that ended before school began again acts in the period of its start.
        """
        matches = matches.sort_values(["start_date", "match_id"], kind="stable", ignore_index=True)
        start = start_periods(records, matches["student_id"], matches["start_date"])
        ended = matches["end_date"].notna()
        end = pd.Series(None, index=matches.index, dtype="str")
        closed = matches[ended]
        last = last_periods(records, closed["student_id"], closed["end_date"])
        end[ended] = last.where(last > start[ended], start[ended])
        planned = matches["planned_per_week"]
        planned = planned if self.planned_per_week is None else planned.fillna(self.planned_per_week)
        return matches.assign(start_period=start, end_period=end, planned_per_week=planned)

    def remarks(
        self, rows: MatchRows, matches: pd.DataFrame, weeks: pd.DataFrame, contacts: Contacts | None
    ) -> tuple[LedgerEntry, ...]:
        """What is odd, or decides how the results are to be read, about matches that qualify and their sessions."""
        by_student = matches.groupby("student_id")
        also = matches.loc[matches["student_id"].isin(rows.turned["student_id"]) & matches["mentor_id"].notna()]
        mentors, models = by_student["mentor_id"].nunique(), by_student["model"].nunique()
        noted: dict[str, Collection[object]] = {
            "several_mentors": mentors.index[mentors > 1],
            "several_models": models.index[models > 1],
            "mentee_is_peer_mentor": also["student_id"].unique(),
        }
        if contacts is not None:
            noted["no_session"] = _without_contact(matches, contacts)
        if self.max_caseload is not None and len(weeks):
            size = weeks.groupby(["mentor_id", "week"])["student_id"].nunique().groupby("mentor_id").max()
            noted["caseload_above_plan"] = size.index[size > self.max_caseload]
        if self.min_sessions:
            noted["as_treated"] = matches["student_id"].unique()
        of_matches = (
            LedgerEntry("matches", rule, "flagged", len(who), first_examples(who)) for rule, who in noted.items()
        )
        of_sessions = contacts.entries if contacts is not None else ()
        return (*rows.entries, *of_matches, *self.standards(matches), *of_sessions)

    def standards(self, matches: pd.DataFrame) -> tuple[LedgerEntry, ...]:
        """What the ledger is to say of matches that do not meet a rule of this kind of program; by default nothing."""
        return ()


def _without_contact(matches: pd.DataFrame, contacts: Contacts) -> pd.Index:
    """Students none of whose matches has a contact."""
    held = matches["match_id"].isin(contacts.per_match.index).groupby(matches["student_id"]).any()
    return held.index[~held]


def _models(records: RecordsByPeriod, matches: pd.DataFrame) -> pd.DataFrame:
    """student_id, model: the kinds that a student got in the periods on record, in order of their first start."""
    here = matches[matches["start_period"] <= records.student_periods["period"].max()]
    kinds = here[["student_id", "model"]].drop_duplicates()
    several = kinds["student_id"].duplicated(keep=False)
    joined = kinds[several].groupby("student_id")["model"].agg(JOIN.join).reset_index()
    models: pd.DataFrame = pd.concat([kinds[~several], joined], ignore_index=True)
    return models
