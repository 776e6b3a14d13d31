"""mpdta: words for the columns; never is a missing year, not 0."""

import pandas as pd


def prepare(frame: pd.DataFrame) -> pd.DataFrame:
    """One row per county and year."""
    return pd.DataFrame(
        {
            "county": frame["countyreal"].astype(str),
            "year": frame["year"],
            "first_raise": frame["first_treat"].where(frame["first_treat"] > 0),
            "log_population": frame["lpop"],
            "log_employment": frame["lemp"],
        }
    )
