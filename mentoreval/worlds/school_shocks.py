"""School shocks: every school has good and bad years, which all of its students share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mentoreval.aliases import FloatArray
from mentoreval.errors import OptionError
from mentoreval.worlds.district.one_start import OneStart, Telling


@dataclass(frozen=True)
class SchoolShocksWorld(OneStart):
    """A new principal, a closed bus line, a wave of influenza: what moves a school's absences moves all of them.

    *Broken.* Independence of students. In each year the log-odds of an absence in a school move by a normal amount of
    their own, with standard deviation ``spread``, whatever the program does.

    *What goes wrong.* Estimates are right on average, and off by about two days in any one district. Errors that take
    students as independent are too small by half, so that their intervals miss the truth much more often than they say.

    *What is right.* Errors clustered by school (CR2), or a comparison within schools, whose shocks both arms share.

    *Who should notice.* ``leave_one_school_out`` shows how far the answer moves with a single school; ``spillover`` and
    ``pretrends`` may take a school's year for what they look for, if they do not cluster.

    spread : standard deviation of a school's year in log-odds; 0 breaks nothing
    """

    name: ClassVar[str] = "school_shocks"
    spread: float = 0.25

    def check_break(self) -> None:
        """A spread in which rates stay rates of absence."""
        if not 0 <= self.spread <= 1:
            raise OptionError(f"{self.name}: spread = {self.spread} is not between 0 and 1.")

    @property
    def broken(self) -> dict[str, object]:
        """The spread of a school's year."""
        return {"assumption": "independent students", "log_odds_sd_of_school_and_year": self.spread}

    def extra(self, telling: Telling, number: int) -> FloatArray:
        """The year of the student's school."""
        return np.asarray(self.spread * telling.shocks[number, telling.district.rosters[number].school])
