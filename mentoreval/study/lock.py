"""Lock: the plan of a study, frozen before the outcomes are looked at, and what became of it.

A locked plan is a JSON file beside the study file. It holds every planned estimate in full, a fingerprint of the code
that the study brings, and one of the students as they stood before the program: who is in which arm, and the
covariates, without any outcome after the start.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from mentoreval.design.design import Design
from mentoreval.errors import StudyError
from mentoreval.registry import Kind, spec_of
from mentoreval.study.study import EstimatePlan, Study

LAYOUT = 1
STUDY_PARTS = ("data", "panel", "meaningful", "prior", "confidence")
"""What of a study, beside its estimates and their designs, bears on the results."""

Status = Literal["planned", "changed", "exploratory", "dropped"]


@dataclass(frozen=True)
class PlannedEstimate:
    """What became of one estimate of a locked plan, or stands in its place; so of subgroup analyses and rehearsals.

    status : planned as it is; changed since (``changes`` says what); exploratory, that is not in the plan; or dropped,
        that is in the plan and not in the study
    role : of an estimate; "subgroup", "rehearsal"
    changes : parts of the plan, such as "estimator" or "design.covariates"
    by : of a subgroup analysis, what divides the students
    """

    name: str
    outcome: str
    role: str
    status: Status
    changes: tuple[str, ...] = ()
    by: str = ""


@dataclass(frozen=True)
class Registration:
    """A locked plan beside what was done.

    locked_on : day of the lock, as 2026-08-20
    digest : SHA-256 of the plan
    """

    locked_on: str
    digest: str
    estimates: tuple[PlannedEstimate, ...]

    def count(self, status: Status) -> int:
        """How many estimates have a status."""
        return sum(each.status == status for each in self.estimates)


def lock_file(study: Study) -> Path:
    """Where the locked plan of a study is kept: ``study.lock.json`` beside ``study.toml``."""
    return study.path.with_suffix(".lock.json")


def write_lock(study: Study, designs: Mapping[str, Design], *, day: datetime.date | None = None) -> Path:
    """Freeze the plan of a study.

    designs : of the study, by name, chosen on the data as they are now
    day : of the lock; today by default

    Raises StudyError where the study is locked already: a plan is frozen once.
    """
    path = lock_file(study)
    if path.exists():
        raise StudyError(
            f"{path.name} is there already: this study was locked on {read_lock(path)['locked_on']}. What has changed "
            "since is said in the report. To start over, remove that file, and say so."
        )
    content = _content(study, designs)
    day = day or datetime.datetime.now(datetime.UTC).date()
    locked = {"layout": LAYOUT, "locked_on": day.isoformat(), "digest": _digest(content), **content}
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        partial.write_text(json.dumps(locked, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return path


def read_lock(path: Path) -> dict[str, Any]:
    """The locked plan; StudyError where the file is no lock, or was changed by hand."""
    try:
        locked: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        kept = {key: value for key, value in locked.items() if key not in ("layout", "locked_on", "digest")}
        genuine = locked["layout"] == LAYOUT and _digest(kept) == locked["digest"] and bool(locked["locked_on"])
    except (ValueError, KeyError, TypeError, AttributeError):
        genuine = False
    if not genuine:
        raise StudyError(
            f"{path.name} is not a plan as `mentoreval lock` wrote it: it was changed by hand, or by another version. "
            "Restore it, or remove it and lock the study again."
        )
    return locked


def registration_of(study: Study, designs: Mapping[str, Design]) -> Registration | None:
    """What became of the locked plan; None where the study was never locked."""
    path = lock_file(study)
    if not path.is_file():
        return None
    locked, now = read_lock(path), _content(study, designs)
    common = tuple(part for part in now["study"] if locked["study"].get(part) != now["study"][part])
    found: list[PlannedEstimate] = []
    for part in ("estimates", "analyses"):
        before, after = locked.get(part, {}), now[part]
        of_study = common if part == "estimates" else ()  # what an estimate says of itself is not said again
        found += [_compared(name, before.get(name), plan, of_study) for name, plan in after.items()]
        found += [_planned(name, plan, "dropped") for name, plan in before.items() if name not in after]
    return Registration(locked["locked_on"], locked["digest"], tuple(found))


def _compared(
    name: str, before: Mapping[str, Any] | None, after: Mapping[str, Any], of_study: tuple[str, ...]
) -> PlannedEstimate:
    """What became of one plan."""
    if before is None:
        return _planned(name, after, "exploratory")
    changes = *_changes(before, after), *of_study
    return _planned(name, after, "changed" if changes else "planned", changes)


def _planned(name: str, plan: Mapping[str, Any], status: Status, changes: tuple[str, ...] = ()) -> PlannedEstimate:
    return PlannedEstimate(name, plan["outcome"], plan["role"], status, changes, plan.get("by", ""))


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """Parts of an estimate's plan that differ; of its design, which part."""
    parts = [part for part in after if part != "design" and before.get(part) != after[part]]
    designs = before.get("design", {}), after.get("design", {})
    parts += [f"design.{part}" for part in designs[1] if designs[0].get(part) != designs[1][part]]
    return tuple(parts)


def _content(study: Study, designs: Mapping[str, Design]) -> dict[str, Any]:
    baseline = {name: _baseline_digest(design) for name, design in designs.items()}
    bare = replace(study, data=replace(study.data, source=""))  # what the report calls the data is no part of the plan
    return {
        "study": {**{part: _plain(getattr(bare, part)) for part in STUDY_PARTS}, "code": _code_digests(study)},
        "estimates": {plan.name: _estimate(study, plan, baseline) for plan in study.estimates},
        "analyses": dict(_analyses(study)),
    }


def _analyses(study: Study) -> Iterator[tuple[str, dict[str, Any]]]:
    """What is done with estimates that are planned: each subgroup analysis of each, each rehearsal."""
    headlines = [plan.name for plan in study.estimates if plan.role == "headline"]
    outcomes = {plan.name: plan.outcome for plan in study.estimates}
    for grouping, wanted in study.subgroups.items():
        options = {option: value for option, value in _plain(wanted).items() if option != "estimates"}
        for name in wanted.estimates or headlines:
            place = {"outcome": outcomes.get(name, name), "role": "subgroup", "grouping": grouping}
            yield f"{name} / {grouping}", {**options, **place}
    if study.rehearsal is not None:
        options = {option: value for option, value in _plain(study.rehearsal).items() if option != "workers"}
        for name in headlines:
            yield f"{name} / rehearsal", {**options, "outcome": outcomes[name], "role": "rehearsal"}


def _code_digests(study: Study) -> dict[str, str] | None:
    """SHA-256 of the study's own Python files by name, for they bear on results as its options do; None without any."""
    names = [*study.extensions, *([study.data.prepare] if study.data.prepare else [])]
    return {name: hashlib.sha256(study.locate(name).read_bytes()).hexdigest() for name in names} or None


def _estimate(study: Study, plan: EstimatePlan, baseline: Mapping[str, str]) -> dict[str, Any]:
    """An estimate's plan in full, with that of its design and the fingerprint of its baseline."""
    wanted = _plain(study.designs.get(plan.design) or study.programs.get(plan.design))
    parts = {option.name: _plain(getattr(plan, option.name)) for option in fields(plan) if option.name != "name"}
    design = {"name": plan.design, **(wanted or {}), "baseline_data": baseline[plan.design]}
    return {**parts, "design": design}


def _baseline_digest(design: Design) -> str:
    """SHA-256 over the entries of a design: unit, start, arm, and covariates at the baseline; no outcome after it."""
    base, panel = design.baseline, design.panel
    frame = pd.DataFrame(
        {
            "unit": panel.units[base.unit].astype(str),
            "start": base.cohort,
            "treated": base.treated,
            "weight": base.weight,
        }
    )
    for name in base.covariates:
        frame[f"covariate {name}"] = base.frame[name].map(str, na_action="ignore")
    ordered = frame.sort_values(["unit", "start"], kind="stable")
    return hashlib.sha256(ordered.to_csv(index=False, lineterminator="\n").encode()).hexdigest()


def _plain(value: Any) -> Any:
    """Plans and kinds as plain values of JSON."""
    if isinstance(value, Kind):
        return _plain(spec_of(value))
    if is_dataclass(value) and not isinstance(value, type):
        return {option.name: _plain(getattr(value, option.name)) for option in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def _digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
