"""Write the table of worlds: what simple and careful analyses find in each made-up district, beside the truth.

Usage::

    python scripts/world_table.py                             # minutes
    python scripts/world_table.py riverside spillover --out /tmp

Writes world_table.md and world_table.csv, and prints the former. How each world is studied stands in ``STUDIES`` of
``tests/worlds/studies.py``.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from pathlib import Path

import pandas as pd

from mentoreval.worlds import WORLDS

ROOT = Path(__file__).resolve().parents[1]
HEADING = """\
# Table of worlds

Each line is one made-up district, drawn once with the seed of its committed data and {students}. The numbers are days
absent of a school year of 180 that mentoring adds for a mentee in the first year, so that −4 is four days gained.
*True* is what the world says of all mentees. *Before and after* is the change of the mentees alone, which mentoreval
never prints as an effect. *ANCOVA* and *DiD* compare mentees with students who met the same rule in the same year,
matched one to one within the grade, here with standard errors clustered by school (CR2); *within schools* is the ANCOVA
of pairs from one school. The last column has the checks that caution or fail; a check that can not tell with so few
students or schools cautions too, in worlds with nothing to find.

One draw is one draw: most of these worlds are the same plain district with one thing changed, so they share its luck;
`no_effect` shows how large it is.

What is broken in each world, what goes wrong there and who should notice is said in `mentoreval/worlds/<world>.py`.
`make worlds` writes this table anew.
"""
COLUMNS = ("world", "mentees", "true", "before and after", "ANCOVA", "DiD", "within schools", "checks")


def markdown(table: pd.DataFrame, students: str) -> str:
    """The table for readers, under its heading."""
    aligned = ["---" if name in ("world", "checks") else "--:" for name in COLUMNS]
    rows = [" | ".join(COLUMNS), " | ".join(aligned), *(" | ".join(map(str, row)) for row in table.to_numpy())]
    return HEADING.format(students=students) + "\n" + "\n".join(f"| {row} |" for row in rows) + "\n"


def main() -> None:
    """Draw, study, write and print."""
    # The folder ``tests`` itself can not be imported by name: packages that are installed may have a ``tests`` too.
    sys.path.insert(0, str(ROOT / "tests"))
    studies = importlib.import_module("worlds.studies")
    parser = argparse.ArgumentParser(description="What analyses find in each made-up district, beside the truth.")
    parser.add_argument("worlds", nargs="*", metavar="world", help="names; all without one")
    parser.add_argument("--students", type=int, default=6000, help="about how many are enrolled on a day")
    parser.add_argument("--out", type=Path, default=ROOT / "reports", help="folder that the table is written to")
    options = parser.parse_args()
    rows = []
    for name in options.worlds or [name for name in WORLDS if name in studies.STUDIES]:
        began = time.monotonic()
        rows.append(studies.line_of(name, options.students))
        print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    text = markdown(table, f"about {options.students:,} students")
    options.out.mkdir(parents=True, exist_ok=True)
    table.to_csv(options.out / "world_table.csv", index=False)
    (options.out / "world_table.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
