"""The change in absence from the first year to the second: an outcome of its own, of the students who stand in both."""

import pandas as pd


def prepare(frame: pd.DataFrame) -> pd.DataFrame:
    """One more column: days absent in the second year less those in the first; missing where either is."""
    return frame.assign(change_in_days_absent=frame["days_absent_year_2"] - frame["days_absent_year_1"])
