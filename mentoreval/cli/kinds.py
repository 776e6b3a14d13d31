"""Kinds: everything that a study file can name."""

from __future__ import annotations

from typing import Annotated

import typer

from mentoreval.errors import OptionError, suggest


def list_kinds(
    idea: Annotated[str | None, typer.Argument(help="Only this idea, e.g. estimator.")] = None,
) -> None:
    """List what a study file can name: designs, estimators, inference, measures, programs, checks, power, worlds."""
    catalogue = _catalogue()
    if idea is not None and idea not in catalogue:
        raise OptionError(f"There is no idea {idea!r}.{suggest(idea, catalogue)}")
    for name, kinds in catalogue.items():
        if idea in (None, name):
            typer.echo(f"{name}")
            for key, cls in kinds.items():
                first = (cls.__doc__ or "").strip().splitlines()[0]
                typer.echo(f"  {key:<26} {first}")


def _catalogue() -> dict[str, dict[str, type]]:
    from mentoreval.design.methods import METHODS
    from mentoreval.design.propensity_models import PROPENSITY_MODELS
    from mentoreval.effects.estimators import ESTIMATORS
    from mentoreval.effects.inference_methods import INFERENCE_METHODS
    from mentoreval.evidence.checks import CHECKS
    from mentoreval.evidence.power_designs import POWER_DESIGNS
    from mentoreval.panel.measures import MEASURES
    from mentoreval.panel.programs import PROGRAMS
    from mentoreval.records.formats import FORMATS
    from mentoreval.worlds import WORLDS

    return {
        "format": FORMATS,
        "program": PROGRAMS,
        "measure": MEASURES,
        "design": METHODS,
        "propensity": PROPENSITY_MODELS,
        "estimator": ESTIMATORS,
        "inference": INFERENCE_METHODS,
        "check": CHECKS,
        "power": POWER_DESIGNS,
        "world": WORLDS,
    }
