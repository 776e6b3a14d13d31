"""one_to_one: a student is mentored from the first match with a mentor on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mentoreval.panel.match_program import MatchProgram


@dataclass(frozen=True)
class OneToOne(MatchProgram):
    """Each match of a student with a mentor, of any kind unless ``model`` names one. Options: ``MatchProgram``."""

    name: ClassVar[str] = "one_to_one"
