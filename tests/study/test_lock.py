"""A locked plan: what it holds, and what a later run says of each estimate."""

from __future__ import annotations

import datetime
import json
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import mentoreval as me
from mentoreval.errors import StudyError
from mentoreval.report.exhibits import PlanTable
from mentoreval.report.words import Words, available_languages
from mentoreval.study.lock import write_lock

STUDY = """
title = "Tutors"
question = "Do tutors help?"

[data]
file = "students.csv"

[panel]
unit = "student"
treated = "tutored"
covariates = ["before", "grade"]
outcomes = ["after", "marks"]

[design.matched]
method = { kind = "nearest", ratio = 1 }

[[estimate]]
outcome = "after"
design = "matched"
estimator = { kind = "regression_adjustment" }
role = "headline"
name = "main"

[[estimate]]
outcome = "marks"
design = "matched"
estimator = { kind = "regression_adjustment" }
role = "headline"
name = "marks"
"""


@pytest.fixture
def study(tmp_path):
    """A study file and its data: 60 students."""
    rng = np.random.default_rng(1)
    before = rng.normal(50, 10, 60)
    tutored = (before + rng.normal(0, 15, 60) < 45).astype(int)
    frame = pd.DataFrame(
        {
            "student": [f"s{number:02d}" for number in range(60)],
            "tutored": tutored,
            "before": before,
            "grade": np.where(np.arange(60) % 2, "five", "six"),
            "after": before + 2 * tutored + rng.normal(0, 1, 60),
            "marks": before + rng.normal(0, 1, 60),
        }
    )
    frame.to_csv(tmp_path / "students.csv", index=False)
    path = tmp_path / "study.toml"
    path.write_text(STUDY)
    return path


def change(path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def statuses(path) -> dict[str, tuple[str, tuple[str, ...]]]:
    registration = me.run_study(path).registration
    return {each.name: (each.status, each.changes) for each in registration.estimates}


def test_a_study_that_was_never_locked_has_no_registration(study):
    assert me.run_study(study).registration is None


def test_a_plan_that_is_followed_is_as_planned(study):
    lock = me.lock_study(study)
    assert lock.name == "study.lock.json"
    assert statuses(study) == {"main": ("planned", ()), "marks": ("planned", ())}


def test_another_outcome_changes_no_lock_and_another_baseline_does(study):
    frame = pd.read_csv(study.parent / "students.csv", dtype={"student": str})
    me.lock_study(study)
    frame.assign(after=frame["after"] + 1).to_csv(study.parent / "students.csv", index=False)
    assert statuses(study)["main"] == ("planned", ())
    frame.assign(before=frame["before"] + 1).to_csv(study.parent / "students.csv", index=False)
    assert statuses(study)["main"] == ("changed", ("design.baseline_data",))


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        ('estimator = { kind = "regression_adjustment" }', 'estimator = "difference_in_means"', ("estimator",)),
        ("ratio = 1", "ratio = 2", ("design.method",)),
        ("method = { kind", 'covariates = ["before"]\nmethod = { kind', ("design.baseline_data", "design.covariates")),
        ('title = "Tutors"', 'title = "Tutors"\nconfidence = 0.9', ("confidence",)),
        ('file = "students.csv"', 'file = "students.csv"\nsource = "Another name for the same data."', ()),
    ],
)
def test_what_was_changed_is_named(study, old, new, changes):
    me.lock_study(study)
    change(study, old, new)
    status, found = statuses(study)["main"]
    assert (status, set(found)) == ("changed" if changes else "planned", set(changes))


def test_code_that_is_changed_after_the_lock_is_named(study):
    script = study.parent / "prepare.py"
    script.write_text("def prepare(frame):\n    return frame\n")
    change(study, 'file = "students.csv"', 'file = "students.csv"\nprepare = "prepare.py"')
    me.lock_study(study)
    assert statuses(study)["main"] == ("planned", ())
    script.write_text("def prepare(frame):\n    return frame.assign(after=frame['after'] + frame['tutored'])\n")
    assert statuses(study)["main"] == ("changed", ("code",))


def test_what_was_added_or_left_out_is_said(study):
    me.lock_study(study)
    change(study, 'name = "marks"', 'name = "marks again"')
    assert {name: status for name, (status, _) in statuses(study).items()} == {
        "main": "planned", "marks again": "exploratory", "marks": "dropped",
    }  # fmt: skip


SUBGROUPS = """
[subgroups.grade]
by = "grade"

[rehearsal]
draws = 50
workers = 1
"""


def test_subgroups_and_rehearsals_are_part_of_the_plan(study):
    plain = study.read_text()
    study.write_text(plain + SUBGROUPS.replace("draws = 50", "draws = 2"))
    me.lock_study(study)
    study.write_text(
        plain
        + SUBGROUPS.replace("draws = 50", "draws = 3").replace('by = "grade"', 'by = "grade"\nleast_students = 12')
    )
    found = statuses(study)
    assert found["main"] == ("planned", ())
    assert found["main / grade"] == ("changed", ("least_students",))
    assert found["main / rehearsal"] == ("changed", ("draws",))
    study.write_text(plain)
    assert {name: status for name, (status, _) in statuses(study).items() if "/" in name} == dict.fromkeys(
        ("main / grade", "marks / grade", "main / rehearsal", "marks / rehearsal"), "dropped"
    )


def test_a_subgroup_that_was_not_locked_is_exploratory_and_the_report_names_it(study):
    me.lock_study(study)
    study.write_text(study.read_text() + '\n[subgroups.grade]\nby = "grade"\n')
    evaluation = me.run_study(study)
    (table,) = PlanTable.gather(evaluation)
    rows = {row[0]: row[1:] for row in table.table(Words("en")).rows}
    assert rows["Marks, by grade"] == ("Groups of students", "not planned", "")
    assert rows["Marks"] == ("Main result", "as planned", "")


def test_a_plan_is_locked_once_and_not_changed_by_hand(study):
    lock = me.lock_study(study)
    with pytest.raises(StudyError, match="is there already"):
        me.lock_study(study)
    held = json.loads(lock.read_text())
    held["estimates"]["main"]["outcome"] = "marks"
    lock.write_text(json.dumps(held))
    with pytest.raises(StudyError, match="changed by hand"):
        me.run_study(study)
    lock.write_text("not a plan")
    with pytest.raises(StudyError, match="changed by hand"):
        me.run_study(study)


def test_a_lock_holds_no_outcome_and_no_identifier(study):
    text = me.lock_study(study).read_text()
    frame = pd.read_csv(study.parent / "students.csv")
    assert not any(str(value) in text for value in frame["after"])
    assert not re.search(r"\bs\d\d\b", text)


@pytest.mark.parametrize("language", available_languages())
def test_the_report_says_what_became_of_the_plan(study, language, tmp_path):
    evaluation = me.run_study(study)
    write_lock(evaluation.study, evaluation.designs, day=datetime.date(2026, 8, 20))
    change(study, 'name = "marks"', 'name = "marks again"')
    written = me.write_report(me.run_study(study), tmp_path / "report", languages=[language])
    page = next(path for path in written if path.suffix == ".html").read_text(encoding="utf-8")
    said = {"en": ("August 20, 2026", "not planned", "planned, not reported"),
            "es": ("20 de agosto de 2026", "no planeado", "planeado, no informado")}  # fmt: skip
    for text in said[language]:
        assert text in page


def test_the_command_locks_and_says_where(study):
    done = subprocess.run(
        [sys.executable, "-m", "mentoreval", "lock", str(study)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "study.lock.json" in done.stdout
    again = subprocess.run(
        [sys.executable, "-m", "mentoreval", "lock", str(study)], capture_output=True, text=True, check=False
    )
    assert again.returncode == 2
    assert "Traceback" not in again.stderr
