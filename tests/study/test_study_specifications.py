"""A specification curve in a study file: read, estimated, shown."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import mentoreval as me
from mentoreval.errors import OptionError, StudyError

STUDY = """
title = "Tutors"
question = "Do tutors help?"
seed = 3

[data]
file = "students.csv"

[panel]
unit = "student"
treated = "tutored"
covariates = ["before", "grade"]
outcomes = ["after"]

[design.matched]
method = { kind = "nearest", ratio = 1 }

[[estimate]]
outcome = "after"
design = "matched"
estimator = { kind = "regression_adjustment" }
role = "headline"

[specifications.ways]
outcome = "after"
permutations = 3

[specifications.ways.methods]
everyone = "unadjusted"
nearest = { kind = "nearest", ratio = 1 }

[specifications.ways.estimators]
regression = "regression_adjustment"
means = "difference_in_means"

[specifications.ways.covariates]
before = ["before"]
all_facts = ["before", "grade"]

[specifications.ways.samples]
everyone = []
below_60 = [{ covariate = "before", at_most = 60 }]
"""


@pytest.fixture
def study(tmp_path):
    rng = np.random.default_rng(1)
    before = rng.normal(50, 10, 120)
    tutored = (before + rng.normal(0, 15, 120) < 45).astype(int)
    frame = pd.DataFrame(
        {
            "student": range(120), "tutored": tutored, "before": before,
            "grade": np.where(np.arange(120) % 2, "five", "six"),
            "after": before + 2 * tutored + rng.normal(0, 1, 120),
        }
    )  # fmt: skip
    frame.to_csv(tmp_path / "students.csv", index=False)
    path = tmp_path / "study.toml"
    path.write_text(STUDY)
    return path


def test_every_combination_is_estimated_and_shown_in_both_languages(study, tmp_path):
    evaluation = me.run_study(study)
    curve = evaluation.specifications["ways"]
    assert len(curve.frame) == 2**4
    assert curve.n_permutations == 3
    regression = curve.frame.query("estimator == 'regression'")["estimate"]
    assert regression.between(1, 3).all()
    written = me.write_report(evaluation, tmp_path / "report", languages=["en", "es"])
    pages = {path.stem[-2:]: path.read_text(encoding="utf-8") for path in written if path.suffix == ".html"}
    assert "16 of 16 ways to work out the effect" in pages["en"]
    assert "De 16 maneras de calcular el efecto" in pages["es"]


def test_choices_and_costs_are_called_what_the_study_calls_them_in_each_language(study, tmp_path):
    told = """
        [cost]
        per_student = 300
        what = "a tutor and books"
        [choice_names]
        all_facts = "all that is known"
        [translation.es]
        cost = "un tutor y libros"
        [translation.es.choice_names]
        all_facts = "todo lo que se sabe"
    """
    study.write_text(study.read_text().replace("permutations = 3", "permutations = 0") + told)
    written = me.write_report(me.run_study(study), tmp_path / "report", languages=["en", "es"])
    pages = {path.stem[-2:]: path.read_text(encoding="utf-8") for path in written if path.suffix == ".html"}
    assert "All that is known" in pages["en"]
    assert "a tutor and books" in pages["en"]
    assert "Todo lo que se sabe" in pages["es"]
    assert "un tutor y libros" in pages["es"]
    assert "Nearest-neighbor matching</td>" in pages["en"], "an entry that has the name of a kind is called that"
    study.write_text(study.read_text().replace('all_facts = "all that', 'all_fact = "all that'))
    with pytest.raises(StudyError, match="Did you mean 'all_facts'"):
        me.run_study(study)


@pytest.mark.parametrize(
    ("old", "new", "error", "message"),
    [
        ("[specifications.ways.samples]\neveryone = []", "[ignored]\nx = []", StudyError, "ignored"),
        ('everyone = "unadjusted"', 'everyone = "unadjustd"', OptionError, "Did you mean 'unadjusted'"),
        ('outcome = "after"\npermutations', 'outcome = "afters"\npermutations', StudyError, "Did you mean 'after'"),
        ("permutations = 3", "permutation = 3", StudyError, "Did you mean 'permutations'"),
    ],
)
def test_a_mistake_is_named(study, old, new, error, message):
    text = study.read_text()
    assert old in text
    study.write_text(text.replace(old, new, 1))
    with pytest.raises((error, StudyError), match=message):
        me.run_study(study)
