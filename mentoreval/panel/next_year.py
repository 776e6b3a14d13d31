"""Next year: whether a student comes back, and if not, what the exit code says of it."""

from __future__ import annotations

import narwhals as nw
import pandas as pd

from mentoreval.panel.collect import collect_frame
from mentoreval.panel.periods import year_after
from mentoreval.records.records import Records


def years_and_next(records: Records) -> pd.DataFrame:
    """One row per student × school year of enrolment.

    returns : student_id, period, grade_level and exit_code (small letters; missing where there is none) of the last
        spell of the year, returned (enrolled in the next school year), last_year (no later year is in the records)
    """
    names = records.enrolment.collect_schema().names()
    code = nw.col("exit_code").cast(nw.String).str.to_lowercase() if "exit_code" in names else nw.lit(None, nw.String)
    spells = collect_frame(
        records.enrolment.select(
            "student_id", "grade_level", "entry_date", "exit_date", period=nw.col("school_year"), exit_code=code
        )
    )
    # A spell that is still open ends last.
    order = ["student_id", "period", "exit_date", "entry_date"]
    last = spells.sort_values(order, kind="stable", na_position="last")
    last = last.drop_duplicates(["student_id", "period"], keep="last", ignore_index=True)
    came = pd.MultiIndex.from_frame(last[["student_id", "period"]])
    after = {year: year_after(year) for year in last["period"].unique()}
    following = pd.MultiIndex.from_arrays([last["student_id"], last["period"].map(after)])
    known = set(last["period"])
    return last[["student_id", "period", "grade_level", "exit_code"]].assign(
        returned=following.isin(came), last_year=[after[year] not in known for year in last["period"]]
    )
