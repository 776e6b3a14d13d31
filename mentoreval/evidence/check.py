"""Check: one question about what an estimate is worth, answered with a verdict in no language yet."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from mentoreval.aliases import Verdict
from mentoreval.effects.estimate import Estimate
from mentoreval.registry import Kind, build


@dataclass(frozen=True, eq=False)
class Finding:
    """One verdict.

    check : name of the check
    verdict : pass, caution, fail, cannot_judge or info
    key : the message, to be said in any language with ``numbers`` filled in
    numbers : what the message needs
    frame : the numbers behind the verdict, tidy
    """

    check: str
    verdict: Verdict
    key: str
    numbers: Mapping[str, object] = field(default_factory=dict)
    frame: pd.DataFrame = field(default_factory=pd.DataFrame)

    def __repr__(self) -> str:
        numbers = ", ".join(f"{name} = {value}" for name, value in self.numbers.items())
        return f"{self.check}: {self.verdict} ({self.key}; {numbers})"

    def _repr_html_(self) -> str:
        return f"<p><b>{self.check}</b>: {self.verdict}</p>{self.frame.to_html(index=False)}"


@dataclass(frozen=True)
class Check(Kind):
    """A question to an estimate. One method to write: ``examine``."""

    @abstractmethod
    def examine(self, subject: Estimate) -> Finding:
        """The finding; a question that this estimate can not answer is ``cannot_judge`` with its reason as key."""


def run_check(check: str | Check, subject: Estimate) -> Finding:
    """Run a check, by name or as an object with its options, on an estimate."""
    from mentoreval.evidence.checks import CHECKS

    chosen = build(CHECKS, check, "check") if isinstance(check, str) else check
    return chosen.examine(subject)
