"""group: several mentees meet one or more mentors together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mentoreval.panel.match_program import MatchProgram


@dataclass(frozen=True)
class Group(MatchProgram):
    """Matches of the model "group": one row for each mentee, all with the mentor who leads the group.

    Members of a group share their mentor and what happens in it, so that the mentor is the cluster of inference.
    Options: ``MatchProgram``.
    """

    name: ClassVar[str] = "group"
    models: ClassVar[tuple[str, ...]] = ("group",)
