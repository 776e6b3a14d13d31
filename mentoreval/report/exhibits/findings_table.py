"""Findings table: the verdict of every check on every estimate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import pandas as pd

from mentoreval.report.document import Column, Table
from mentoreval.report.exhibit import Exhibit
from mentoreval.report.words import Words, opened
from mentoreval.study.evaluation import Evaluation


@dataclass(frozen=True, eq=False)
class FindingsTable(Exhibit):
    """All verdicts.

    frame : outcome, pair, role, design, estimator, check, verdict
    """

    name: ClassVar[str] = "findings_table"

    @classmethod
    def gather(cls, evaluation: Evaluation) -> tuple[Self, ...]:
        """One for the whole study; none where the study asks for no checks."""
        rows = [
            (
                result.plan.name, result.plan.outcome, result.plan.contrast, result.plan.role, result.plan.design,
                result.plan.estimator.name, finding.check, finding.verdict,
            )
            for result in evaluation.results
            for finding in result.findings
        ]  # fmt: skip
        columns = ["name", "outcome", "pair", "role", "design", "estimator", "check", "verdict"]
        return (cls(pd.DataFrame(rows, columns=columns)),) if rows else ()

    def table(self, words: Words) -> Table:
        """One row for each estimate, one column for each check."""
        checks = list(dict.fromkeys(self.frame["check"]))
        keys = ("outcome", "place", "estimator")
        columns = [Column(words(f"column.{key}"), numeric=False) for key in keys]
        columns += [Column(opened(words.named("check", check)), numeric=False) for check in checks]
        rows = []
        for _, group in self.frame.groupby("name", sort=False):
            first, verdicts = group.iloc[0], dict(zip(group["check"], group["verdict"], strict=True))
            cells = [
                opened(words.outcome(first["outcome"], first["pair"])),
                words(f"role.{first['role']}"),
                words.named("estimator", first["estimator"]),
            ]
            cells += [_verdict(words, verdicts[check]) if check in verdicts else "" for check in checks]
            rows.append(tuple(cells))
        return Table(f"table-{self.id}", words("caption.findings_table"), tuple(columns), tuple(rows))


def _verdict(words: Words, verdict: str) -> str:
    return words("label.verdict", mark=words(f"verdict.{verdict}.mark"), label=words(f"verdict.{verdict}.label"))
