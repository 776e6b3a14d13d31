"""Rehearsals of a study: every headline on the study's own never-mentored students, those of one design together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from mentoreval.effects.estimate import Estimate
from mentoreval.evidence.check import Finding
from mentoreval.evidence.made_up_program import RehearsalRefusedError
from mentoreval.evidence.rehearsal import Rehearsal, refused, rehearse_together
from mentoreval.study.study import RehearsalPlan, Study


@dataclass(frozen=True, eq=False)
class Rehearsed:
    """Rehearsals by the name of the estimate, and the finding of each; one that was refused has a finding only."""

    rehearsals: Mapping[str, Rehearsal]
    findings: Mapping[str, Finding]


def rehearse_headlines(study: Study, headlines: Mapping[str, Estimate], say: Callable[[str], None]) -> Rehearsed:
    """Rehearse the headlines of a study, by name, that asks for it.

    The known effect is the smallest that matters to the study, in the better direction; where it names none, the
    default of ``rehearse``.
    """
    if study.rehearsal is None:
        return Rehearsed({}, {})
    rehearsals, findings = dict[str, Rehearsal](), dict[str, Finding]()
    designs = {id(one.design): one.design for one in headlines.values()}
    for design in designs.values():
        names = [name for name, one in headlines.items() if one.design is design]
        say(f"Rehearsing {', '.join(names)}")
        held = _rehearse(study, study.rehearsal, [headlines[name] for name in names])
        for name, one in zip(names, held, strict=True):
            findings[name] = one if isinstance(one, Finding) else one.finding()
            if isinstance(one, Rehearsal):
                rehearsals[name] = one
    return Rehearsed(rehearsals, findings)


def _rehearse(study: Study, plan: RehearsalPlan, estimates: Sequence[Estimate]) -> Sequence[Rehearsal | Finding]:
    """Of each estimate on one design its rehearsal, or the finding that says why there is none."""
    effects = [known_effect(study, one) for one in estimates]
    try:
        return rehearse_together(
            estimates, effects, draws=plan.draws, seed=study.seed, workers=plan.workers, path=plan.path
        )
    except RehearsalRefusedError as error:
        return [refused(error)] * len(estimates)


def known_effect(study: Study, estimate: Estimate) -> float | None:
    """The effect that a headline is rehearsed with, beside none; None for the default."""
    wanted = study.meaningful.get(estimate.outcome)
    if wanted is None:
        return None
    facts = estimate.design.panel.measures.get(estimate.outcome)
    return wanted if facts is None or facts.higher_is_better else -wanted
