"""The command line: simulate · validate · template · pseudonymize · run · list."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from mentoreval.errors import MentorevalError, OptionError, suggest

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
def validate(
    folder: Annotated[str, typer.Argument(help="Folder with the tables; or a workbook, a database, postgresql://…")],
    attendance: Annotated[
        str | None, typer.Option(help="How attendance is kept: absences_only, positive or yearly_totals.")
    ] = None,
    layout: Annotated[
        str, typer.Option("--format", help="How the export is laid out, e.g. oneroster; or a mapping's TOML file.")
    ] = "plain",
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
    with steps() as say:
        say("Checking the tables")
        report = validate_records(folder, format=layout, attendance=_attendance(attendance))
    typer.echo(str(report))
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
    """List what a study file can name: designs, estimators, inference methods, measures, programs, checks, worlds."""
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
