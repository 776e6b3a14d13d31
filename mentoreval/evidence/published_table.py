"""Published table: effects that were published, with what of each was checked against its source and what was not."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from mentoreval.errors import DataError, first_few
from mentoreval.evidence.effect_table import read_effects

PUBLISHED_COLUMNS = (
    "study", "population", "program_model", "outcome", "effect", "effect_unit", "se_or_ci", "p_value",
    "effect_size_g", "g_basis", "verified", "source",
)  # fmt: skip

Checked = Literal["number", "secondary", "direction", "nothing"]
"""What was checked: the number, in the study or its abstract; the number where others quote it; only its direction or
the number of students; or nothing."""

CONFIDENCE = 0.95
"""Of the intervals that are printed."""

BASES = {"reported": "reported", "computed": "recomputed", "back-computed": "worked back", "unverified": "not checked"}
"""By the first word of ``g_basis`` how the effect came about. Worked back is from a rounded improvement index."""


def read_published(file: str | Path) -> pd.DataFrame:
    """The rows of a table of published effects, each with what may be said of it.

    file : a CSV with PUBLISHED_COLUMNS
    returns : its columns, with effect and effect_size_g as numbers (NaN where none is known), then
        ``checked`` (a value of Checked), ``g_from`` (a value of BASES, or "" where there is no
        standardized effect), and the interval ``conf_low``, ``conf_high`` where it is printed

    Raises DataError where the file or a column is not there, or a standardized effect does not say how it came about.

    A number that was not checked stays in the table with ``checked`` = "nothing": it is shown as such, never as a fact.
    """
    path = Path(file)
    if not path.is_file():
        raise DataError(f"There is no table {str(file)!r}.")
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    missing = [name for name in PUBLISHED_COLUMNS if name not in table]
    if missing:
        raise DataError(f"{path.name} has no column {first_few(missing)}.")
    for name in ("effect", "effect_size_g"):
        table[name] = pd.to_numeric(table[name].replace("", np.nan))
    table["checked"] = [_checked(text) for text in table["verified"]]
    bases = zip(table["g_basis"], table["effect_size_g"], strict=True)
    table["g_from"] = [_basis(text, known) for text, known in bases]
    ends = [_interval(text) for text in table["se_or_ci"]]
    table["conf_low"], table["conf_high"] = [low for low, _ in ends], [high for _, high in ends]
    return table


def standardized_effects(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of ``read_published`` that have an effect in standard deviations, in their order.

    returns : study, outcome, g, conf_low, conf_high, g_from, checked, source
    """
    known = table[table["effect_size_g"].notna()].rename(columns={"effect_size_g": "g"})
    return known[["study", "outcome", "g", "conf_low", "conf_high", "g_from", "checked", "source"]].reset_index(
        drop=True
    )


def what_can_be_pooled(table: pd.DataFrame) -> pd.DataFrame:
    """Why the rows of ``read_published`` can be in one mean, or can not; one row for each study.

    returns : study, outcome (what its standardized effects are on), n_effects, n_with_uncertainty (those whose standard
        error can be known from an interval or an exact p-value) and ``obstacle``: "" where the study can stand in a
        mean, "no_standard_error", or "same_students" where several effects with an uncertainty are of the same students

    ``synthesize`` pools no row without an uncertainty, and refuses several of one study. That outcomes differ it can
    not see: the column ``outcome`` is there for that.
    """
    known = table[table["effect_size_g"].notna()].reset_index(drop=True)
    each = read_effects(known.assign(label=known.index), "refuse", CONFIDENCE)
    rows = known.assign(usable=each["pooled"]).groupby("study", sort=False)
    found = rows.agg(
        outcome=("outcome", lambda names: "; ".join(dict.fromkeys(names))),
        n_effects=("outcome", "size"),
        n_with_uncertainty=("usable", "sum"),
    ).reset_index()
    several, none = found["n_with_uncertainty"] > 1, found["n_with_uncertainty"] == 0
    return found.assign(obstacle=np.select([none, several], ["no_standard_error", "same_students"], ""))


def _checked(verified: str) -> Checked:
    said = verified.lower()
    if "effects unverified" in said or not said.startswith("yes"):
        return "nothing"
    if "secondary" in said:
        return "secondary"
    return "direction" if re.search(r"\b(direction|n only)\b", said) else "number"


def _basis(basis: str, g: float) -> str:
    if np.isnan(g):
        return ""
    first = re.split(r"[ :(]", basis.strip())[0].lower()
    if first not in BASES:
        raise DataError(f"An effect size of {g:g} does not say how it came about (g_basis = {basis!r}).")
    return BASES[first]


def _interval(text: str) -> tuple[float, float]:
    """Both ends of "[0.03, 0.14]"; NaN where the text is none."""
    found = re.fullmatch(r"\s*\[\s*(-?[\d.]+)\s*,\s*(-?[\d.]+)\s*\]\s*", text)
    return (float(found[1]), float(found[2])) if found else (np.nan, np.nan)
