"""Broken trends: absences in the program's schools fall faster than elsewhere, with or without mentors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mentoreval.aliases import FloatArray
from mentoreval.errors import OptionError
from mentoreval.worlds.district.one_start import START, OneStart, Telling, in_program_schools


@dataclass(frozen=True)
class BrokenTrendsWorld(OneStart):
    """The schools that get mentors were already getting better.

    *Broken.* Parallel trends between schools: in each year the log-odds of an absence in the program's schools move by
    ``-drift`` against those of the others, before the program as after it. In the year before the start both are alike.

    *What goes wrong.* About 8 days of a mentee's year are credited to the mentor when all comparison students are in
    other schools. Never-mentored students of the mentees' own schools drift with them, so an analysis that takes both
    overstates the effect by 5 to 6 days, matched ANCOVA and matched DiD alike.

    *What is right.* Comparing within schools (exact matching on the school).

    *Who should notice.* ``pretrends``, since the arms moved apart before the program too; with few students it cautions
    that it could not have seen it.

    drift : by how much the log-odds of an absence fall each year in the program's schools; 0 breaks nothing
    """

    name: ClassVar[str] = "broken_trends"
    drift: float = 0.5

    def check_break(self) -> None:
        """A drift in which rates stay rates of absence."""
        if not -1 <= self.drift <= 1:
            raise OptionError(f"broken_trends: drift = {self.drift} is not between -1 and 1.")

    @property
    def broken(self) -> dict[str, object]:
        """The drift."""
        return {"assumption": "parallel trends of schools", "log_odds_each_year": -self.drift}

    def extra(self, telling: Telling, number: int) -> FloatArray:
        """The drift, in the program's schools."""
        return -self.drift * (number - (START - 1)) * in_program_schools(telling.district, number)
