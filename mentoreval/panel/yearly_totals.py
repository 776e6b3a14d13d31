"""Yearly totals beside days: some school years of a district are known by totals alone, others day by day.

A school year comes from one of the two tables only, as the records have made sure.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace

import narwhals as nw
import pandas as pd

from mentoreval.panel.attendance_days import AttendanceDays
from mentoreval.panel.collect import collect_frame
from mentoreval.panel.enrolled_days import EnrolledDays, count_enrolled_days, years_of_enrolment
from mentoreval.records.checked import distinct
from mentoreval.records.records import LazyTable, LedgerEntry, Records

SCHOOL_YEAR = ["school_id", "school_year"]


def years_with_totals(records: Records) -> frozenset[str]:
    """The school years of the table ``attendance_totals``; none where there is no such table."""
    totals = records.attendance_totals
    return frozenset() if totals is None else frozenset(collect_frame(distinct(totals, "school_year"))["school_year"])


def count_with_totals(enrolment: LazyTable, calendar: LazyTable, years: Set[str]) -> EnrolledDays:
    """Enrolled days by school year, where the calendar need not have the years of which there are totals.

    A spell of such a year and school counts as ``years_of_enrolment`` counts it.
    """
    known = distinct(calendar, *SCHOOL_YEAR)
    without = enrolment.join(known, on=SCHOOL_YEAR, how="anti").filter(nw.col("school_year").is_in(sorted(years)))
    others = enrolment.join(distinct(without, *SCHOOL_YEAR), on=SCHOOL_YEAR, how="anti")
    counted, told = count_enrolled_days(others, calendar), years_of_enrolment(without)
    return replace(counted, frame=pd.concat([counted.frame, told.frame], ignore_index=True))


def without_years(enrolled: EnrolledDays, years: Set[str]) -> EnrolledDays:
    """The enrolled days of the other school years."""
    return replace(enrolled, frame=enrolled.frame[~enrolled.frame["period"].isin(years)].reset_index(drop=True))


def together(daily: AttendanceDays, totals: AttendanceDays) -> AttendanceDays:
    """The days of both, as one; schools are told apart where both do so. The ledger names the years of totals."""
    schools = None
    years = tuple(sorted(totals.frame["period"].unique()))
    told = LedgerEntry("attendance_totals", "counted_from_totals", "mapped", len(totals.frame), years)
    if daily.schools is not None and totals.schools is not None:
        schools = pd.concat([totals.schools, daily.schools], ignore_index=True)
    return AttendanceDays(
        pd.concat([totals.frame, daily.frame], ignore_index=True),
        (*daily.entries, *totals.entries, told),
        schools,
        daily.suspensions or totals.suspensions,
    )
