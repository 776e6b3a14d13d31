"""The programs, by the name that study files use."""

from __future__ import annotations

from mentoreval.panel.program import Program
from mentoreval.panel.programs.check_connect import CheckConnect
from mentoreval.panel.programs.e_mentoring import EMentoring
from mentoreval.panel.programs.group import Group
from mentoreval.panel.programs.one_to_one import OneToOne
from mentoreval.panel.programs.peer import Peer
from mentoreval.panel.programs.portfolio import Portfolio
from mentoreval.panel.programs.school_wide import SchoolWide
from mentoreval.panel.programs.success_mentor import SuccessMentor

PROGRAMS: dict[str, type[Program]] = {
    "one_to_one": OneToOne,
    "group": Group,
    "peer": Peer,
    "e_mentoring": EMentoring,
    "success_mentor": SuccessMentor,
    "check_connect": CheckConnect,
    "portfolio": Portfolio,
    "school_wide": SchoolWide,
}

__all__ = [
    "PROGRAMS",
    "CheckConnect",
    "EMentoring",
    "Group",
    "OneToOne",
    "Peer",
    "Portfolio",
    "SchoolWide",
    "SuccessMentor",
]
