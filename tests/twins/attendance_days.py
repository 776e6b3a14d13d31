"""Days enrolled and absent, counted the way a clerk would: student by student, day by day, in exact fractions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from fractions import Fraction

ABSENT = {"absent", "absent_excused", "absent_unexcused", "suspended"}
Row = Mapping[str, object]
Days = dict[tuple[str, ...], tuple[Fraction, Fraction]]


def school_of_day(spells: Iterable[Row], sessions: Mapping[tuple[str, date], Row], day: date) -> Row | None:
    """The calendar's row of the school to which a student's day belongs; None where it belongs to none."""
    candidates = []
    for spell in spells:
        session = sessions.get((spell["school_id"], day))
        if session is None or session["school_year"] != spell["school_year"]:
            continue
        if spell["entry_date"] <= day and (spell["exit_date"] is None or day <= spell["exit_date"]):
            candidates.append((spell["entry_date"], spell["school_id"], session))
    return max(candidates, key=lambda found: found[:2])[2] if candidates else None


def label(session: Row, period: str) -> str:
    """The year, the semester (the first one ends on January 31) or the month of a day in session."""
    day: date = session["date"]
    if period == "month":
        return f"{day.year}-{day.month:02d}"
    if period == "year":
        return str(session["school_year"])
    return f"{session['school_year']} {'S1' if day.month >= 7 or day.month == 1 else 'S2'}"


def count_days(
    enrolment: Iterable[Row], calendar: Iterable[Row], attendance: Iterable[Row], period: str, positive: bool = False
) -> Days:
    """(student, school, period) → days enrolled, days absent.

    With ``positive`` every student-day is listed and only listed days count as enrolled.
    """
    sessions = {(row["school_id"], row["date"]): row for row in calendar}
    listed = {(row["student_id"], row["date"]): row for row in attendance}
    spells = defaultdict(list)
    for spell in enrolment:
        spells[spell["student_id"]].append(spell)
    days: dict[tuple[str, ...], list[Fraction]] = defaultdict(lambda: [Fraction(0), Fraction(0)])
    for student, own in spells.items():
        for day in sorted({day for _, day in sessions}):
            session = school_of_day(own, sessions, day)
            if session is None:
                continue
            total = days[student, session["school_id"], label(session, period)]
            row = listed.get((student, day))
            if row is not None and row.get("school_id") not in (None, session["school_id"]):
                row = None
            total[0] += 1 if row is not None or not positive else 0
            total[1] += Fraction(row["fraction"]) if row is not None and row["code"] in ABSENT else 0
    return {key: (enrolled, absent) for key, (enrolled, absent) in days.items()}


def all_schools(days: Days) -> Days:
    """(student, period) → days enrolled, days absent, of all schools together."""
    sums: Days = {}
    for (student, _, period), (enrolled, absent) in days.items():
        before = sums.get((student, period), (Fraction(0), Fraction(0)))
        sums[student, period] = (before[0] + enrolled, before[1] + absent)
    return sums
