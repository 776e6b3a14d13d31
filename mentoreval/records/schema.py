"""What a table must say: its columns, their kinds, its key, and the rules that hold between columns of one row."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

import narwhals as nw

ColumnKind = Literal[
    "id", "text", "category", "number", "integer", "flag", "date", "school_year", "grade_level"
]  # fmt: skip

DTYPES: dict[ColumnKind, nw.dtypes.DType] = {
    "id": nw.String(),
    "text": nw.String(),
    "category": nw.String(),
    "number": nw.Float64(),
    "integer": nw.Int64(),
    "flag": nw.Int8(),
    "date": nw.Date(),
    "school_year": nw.String(),
    "grade_level": nw.Int64(),
}
"""The type in which a column of each kind leaves the records layer. A flag is 0, 1 or missing: its mean is a share."""


@dataclass(frozen=True)
class Column:
    """One column of a table.

    name : as it stands in the file
    kind : how its cells are read; ``DTYPES`` has the type they become
    required : the column must be there and no cell of it may be empty
    allowed : the only values, where there is such a list
    minimum, maximum : bounds of a number, both included
    pattern : a regular expression of the usual texts; the ledger lists the others, and they stay
    default : what an empty cell means; a missing column is made of it
    always : the column is part of the records even where the file does not have it (empty, or its default)
    description : what it holds, in one line
    """

    name: str
    kind: ColumnKind
    required: bool = False
    allowed: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    pattern: str = ""
    default: str | float | None = None
    always: bool = False
    description: str = ""


@dataclass(frozen=True)
class RowRule:
    """A rule between columns of one row.

    rule : its key, e.g. ``exit_before_entry``
    columns : the columns it needs; it is skipped where one of them is not there
    broken : from the values of these columns, in this order, to True where a row breaks the rule
    finding : the message goes "enrolment has 3 rows <finding>"
    advice : what to do
    """

    rule: str
    columns: tuple[str, ...]
    broken: Callable[..., nw.Expr]
    finding: str
    advice: str


@dataclass(frozen=True)
class TableSchema:
    """One table.

    key : the columns that no two rows may share; () where rows may repeat
    key_if_present : columns that belong to the key where the file has them
    references : (column, table) pairs: every value of the column must be in that table's key
    required : there is no evaluation without this table
    """

    name: str
    description: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    key_if_present: tuple[str, ...] = ()
    references: tuple[tuple[str, str], ...] = ()
    rules: tuple[RowRule, ...] = ()
    required: bool = False

    def key_of(self, present: Iterable[str]) -> tuple[str, ...]:
        """The key of a file that has these columns."""
        have = set(present)
        return self.key + tuple(name for name in self.key_if_present if name in have)

    @property
    def required_columns(self) -> tuple[str, ...]:
        """Names of the columns without which the table can not be read."""
        return tuple(column.name for column in self.columns if column.required)
