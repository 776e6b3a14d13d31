"""A study's own kinds, from a Python file beside it."""

import hashlib
import json

import numpy as np
import pandas as pd
import pytest

import mentoreval as me

EXTENSION = '''
from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import mentoreval as me
from mentoreval.design.design import Design
from mentoreval.effects.estimator import Fit


@dataclass(frozen=True)
class Halved(me.DifferenceInMeans):
    """Half of the difference in means, to be told from it."""

    name: ClassVar[str] = "halved"
    by: float = 2.0

    def fit(self, design: Design, outcome: str) -> Fit:
        from dataclasses import replace

        whole = super().fit(design, outcome)
        parts = {"theta": whole.theta / self.by, "influence": whole.influence / self.by}
        return replace(whole, estimator=self, linear=None, **parts)
'''

STUDY = """
title = "Tutors"
question = "Do tutors help?"
extensions = ["our_estimator.py"]

[data]
file = "students.csv"

[panel]
unit = "student"
treated = "tutored"
outcomes = ["after"]

[design.all]
method = "unadjusted"
covariates = []

[[estimate]]
outcome = "after"
design = "all"
estimator = { kind = "halved", by = 4 }
role = "headline"

[[estimate]]
outcome = "after"
design = "all"
estimator = "difference_in_means"
"""


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"student": range(60), "tutored": np.arange(60) % 2, "after": rng.normal(size=60)})
    frame.to_csv(tmp_path / "students.csv", index=False)
    (tmp_path / "our_estimator.py").write_text(EXTENSION, encoding="utf-8")
    return tmp_path


def write(folder, text=STUDY):
    path = folder / "study.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_kind_of_the_study_is_used_and_its_file_is_in_the_manifest(folder):
    evaluation = me.run_study(write(folder))
    own, whole = (result.headline for result in evaluation.results)
    assert own["estimate"] == pytest.approx(whole["estimate"] / 4, rel=1e-12)
    me.write_report(evaluation, folder / "out", languages=["en", "es"])
    manifest = json.loads((folder / "out" / "manifest.json").read_text())
    digest = hashlib.sha256((folder / "our_estimator.py").read_bytes()).hexdigest()
    assert manifest["sources"]["our_estimator.py"] == digest
    assert "Halved" in (folder / "out" / "report.en.html").read_text()


def test_another_study_does_not_know_it(folder):
    me.run_study(write(folder))
    with pytest.raises(me.StudyError, match="no estimator named 'halved'"):
        me.read_study(write(folder, STUDY.replace('extensions = ["our_estimator.py"]\n', "")))


def test_a_changed_file_is_read_again(folder):
    first = me.run_study(write(folder)).results[0].headline["estimate"]
    (folder / "our_estimator.py").write_text(EXTENSION.replace("/ self.by", "/ self.by / 2"), encoding="utf-8")
    assert me.run_study(write(folder)).results[0].headline["estimate"] == pytest.approx(first / 2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\n", r"our_estimator\.py defines no kind: a class with a name, derived from one of Program, Measure"),
        ("x = 1\ny = z\n", r"our_estimator\.py can not be run \(line 2\): NameError: name 'z' is not defined"),
        ("def f(:\n", r"our_estimator\.py can not be run \(line 1\): SyntaxError"),
        (EXTENSION.replace('"halved"', '"did_2x2"'), r"Halved is named 'did_2x2', which exists"),
        (
            EXTENSION.replace("me.DifferenceInMeans", "Estimator")
            .replace("import Fit", "import Estimator, Fit")
            .replace("def fit(", "def fits("),
            r"Halved \(Estimator\) has no method fit",
        ),
    ],
)
def test_a_file_that_is_no_extension_is_named_with_what_is_wrong(folder, text, message):
    (folder / "our_estimator.py").write_text(text, encoding="utf-8")
    with pytest.raises(me.StudyError, match=message):
        me.read_study(write(folder))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ('["our_estimater.py"]', r"extensions = 'our_estimater\.py': there is no such Python file beside the study"),
        ('["students.csv"]', r"extensions = 'students\.csv': there is no such Python file"),
        ('"our_estimator.py"', r"extensions = 'our_estimator\.py' is not allowed\. It takes a list"),
    ],
)
def test_an_extension_that_is_not_there_is_named(folder, wrong, message):
    with pytest.raises(me.StudyError, match=message):
        me.read_study(write(folder, STUDY.replace('["our_estimator.py"]', wrong)))
