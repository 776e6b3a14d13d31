"""Blocked: in every school some students are in the program and others are not."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from mentoreval.errors import OptionError
from mentoreval.evidence.power_design import PowerDesign, Precision
from mentoreval.numerics.power import blocked_variance


@dataclass(frozen=True)
class BlockedAssignment(PowerDesign):
    """Students in the program and others in every school, compared within their school.

    SE = √(ρω(1 − R²_T)/J + (1 − ρ)(1 − R²)/(p(1−p)Jn)). For the effect in these schools (``effect_variance`` 0) the
    degrees of freedom are J(n − 1) − covariates − 1: PowerUp! model BIRA2_1c, which leaves ρ at 0. For the effect in
    schools like these they are J − covariates − 1: model BIRA2_1r (Dong and Maynard 2013).

    schools, students_per_school : J and n, the latter in both arms together
    share : of the students of a school in the program
    icc : ρ, share of the outcome's variance between schools, which the comparison within schools takes out. 0 is the
        cautious choice
    effect_variance : ω, the variance of the effect between schools over the outcome's variance between schools
    r2 : explained of the variance within schools; r2_effect : of the effect's variance, by facts about schools
    covariates : how many, of students, or of schools where the effect varies
    """

    name: ClassVar[str] = "blocked"
    size: ClassVar[str] = "schools"
    assigned: ClassVar[str] = "students_per_school"
    counts: ClassVar[tuple[str, ...]] = ("students_per_school",)
    shares: ClassVar[tuple[str, ...]] = ("icc", "r2", "r2_effect")
    schools: int
    students_per_school: float
    share: float = 0.5
    icc: float = 0.0
    effect_variance: float = 0.0
    r2: float = 0.0
    r2_effect: float = 0.0
    covariates: int = 0

    def check(self) -> None:
        """Also refuse an effect that varies with an ICC of 0, in units of which it varies."""
        super().check()
        self._require("effect_variance", lambda value: value >= 0, "0 or more")
        if self.effect_variance > 0 and self.icc == 0:
            raise OptionError(
                "BlockedAssignment: effect_variance is in units of the variance between schools, so it needs an icc "
                "above 0."
            )

    def precision(self) -> Precision:
        """As the class says."""
        variance = blocked_variance(
            self.schools, self.students_per_school, self.share, self.icc, self.effect_variance, self.r2, self.r2_effect
        )
        fixed = self.effect_variance == 0
        free = self.schools * (self.students_per_school - 1) if fixed else self.schools
        n = self.schools * self.students_per_school
        return Precision(math.sqrt(variance), free - self.covariates - 1, self.share * n, (1 - self.share) * n)
