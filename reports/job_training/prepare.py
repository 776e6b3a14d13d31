"""LaLonde: the trained men of Dehejia and Wahba, and the men of the CPS survey."""

import pandas as pd


def prepare(frame: pd.DataFrame) -> pd.DataFrame:
    """One row per man; the file has no identifier, so the row number is one."""
    trained = (frame["sample"] == 1) & (frame["dwincl"] == 1) & (frame["treated"] == 1)
    men = frame[trained | (frame["sample"] == 2)]
    return pd.DataFrame(
        {
            "person": [f"row {number}" for number in men.index],
            "trained": (men["sample"] == 1).astype(int),
            "age": men["age"],
            "education": men["educ"],
            "black": men["black"],
            "hispanic": men["hisp"],
            "married": men["married"],
            "no_degree": men["nodegree"],
            "earnings_1974": men["re74"],
            "earnings_1975": men["re75"],
            "earnings_1978": men["re78"],
        }
    )
