"""leave_one_mentor_out: does the answer hang on the mentees of one mentor?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from mentoreval.effects.clusters import unit_clusters
from mentoreval.effects.estimate import Estimate
from mentoreval.errors import EffectError, OptionError
from mentoreval.evidence.check import Check, Finding
from mentoreval.evidence.left_out import judge_left_out, leave_out


@dataclass(frozen=True)
class LeaveOneMentorOut(Check):
    """Design and estimate again without the mentees of one mentor at a time.

    most : how many mentors are left out in turn, those with the most mentees first; a mentor of one mentee among
        hundreds decides nothing

    Verdict: fail where the estimate changes its sign without one mentor although its interval was clear of zero,
    caution where it leaves the interval that it has with all mentors, or can not be had.
    """

    name: ClassVar[str] = "leave_one_mentor_out"
    most: int = 50

    def check(self) -> None:
        """At least one is left out."""
        if self.most < 1:
            raise OptionError(f"leave_one_mentor_out: most is 1 or more; got {self.most}.")

    def examine(self, subject: Estimate) -> Finding:
        """The verdict; the frame has the estimate without each mentor, numbered from the largest caseload on."""
        design = subject.design
        codes = unit_clusters(design).get("mentor")
        if codes is None:
            return Finding(self.name, "cannot_judge", f"{self.name}.no_mentors")
        mentees = np.unique(design.baseline.unit[design.baseline.treated])
        mentees = mentees[codes[mentees] >= 0]
        caseload = pd.Series(codes[mentees]).value_counts().sort_index().sort_values(ascending=False, kind="stable")
        if len(caseload) < 2:
            return Finding(self.name, "cannot_judge", f"{self.name}.no_mentors")
        chosen = caseload.index.to_numpy()[: self.most]
        is_mentee = np.zeros(design.panel.n_units, dtype=bool)
        is_mentee[mentees] = True
        groups = [(str(number), int(code)) for number, code in enumerate(chosen, start=1)]
        try:
            frame, head = leave_out(subject, groups, lambda code: is_mentee & (codes == code))
        except EffectError as error:
            return Finding(self.name, "cannot_judge", f"{self.name}.no_refit", {"why": str(error)})
        return judge_left_out(self.name, frame, head)
