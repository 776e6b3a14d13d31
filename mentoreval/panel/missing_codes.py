"""Missing codes: numbers of a public file that are none, such as -9999 for suppressed, made missing and counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from mentoreval.errors import DataError
from mentoreval.records.records import Ledger, LedgerEntry


def mark_missing(
    frame: pd.DataFrame, missing_codes: Mapping[float, str], *, columns: Sequence[str] | None = None
) -> tuple[pd.DataFrame, Ledger]:
    """A copy of the frame in which these codes are missing, and a ledger of how many cells each one stood in.

    Parameters
    ----------
    frame : a table of any kind; it is not changed
    missing_codes : what each code means, as a short key, e.g. {-9999: "suppressed", -6666: "missing"}
    columns : where the codes stand; None takes every column of numbers

    Returns
    -------
    The frame, and a ledger whose entries are named column.meaning; every row is kept.

    Raises
    ------
    DataError : a column is not there or does not hold numbers
    """
    chosen = (
        [name for name in frame if pd.api.types.is_numeric_dtype(frame[name])] if columns is None else list(columns)
    )
    for name in chosen:
        if name not in frame or not pd.api.types.is_numeric_dtype(frame[name]):
            raise DataError(f"There is no column of numbers {name!r} in which codes could stand for missing values.")
    marked, entries = frame.copy(), []
    for name in chosen:
        for code, meaning in missing_codes.items():
            holds = frame[name] == code
            examples = tuple(str(row) for row in frame.index[holds][:5])
            entries.append(LedgerEntry("frame", f"{name}.{meaning}", "mapped", int(holds.sum()), examples))
        coded = frame[name].isin(list(missing_codes))
        marked[name] = frame[name].mask(coded) if coded.any() else frame[name]
    rows = {"frame": len(frame)}
    return marked, Ledger((), rows, rows).add(entries)
