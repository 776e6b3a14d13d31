"""one_to_one: a student is mentored from the first match with a mentor on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import narwhals as nw
import pandas as pd

from mentoreval.errors import DataError, OptionError, suggest
from mentoreval.panel.collect import collect_frame
from mentoreval.panel.program import TREATED_COLUMNS, Program, start_periods
from mentoreval.panel.records_by_period import RecordsByPeriod
from mentoreval.records.records import Records


@dataclass(frozen=True)
class OneToOne(Program):
    """Each match of a student with a mentor; the first one that qualifies starts the program for the student.

    By default this is intent to treat: a student who was matched counts as mentored from the start of the match on,
    whether or not the two ever met and whether or not the match has ended.

    min_sessions : sessions that a match must have to qualify. Above 0 the question is another one (per protocol):
        students who were matched but have no match with so many sessions are taken out of the panel altogether. They
        can not be comparison students, for they were offered the program, and they are not mentored by this rule. Who
        keeps meeting a mentor is no accident, so that the mentored students who are left differ from those who were
        matched, and no matching on baseline values mends that.
    model : the kind of mentoring in the matches table that counts; None counts every match. Students who were only
        matched under another model are taken out of the panel, for they were mentored too.
    """

    name: ClassVar[str] = "one_to_one"
    dosage: ClassVar[tuple[str, ...]] = ("sessions", "minutes", "dosage", "n_sessions", "match_length", "end_reason")

    min_sessions: int = 0
    model: str | None = None

    def check(self) -> None:
        """min_sessions is not negative."""
        if self.min_sessions < 0:
            raise OptionError(f"min_sessions is 0 or more; got {self.min_sessions}.")

    def treat(self, records: RecordsByPeriod) -> pd.DataFrame:
        """student_id, first_treated, mentor_id (of the first match that qualifies), start_date, excluded."""
        matches = _matches(records.records)
        matches["excluded"] = self._excluded(matches, records.records)
        matches["qualifies"] = matches["excluded"].isna()
        ordered = matches.sort_values(
            ["student_id", "qualifies", "start_date", "match_id"], ascending=[True, False, True, True], kind="stable"
        )
        first = ordered.drop_duplicates("student_id", ignore_index=True)
        label = start_periods(records, first["student_id"], first["start_date"])
        return first.assign(first_treated=label.where(first["qualifies"]))[list(TREATED_COLUMNS)]

    def _excluded(self, matches: pd.DataFrame, records: Records) -> pd.Series[str]:
        """Why a match does not qualify; missing where it does."""
        reason = pd.Series(None, index=matches.index, dtype="str")
        if self.min_sessions:
            sessions = matches["match_id"].map(_sessions_by_match(records)).fillna(0)
            reason = reason.mask(sessions < self.min_sessions, "below_min_sessions")
        if self.model is not None:
            if self.model not in set(matches["model"]):
                raise DataError(
                    f"No match is of the model {self.model!r}.{suggest(self.model, matches['model'].unique())}"
                )
            reason = reason.mask(matches["model"] != self.model, "other_model")
        return reason


def _matches(records: Records) -> pd.DataFrame:
    if records.matches is None:
        raise DataError(
            f"{records.source} has no matches table, so nobody can say who was mentored. "
            "Add matches.csv (or .parquet) with match_id, student_id, mentor_id and start_date."
        )
    names = records.matches.collect_schema().names()
    model = nw.col("model").fill_null("one_to_one") if "model" in names else nw.lit("one_to_one")
    return collect_frame(records.matches.select("match_id", "student_id", "mentor_id", "start_date", model=model))


def _sessions_by_match(records: Records) -> pd.Series[int]:
    if records.sessions is None:
        raise DataError(
            f"{records.source} has no sessions table, and min_sessions asks how often a pair met. "
            "Add sessions.csv (or .parquet), or set min_sessions = 0."
        )
    return collect_frame(records.sessions.group_by("match_id").agg(rows=nw.len())).set_index("match_id")["rows"]
