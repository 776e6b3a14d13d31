"""Six schools: three with mentors, three without, and each with good and bad years of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mentoreval.errors import OptionError
from mentoreval.worlds.district.district import Setting
from mentoreval.worlds.district.one_start import one_start_setting
from mentoreval.worlds.school_shocks import SchoolShocksWorld


@dataclass(frozen=True)
class SixSchoolsWorld(SchoolShocksWorld):
    """As many students as in the other worlds, in so few schools that errors clustered by school are guesses.

    *Broken.* Many clusters. The schools have shocks as in ``school_shocks``; six of them are too few for the formulas
    that take the number of clusters as large.

    *What goes wrong.* Plain clustered errors (CR0) are too small, and those that take students as independent much more
    so. More students do not help.

    *What is right.* CR2 with Satterthwaite degrees of freedom and the wild cluster bootstrap hold what they say, with
    intervals that are wide.

    *Who should notice.* ``leave_one_school_out``: without one school the answer may be another. ``pretrends`` cautions
    that it could not have seen a trend that matters.

    schools : even, from 4 on; 12 breaks nothing but the shocks
    spread : standard deviation of a school's year in log-odds; 0 breaks nothing else
    """

    name: ClassVar[str] = "six_schools"
    schools: int = 6

    def check_break(self) -> None:
        """As many schools with the program as without."""
        super().check_break()
        if self.schools < 4 or self.schools % 2:
            raise OptionError(f"six_schools: schools = {self.schools} is not an even number from 4 on.")

    @property
    def setting(self) -> Setting:
        """The plain district in fewer schools."""
        return one_start_setting(self.schools)

    @property
    def broken(self) -> dict[str, object]:
        """How few schools there are, and how much they move."""
        return {**super().broken, "assumption": "many clusters", "schools": self.schools}
