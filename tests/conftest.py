"""Real data and reference values, which tests skip without; and how property tests run in CI."""

import os
from pathlib import Path

import pytest
from hypothesis import Phase, settings

# In CI the same examples come every time, and a failure is reported as it was found: shrinking tables of records takes
# minutes and changes nothing about the verdict.
settings.register_profile("ci", derandomize=True, deadline=None, phases=(Phase.explicit, Phase.generate))
if os.environ.get("CI"):
    settings.load_profile("ci")

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
