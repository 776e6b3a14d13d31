"""rehearsal: is the analysis right on the study's own students where the truth is known?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mentoreval.effects.estimate import Estimate
from mentoreval.errors import OptionError
from mentoreval.evidence.check import Check, Finding
from mentoreval.evidence.known_effect import EffectPath
from mentoreval.evidence.made_up_program import RehearsalRefusedError
from mentoreval.evidence.rehearsal import refused, rehearse


@dataclass(frozen=True)
class RehearsalCheck(Check):
    """The analysis again on the never-mentored students with a made-up program and a known effect, as ``rehearse``.

    draws : made-up programs
    effect : the known effect beside none; None = a tenth of a standard deviation
    seed, workers, path : as in ``rehearse``

    Verdict: as ``Rehearsal.finding``; cannot_judge where too few students or schools are left.
    """

    name: ClassVar[str] = "rehearsal"
    draws: int = 200
    effect: float | None = None
    seed: int = 0
    workers: int | None = None
    path: EffectPath = "growing"

    def check(self) -> None:
        """At least one draw and one worker."""
        if self.draws < 1 or (self.workers is not None and self.workers < 1):
            raise OptionError(f"rehearsal: draws and workers are 1 or more; got {self.draws} and {self.workers}.")

    def examine(self, subject: Estimate) -> Finding:
        """The verdict; the frame has bias, coverage and power with no effect and with the known one."""
        try:
            held = rehearse(
                subject, draws=self.draws, effect=self.effect, seed=self.seed, workers=self.workers, path=self.path
            )
        except RehearsalRefusedError as error:
            return refused(error)
        return held.finding()
