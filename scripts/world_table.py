"""Write the table of worlds: what simple and careful analyses find in each made-up district, beside the truth.

Usage::

    python scripts/world_table.py                             # minutes
    python scripts/world_table.py riverside spillover --draws 4 --out /tmp

Writes world_table.md and world_table.csv, anew after each round of drawings, and prints the former. How each world is
studied stands in ``STUDIES`` of ``tests/worlds/studies.py``.
"""

from __future__ import annotations

import argparse
import importlib
import math
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd

from mentoreval.numerics.processes import cores, in_processes
from mentoreval.worlds import WORLDS

ROOT = Path(__file__).resolve().parents[1]
# The folder ``tests`` itself can not be imported by name: packages that are installed may have a ``tests`` too.
sys.path.insert(0, str(ROOT / "tests"))
studies = importlib.import_module("worlds.studies")

HEADING = """\
# Table of worlds

Each line is one made-up district, drawn {draws} times with {students} (seeds 1 to {draws}); numbers are means over the
drawings. They are days absent of a school year of 180 that mentoring adds for a mentee in the first year, so that −4 is
four days gained; in `high_school_peers` they are grade points. *True* is what the world says of all mentees. *Before
and after* is the change of the mentees alone, which mentoreval never prints as an effect. *ANCOVA* and *DiD* compare
mentees with students who met the same rule in the same year, matched one to one within the grade; *within schools* is
the ANCOVA of pairs from one school, over the drawings that have enough of them. In brackets is the Monte Carlo standard
error of the mean of estimate less truth: a gap to the truth of two of them and more is rarely luck. *Held* is the share
of drawings in which the 95 % interval of the ANCOVA (of the DiD where there is no ANCOVA; errors by school, CR2) holds
the truth. *Rehearsal* is the verdict of {rehearsals} rehearsals of the same analysis on the never-mentored students of
the first drawing.

{unusual}

What is broken in each world, what goes wrong there and who should notice is said in `mentoreval/worlds/<world>.py`.
`make worlds` writes these tables anew.
"""
UNUSUAL = """\
In `west_kern` every student of four small districts has a mentor: nobody is left to match, and schools are compared by
difference-in-differences. In `elementary_k2` nobody has a year before: the baseline is the first six weeks, the outcome
is the days absent after them, and differences between six weeks and the rest of a year mean nothing, so there is no
DiD. Before and after there is the rate after the first weeks less that in them, for a year of 180 days. The rehearsal
knows what the tables say and nothing else: hidden selection, spillover or shocks that are the same for all students of
a school on the side of the program do not show in it."""
OF_CHECKS = """
## What the checks say

Shares of the drawings in which a check cautions / fails; the others pass. A dash: it can not judge in any of them. A
check that can not tell with so few students or schools cautions too, in worlds with nothing to find; `no_effect` shows
how often each does so by luck. `placebo_period` looks at the year before the one by which mentees were chosen, among
students who are alike in that one, and can not judge where no such year is on record.
"""
NUMBERS = ("true", "before and after", "ANCOVA", "DiD", "within schools")
COLUMNS = ("world", "mentees", *NUMBERS, "held", "rehearsal")
MINUS = "−"


def study_one(task: tuple[str, int, int, int]) -> dict[str, Any]:
    """What is found in one drawing of one world: name, seed, students, rehearsals."""
    name, seed, n_students, rehearsals = task
    found: dict[str, Any] = studies.found_in(name, seed, n_students, rehearsals)
    return {"world": name, "seed": seed, **found}


def _said(value: float, decimals: int) -> str:
    """With a real minus sign and no minus zero."""
    return f"{round(value, decimals) + 0.0:.{decimals}f}".replace("-", MINUS)


def line_of(name: str, drawn: pd.DataFrame) -> list[str]:
    """COLUMNS of one world."""
    decimals = 2 if studies.STUDIES[name].outcome == studies.GPA else 1
    cells = [name, f"{drawn['mentees'].mean():.0f}"]
    for column in NUMBERS:
        values = drawn[column].astype(float).dropna()
        if values.empty:
            cells.append("—")
            continue
        error = (values - drawn["true"].astype(float)).std(ddof=1) / math.sqrt(len(values))
        plain = column in ("true", "before and after") or math.isnan(error)
        cells.append(_said(values.mean(), decimals) + ("" if plain else f" ({error:.{decimals}f})"))
    rehearsed = [verdict.replace("_", " ") for verdict in drawn["rehearsal"] if verdict]
    return [*cells, f"{drawn['held'].mean():.0%}", ", ".join(rehearsed)]


def checks_of(name: str, drawn: pd.DataFrame) -> list[str]:
    """The share of drawings in which each check cautions and fails."""
    cells = [name]
    for check in studies.CHECKS:
        verdicts = drawn[check]
        shares = [f"{(verdicts == verdict).mean():.0%}" for verdict in ("caution", "fail")]
        cells.append("—" if (verdicts == "cannot_judge").all() else " / ".join(shares))
    return cells


def markdown_table(rows: list[list[str]], columns: tuple[str, ...], words: tuple[str, ...]) -> str:
    """A table for readers; ``words`` are the columns to the left."""
    aligned = ["---" if name in words else "--:" for name in columns]
    return "\n".join(f"| {' | '.join(row)} |" for row in [list(columns), aligned, *rows]) + "\n"


def write(found: pd.DataFrame, options: argparse.Namespace) -> str:
    """Both tables, as they stand after some rounds; returns the text."""
    by_world = [(str(name), drawn) for name, drawn in found.groupby("world", sort=False)]
    heading = HEADING.format(
        draws=found["seed"].nunique(), students=f"about {options.students:,} students", rehearsals=options.rehearsals,
        unusual=UNUSUAL,
    )  # fmt: skip
    main_table = markdown_table([line_of(*one) for one in by_world], COLUMNS, ("world", "rehearsal"))
    checks = markdown_table([checks_of(*one) for one in by_world], ("world", *studies.CHECKS), ("world",))
    text = f"{heading}\n{main_table}{OF_CHECKS}\n{checks}"
    options.out.mkdir(parents=True, exist_ok=True)
    found.to_csv(options.out / "world_table.csv", index=False, float_format="%.4f")
    (options.out / "world_table.md").write_text(text, encoding="utf-8")
    return text


def main() -> None:
    """Draw, study, write and print; one round is one drawing of every world."""
    parser = argparse.ArgumentParser(description="What analyses find in each made-up district, beside the truth.")
    parser.add_argument("worlds", nargs="*", metavar="world", help="names; all without one")
    parser.add_argument("--draws", type=int, default=10, help="drawings of each world")
    parser.add_argument("--students", type=int, default=4000, help="about how many are enrolled on a day")
    parser.add_argument("--rehearsals", type=int, default=100, help="in the first drawing of each world")
    parser.add_argument("--jobs", type=int, default=cores(), help="processes")
    parser.add_argument("--out", type=Path, default=ROOT / "reports", help="folder that the table is written to")
    options = parser.parse_args()
    names = options.worlds or [name for name in studies.STUDIES if name in WORLDS]
    found, text = list[dict[str, Any]](), ""
    for seed in range(1, options.draws + 1):
        began = time.monotonic()
        tasks = [(name, seed, options.students, options.rehearsals if seed == 1 else 0) for name in names]
        found += in_processes("Drawing worlds", study_one, tasks, options.jobs)
        text = write(pd.DataFrame(found), options)
        print(f"round {seed}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    print(text)


if __name__ == "__main__":
    main()
