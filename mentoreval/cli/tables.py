"""Tables: the commands that look at a district's tables, draw them, or take names out of them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from mentoreval.cli.progress import USER_MISTAKE, steps
from mentoreval.cli.text import fitted
from mentoreval.errors import OptionError, suggest

Out = Annotated[Path, typer.Option("--out", help="Folder to write to.", show_default=False)]


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
    typer.echo(fitted(str(report)))
    if any(" = " in problem.advice for problem in report.found):
        typer.echo(fitted("Say name = value with --set name=value, or as a line of records.toml beside the tables."))
    for path in write_problems(report, out, language) if out is not None else ():
        typer.echo(f"Written: {path}")
    if not report.ok:
        raise typer.Exit(USER_MISTAKE)


def template(folder: Annotated[Path, typer.Argument(help="Folder to write to.")]) -> None:
    """Write empty tables with one example row each, and a data dictionary in English and Spanish."""
    from mentoreval.records.template import write_template

    for path in write_template(folder):
        typer.echo(f"{path}")


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


def _attendance(mode: str | None) -> Any:
    from typing import get_args

    from mentoreval.records.records import AttendanceMode

    if mode is not None and mode not in get_args(AttendanceMode):
        raise OptionError(f"--attendance {mode} does not exist.{suggest(mode, get_args(AttendanceMode))}")
    return mode
