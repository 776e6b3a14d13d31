"""Selection on unobservables: staff see in which students things are about to get better, and no table does."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from mentoreval.aliases import FloatArray
from mentoreval.errors import OptionError
from mentoreval.worlds.district.matches import Matches
from mentoreval.worlds.district.one_start import START, OneStart, Telling
from mentoreval.worlds.district.outcomes import Attended


@dataclass(frozen=True)
class SelectionOnUnobservablesWorld(OneStart):
    """Among students with the same records, those are chosen whose absences will fall.

    *Broken.* No unmeasured confounding. A standard normal ``u`` of each student, which stands in no table, moves the
    log-odds of being chosen by ``hidden`` and, from the first year of the program on, the log-odds of an absence by
    ``-0.3 × hidden``. Before that it moves nothing, as when a family has just settled in.

    *What goes wrong.* Every comparison overstates the effect, by about 3 days; matching, weighting and DiD alike.

    *What is right.* Nothing that these tables allow.

    *Who should notice.* Nobody can. ``pretrends`` and the placebo checks find nothing, because before the program there
    is nothing to find. ``omitted_variable``, ``rosenbaum_bounds`` and ``e_value`` say how strong such a ``u`` would
    have to be, not whether there is one: they say of this world what they would say of one without it.

    hidden : log-odds of being chosen for a standard deviation of ``u``; 0 breaks nothing
    """

    name: ClassVar[str] = "selection_on_unobservables"
    on_absences: ClassVar[float] = -0.3
    hidden: float = 1.0

    def check_break(self) -> None:
        """A selection that leaves somebody in both arms."""
        if not 0 <= self.hidden <= 2:
            raise OptionError(f"selection_on_unobservables: hidden = {self.hidden} is not between 0 and 2.")

    @property
    def broken(self) -> dict[str, object]:
        """How far u decides who is chosen, and what it does to absences."""
        moves = {"log_odds_of_being_chosen": self.hidden, "log_odds_of_absence": self.on_absences * self.hidden}
        return {"assumption": "no unmeasured confounding", **moves}

    def choose(self, telling: Telling, number: int, last: Attended) -> Matches:
        """The new matches of a year, among whom u is high."""
        if number != START:
            return Matches.none()
        district, program = telling.district, telling.program
        eligible = district.eligible(number, last, program)
        student = district.rosters[number].student[eligible.row]
        eligible = replace(eligible, log_odds=eligible.log_odds + self.hidden * telling.hidden[student])
        row = eligible.row[program.choose(eligible, telling.rng)]
        return program.match(row, number, district.rosters[number], district.years[number], telling.rng)

    def extra(self, telling: Telling, number: int) -> FloatArray:
        """What u does, from the start of the program on."""
        student = telling.district.rosters[number].student
        moves = self.on_absences * self.hidden if number >= START else 0.0
        return np.asarray(moves * telling.hidden[student])
