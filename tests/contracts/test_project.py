"""The files around the package agree with each other, and with pyproject.toml, which is the truth for dependencies."""

from __future__ import annotations

import itertools
import os
import re
import runpy
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import mentoreval

ROOT = Path(__file__).resolve().parents[2]


def read(name: str) -> str:
    """The text of a file of the project."""
    return (ROOT / name).read_text(encoding="utf-8")


PYPROJECT = tomllib.loads(read("pyproject.toml"))
MAKE_ENVIRONMENT = runpy.run_path(str(ROOT / "scripts" / "make_environment.py"))


def declared(extra: str | None = None) -> list[Requirement]:
    """What pyproject.toml asks for: the runtime requirements, or those of an extra."""
    return list(MAKE_ENVIRONMENT["requirements"](PYPROJECT["project"], extra))


def locked() -> dict[str, str]:
    """The one version of each package in requirements.lock."""
    pins = re.findall(r"^([a-z0-9-]+)==([^\s\\]+)", read("requirements.lock"), re.MULTILINE)
    assert len(dict(pins)) == len(pins), "one version of a package for every Python and system"
    return dict(pins)


# ---- versions


def test_the_version_is_the_same_everywhere() -> None:
    newest = re.search(r"^## (\S+)", read("CHANGELOG.md"), re.MULTILINE)
    assert newest is not None
    versions = {
        "pyproject.toml": PYPROJECT["project"]["version"],
        "CITATION.cff": yaml.safe_load(read("CITATION.cff"))["version"],
        "CHANGELOG.md": newest.group(1),
        "mentoreval.__version__": mentoreval.__version__,
    }
    assert len(set(versions.values())) == 1, versions


def test_the_citation_has_what_the_format_requires_and_invents_nobody() -> None:
    citation = yaml.safe_load(read("CITATION.cff"))
    assert citation["cff-version"] == "1.2.0"
    assert citation["title"] == PYPROJECT["project"]["name"]
    assert citation["license"] == PYPROJECT["project"]["license"]
    assert citation["message"]
    assert citation["authors"] == PYPROJECT["project"]["authors"]


def test_the_license_is_the_one_that_is_declared() -> None:
    assert PYPROJECT["project"]["license"] == "MIT"
    assert read("LICENSE").startswith("MIT License")
    assert PYPROJECT["project"]["authors"][0]["name"] in read("LICENSE")


# ---- dependencies


def test_environment_yml_is_the_one_that_pyproject_makes() -> None:
    assert read("environment.yml") == MAKE_ENVIRONMENT["render"](read("pyproject.toml")), "run `make environment`"


def test_environment_yml_names_every_requirement_once() -> None:
    conda = yaml.safe_load(read("environment.yml"))
    names = [line.split()[0] for line in conda["dependencies"] if isinstance(line, str)]
    assert conda["channels"] == ["conda-forge"]
    *from_pypi, own = conda["dependencies"][-1]["pip"]
    assert own == "-e ."
    assert [Requirement(text).name for text in from_pypi] == list(MAKE_ENVIRONMENT["ONLY_ON_PYPI"])
    expected = len(declared()) + len(declared("dev")) + len(["python", "pip"])
    assert len(set(names)) == len(names) == expected - len(from_pypi)


@pytest.mark.parametrize("requirement", [*declared(), *declared("dev")], ids=lambda requirement: requirement.name)
def test_the_lock_satisfies_pyproject(requirement: Requirement) -> None:
    pins = locked()
    name = canonicalize_name(requirement.name)
    assert name in pins, "run `make lock`"
    assert requirement.specifier.contains(Version(pins[name])), f"{pins[name]} is locked; run `make lock`"


def test_the_lock_pins_what_builds_the_package() -> None:
    build = [Requirement(text) for text in PYPROJECT["build-system"]["requires"]]
    assert [need.name for need in build if not need.specifier.contains(locked().get(need.name, "0"))] == []


def test_every_line_of_the_lock_is_a_pin_a_hash_or_a_comment() -> None:
    pin = r"[a-z0-9-]+==[^\s\\]+( ; .+)? \\"
    line_of_lock = re.compile(rf"{pin}|    --hash=sha256:[0-9a-f]{{64}}( \\)?|( {{4}})?#.*")
    lines = read("requirements.lock").splitlines()
    assert [line for line in lines if not line_of_lock.fullmatch(line)] == []
    followed = itertools.pairwise(lines)
    assert [line for line, following in followed if "==" in line and "--hash" not in following] == []


# ---- commands


def targets() -> set[str]:
    """What `make` can be asked for."""
    return set(re.findall(r"^([a-z]+):", read("Makefile"), re.MULTILINE))


def commands_in(name: str) -> set[str]:
    """The targets that a file tells its reader to make, or makes itself."""
    lines = re.findall(r"^make(?: [A-Z]+=\S+)* ([a-z ]+?) *(?:#.*)?$", read(name), re.MULTILINE)
    return {word for line in lines for word in line.split()} | set(re.findall(r"`make ([a-z]+)[`\s]", read(name)))


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", ".ci/run"])
def test_the_commands_that_are_written_down_exist(name: str) -> None:
    assert commands_in(name) <= targets()


def test_ci_runs_the_commands_of_the_readme() -> None:
    assert {"report", "test"} <= commands_in("README.md")
    assert {"report", "test", "check"} <= commands_in(".ci/run")


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_the_files_that_are_written_down_exist(name: str) -> None:
    named = re.findall(r"`((?:[\w.-]+/)+[\w.-]*)`", read(name))
    assert [path for path in named if not path.startswith("reports/_output") and not (ROOT / path).exists()] == []


def test_the_ci_script_is_a_script_that_bash_can_read() -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("there is no bash on this machine")
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    assert subprocess.run([bash, "-n", str(ROOT / ".ci" / "run")], check=False).returncode == 0


# ---- nothing of one machine


def project_files() -> list[Path]:
    """The files that git has or would take."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("this is not a git clone")
    listing = [git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


def text_of(path: Path) -> str:
    """The text of a file; nothing for one that is not text."""
    content = path.read_bytes()
    return "" if b"\0" in content else content.decode("utf-8", errors="replace")


def traces_of_a_machine() -> re.Pattern[str]:
    """Home folders, the place of this clone, and options that name a package registry."""
    places = [place for place in (Path.home(), ROOT, ROOT.parent) if len(place.parts) > 1]
    here = "|".join(re.escape(place.as_posix()) for place in places)
    return re.compile(
        rf"(?<![\w.])(?:{here})/|(?<![\w.])/(?:home|Users|root)/\w|[A-Z]:\\+Users\\+\w|--(?:extra[-])?index[-]url|find[-]links"
    )


def test_no_file_names_a_machine_or_a_registry() -> None:
    trace = traces_of_a_machine()
    found: dict[str, Any] = {
        str(path.relative_to(ROOT)): match.group() for path in project_files() if (match := trace.search(text_of(path)))
    }
    assert found == {}
