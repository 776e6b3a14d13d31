"""A table on its way through the rules: what is left of it, what was taken from it, and what is wrong with it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import narwhals as nw

from mentoreval.records.conventions import Conflicts, ExitDateIs, Retakes
from mentoreval.records.records import AttendanceMode, LazyTable, LedgerEntry
from mentoreval.records.schema import TableSchema
from mentoreval.records.validation import Problem

if TYPE_CHECKING:
    from mentoreval.records.day_marks import DayMarks

EXAMPLES = 5
Shown = tuple[str, tuple[str, ...]]
Action = Literal["dropped", "mapped", "repaired", "flagged"]


@dataclass(frozen=True)
class Options:
    """How tables are read; as the parameters of ``read_records``, with the conventions of the folder filled in."""

    attendance: AttendanceMode | None = None
    exit_date_is: ExitDateIs = "last_day"
    orphans: Literal["error", "drop"] = "error"
    duplicates: Literal["error", "drop_exact"] = "drop_exact"
    conflicts: Conflicts = "most_severe"
    absent_from: float | Literal["part"] | None = None
    retakes: Retakes = "error"
    as_of: dt.date | None = None


@dataclass(frozen=True)
class Checked:
    """One table between two rules.

    frame : the rows that are left, with canonical columns
    columns : the columns of the schema that the frame has
    rows_read : rows of the source; always rows_kept plus the rows of the dropped entries
    own_days : whether every row was found to be of a day in session of the one school of the student on that day
    marks : the days of every row, where the table has a row for each date of something and none of them twice
    """

    schema: TableSchema
    frame: LazyTable
    columns: tuple[str, ...]
    rows_read: int
    entries: tuple[LedgerEntry, ...] = ()
    problems: tuple[Problem, ...] = ()
    own_days: bool = False
    marks: DayMarks | None = None

    @property
    def name(self) -> str:
        """The table's name."""
        return self.schema.name

    @property
    def rows_kept(self) -> int:
        """Rows that are left."""
        return self.rows_read - sum(entry.rows for entry in self.entries if entry.action == "dropped")

    def has(self, *columns: str) -> bool:
        """True where all these columns can be used."""
        return set(columns) <= set(self.columns)

    def keeping(self, frame: LazyTable, *entries: LedgerEntry) -> Checked:
        """With these rows left, and entries that say which ones were dropped."""
        kept = self.entries + tuple(entry for entry in entries if entry.rows)
        return replace(self, frame=frame, entries=kept, own_days=self.own_days and frame is self.frame)

    @property
    def day_marks(self) -> DayMarks | None:
        """``marks``, where they are of the rows that are left."""
        return self.marks if self.marks is not None and self.marks.rows is self.frame else None

    def blaming(self, *problems: Problem) -> Checked:
        """With these problems too."""
        return replace(self, problems=self.problems + problems)


def ask(frame: LazyTable, **questions: nw.Expr) -> dict[str, int]:
    """Answers, as whole numbers, to questions that are aggregates, in one pass over the frame."""
    answers = frame.select(**questions).collect("pyarrow").to_native().to_pylist()[0]
    return {name: int(answers[name] or 0) for name in questions}


def how_many(condition: nw.Expr) -> nw.Expr:
    """The question for how many rows that is true; where it can not be said it is not."""
    return condition.cast(nw.Int64).sum()


def count(frame: LazyTable) -> int:
    """How many rows the frame has."""
    return ask(frame, rows=nw.len())["rows"]


def distinct(frame: LazyTable, *columns: str) -> LazyTable:
    """Every combination of values of these columns, once. ``unique`` has DuckDB number all rows, which takes longer."""
    names = list(columns)
    rows: LazyTable = frame.group_by(names).agg(_times=nw.len()).select(names)
    return rows


def first_values(frame: LazyTable, *columns: str) -> tuple[str, ...]:
    """The first few distinct values of these columns in sorted order, several columns joined by blanks."""
    names = list(columns)
    rows = _rows(distinct(frame, *names).sort(names).head(EXAMPLES))
    return tuple(" ".join(str(row[name]) for name in names) for row in rows)


def _rows(frame: LazyTable) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = frame.collect("pyarrow").to_native().to_pylist()
    return rows


def values_with_counts(frame: LazyTable, value: nw.Expr, shape: nw.Expr) -> tuple[str, ...]:
    """The most frequent shapes of a column, each by its smallest value and how many rows have it: "T (312)"."""
    shapes = frame.select(shape=shape, value=value).group_by("shape").agg(n=nw.len(), value=nw.col("value").min())
    rows = _rows(shapes.sort("n", "value", descending=[True, False]).head(EXAMPLES))
    return tuple(f"{row['value']} ({row['n']:,})" for row in rows)


KEPT = "kept"


def fate(*cases: tuple[nw.Expr, str], otherwise: str = KEPT) -> nw.Expr:
    """A column that says what becomes of each row: the name of the first case that is true of it."""
    named: nw.Expr = nw.lit(otherwise)
    for condition, name in reversed(cases):
        # Where a condition can not be said, one engine goes on to the next case and another to nothing.
        named = nw.when(condition.fill_null(False)).then(nw.lit(name)).otherwise(named)
    return named.alias("_fate")


def settle(table: Checked, fated: LazyTable, actions: Mapping[str, Action], example: str) -> Checked:
    """The rows that are left after each has met its fate, and a ledger entry for every fate that is not "kept".

    fated : the table's rows with the column ``_fate``, and perhaps columns that are not the table's
    actions : what each fate means for a row
    example : the column from which examples are taken
    """
    counted = {row["_fate"]: int(row["n"]) for row in _rows(fated.group_by("_fate").agg(n=nw.len()))}
    met = {name: action for name, action in actions.items() if counted.get(name)}
    dropped = [name for name, action in met.items() if action == "dropped"]
    left = fated.filter(~nw.col("_fate").is_in(dropped)) if dropped else fated
    entries = [
        LedgerEntry(table.name, name, action, counted[name], first_values(of(fated, name), example))
        for name, action in met.items()
    ]
    return table.keeping(left.select(table.frame.collect_schema().names()), *entries)


def of(fated: LazyTable, name: str) -> LazyTable:
    """The rows with that fate."""
    return fated.filter(nw.col("_fate") == name)
