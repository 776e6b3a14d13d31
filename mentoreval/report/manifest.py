"""Manifest: from what a report was made and what came out, as fingerprints, so that it can be made again."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from mentoreval.study.evaluation import Evaluation
from mentoreval.study.study import Study

LIBRARIES = (
    "numpy", "scipy", "pandas", "narwhals", "duckdb", "pyarrow", "matplotlib", "jinja2", "typst", "python-docx",
)  # fmt: skip


def inputs_of(evaluation: Evaluation) -> dict[str, Any]:
    """What went in: versions, seed, and the SHA-256 of the study file and of every data source. No time of day.

    A study that was made in memory has no file and so no fingerprint.
    """
    return inputs_of_plan(evaluation.study, evaluation.sources)


def inputs_of_plan(study: Study, sources: Mapping[str, str]) -> dict[str, Any]:
    """As ``inputs_of``, of a plan and the fingerprints of its sources by name, whether it was carried out or not."""
    file = {study.path.name: sha256(study.path.read_bytes())} if study.path.is_file() else {}
    return {
        "versions": {"mentoreval": _version(), "python": platform.python_version(), **_libraries()},
        "seed": study.seed,
        "study": file,
        "sources": dict(sorted(sources.items())),
    }


def manifest_json(evaluation: Evaluation, outputs: Mapping[str, bytes]) -> bytes:
    """The manifest: ``inputs_of`` and the SHA-256 of every file written beside it."""
    manifest = {
        "study_name": evaluation.study.name,
        "title": evaluation.study.title,
        "synthetic": evaluation.study.synthetic,
        **inputs_of(evaluation),
        "outputs": {name: sha256(content) for name, content in sorted(outputs.items())},
    }
    return (json.dumps(manifest, indent=2, ensure_ascii=False) + "\n").encode()


def sha256(content: bytes) -> str:
    """The fingerprint of some bytes, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def _version() -> str:
    import mentoreval

    return mentoreval.__version__


def _libraries() -> dict[str, str]:
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found
