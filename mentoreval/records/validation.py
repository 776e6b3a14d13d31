"""What is wrong with a district's tables, said so that the person who exported them can put it right."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import pandas as pd

from mentoreval.records.records import Ledger

PROBLEM_COLUMNS = ("table", "column", "rule", "rows", "share", "examples", "finding", "advice")


@dataclass(frozen=True)
class Problem:
    """One rule that one table breaks.

    table, column, rule : where and what, as keys; column may name several, joined by ", ", or be ""
    rows : how many rows break it; 0 where the rule is about the table as a whole
    share : share of the table's rows, 0 to 1; 1 where the rule is about the table as a whole
    finding : what is wrong, a sentence
    advice : what to do, a sentence
    examples : the first few identifiers or values
    """

    table: str
    column: str
    rule: str
    finding: str
    advice: str
    rows: int = 0
    share: float = 1.0
    examples: tuple[str, ...] = ()

    def __str__(self) -> str:
        affected = f" {percent(self.share)} of {self.table} is affected." if self.rows else ""
        return f"{self.finding}{affected} {self.advice}"


@dataclass(frozen=True)
class IdLength:
    """How many rows of a table have student identifiers of one length."""

    table: str
    length: int
    rows: int


def rows_problem(
    where: tuple[str, str, str], rows: int, total: int, finding: str, advice: str, shown: tuple[str, tuple[str, ...]]
) -> Problem:
    """A problem of some rows; ``where`` is (table, column, rule), ``shown`` the word before the examples and these."""
    table, column, rule = where
    word, examples = shown
    seen = f" ({word}: {', '.join(examples)})" if examples else ""
    sentence = f"{table} has {rows:,} {'row' if rows == 1 else 'rows'} {finding}{seen}."
    return Problem(table, column, rule, sentence, advice, rows, rows / total if total else 1.0, examples)


def percent(share: float) -> str:
    """A share as people read it: 2.4 %, and never 0.0 % or 100.0 % for what is not none or all."""
    if 0 < share < 0.001:
        return "less than 0.1 %"
    if 0.999 < share < 1:
        return "more than 99.9 %"
    return f"{100 * share:.1f} %" if share < 1 else "100 %"


@dataclass(frozen=True)
class ValidationReport:
    """Every problem of every table, the worst first, and the ledger of what was dropped or repaired.

    found : the problems
    ledger : rows read and kept in each table, and every rule that touched rows
    source : the folder, or "frames"
    notes : what such an export can not hold, in sentences
    id_lengths : how many student identifiers of each length every table has
    """

    found: tuple[Problem, ...] = ()
    ledger: Ledger = field(default_factory=Ledger)
    source: str = "frames"
    notes: tuple[str, ...] = ()
    id_lengths: tuple[IdLength, ...] = ()

    @property
    def ok(self) -> bool:
        """True where the tables can be used as they are."""
        return not self.found

    @property
    def problems(self) -> pd.DataFrame:
        """One row for each problem, the worst first: table, column, rule, rows, share, examples, finding, advice."""
        rows = [
            (p.table, p.column, p.rule, p.rows, p.share, ", ".join(p.examples), p.finding, p.advice) for p in self.found
        ]
        return pd.DataFrame(rows, columns=list(PROBLEM_COLUMNS))

    @property
    def accounts(self) -> tuple[tuple[str, int, int, int], ...]:
        """For each table its name, rows read, rows kept, and rows that the ledger says were dropped."""
        read, kept = self.ledger.rows_read, self.ledger.rows_kept
        dropped = dict.fromkeys(read, 0)
        for entry in self.ledger.entries:
            if entry.action == "dropped":
                dropped[entry.table] = dropped.get(entry.table, 0) + entry.rows
        return tuple((table, read[table], kept[table], dropped[table]) for table in read if table in kept)

    @property
    def message(self) -> str:
        """The problems as one text: a sentence if there is one, else a numbered list."""
        if len(self.found) == 1:
            return str(self.found[0])
        lines = [f"{number}. {problem}" for number, problem in enumerate(self.found, start=1)]
        return "\n".join([f"The tables in {self.source} have {len(self.found)} problems, the worst first.", *lines])

    def __str__(self) -> str:
        verdict = f"The tables in {self.source} hold every rule." if self.ok else self.message
        return "\n".join([verdict, *self.notes, *self._rows(), *self._lengths(), *self._touched()])

    def _rows(self) -> list[str]:
        return [
            f"  {table}: {read:,} {'row' if read == 1 else 'rows'} read = {kept:,} kept + {dropped:,} in the ledger"
            for table, read, kept, dropped in self.accounts
        ]

    def _lengths(self) -> list[str]:
        """Only where they differ: that is where leading zeros were lost."""
        if len({found.length for found in self.id_lengths}) < 2:
            return []
        said = [f"{found.table} {found.length} ({found.rows:,})" for found in self.id_lengths]
        return [f"  lengths of student_id: {', '.join(said)}"]

    def _touched(self) -> list[str]:
        return [
            f"  {entry.table}: {entry.rows:,} {'row' if entry.rows == 1 else 'rows'} {entry.action} "
            f"({entry.rule}: {', '.join(entry.examples)})"
            for entry in self.ledger.entries
        ]

    def _repr_html_(self) -> str:
        verdict = "Every rule holds." if self.ok else f"{len(self.found)} problems."
        problems = "" if self.ok else self.problems.to_html(index=False)
        return f"<p><b>{verdict}</b></p>{problems}{self.ledger._repr_html_()}"


def worst_first(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """The problems ordered by the share of rows they touch, then by how many; ties stay as found."""
    return tuple(sorted(problems, key=lambda problem: (-problem.share, -problem.rows)))
