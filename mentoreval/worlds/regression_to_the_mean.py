"""Regression to the mean: absences of one year say little about the next, and the program picks the worst of a year."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from mentoreval.errors import OptionError
from mentoreval.worlds.district.absences import AbsenceModel
from mentoreval.worlds.district.district import Setting
from mentoreval.worlds.district.one_start import OneStart, one_start_setting


@dataclass(frozen=True)
class RegressionToTheMeanWorld(OneStart):
    """A bad year is mostly bad luck, and the program does nothing.

    *Broken.* That students stay as they are unless someone helps them. A student's own tendency to be absent is made of
    a part that lasts and a part that drifts; ``fleeting`` is how much of either is lost, so that a year's absences are
    nearly all of that year. By default there is no effect.

    *What goes wrong.* A before/after of mentees claims about 23 days for a program that does nothing. So does a DiD
    against all never-mentored students, who were not picked in a bad year.

    *What is right.* Never-mentored students who met the same rule in the same year, matched on its absences, have the
    same recovery: ANCOVA and DiD find nothing.

    *Who should notice.* ``regression_to_the_mean`` shows the comparison students' recovery; ``pretrends`` fails for the
    DiD against everybody, because the year before the start is worse than the one before it.

    fleeting : share of what stays of a student's tendency in the plain district that is lost here; 0 breaks nothing
    """

    name: ClassVar[str] = "regression_to_the_mean"
    effect_share: float = 0.0
    fleeting: float = 0.8

    def check_break(self) -> None:
        """A share."""
        if not 0 <= self.fleeting <= 1:
            raise OptionError(f"regression_to_the_mean: fleeting = {self.fleeting} is not between 0 and 1.")

    @property
    def broken(self) -> dict[str, object]:
        """What is left of last year in this one."""
        stays = {"lasting": self._absences.lasting, "persistence": self._absences.persistence}
        return {"assumption": "students stay as they are without help", **stays}

    @property
    def setting(self) -> Setting:
        """The plain district with less that lasts."""
        return replace(one_start_setting(), absences=self._absences)

    @property
    def _absences(self) -> AbsenceModel:
        """The plain model with less of a student's own tendency that stays."""
        plain, stays = AbsenceModel(), 1.0 - self.fleeting
        return replace(plain, lasting=plain.lasting * stays, persistence=plain.persistence * stays)
