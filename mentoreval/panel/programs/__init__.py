"""The programs, by the name that study files use."""

from __future__ import annotations

from mentoreval.panel.program import Program
from mentoreval.panel.programs.one_to_one import OneToOne

PROGRAMS: dict[str, type[Program]] = {
    "one_to_one": OneToOne,
}

__all__ = ["PROGRAMS", "OneToOne"]
