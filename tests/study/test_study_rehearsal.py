"""A study file that asks for a rehearsal: what it takes, and where the results are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mentoreval as me

STUDY = """
title = "Tutoring"
question = "Does it help?"
seed = 3
[data]
file = "students.csv"
[panel]
unit = "student"
treated = "tutored"
covariates = ["before"]
outcomes = ["score"]
[panel.measures.score]
unit = "points"
[meaningful]
score = 0.4
[rehearsal]
{rehearsal}
[design.everyone]
method = "unadjusted"
[[estimate]]
outcome = "score"
design = "everyone"
estimator = "regression_adjustment"
role = "headline"
"""


def study(folder: Path, rehearsal: str, n: int = 300) -> Path:
    """A study of n students by lottery."""
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"student": range(n), "tutored": np.arange(n) % 4 == 0, "before": rng.normal(size=n)})
    frame["score"] = frame["before"] + rng.normal(size=n)
    frame.to_csv(folder / "students.csv", index=False)
    file = folder / "study.toml"
    file.write_text(STUDY.format(rehearsal=rehearsal), encoding="utf-8")
    return file


def test_every_headline_is_rehearsed_with_no_effect_and_the_smallest_that_matters(tmp_path: Path):
    evaluation = me.run_study(study(tmp_path, "draws = 30\nworkers = 1"))
    ((name, held),) = evaluation.rehearsals.items()
    assert name == evaluation.results[0].plan.name
    assert held.effects == (0.0, 0.4)
    assert len(held.frame) == 60
    assert evaluation.results[0].findings[-1].check == "rehearsal"
    assert evaluation.results[0].findings[-1].verdict == "pass"


def test_a_refused_rehearsal_is_a_finding_and_stops_nothing(tmp_path: Path):
    evaluation = me.run_study(study(tmp_path, "draws = 30\nworkers = 1", n=7))
    assert not evaluation.rehearsals
    assert evaluation.results[0].findings[-1].key == "rehearsal.too_few_units"


@pytest.mark.parametrize(
    ("rehearsal", "message"),
    [
        ("draws = 0", r"\[rehearsal\] draws is a whole number, 1 or more; got 0"),
        ("workers = 0", r"\[rehearsal\] workers is a whole number"),
        ('path = "falling"', "path = 'falling' is not allowed"),
        ("draw = 20", "has no key 'draw'.*Did you mean 'draws'"),
    ],
)
def test_a_slip_is_named(tmp_path: Path, rehearsal: str, message: str):
    with pytest.raises(me.StudyError, match=message):
        me.read_study(study(tmp_path, rehearsal))
