"""Write the truth table: every estimator and inference method in worlds whose true effect is known.

Usage::

    python scripts/truth_table.py                        # 1,000 draws of each world; some minutes on two cores
    python scripts/truth_table.py --draws 200 --out /tmp/truth

Writes truth_table.csv and truth_table.md, and prints the latter. What is drawn, and what must come out, stands in
``tests/truth/worlds.py`` and ``tests/truth/cases.py``; ``tests/truth/test_truth.py`` holds the same cases to bounds.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
HEADING = """\
# Truth table

Worlds are made up, so the true effect is known. In each line one world was drawn again and again and analysed.
*Bias* is the mean error and stands beside its own Monte Carlo error; *coverage* is the share of 95 % intervals that
held the truth; *power* is the share that left out zero. Lines that must **hold** have the assumptions of their
estimator met: their bias is within Monte Carlo error, and they cover about 95 %. Lines that must **miss** have one of
them broken, and show what that costs: a bias, or errors that are too small.

`make truth` writes this table anew, from `tests/truth/`, where each world says in a sentence what it is.
"""
COLUMNS = {
    "estimator": "estimator",
    "inference": "inference",
    "world": "world",
    "must": "must",
    "truth": "truth",
    "mean": "mean",
    "bias": "bias",
    "monte_carlo_error": "± MC",
    "coverage": "coverage",
    "power": "power",
    "draws": "draws",
}
NUMBERS = {
    "truth": "{:.2f}",
    "mean": "{:.2f}",
    "bias": "{:+.3f}",
    "monte_carlo_error": "{:.3f}",
    "coverage": "{:.1%}",
    "power": "{:.0%}",
    "draws": "{:,}",
}


def markdown(table: pd.DataFrame) -> str:
    """The table for readers, under its heading."""
    lines = [" | ".join(COLUMNS.values()), " | ".join("--:" if name in NUMBERS else "---" for name in COLUMNS)]
    for row in table.to_dict("records"):
        lines.append(" | ".join(NUMBERS.get(str(name), "{}").format(row[name]) for name in COLUMNS))
    return HEADING + "\n" + "\n".join(f"| {line} |" for line in lines) + "\n"


def arguments() -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(description="Bias, coverage and power of every estimator, where truth is known.")
    parser.add_argument("--draws", type=int, default=1_000, help="draws of each world")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="worlds that are drawn at the same time")
    parser.add_argument("--out", type=Path, default=ROOT / "reports", help="folder that the table is written to")
    return parser.parse_args()


def main() -> None:
    """Simulate, write and print."""
    options = arguments()
    # The folder ``tests`` itself can not be imported by name: packages that are installed may have a ``tests`` too.
    sys.path.insert(0, str(ROOT / "tests"))
    simulation = importlib.import_module("truth.simulation")
    table = simulation.table(simulation.simulate_all(options.draws, options.jobs))
    text = markdown(table)
    options.out.mkdir(parents=True, exist_ok=True)
    table.to_csv(options.out / "truth_table.csv", index=False)
    (options.out / "truth_table.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
