"""Power: what a study could find, before there are data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mentoreval.errors import OptionError

if TYPE_CHECKING:
    from mentoreval.evidence.power import Unit


def find_power(  # noqa: PLR0913 (each is an option of the command)
    plan: typer.Context,
    design: Annotated[str, typer.Option("--design", help="individual, blocked, clustered, …; see below.")],
    power: Annotated[float, typer.Option("--power", help="Chance with which an effect shall be found.")] = 0.8,
    alpha: Annotated[float, typer.Option("--alpha", help="Level of the two-sided test.")] = 0.05,
    sd_days: Annotated[float | None, typer.Option(help="Standard deviation of the outcome, in days.")] = None,
    sd_percentage_points: Annotated[float | None, typer.Option(help="The same, in percentage points.")] = None,
    sd_grade_points: Annotated[float | None, typer.Option(help="The same, in grade points.")] = None,
    effect: Annotated[
        float | None, typer.Option(help="Also the chance of this effect, in the unit of --sd-…; without one in SD.")
    ] = None,
    language: Annotated[str, typer.Option("--language", help="en or es.")] = "en",
    out: Annotated[Path | None, typer.Option("--out", help="File for the picture, .svg or .png.")] = None,
) -> None:
    """Say what a planned study could find, and what programs like it have found.

    Each design has options of its own, written like the others, as in
    mentoreval power --design clustered --schools 20 --students-per-school 60 --icc 0.1 --r2 0.5 --sd-days 12

    individual: --students --share --r2 --covariates

    blocked: --schools --students-per-school --share --icc --effect-variance --r2 --r2-effect --covariates

    clustered: --schools --students-per-school --icc --share --r2 --r2-schools --covariates

    one_arm_mentors: --mentors --mentees-per-mentor --icc --comparison-per-mentee --r2 --r2-mentors --covariates

    difference_in_differences: --units --before --after --lasting --serial-correlation --students-per-unit --icc
    --same-students --share --r2 --r2-units --covariates
    """
    from mentoreval.evidence.power import power as what_it_finds
    from mentoreval.evidence.power_plan import plan_from_texts
    from mentoreval.report.power_text import power_text, write_picture

    given: dict[Unit, float | None] = {"days": sd_days, "share": sd_percentage_points, "points": sd_grade_points}
    sd, unit = _one_spread(given)
    study = plan_from_texts(design, _pairs(plan.args))
    analysis = what_it_finds(study, power=power, alpha=alpha, sd=sd, unit=unit)
    if effect is not None and unit is not None:
        effect = (effect / 100 if unit == "share" else effect) / analysis.sd
    typer.echo(power_text(analysis, language, effect))
    if out is not None:
        typer.echo(f"Written: {write_picture(analysis, out, language)}")


def _one_spread(given: Mapping[Unit, float | None]) -> tuple[float | None, Unit | None]:
    """The standard deviation that was given, with its unit; percentage points as a share."""
    known: list[tuple[Unit, float]] = [(unit, sd) for unit, sd in given.items() if sd is not None]
    if len(known) > 1:
        raise OptionError("Give the standard deviation once: --sd-days, --sd-percentage-points or --sd-grade-points.")
    if not known:
        return None, None
    unit, sd = known[0]
    return (sd / 100 if unit == "share" else sd), unit


def _pairs(words: Sequence[str]) -> dict[str, str]:
    """Options that belong to a design, as --name value or --name=value."""
    found: dict[str, str] = {}
    rest = iter(words)
    for word in rest:
        name, joined, value = word.partition("=")
        if not name.startswith("--"):
            raise OptionError(f"{word!r} is not expected. Options are written as --name value.")
        text = value if joined else next(rest, None)
        if text is None:
            raise OptionError(f"{name} needs a value.")
        found[name.removeprefix("--").replace("-", "_")] = text
    return found
