"""The committed districts: each is what its world draws, and together they are small."""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

from mentoreval.worlds import WORLDS
from mentoreval.worlds.lottery import LOTTERIES

ROOT = Path(__file__).parents[2]
COMMITTED = ROOT / "data" / "synthetic"
NAMES = sorted({*WORLDS, *LOTTERIES})
LARGE = {"riverside", "nyc_success_mentors", "thirty_districts"}


@pytest.fixture(scope="module")
def make_data() -> ModuleType:
    """The script that ``make data`` runs."""
    spec = importlib.util.spec_from_file_location("make_data", ROOT / "scripts" / "make_data.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_world_and_lottery_has_a_folder_and_every_folder_is_one() -> None:
    assert not set(WORLDS) & set(LOTTERIES)
    assert sorted(path.parent.name for path in COMMITTED.glob("*/manifest.json")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_files_are_those_of_the_manifest(name: str) -> None:
    folder = COMMITTED / name
    listed = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["files"]
    assert {path.name for path in folder.iterdir()} == {*listed, "manifest.json"}
    for file, entry in listed.items():
        data = (folder / file).read_bytes()
        data = gzip.decompress(data) if file.endswith(".gz") else data
        assert entry == {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}, file


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name in LARGE else []) for name in NAMES]
)
def test_drawing_again_gives_the_manifest(name: str, make_data: ModuleType, tmp_path: Path) -> None:
    """The manifest has the hash of every table and of the truth."""
    drawn = make_data.make(name, tmp_path)
    assert (drawn / "manifest.json").read_bytes() == (COMMITTED / name / "manifest.json").read_bytes()


def test_together_they_are_a_few_megabytes() -> None:
    assert sum(path.stat().st_size for path in COMMITTED.rglob("*")) < 10_000_000
