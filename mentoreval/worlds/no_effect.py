"""No effect: mentors meet their mentees, and nothing changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mentoreval.worlds.district.one_start import OneStart


@dataclass(frozen=True)
class NoEffectWorld(OneStart):
    """The plain district of the other worlds, in which mentoring averts no absence at all.

    *Broken.* No assumption of a comparison; the claim that the program works. With ``effect_share = 0.19`` this is the
    district that the other worlds break.

    *What goes wrong.* Mentees are chosen in a bad year and miss some 12 days less in the next one all the same, so
    a before/after of mentees claims 12 days for a program that does nothing.

    *What is right.* A comparison with never-mentored students who met the same rule finds nothing, by ANCOVA or DiD.

    *Who should notice.* ``regression_to_the_mean`` says what the comparison students gained with no program.
    """

    name: ClassVar[str] = "no_effect"
    effect_share: float = 0.0

    @property
    def broken(self) -> dict[str, object]:
        """Nothing but the effect."""
        return {"assumption": "none", "size": 0.0}
