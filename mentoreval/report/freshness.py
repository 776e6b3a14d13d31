"""Freshness: whether a report that lies in a folder is still the one that its study would give today."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mentoreval.records.fingerprint import hash_sources
from mentoreval.report.manifest import inputs_of_plan, sha256
from mentoreval.study.lock import lock_file
from mentoreval.study.study import Study


def is_current(study: Study, folder: Path, languages: Sequence[str], formats: Sequence[str]) -> bool:
    """Whether nothing has changed since the report in ``folder`` was written, so that it need not be made again.

    Compared are, with its manifest: the study file, every file of data, the versions of mentoreval and its libraries,
    and the report's own files. Data on a server, or in another layout than plain tables, count as changed: which of
    them a study reads is known only after reading. So does a plan that was locked since.
    """
    manifest = _manifest(folder / "manifest.json")
    sources = _sources(study)
    if manifest is None or sources is None:
        return False
    wanted = {f"report.{language}.{form}" for language in languages for form in formats}
    outputs: dict[str, str] = manifest.get("outputs", {})
    inputs = json.loads(json.dumps(inputs_of_plan(study, sources)))
    return (
        all(manifest.get(key) == value for key, value in inputs.items())
        and wanted <= set(outputs)
        and all(_hash(folder / name) == digest for name, digest in outputs.items())
        and not _locked_since(study, folder / "manifest.json")
    )


def _manifest(file: Path) -> dict[str, Any] | None:
    """What the file says; None where it is not there or is no manifest, for then the report is made again."""
    try:
        manifest = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return manifest if isinstance(manifest, dict) else None


def _sources(study: Study) -> dict[str, str] | None:
    """Fingerprints of what the study would read today; None where that can not be known without reading it."""
    beside = [study.locate(name) for name in (*study.extensions, study.data.prepare) if name]
    if study.data.file is not None:
        files = [study.locate(study.data.file), *beside]
        return {file.name: _hash(file) for file in files}
    folder = str(study.data.folder)
    if "://" in folder or not study.locate(folder).is_dir():
        return None
    return hash_sources(study.locate(folder)) | {file.name: _hash(file) for file in beside}


def _hash(file: Path) -> str:
    return sha256(file.read_bytes()) if file.is_file() else ""


def _locked_since(study: Study, manifest: Path) -> bool:
    locked = lock_file(study)
    return locked.is_file() and locked.stat().st_mtime > manifest.stat().st_mtime
