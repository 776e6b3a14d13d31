"""Contacts: sessions in which a pair really met, as far as the log can be believed."""

from __future__ import annotations

from dataclasses import dataclass

import narwhals as nw
import pandas as pd

from mentoreval.panel.collect import collect_frame
from mentoreval.panel.enrolled_days import first_examples
from mentoreval.records.checked import Action
from mentoreval.records.records import LedgerEntry, Records

CHECK_IN = "check_in"
WANTED = ("mode", "attended", "activity")


@dataclass(frozen=True)
class ContactRule:
    """Which rows of the sessions table are contacts.

    longest_session : minutes that a session can last; longer ones count as so long
    most_per_day : sessions of one match on one day that can be true; further ones were logged in bulk and do not count
    count_zero_minutes : whether a session of 0 minutes is a contact, as a message is
    """

    longest_session: int = 240
    most_per_day: int = 2
    count_zero_minutes: bool = False


@dataclass(frozen=True, eq=False)
class Contacts:
    """Contacts of matches.

    frame : one row per contact: match_id, date, minutes, mode and activity (missing where the table has none)
    entries : what the ledger is to say of rows that are no contact, or were cut
    """

    frame: pd.DataFrame
    entries: tuple[LedgerEntry, ...]

    @classmethod
    def of(cls, records: Records, rule: ContactRule) -> Contacts | None:
        """The contacts of the sessions table; None where there is no such table. Rows stay in the order of the day."""
        if records.sessions is None:
            return None
        names = records.sessions.collect_schema().names()
        absent = [nw.lit(None, nw.String).alias(name) for name in WANTED if name not in names]
        here = [name for name in WANTED if name in names]
        frame = collect_frame(records.sessions.select("match_id", "date", "minutes", *here, *absent))
        missed = frame["attended"].astype(float) == 0
        empty = ~missed & (frame["minutes"] == 0) & (not rule.count_zero_minutes)
        long = ~missed & (frame["minutes"] > rule.longest_session)
        frame["minutes"] = frame["minutes"].clip(upper=float(rule.longest_session))
        met = frame[~missed & ~empty].sort_values(
            ["match_id", "date", "minutes"], ascending=[True, True, False], kind="stable", ignore_index=True
        )
        bulk = met.groupby(["match_id", "date"]).cumcount() >= rule.most_per_day
        entries = (
            _entry("mentee_did_not_come", "flagged", frame.loc[missed, "match_id"]),
            _entry("zero_minutes", "flagged", frame.loc[empty, "match_id"]),
            _entry("session_too_long", "repaired", frame.loc[long, "match_id"]),
            _entry("logged_in_bulk", "flagged", met.loc[bulk, "match_id"]),
        )
        return cls(met.loc[~bulk].drop(columns="attended").reset_index(drop=True), entries)

    @property
    def per_match(self) -> pd.Series[int]:
        """Number of contacts by match_id."""
        return self.frame.groupby("match_id").size()


def _entry(rule: str, action: Action, matches: pd.Series[str]) -> LedgerEntry:
    return LedgerEntry("sessions", rule, action, len(matches), first_examples(matches))
