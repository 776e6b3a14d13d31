"""Intervention: what only the authors of a study can say of the program and of themselves."""

from __future__ import annotations

from dataclasses import dataclass, fields

from mentoreval.errors import StudyError


@dataclass(frozen=True)
class InterventionPlan:
    """Texts for the technical appendix, in the order in which a reviewer asks; what is empty is said to be not stated.

    what : what students of the program got: by whom, how often, for how long
    comparison : what comparison students got instead
    provider : who ran the program
    registration : where and when the plan was registered, if it was
    conflicts : who of the authors has a stake in the result
    funding : who paid for the program and for the study
    """

    what: str = ""
    comparison: str = ""
    provider: str = ""
    registration: str = ""
    conflicts: str = ""
    funding: str = ""

    def __post_init__(self) -> None:
        for option in fields(self):
            if not isinstance(getattr(self, option.name), str):
                raise StudyError(f"[intervention] {option.name} is a text in quotes.")
