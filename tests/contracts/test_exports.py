"""What the package offers: every public name is there, every kind is registered under its own name, and importing
mentoreval loads nothing heavy."""

from __future__ import annotations

import importlib
import inspect
import os
import pkgutil
import runpy
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import mentoreval
from mentoreval.registry import Kind

ROOT = Path(__file__).resolve().parents[2]
PUBLIC_NAMES = [name for name in mentoreval.__all__ if not name.startswith("__")]

# Kinds that a person picks by class are public names; exhibits and sections are picked by name, in a study file.
PICKED_BY_CLASS = (
    "mentoreval.records.formats",
    "mentoreval.panel.measures",
    "mentoreval.panel.programs",
    "mentoreval.design.methods",
    "mentoreval.design.propensity_models",
    "mentoreval.effects.estimators",
    "mentoreval.effects.inference_methods",
    "mentoreval.evidence.checks",
    "mentoreval.evidence.power_designs",
    "mentoreval.worlds",
)
PICKED_BY_NAME = ("mentoreval.report.exhibits", "mentoreval.report.sections")

# What takes long to load and is not needed to look at a help text or to read a table.
HEAVY_AT_IMPORT = {
    "duckdb",
    "linearmodels",
    "matplotlib",
    "numpy",
    "pandas",
    "pyarrow",
    "scipy.stats",
    "statsmodels",
    "typer",
}
HEAVY_BY_NAME = {"duckdb", "linearmodels", "matplotlib", "scipy.stats", "statsmodels"}


def registry_of(folder: str) -> Mapping[str, type]:
    """The one registry of a folder of kinds: the plain dict from name to class in its ``__init__``."""
    package = importlib.import_module(folder)
    registries = [value for name, value in vars(package).items() if name.isupper() and isinstance(value, dict)]
    assert len(registries) == 1, f"{folder} has {len(registries)} registries"
    return registries[0]


FOLDERS = (*PICKED_BY_CLASS, *PICKED_BY_NAME)
KINDS = [
    pytest.param(folder, key, kind, id=f"{folder.rpartition('.')[2]}:{key}")
    for folder in FOLDERS
    for key, kind in registry_of(folder).items()
]


@pytest.mark.parametrize("name", PUBLIC_NAMES)
def test_a_public_name_is_there_and_says_what_it_is(name: str) -> None:
    thing: Any = getattr(mentoreval, name)
    assert inspect.getdoc(thing), f"mentoreval.{name} has no docstring"
    if inspect.isclass(thing) or inspect.isfunction(thing):
        assert thing.__name__ == name
        assert thing.__module__.startswith("mentoreval.")


def test_public_names_are_listed_once_and_completed_by_an_editor() -> None:
    assert len(set(mentoreval.__all__)) == len(mentoreval.__all__)
    assert set(mentoreval.__all__) <= set(dir(mentoreval))


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Nearset"):
        mentoreval.Nearset  # noqa: B018 — reading it is the test


@pytest.mark.parametrize(("folder", "key", "kind"), KINDS)
def test_a_kind_is_registered_under_its_own_name(folder: str, key: str, kind: type[Kind]) -> None:
    assert kind.name == key
    assert key == key.lower()
    assert key.isidentifier(), "a study file names it"


@pytest.mark.parametrize(("folder", "key", "kind"), KINDS)
def test_a_kind_that_people_pick_is_a_public_name(folder: str, key: str, kind: type) -> None:
    if folder in PICKED_BY_CLASS:
        assert kind.__name__ in mentoreval.__all__
        assert getattr(mentoreval, kind.__name__) is kind


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_of_kinds_registers_every_kind_in_it(folder: str) -> None:
    package = importlib.import_module(folder)
    modules = [f"{package.__name__}.{module.name}" for module in pkgutil.iter_modules(package.__path__)]
    written = {
        thing
        for module in map(importlib.import_module, modules)
        for thing in vars(module).values()
        if inspect.isclass(thing) and thing.__module__ == module.__name__ and is_named(thing)
    }
    assert written == set(registry_of(folder).values())


def is_named(thing: type) -> bool:
    """Whether a class gives itself a name for study files: a kind, not the idea that it is a kind of."""
    name = vars(thing).get("name")
    return isinstance(name, str) and name != ""


def modules_loaded_by(statement: str) -> set[str]:
    """Names of the modules that a fresh interpreter has loaded after one statement."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    script = f"{statement}\nimport sys\nprint(*sys.modules, sep='\\n')"
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_mentoreval_loads_nothing_heavy() -> None:
    assert modules_loaded_by("import mentoreval") & HEAVY_AT_IMPORT == set()


def test_reading_every_public_name_draws_and_fits_nothing() -> None:
    assert modules_loaded_by("from mentoreval import *") & HEAVY_BY_NAME == set()


def test_editors_are_told_every_public_name() -> None:
    """``__init__.pyi`` is what scripts/make_stub.py writes from the table of names."""
    script = runpy.run_path(str(ROOT / "scripts" / "make_stub.py"))
    assert (ROOT / "mentoreval" / "__init__.pyi").read_text(encoding="utf-8") == script["stub"]()
