"""Draw the made-up districts and lotteries of data/synthetic again, byte for byte.

Usage::

    python scripts/make_data.py                     # every world, and every lottery
    python scripts/make_data.py riverside no_effect

Each world says itself with which seed and options its committed data are drawn (``default_seed``, ``committed``), and
so does LOTTERIES for each lottery.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from mentoreval.worlds import WORLDS, draw_world, write_world
from mentoreval.worlds.lottery import LOTTERIES, write_lottery

FOLDER = Path(__file__).resolve().parents[1] / "data" / "synthetic"
NAMES = (*WORLDS, *LOTTERIES)


def make(name: str, folder: Path = FOLDER) -> Path:
    """Draw the committed version of a world or a lottery into a folder of its name."""
    if name in LOTTERIES:
        return write_lottery(name, folder / name)
    return write_world(draw_world(name, **WORLDS[name].committed), folder / name)


def main() -> None:
    """Draw those that were named, or all."""
    parser = argparse.ArgumentParser(description="Draw the made-up districts of data/synthetic again.")
    parser.add_argument("worlds", nargs="*", choices=[*NAMES, []], metavar="world", help="names; all without one")
    for name in parser.parse_args().worlds or NAMES:
        written = make(name)
        size = sum(path.stat().st_size for path in written.iterdir())
        print(f"{written.relative_to(FOLDER.parents[1])}: {size / 1e6:.2f} MB", flush=True)


if __name__ == "__main__":
    main()
