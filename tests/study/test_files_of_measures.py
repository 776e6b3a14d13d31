"""Files that a measure names stand beside the study, wherever the study is run from."""

import hashlib

import pytest

import mentoreval as me
from mentoreval.worlds.district.marks import LETTERS, POINT_TENTHS

STUDY = """
title = "Grades"
question = "Do grades rise?"

[data]
folder = "district"

[panel]
program = "one_to_one"
measures = ["attendance_rate", { kind = "gpa", scale = "points.csv" }]

[design.all]
method = "unadjusted"
covariates = ["prior_attendance_rate"]

[[estimate]]
outcome = "gpa"
design = "all"
estimator = "regression_adjustment"
role = "headline"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    me.write_world(me.draw_world("riverside", seed=3, n_students=700), folder / "district")
    (folder / "study.toml").write_text(STUDY)
    return folder


def test_a_scale_is_found_beside_the_study_and_its_fingerprint_is_kept(folder, tmp_path, monkeypatch):
    double = "mark,points\n" + "\n".join(f"{m},{p / 5}" for m, p in zip(LETTERS, POINT_TENTHS, strict=True))
    (folder / "points.csv").write_text(double)
    monkeypatch.chdir(tmp_path)
    evaluation = me.run_study(folder / "study.toml")
    usual = me.build_panel(me.read_records(folder / "district"), program=me.OneToOne(), measures=["gpa"])
    assert evaluation.panel.frame["gpa"].mean() == pytest.approx(2 * usual.frame["gpa"].mean(), rel=1e-12)
    assert evaluation.sources["points.csv"] == hashlib.sha256(double.encode()).hexdigest()
    assert evaluation.panel.measures["gpa"].rule == "gpa_scale_unweighted scale=points.csv"


def test_a_scale_that_is_not_there_is_named(folder):
    (folder / "points.csv").unlink(missing_ok=True)
    with pytest.raises(me.MentorevalError, match=r"no scale file '.*points\.csv'"):
        me.run_study(folder / "study.toml")
