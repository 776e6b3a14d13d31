"""Ledger table: what was dropped, mapped or repaired before anything was computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from mentoreval.report.disclosure import shown_count
from mentoreval.report.document import Column, Table
from mentoreval.report.exhibit import Exhibit
from mentoreval.report.words import Words, opened
from mentoreval.study.evaluation import Evaluation


@dataclass(frozen=True, eq=False)
class LedgerTable(Exhibit):
    """The ledger without its examples, which are identifiers of students.

    frame : table, rule, action, rows
    """

    name: ClassVar[str] = "ledger_table"
    counts: ClassVar[tuple[str, ...]] = ("rows",)

    @classmethod
    def gather(cls, evaluation: Evaluation) -> tuple[Self, ...]:
        """One for the panel; none where no row was touched."""
        frame = evaluation.panel.ledger.frame
        return (cls(frame[["table", "rule", "action", "rows"]]),) if len(frame) else ()

    def table(self, words: Words) -> Table:
        """One row for each rule that touched a table."""
        columns = tuple(Column(words(f"column.{key}"), numeric=key == "rows") for key in self.frame.columns)
        rows = tuple(
            (
                opened(words.named("records_table", row["table"])),
                _rule(words, row["rule"]),
                words(f"action.{row['action']}"),
                shown_count(row["rows"], words),
            )
            for _, row in self.frame.iterrows()
        )
        return Table(f"table-{self.id}", words("caption.ledger_table"), columns, rows)


def _rule(words: Words, rule: str) -> str:
    """A rule in words; ``<measure>.<reason>`` says why an outcome is missing."""
    outcome, dot, reason = rule.rpartition(".")
    said = words.named("ledger", reason)
    return words("ledger_of", outcome=words.outcome(outcome), reason=said) if dot else said
