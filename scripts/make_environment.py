"""Write environment.yml, the conda environment, from pyproject.toml: ``python scripts/make_environment.py``."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent

# conda-forge carries these under another name: the Python modules of DuckDB and of Typst, and matplotlib without Qt.
CONDA_NAMES = {"duckdb": "python-duckdb", "matplotlib": "matplotlib-base", "typst": "typst-py"}
ONLY_ON_PYPI = ("axe-playwright-python",)

HEADER = """\
# Written by `make environment` from pyproject.toml: change the dependencies there.
# conda env create -f environment.yml && conda activate mentoreval
"""


def requirements(project: dict[str, Any], extra: str | None = None) -> Iterator[Requirement]:
    """The runtime requirements of the ``[project]`` table, or those of an extra with the extras that it names."""
    texts = project["optional-dependencies"][extra] if extra else project["dependencies"]
    for requirement in map(Requirement, texts):
        if requirement.name == project["name"]:
            for inner in sorted(requirement.extras):
                yield from requirements(project, inner)
        else:
            yield requirement


def conda_line(requirement: Requirement) -> str:
    """``- name >=1.2`` as conda writes it."""
    name = canonicalize_name(requirement.name)
    return f"  - {CONDA_NAMES.get(name, name)} {requirement.specifier}".rstrip()


def render(pyproject: str) -> str:
    """The text of environment.yml that belongs to the text of a pyproject.toml."""
    project = tomllib.loads(pyproject)["project"]
    needed = list(requirements(project, "dev"))
    elsewhere = [requirement for requirement in needed if canonicalize_name(requirement.name) in ONLY_ON_PYPI]
    lines = [
        f"{HEADER}name: {project['name']}",
        "channels:",
        "  - conda-forge",
        "dependencies:",
        f"  - python {project['requires-python']}",
        "  - pip",
        "  # runtime",
        *map(conda_line, requirements(project)),
        "  # notebooks, tests and checks",
        *(conda_line(requirement) for requirement in needed if requirement not in elsewhere),
        "  # what conda-forge does not have, and mentoreval itself, from this folder",
        "  - pip:",
        *(f"      - {requirement.name}{requirement.specifier}" for requirement in elsewhere),
        "      - -e .",
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write environment.yml beside pyproject.toml."""
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (ROOT / "environment.yml").write_text(render(pyproject), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
