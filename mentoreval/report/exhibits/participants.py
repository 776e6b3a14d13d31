"""Participants: who was in the program and who was not, before the comparison was chosen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Self

import pandas as pd

from mentoreval.evidence.participants import describe_participants
from mentoreval.report.baseline_exhibit import ROW, BaselineExhibit
from mentoreval.report.document import Column, Table
from mentoreval.report.words import Words
from mentoreval.study.evaluation import Evaluation


@dataclass(frozen=True, eq=False)
class Participants(BaselineExhibit):
    """One for each design that answers a question: designs with the same rules share it.

    frame : as ``describe_participants`` gives it, with the columns of a baseline table; there is no verdict, because
        nobody has chosen a comparison yet
    """

    name: ClassVar[str] = "participants"
    cost: ClassVar[float] = 1.5

    @classmethod
    def gather(cls, evaluation: Evaluation) -> tuple[Self, ...]:
        """The participants of every headline design; of designs whose rules let in the same students, once."""
        found: list[Self] = []
        for name in dict.fromkeys(result.plan.design for result in evaluation.with_role("headline")):
            results = [result for result in evaluation.with_role("headline") if result.plan.design == name]
            frame = describe_participants(evaluation.designs[name])
            same = next((place for place, other in enumerate(found) if _same(frame, other.frame)), None)
            if frame.empty:
                continue
            if same is not None:
                found[same] = replace(found[same], frame=_joined(found[same].frame, _unjudged(frame)))
                continue
            facts = {"outcomes": tuple(result.plan.outcome for result in results), "design": name,
                     "pair": results[0].plan.contrast}  # fmt: skip
            found.append(
                cls(
                    _unjudged(frame),
                    subject=name,
                    measures=evaluation.panel.measures,
                    facts=facts,
                )
            )
        return tuple(found)

    def table(self, words: Words) -> Table:
        """As a baseline table, without its verdict."""
        table = super().table(words)
        columns: tuple[Column, ...] = table.columns[:-1]
        notes = (words("note.participants"),)
        return replace(table, columns=columns, rows=tuple(row[:-1] for row in table.rows), notes=notes)

    def _title(self, words: Words, outcomes: list[str]) -> str:
        return words("caption.participants")

    def _verdict(self, words: Words, row: pd.Series) -> str:
        return ""


def _unjudged(frame: pd.DataFrame) -> pd.DataFrame:
    """With the columns of a baseline table, and no verdict."""
    return frame.assign(band="", adjusted=False, pretest=False, decides=False)


def _same(frame: pd.DataFrame, other: pd.DataFrame) -> bool:
    """Whether two frames tell of the same students, as far as they have the same covariates."""
    both = frame.merge(other, on=ROW, suffixes=("", "_other"))
    return bool(len(both)) and all(both[arm].equals(both[f"{arm}_other"]) for arm in Participants.counts)


def _joined(frame: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """Every covariate of either once."""
    return pd.concat([frame, other], ignore_index=True).drop_duplicates(ROW, ignore_index=True)
