"""The command line: a line for each command, in the order of the help; each group of them is a file beside this one."""

from __future__ import annotations

import os
import sys

import typer

from mentoreval.cli.kinds import list_kinds
from mentoreval.cli.new_study import new_study
from mentoreval.cli.power import find_power
from mentoreval.cli.progress import USER_MISTAKE
from mentoreval.cli.studies import lock, report, run
from mentoreval.cli.tables import replace_identifiers, simulate, template, validate
from mentoreval.errors import MentorevalError

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
app.command("template", short_help="Write empty tables to fill in.")(template)
app.command("validate", short_help="Check a district's tables.")(validate)
app.command("pseudonymize", short_help="Replace identifiers by keyed hashes.")(replace_identifiers)
app.command("new", short_help="Write a study file from a few questions.")(new_study)
app.command("run", short_help="Carry out a study; write its report.")(run)
app.command("report", short_help="Make a report if it is not up to date; open it.")(report)
app.command("lock", short_help="Freeze a study's plan.")(lock)
app.command(
    "power",
    short_help="What a study could find, before the data.",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)(find_power)
app.command("list", short_help="List what a study file can name.")(list_kinds)
app.command("simulate", short_help="Draw a made-up district.")(simulate)


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
