"""The command line: simulate · validate · template · pseudonymize · run · power · list."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mentoreval.errors import MentorevalError, OptionError, suggest

if TYPE_CHECKING:
    from mentoreval.evidence.power import Unit

USER_MISTAKE = 2

# Sums split over threads are added in another order, so that the last digits of a report would depend on the number of
# cores. The libraries read this when they are loaded, which is after this line.
for library in ("OPENBLAS", "OMP", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")
os.environ.setdefault("VECLIB_MAXIMUM_THREADS", "1")

app = typer.Typer(
    name="mentoreval",
    help="Does a school mentoring program work? From a district's tables to an effect and a report.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Out = Annotated[Path, typer.Option("--out", help="Folder to write to.", show_default=False)]


@app.command(short_help="Draw a made-up district.")
def simulate(
    world: Annotated[str, typer.Argument(help="Name of the made-up district, e.g. riverside.")],
    out: Out,
    seed: Annotated[int | None, typer.Option(help="Seed of the draw; the world's own by default.")] = None,
) -> None:
    """Draw a made-up district whose true effects are known, and write its tables."""
    from mentoreval.worlds import draw_world, write_world

    with steps() as say:
        say(f"Drawing {world}")
        draw = draw_world(world, seed=seed)
        say("Writing the tables")
        folder = write_world(draw, out)
    typer.echo(f"{world}: {', '.join(f'{len(t):,} {name}' for name, t in draw.tables.items())}.")
    typer.echo(f"The tables and truth.json are in {folder}")


@app.command(short_help="Check a district's tables.")
def validate(  # noqa: PLR0913 (one option for each choice)
    folder: Annotated[str, typer.Argument(help="Folder with the tables; or a workbook, a database, postgresql://…")],
    attendance: Annotated[
        str | None, typer.Option(help="How attendance is kept: absences_only, positive or yearly_totals.")
    ] = None,
    layout: Annotated[
        str, typer.Option("--format", help="How the export is laid out, e.g. oneroster; or a mapping's TOML file.")
    ] = "plain",
    orphans: Annotated[
        str, typer.Option("--orphans", help="Rows whose student or match does not exist: error or drop.")
    ] = "error",
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="A convention of the export, e.g. dates=us; repeatable."),
    ] = None,
    conventions: Annotated[
        Path | None, typer.Option("--conventions", help="TOML file of conventions; --set wins over it.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for the page of problems (HTML) and the table (CSV).")
    ] = None,
    language: Annotated[str, typer.Option("--language", help="Of the page: en or es.")] = "en",
) -> None:
    """Check a district's tables and list every problem of all tables at once, worst first."""
    from mentoreval.records.problem_page import LANGUAGES, write_problems
    from mentoreval.records.read import validate_records

    if language not in LANGUAGES:
        raise OptionError(f"--language {language} does not exist.{suggest(language, LANGUAGES)}")
    stated = _conventions(conventions, settings or [])
    with steps() as say:
        say("Checking the tables")
        report = validate_records(
            folder,
            format=layout,
            attendance=_attendance(attendance),
            orphans=orphans,  # type: ignore[arg-type]
            conventions=stated,
        )
    typer.echo(_fitted(str(report)))
    if any(" = " in problem.advice for problem in report.found):
        typer.echo(_fitted("Say name = value with --set name=value, or as a line of records.toml beside the tables."))
    for path in write_problems(report, out, language) if out is not None else ():
        typer.echo(f"Written: {path}")
    if not report.ok:
        raise typer.Exit(USER_MISTAKE)


@app.command(short_help="Write empty tables to fill in.")
def template(folder: Annotated[Path, typer.Argument(help="Folder to write to.")]) -> None:
    """Write empty tables with one example row each, and a data dictionary in English and Spanish."""
    from mentoreval.records.template import write_template

    for path in write_template(folder):
        typer.echo(f"{path}")


@app.command("pseudonymize", short_help="Replace identifiers by keyed hashes.")
def replace_identifiers(
    source: Annotated[str, typer.Argument(help="Folder with the tables.")],
    out: Annotated[Path, typer.Argument(help="New folder to write to.")],
    key_file: Annotated[
        Path | None, typer.Option("--key-file", help="File with the secret key; else MENTOREVAL_KEY.")
    ] = None,
    crosswalk: Annotated[
        Path | None, typer.Option("--crosswalk", help="File outside OUT for identifiers and their pseudonyms.")
    ] = None,
    keep: Annotated[list[str] | None, typer.Option("--keep", help="An extra column that stays; repeatable.")] = None,
    layout: Annotated[str, typer.Option("--format", help="How the export is laid out, e.g. oneroster.")] = "plain",
) -> None:
    """Write the tables with keyed hashes for identifiers, without names, birth dates and free text."""
    from mentoreval.records.pseudonyms import pseudonymize

    key = _key(key_file)
    with steps() as say:
        say("Replacing identifiers")
        done = pseudonymize(source, out, key=key, format=layout, keep=keep or (), crosswalk=crosswalk)
    for table, columns in done.dropped.items():
        typer.echo(f"{table}: left out {', '.join(columns)}")
    typer.echo(f"{done.people:,} people have pseudonyms; the tables are in {out}")


def _key(file: Path | None) -> bytes:
    from mentoreval.records.pseudonyms import read_key

    if file is None:
        return read_key(os.environ.get("MENTOREVAL_KEY", ""))
    try:
        return read_key(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise OptionError(f"The key file {str(file)!r} can not be read.") from error


def _conventions(file: Path | None, settings: list[str]) -> Any:
    """What is stated on the command line, and else in the file."""
    from mentoreval.records.conventions import Conventions, conventions_file, conventions_of, setting

    stated = conventions_of(dict(setting(text) for text in settings), "--set")
    return stated.over(Conventions() if file is None else conventions_file(file))


def _fitted(text: str) -> str:
    """Long lines broken between words and indented, in a terminal; elsewhere as they are, one finding on a line."""
    if not sys.stdout.isatty():
        return text
    wrapper = textwrap.TextWrapper(
        shutil.get_terminal_size().columns, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
    )
    lines = text.replace(" %", "\u00a0%").splitlines()  # a share stays on one line
    return "\n".join(wrapper.fill(line) for line in lines).replace("\u00a0", " ")


def _attendance(mode: str | None) -> Any:
    from typing import get_args

    from mentoreval.records.records import AttendanceMode

    if mode is not None and mode not in get_args(AttendanceMode):
        raise OptionError(f"--attendance {mode} does not exist.{suggest(mode, get_args(AttendanceMode))}")
    return mode


@app.command(short_help="Carry out a study; write its report.")
def run(
    study: Annotated[Path, typer.Argument(help="The study file, e.g. reports/riverside/study.toml.")],
    out: Out,
) -> None:
    """Carry out a study and write its report."""
    from mentoreval.report.render import write_report
    from mentoreval.study.evaluation import run_study

    with steps() as say:
        evaluation = run_study(study, progress=say)
        say("Writing the report")
        written = write_report(evaluation, out)
    for line in _findings(evaluation):
        typer.echo(line)
    for path in written:
        if path.suffix == ".html":
            typer.echo(f"Report: {path}")


@app.command(short_help="Freeze a study's plan.")
def lock(
    study: Annotated[Path, typer.Argument(help="The study file, e.g. reports/riverside/study.toml.")],
) -> None:
    """Freeze a study's plan and the students as they stood before the program, without looking at an outcome."""
    from mentoreval.study.evaluation import lock_study

    with steps() as say:
        path = lock_study(study, progress=say)
    typer.echo(f"The plan is locked in {path}")
    typer.echo("Keep that file with the study. The report will say what was planned, changed or added later.")


@app.command(
    "power",
    short_help="What a study could find, before the data.",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
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


def _findings(evaluation: Any) -> Iterator[str]:
    """One line per headline: the effect with its interval, in the outcome's own unit."""
    for result in evaluation.with_role("headline"):
        row = result.headline
        yield (
            f"{result.plan.outcome}: {row['estimate']:+.4g} "
            f"({evaluation.study.confidence:.0%} interval {row['conf_low']:+.4g} to {row['conf_high']:+.4g}; "
            f"{int(row['n_treated']):,} mentored, {int(row['n_comparison']):,} compared)"
        )


@app.command("list", short_help="List what a study file can name.")
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


@contextmanager
def steps() -> Iterator[Callable[[str], None]]:
    """A function that shows the step under way: a spinner in a terminal, one line per step elsewhere."""
    from rich.console import Console

    from mentoreval.numerics.progress import progress_to

    console = Console(stderr=True, highlight=False)
    began = time.monotonic()
    with console.status("Starting") as status:

        def say(step: str) -> None:
            """Show one step."""
            if console.is_terminal:
                status.update(f"{step} …  ({time.monotonic() - began:.0f} s)")
            else:
                console.print(f"{step} …")

        def tell(work: str, share: float | None, _: float) -> None:
            """Show how far long work within a step is; elsewhere than in a terminal the step's line is enough."""
            done = "" if share is None else f"{share:.0%}  "
            status.update(f"{work} …  {done}({time.monotonic() - began:.0f} s)")

        with progress_to(tell):
            yield say


def main() -> None:
    """Entry point: a user's mistake prints one paragraph and exits with 2; a defect keeps its traceback."""
    try:
        app()
    except MentorevalError as error:
        sys.stderr.write(f"\nmentoreval: {error}\n")
        sys.exit(USER_MISTAKE)
    except KeyboardInterrupt:
        sys.stderr.write("\nStopped; nothing was written.\n")
        sys.exit(130)


if __name__ == "__main__":
    main()
