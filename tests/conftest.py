"""Where real data and reference values lie; tests that need them skip with a reason where they are absent."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data sets, which are not part of the repository."""
    folder = SHARED / "data"
    if not folder.is_dir():
        pytest.skip("the real data sets are not part of the repository (expected in ../shared/data)")
    return folder


@pytest.fixture(scope="session")
def reference() -> Path:
    """The folder of reference values computed with R, which are not part of the repository."""
    folder = SHARED / "reference"
    if not folder.is_dir():
        pytest.skip("the reference values are not part of the repository (expected in ../shared/reference)")
    return folder
