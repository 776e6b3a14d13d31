"""The house stands as its plan says: imports point one way, and no file has a name that says nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "mentoreval"
NAMES_THAT_SAY_NOTHING = {"base", "common", "core", "helper", "helpers", "misc", "util", "utils"}


def test_every_import_contract_of_pyproject_is_kept(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    exit_code = lint_imports(config_filename="pyproject.toml", no_cache=True, no_logo=True)
    assert exit_code == 0, capsys.readouterr().out


def test_module_names_say_what_is_inside() -> None:
    assert [str(path.relative_to(ROOT)) for path in PACKAGE.rglob("*") if path.stem in NAMES_THAT_SAY_NOTHING] == []


def test_every_folder_of_the_package_is_a_package() -> None:
    folders = {path.parent for path in PACKAGE.rglob("*.py")}
    assert [str(folder.relative_to(ROOT)) for folder in folders if not (folder / "__init__.py").exists()] == []
