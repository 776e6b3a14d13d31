"""Individual: students are in the program or not, each by themselves."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from mentoreval.evidence.power_design import PowerDesign, Precision
from mentoreval.numerics.power import individual_variance


@dataclass(frozen=True)
class IndividualAssignment(PowerDesign):
    """Students by themselves in the program or not, whatever their school.

    SE = √((1 − R²) / (p(1−p)n)) with n − covariates − 2 degrees of freedom: PowerUp! model IRA1_1 (Dong and Maynard
    2013). A matched comparison without replacement comes close to it, with the students who were matched.

    students : in both arms together
    share : of them in the program
    r2 : share of the outcome's variance that covariates explain; the outcome of the year before explains about half
    covariates : how many
    """

    name: ClassVar[str] = "individual"
    size: ClassVar[str] = "students"
    shares: ClassVar[tuple[str, ...]] = ("r2",)
    students: int
    share: float = 0.5
    r2: float = 0.0
    covariates: int = 0

    def precision(self) -> Precision:
        """As the class says."""
        error = math.sqrt(individual_variance(self.students, self.share, self.r2))
        treated = self.share * self.students
        return Precision(error, self.students - self.covariates - 2, treated, self.students - treated)
