"""leave_one_school_out: does the answer hang on one school?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from mentoreval.effects.clusters import own_school
from mentoreval.effects.estimate import Estimate
from mentoreval.errors import EffectError
from mentoreval.evidence.check import Check, Finding
from mentoreval.evidence.left_out import judge_left_out, leave_out


@dataclass(frozen=True)
class LeaveOneSchoolOut(Check):
    """Design and estimate again without one school at a time; a unit belongs to its school at the start.

    Verdict: fail where the estimate changes its sign without one school although its interval was clear of zero,
    caution where it leaves the interval that it has with all schools, or can not be had.
    """

    name: ClassVar[str] = "leave_one_school_out"

    def examine(self, subject: Estimate) -> Finding:
        """The verdict; the frame has the estimate without each school."""
        panel = subject.design.panel
        if panel.school is None:
            return Finding(self.name, "cannot_judge", f"{self.name}.no_schools")
        school = own_school(panel)
        if (school < 0).all() or len(np.unique(school[school >= 0])) < 2:
            return Finding(self.name, "cannot_judge", f"{self.name}.no_schools")
        names = pd.factorize(panel.frame[panel.school], sort=True)[1]
        groups = [(str(names[code]), int(code)) for code in np.unique(school[school >= 0])]
        try:
            frame, head = leave_out(subject, groups, lambda code: school == code)
        except EffectError as error:
            return Finding(self.name, "cannot_judge", f"{self.name}.no_refit", {"why": str(error)})
        return judge_left_out(self.name, frame, head)
