"""Baseline table: how alike the arms were before the program, on the very students behind an estimate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from mentoreval.report.baseline_exhibit import BaselineExhibit, grouped
from mentoreval.study.evaluation import Evaluation


@dataclass(frozen=True, eq=False)
class BaselineTable(BaselineExhibit):
    """One for each analytic sample behind a headline result; outcomes with the same sample share it."""

    name: ClassVar[str] = "baseline_table"

    @classmethod
    def gather(cls, evaluation: Evaluation) -> tuple[Self, ...]:
        """The baselines of the headline results, those of the same students as one."""
        return tuple(cls.of_group(group, evaluation) for group in grouped(evaluation.with_role("headline")))
