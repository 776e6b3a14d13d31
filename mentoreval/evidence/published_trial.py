"""Published trial: the table of a published randomized trial, recomputed beside what it prints."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from mentoreval.errors import DataError, first_few
from mentoreval.evidence.attrition import Attrition, judge_attrition
from mentoreval.numerics.effect_sizes import cox_index
from mentoreval.numerics.multiplicity import benjamini_hochberg, critical_values

TRIAL_COLUMNS = (
    "outcome", "family", "scale", "mean_treated", "sd_treated", "mean_comparison", "sd_comparison", "difference",
    "p_value", "printed_critical_value", "printed_effect", "printed_as",
)  # fmt: skip
LEVEL = 0.05


def read_trial(file: str | Path) -> pd.DataFrame:
    """A trial's table as it was printed: one row for each outcome, TRIAL_COLUMNS and what else the file has.

    Means and standard deviations are in the unit of ``scale``; ``difference`` is adjusted as the authors did;
    ``printed_as`` says what the printed effect is: "standard deviations" or "odds ratio".

    Raises DataError where the file or a column is not there.
    """
    path = Path(file)
    if not path.is_file():
        raise DataError(f"There is no table {str(file)!r}.")
    table = pd.read_csv(path, comment="#")
    missing = [name for name in TRIAL_COLUMNS if name not in table]
    if missing:
        raise DataError(f"{path.name} has no column {first_few(missing)}.")
    return table


def recompute_effects(trial: pd.DataFrame) -> pd.DataFrame:
    """Effect sizes worked out from the printed means, differences and standard deviations, beside the printed ones.

    A difference is divided by the root of the mean of both variances, since the numbers of students of the arms are not
    printed; with equal arms that is the pooled standard deviation. Shares in percent give Cox's index of the printed
    shares, without the small-sample correction, which thousands of students do not need; it is unadjusted.

    returns : outcome, difference, raw_difference, pooled_sd, recomputed, printed_effect, printed_as, and ``ratio`` =
        printed / recomputed where both are in standard deviations
    """
    spread = np.sqrt((trial["sd_treated"] ** 2 + trial["sd_comparison"] ** 2) / 2)
    share = trial["scale"].eq("percent").to_numpy()
    arms = [trial[name].where(share, 50.0).to_numpy(dtype=float) / 100 for name in ("mean_treated", "mean_comparison")]
    students = np.full(len(trial), 1000.0)
    cox = cox_index(arms[0], arms[1], students, students, small_sample=False)
    recomputed = np.where(share, cox, trial["difference"] / spread)
    in_sd = trial["printed_as"].eq("standard deviations").to_numpy() & (np.abs(recomputed) > 0)
    return pd.DataFrame(
        {
            "outcome": trial["outcome"],
            "difference": trial["difference"],
            "raw_difference": trial["mean_treated"] - trial["mean_comparison"],
            "pooled_sd": spread,
            "recomputed": recomputed,
            "printed_effect": trial["printed_effect"],
            "printed_as": trial["printed_as"],
            "ratio": np.where(in_sd, trial["printed_effect"] / np.where(in_sd, recomputed, 1.0), np.nan),
        }
    )


def adjust_printed_p_values(trial: pd.DataFrame, family: str, level: float = LEVEL) -> pd.DataFrame:
    """The p-values of one family of outcomes against the critical values of Benjamini and Hochberg.

    returns : by rank: outcome, p_value, rank, critical_value = rank · level / number of outcomes, the one that is
        printed, p_adjusted, and whether the outcome is significant alone and in the family

    Raises DataError for a family that the table does not have.
    """
    rows = trial[trial["family"] == family].sort_values("p_value", kind="stable", ignore_index=True)
    if rows.empty:
        raise DataError(f"The table has no family {family!r}. It has {first_few(trial['family'].unique())}.")
    p = rows["p_value"].to_numpy(dtype=float)
    adjusted = benjamini_hochberg(p)
    return pd.DataFrame(
        {
            "outcome": rows["outcome"],
            "p_value": p,
            "rank": np.arange(1, len(rows) + 1),
            "critical_value": critical_values(len(rows), level),
            "printed_critical_value": rows["printed_critical_value"],
            "p_adjusted": adjusted,
            "significant_alone": p < level,
            "significant_in_family": adjusted < level,
        }
    )


def judge_printed_attrition(missing_treated: float, missing_comparison: float) -> Attrition:
    """Attrition from the shares that are missing in each arm, as if the arms were of one size and nobody else was lost.

    missing_treated, missing_comparison : shares from 0 to 1
    """
    return judge_attrition((missing_treated + missing_comparison) / 2, abs(missing_treated - missing_comparison))
