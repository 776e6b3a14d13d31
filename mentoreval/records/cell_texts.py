"""Cells of programs that have types of their own (Excel, Stata, SPSS, SAS) as the texts that a CSV file would have."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa

EXACT_DIGITS = 10**15
"""A spreadsheet keeps 15 digits of a whole number; of a longer one the last digits are made up."""


def text_of_cell(value: Any, exact_below: int = EXACT_DIGITS) -> str | None:
    """A cell as text; None where it is empty.

    40017.0 becomes 40017, a date 2021-09-01, a truth value true or false. A whole number that is too long to have been
    kept exactly (``exact_below`` and more) is written with an exponent, so that it is refused as an identifier.
    """
    if value is None or value == "" or value != value:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return f"{value:.16e}" if abs(value) >= exact_below else str(int(value))
    if isinstance(value, dt.datetime):
        midnight = value.time() == dt.time()
        return value.date().isoformat() if midnight else value.isoformat(timespec="seconds")
    return value.isoformat() if isinstance(value, dt.date | dt.time) else str(value)


def table_of_texts(names: Sequence[str], columns: Iterable[Iterable[str | None]]) -> pa.Table:
    """Columns of texts as an Arrow table."""
    return pa.table({name: pa.array(list(cells), pa.string()) for name, cells in zip(names, columns, strict=True)})
