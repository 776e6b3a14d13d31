"""Dosage: how much of the program a mentee, or a match, got in each period. It describes; it never makes groups alike.

Weeks are those, from Monday on, in which the student was enrolled and the school in session on a day on which the match
was open, so that nobody is late for a meeting in the holidays. Without a calendar only sessions and minutes are known.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from mentoreval.panel.program import last_periods
from mentoreval.panel.records_by_period import RecordsByPeriod

Of = Literal["student_id", "match_id"]

DOSAGE_COLUMNS = (
    "sessions",
    "minutes",
    "sessions_per_month",
    "minutes_per_month",
    "weeks_matched",
    "weeks_with_contact",
    "contact_weeks_share",
    "longest_gap_days",
    "first_contact_days",
    "match_days",
    "caseload",
    "planned_contacts",
    "planned_share",
    "main_mode",
)
COUNTED = (
    "sessions", "minutes", "weeks_matched", "weeks_with_contact", "longest_gap_days", "first_contact_days",
    "match_days", "caseload", "planned_contacts",
)  # fmt: skip
"""The columns that are counted; the others follow from them."""

WEEKS_IN_A_MONTH = 52 / 12


def match_weeks(view: RecordsByPeriod, matches: pd.DataFrame) -> pd.DataFrame:
    """One row per match × week of school × period.

    matches : match_id, student_id, mentor_id, start_date, end_date (missing = open)
    returns : match_id, student_id, mentor_id, week (its Monday), period, first and last (the first and last day in
        session of the week on which the student was enrolled and the match open)
    """
    weeks = _student_weeks(view, matches["student_id"])
    wanted = matches[["match_id", "student_id", "mentor_id", "start_date", "end_date"]]
    found = wanted.merge(weeks, on="student_id")
    end = found["end_date"].fillna(pd.Timestamp.max.floor("D"))
    open_then = (found["last"] >= found["start_date"]) & (found["first"] <= end)
    found = found.assign(
        first=found["first"].where(found["first"] > found["start_date"], found["start_date"]),
        last=found["last"].where(found["last"] < end, end),
    )
    return found[open_then].drop(columns=["start_date", "end_date"]).reset_index(drop=True)


def _student_weeks(view: RecordsByPeriod, students: pd.Series[str]) -> pd.DataFrame:
    """One row per student × week × period of enrolment in session: student_id, week, period, first, last."""
    days = view.session_days
    school = days.assign(week=_monday(days["date"])).groupby(["school_id", "week", "period"], as_index=False)
    weeks = school.agg(first=("date", "min"), last=("date", "max"))
    spells = view.enrolled.spells
    found = spells[spells["student_id"].isin(students.unique())].merge(weeks, on="school_id")
    found = found[(found["first"] <= found["stop"]) & (found["start"] <= found["last"])]
    found = found.assign(
        first=found["first"].where(found["first"] > found["start"], found["start"]),
        last=found["last"].where(found["last"] < found["stop"], found["stop"]),
    )
    grouped = found.groupby(["student_id", "week", "period"], as_index=False)
    return grouped.agg(first=("first", "min"), last=("last", "max"))


def _monday(date: pd.Series[pd.Timestamp]) -> pd.Series[pd.Timestamp]:
    return date - pd.to_timedelta(date.dt.day_of_week, unit="D")


def contacts_by_period(view: RecordsByPeriod, matches: pd.DataFrame, contacts: pd.DataFrame) -> pd.DataFrame:
    """Contacts of these matches with student_id, start_date, week and the period in which they took place.

    That is the period of the last day in session of the student on or before the day, and never one before the match.
    matches : as for ``match_weeks``, with start_period
    """
    known = matches[["match_id", "student_id", "start_date", "start_period"]]
    met = contacts.merge(known, on="match_id").reset_index(drop=True)
    label = last_periods(view, met["student_id"], met["date"])
    return met.assign(period=label.where(label > met["start_period"], met["start_period"]), week=_monday(met["date"]))


def dosage_rows(weeks: pd.DataFrame, matches: pd.DataFrame, met: pd.DataFrame, of: Of = "student_id") -> pd.DataFrame:
    """One row per student (or match) × period with a week of the match or a contact.

    weeks, met : as ``match_weeks`` and ``contacts_by_period`` return them
    returns : student_id or match_id, period, and

        sessions, minutes : contacts and their minutes
        sessions_per_month, minutes_per_month : over a month of 52/12 of the weeks matched
        weeks_matched, weeks_with_contact, contact_weeks_share : weeks of school in which a match was open, those with
            a contact, and their share
        longest_gap_days : most days without a contact, also before the first and after the last of the period
        first_contact_days : days from the start of the first match to the first contact, in the period of that contact
        match_days : days from the first to the last day in session on which a match was open
        caseload : mentees of the mentor in an average week, the student included
        planned_contacts, planned_share : meetings planned for these weeks, and contacts over them
        main_mode : the most frequent mode of the contacts, of equals the first in sorted order
    """
    keys = [of, "period"]
    total = met.groupby(keys).agg(sessions=("match_id", "size"), minutes=("minutes", "sum"))
    length = _length(weeks, keys)
    frame = length.join(total, how="outer").join(_weeks_met(weeks, met, of)).join(_caseload(weeks, keys))
    frame = frame.join(_planned(weeks, matches, keys)).join(_longest_gap(length, met, of)).join(_first(met, of))
    frame = frame.join(_main_mode(met, keys))
    # Without a calendar there are no weeks, and columns without any value have no type.
    frame = frame.assign(**{name: pd.to_numeric(frame[name]).astype(float) for name in COUNTED})
    frame = frame.assign(**{name: frame[name].fillna(0.0) for name in ("sessions", "minutes")})
    months = frame["weeks_matched"] / WEEKS_IN_A_MONTH
    rates = {
        "sessions_per_month": frame["sessions"] / months,
        "minutes_per_month": frame["minutes"] / months,
        "contact_weeks_share": frame["weeks_with_contact"] / frame["weeks_matched"],
        "planned_share": frame["sessions"] / frame["planned_contacts"],
    }
    frame = frame.assign(**{name: rate.mask(np.isinf(rate)) for name, rate in rates.items()})
    return frame[list(DOSAGE_COLUMNS)].sort_index().reset_index()


def _length(weeks: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """By student (or match) and period: first, last, match_days, weeks_matched."""
    span = weeks.groupby(keys).agg(first=("first", "min"), last=("last", "max"), weeks_matched=("week", "nunique"))
    days = (pd.to_datetime(span["last"]) - pd.to_datetime(span["first"])).dt.days + 1.0
    return span.assign(match_days=days, weeks_matched=span["weeks_matched"].astype(float))


def _weeks_met(weeks: pd.DataFrame, met: pd.DataFrame, of: Of) -> pd.Series[float]:
    """Weeks matched with a contact, by student (or match) and period; 0 where there is none."""
    matched = weeks[[of, "period", "week"]].drop_duplicates()
    happened = pd.MultiIndex.from_frame(met[[of, "week"]])
    hit = pd.MultiIndex.from_frame(matched[[of, "week"]]).isin(happened)
    return matched.assign(hit=hit.astype(float)).groupby([of, "period"])["hit"].sum().rename("weeks_with_contact")


def _caseload(weeks: pd.DataFrame, keys: list[str]) -> pd.Series[float]:
    """Mentees of the mentor, the mean over the weeks of the match."""
    size = weeks.groupby(["mentor_id", "week"])["student_id"].nunique().rename("caseload").astype(float)
    return weeks.join(size, on=["mentor_id", "week"]).groupby(keys)["caseload"].mean()


def _planned(weeks: pd.DataFrame, matches: pd.DataFrame, keys: list[str]) -> pd.Series[float]:
    """Meetings planned: the weeks of each match times its meetings in a week; missing where no match has a plan."""
    plan = matches.drop_duplicates("match_id").set_index("match_id")["planned_per_week"].astype(float)
    own = weeks[keys].assign(planned_contacts=weeks["match_id"].map(plan))
    return own.groupby(keys)["planned_contacts"].sum(min_count=1)


def _longest_gap(length: pd.DataFrame, met: pd.DataFrame, of: Of) -> pd.Series[float]:
    """Most days between two contacts of a period, its first and last day of the match counted as if they were one."""
    keys = [of, "period"]
    span = length[["first", "last"]].reset_index()
    inside = met[[*keys, "date"]].merge(span, on=keys)
    inside = inside[inside["date"].between(inside["first"], inside["last"])]
    points = [span[[*keys, edge]].rename(columns={edge: "date"}) for edge in ("first", "last")]
    every = pd.concat([inside[[*keys, "date"]], *points]).sort_values([*keys, "date"], ignore_index=True)
    gap = every.groupby(keys)["date"].diff().dt.days.fillna(0.0)
    return every.assign(gap=gap).groupby(keys)["gap"].max().rename("longest_gap_days")


def _first(met: pd.DataFrame, of: Of) -> pd.Series[float]:
    """Days from the start to the first contact, in its period; 0 for a contact before the start."""
    started = met.groupby(of)["start_date"].min()
    first = met.sort_values(["date", "match_id"], kind="stable").drop_duplicates(of)
    days = (first["date"] - first[of].map(started)).dt.days.clip(lower=0).astype(float)
    return first.assign(days=days).set_index([of, "period"])["days"].rename("first_contact_days")


def _main_mode(met: pd.DataFrame, keys: list[str]) -> pd.Series[str]:
    """The most frequent mode; missing where no contact has one."""
    counted = met.dropna(subset=["mode"]).groupby([*keys, "mode"]).size().rename("n").reset_index()
    ordered = counted.sort_values([*keys, "n", "mode"], ascending=[True, True, False, True], kind="stable")
    return ordered.drop_duplicates(keys).set_index(keys)["mode"].rename("main_mode")
