"""Records: a district's tables that have passed their schemas, and the Ledger of what was dropped or repaired."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import narwhals as nw
import pandas as pd

from mentoreval.errors import DataError

if TYPE_CHECKING:
    from mentoreval.records.day_marks import DayMarks

LazyTable: TypeAlias = "nw.LazyFrame[Any]"
AttendanceMode = Literal["absences_only", "positive", "yearly_totals"]
TABLE_NAMES = (
    "students", "enrolment", "calendar", "attendance", "grades", "matches", "sessions", "surveys", "assessments",
    "mentors", "attendance_totals",
)  # fmt: skip
LEDGER_COLUMNS = ("table", "rule", "action", "rows", "examples")


@dataclass(frozen=True)
class LedgerEntry:
    """One rule that touched rows of one table.

    table : the table, or "panel" for what happens after the tables
    rule : a short key such as ``orphan_student``; the report says it in words
    action : what was done with the rows
    rows : how many
    examples : the first few identifiers
    """

    table: str
    rule: str
    action: Literal["dropped", "mapped", "repaired", "flagged"]
    rows: int
    examples: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ledger:
    """Every row that was dropped, mapped, repaired or flagged, and how many rows each table had and kept."""

    entries: tuple[LedgerEntry, ...] = ()
    rows_read: dict[str, int] = field(default_factory=dict)
    rows_kept: dict[str, int] = field(default_factory=dict)

    def add(self, entries: Iterable[LedgerEntry]) -> Ledger:
        """A ledger with these entries after its own; entries that touched no row are left out."""
        return Ledger(self.entries + tuple(e for e in entries if e.rows), self.rows_read, self.rows_kept)

    @property
    def frame(self) -> pd.DataFrame:
        """One row for each entry: table, rule, action, rows, examples."""
        rows = [(e.table, e.rule, e.action, e.rows, ", ".join(e.examples)) for e in self.entries]
        return pd.DataFrame(rows, columns=list(LEDGER_COLUMNS))

    def _repr_html_(self) -> str:
        return str(self.frame.to_html(index=False))


@dataclass(frozen=True)
class Records:
    """A district's tables after validation. Tables are lazy narwhals frames; a table that is not there is None.

    attendance_mode says how the attendance table is to be read: only absences are listed and every other day of the
    calendar is a day present; every student-day is listed; or one row per student and school year with totals.
    counted_days holds the attendance, enrolment and calendar of which it was found that every listed day is a day in
    session of the one school in which the student is then enrolled; () where that is not known.
    attendance_totals has totals of other school years than those of which attendance has the days.
    day_marks are the days of attendance in a few numbers of each student; None where they are not known.
    """

    students: LazyTable
    enrolment: LazyTable
    calendar: LazyTable | None = None
    attendance: LazyTable | None = None
    grades: LazyTable | None = None
    matches: LazyTable | None = None
    sessions: LazyTable | None = None
    surveys: LazyTable | None = None
    assessments: LazyTable | None = None
    mentors: LazyTable | None = None
    attendance_totals: LazyTable | None = None
    attendance_mode: AttendanceMode = "absences_only"
    ledger: Ledger = field(default_factory=Ledger)
    source: str = "frames"
    counted_days: tuple[LazyTable | None, ...] = ()
    day_marks: DayMarks | None = None

    @property
    def lists_school_days_only(self) -> bool:
        """Whether ``counted_days`` holds of these tables: none of them has been replaced since."""
        tables = (self.attendance, self.enrolment, self.calendar)
        return bool(self.counted_days) and all(a is b for a, b in zip(self.counted_days, tables, strict=True))

    @property
    def rows_by_code(self) -> LazyTable | None:
        """student_id and a column for each code, in how many rows of attendance they have it; None = not known."""
        known = self.day_marks is not None and self.day_marks.rows is self.attendance
        return self.day_marks.by_code if self.day_marks is not None and known else None

    @property
    def tables(self) -> dict[str, LazyTable]:
        """The tables that are there, by name."""
        return {name: getattr(self, name) for name in TABLE_NAMES if getattr(self, name) is not None}

    def table(self, name: str) -> LazyTable:
        """The table of that name; DataError if these records do not have it."""
        if name not in self.tables:
            raise DataError(f"There is no {name} table in {self.source}. It has {', '.join(self.tables)}; add {name}.")
        return self.tables[name]

    @property
    def frame(self) -> pd.DataFrame:
        """One row for each table: its name, rows read, rows kept, and columns."""
        read, kept = self.ledger.rows_read, self.ledger.rows_kept
        rows = [
            (name, read.get(name), kept.get(name), ", ".join(table.collect_schema().names()))
            for name, table in self.tables.items()
        ]
        return pd.DataFrame(rows, columns=["table", "rows_read", "rows_kept", "columns"])

    def __repr__(self) -> str:
        attendance = f", attendance: {self.attendance_mode}" if self.attendance is not None else ""
        return f"Records from {self.source}{attendance}\n{self.frame.to_string(index=False)}"

    def _repr_html_(self) -> str:
        return f"<p><b>Records</b> from {self.source}</p>{self.frame.to_html(index=False)}{self.ledger._repr_html_()}"
