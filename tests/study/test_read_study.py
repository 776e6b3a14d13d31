"""A study file that says what it means, and every way in which one does not."""

import re

import numpy as np
import pandas as pd
import pytest

import mentoreval as me

STUDY = """
title = "Tutors"
question = "Do tutors help?"

[data]
file = "students.csv"

[panel]
unit = "student"
treated = "tutored"
covariates = ["before", "grade"]
outcomes = ["after"]
pretests = { after = "before" }

[design.matched]
method = { kind = "nearest", ratio = 1 }

[[estimate]]
outcome = "after"
design = "matched"
estimator = { kind = "regression_adjustment" }
role = "headline"
"""


@pytest.fixture
def folder(tmp_path):
    """A study file and its data: 40 students whose score rises by 2 where they are tutored."""
    rng = np.random.default_rng(1)
    before = rng.normal(50, 10, 40)
    tutored = (before + rng.normal(0, 15, 40) < 45).astype(int)
    frame = pd.DataFrame(
        {
            "student": [f"s{number:02d}" for number in range(40)],
            "tutored": tutored,
            "before": before,
            "grade": np.where(np.arange(40) % 2, "five", "six"),
            "after": before + 2 * tutored + rng.normal(0, 1, 40),
        }
    )
    frame.to_csv(tmp_path / "students.csv", index=False)
    return tmp_path


def write(folder, text):
    path = folder / "study.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_study_runs_from_its_file(folder):
    evaluation = me.run_study(write(folder, STUDY))
    row = evaluation.with_role("headline")[0].headline
    assert row["conf_low"] < 2 < row["conf_high"]
    assert list(evaluation.sources) == ["students.csv"]


def test_progress_names_each_step(folder):
    steps = []
    me.run_study(write(folder, STUDY), progress=steps.append)
    assert steps[0] == "Reading the data"
    assert "Choosing the comparison matched" in steps
    assert steps.index("Choosing the comparison matched") < steps.index(
        "Estimating after_matched_regression_adjustment"
    )


@pytest.mark.parametrize(
    ("wrong", "right", "message"),
    [
        ("questoin =", "question =", r"no key 'questoin'.*Did you mean 'question'"),
        ("covariatse =", "covariates =", r"\[panel\] has no key 'covariatse'.*Did you mean 'covariates'"),
        ("raito =", "ratio =", r"no option 'raito'.*Did you mean 'ratio'"),
        ('"neerest"', '"nearest"', r"no design named 'neerest'.*Did you mean 'nearest'"),
        ('"regresion_adjustment"', '"regression_adjustment"', r"Did you mean 'regression_adjustment'"),
        ('design = "mached"', 'design = "matched"', r"a design 'mached' that is not there.*Did you mean 'matched'"),
        ('role = "headlin"', 'role = "headline"', r"role = 'headlin' is not allowed.*Did you mean 'headline'"),
        ("ratio = 1.5", "ratio = 1", r"ratio = 1.5 is not allowed. It takes a whole number"),
        ('outcome = "aftre"', 'outcome = "after"', r"names an outcome 'aftre'.*Did you mean 'after'"),
        ('treated = "tutord"', 'treated = "tutored"', r"no column 'tutord'.*Did you mean 'tutored'"),
        ('file = "pupils.csv"', 'file = "students.csv"', r"no data file 'pupils.csv'"),
        ('title = 3', 'title = "Tutors"', r"title = 3 is not allowed. It takes a text"),
        ("title", 'title = "Tutors"', r"not valid TOML"),
        ('formats = ["pfd"]\ntitle = "Tutors"', 'title = "Tutors"', r"formats has pfd.*Did you mean 'pdf'"),
        ('formats = []\ntitle = "Tutors"', 'title = "Tutors"', r"formats has nothing.*Available: docx, html, pdf"),
        ('pretests = { aftr = "before" }', 'pretests = { after = "before" }', r"pretests names 'aftr'"),
        ('outcomes = ["before"]', 'outcomes = ["after"]', r"before can not be a covariate and an outcome"),
    ],
)  # fmt: skip
def test_every_mistake_is_named_with_what_was_meant(folder, wrong, right, message):
    assert right in STUDY
    with pytest.raises(me.MentorevalError, match="(?s)" + message):
        me.run_study(write(folder, STUDY.replace(right, wrong)))


@pytest.mark.parametrize("section", ["data", "panel"])
def test_a_missing_part_is_named(folder, section):
    text = re.sub(rf"\[{section}\].*?\n\n", "", STUDY, flags=re.DOTALL)
    with pytest.raises(me.StudyError, match=f"has no {section}"):
        me.read_study(write(folder, text))


def test_two_headlines_for_one_outcome_are_refused(folder):
    block = STUDY[STUDY.index("[[estimate]]") :].replace("role", 'name = "again"\nrole')
    with pytest.raises(me.StudyError, match="more than one headline"):
        me.read_study(write(folder, STUDY + block))


def test_no_headline_is_refused(folder):
    with pytest.raises(me.StudyError, match=r"No estimate has role"):
        me.read_study(write(folder, STUDY.replace('role = "headline"', "")))


def test_a_study_file_that_is_not_there():
    with pytest.raises(me.StudyError, match=r"no study file 'nowhere\.toml'"):
        me.read_study("nowhere.toml")


def test_reading_a_study_runs_nothing(folder):
    (folder / "students.csv").unlink()
    assert me.read_study(write(folder, STUDY)).title == "Tutors"


def test_prepare_without_its_function_is_named(folder):
    (folder / "prepare.py").write_text("x = 1\n", encoding="utf-8")
    text = STUDY.replace('file = "students.csv"', 'file = "students.csv"\nprepare = "prepare.py"')
    with pytest.raises(me.StudyError, match="no function prepare"):
        me.run_study(write(folder, text))


SPANISH = """
[translation.es]
title = "Tutores"
question = "¿Ayudan los tutores?"
assumptions = ["Nadie más ayudó."]
"""


def test_the_authors_texts_are_said_in_the_language_of_the_report(folder):
    evaluation = me.run_study(write(folder, STUDY + SPANISH))
    pages = me.write_report(evaluation, folder / "out", languages=["en", "es"])
    english, spanish = (page.read_text(encoding="utf-8") for page in pages[:2])
    assert "¿Ayudan los tutores?" in spanish
    assert "Do tutors help?" not in spanish
    assert "Do tutors help?" in english
    assert "Nadie más ayudó." in spanish


def test_a_text_that_can_not_be_translated_is_named(folder):
    with pytest.raises(me.StudyError, match=r"\[translation\.es\] has no key 'tittle'.*Did you mean 'title'"):
        me.read_study(write(folder, STUDY + SPANISH.replace("title", "tittle")))
