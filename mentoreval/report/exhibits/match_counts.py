"""Match counts: matches by why they ended, and by how the pairs were made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from mentoreval.panel.fidelity import NOT_SAID
from mentoreval.report.match_exhibit import MatchExhibit
from mentoreval.study.evaluation import Evaluation


@dataclass(frozen=True, eq=False)
class MatchCounts(MatchExhibit):
    """Up to two: by reason of the end; by how pairs were made, where the records say it."""

    name: ClassVar[str] = "match_counts"

    @classmethod
    def gather(cls, evaluation: Evaluation) -> tuple[Self, ...]:
        """Those of which the records say something."""
        found = evaluation.fidelity
        if found is None:
            return ()
        made = {"ended": found.ended.rename(columns={"end_reason": "entry", "matches": "n"})}
        if (found.matched_by["matched_by"] != NOT_SAID).any():
            made["matched_by"] = found.matched_by.rename(columns={"matched_by": "entry", "matches": "n"})
        return tuple(
            cls(frame[["entry", "n"]], subject=subject, facts={"total": int(frame["n"].sum())})
            for subject, frame in made.items()
        )
