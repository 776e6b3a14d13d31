"""A study of several programs: one design, one estimate and one finding for each pair, and a report of them."""

import re

import numpy as np
import pandas as pd
import pytest

import mentoreval as me
from mentoreval.report.summary import summarize

EFFECTS = {"none": 0.0, "group": 0.5, "peer": 1.0}
PAIRS = ("group_against_none", "peer_against_none", "group_against_peer")

STUDY = """
title = "Three ways to mentor"
question = "Which kind of mentoring helps most?"
languages = ["en", "es"]
checks = ["covariate_balance"]

[data]
file = "students.csv"

[panel]
unit = "student"
treated = "mentored"
covariates = ["need", "model"]
outcomes = ["score"]

# Students of every kind of mentoring beside each other, and beside students without any.
[programs.kinds]
column = "model"
several = "drop"
eligibility = [{ covariate = "need", at_least = -2 }]

[[estimate]]
outcome = "score"
design = "kinds"
estimator = { kind = "regression_adjustment" }
role = "headline"

[[estimate]]
outcome = "score"
design = "kinds"
pair = ["peer", "none"]
estimator = { kind = "difference_in_means" }
"""


@pytest.fixture
def folder(tmp_path):
    """A study file's folder with 900 students in two programs or none; the needier are mentored more often."""
    rng = np.random.default_rng(5)
    need = rng.normal(size=900)
    utility = np.column_stack([0.5 + 0 * need, 0.4 * need, 0.7 * need]) + rng.gumbel(size=(900, 3))
    model = np.array(["none", "group", "peer"])[utility.argmax(axis=1)]
    frame = pd.DataFrame(
        {
            "student": [f"s{number}" for number in range(900)],
            "model": pd.Series(model).mask(model == "none"),
            "mentored": model != "none",
            "need": need,
            "score": [EFFECTS[one] for one in model] - need + rng.normal(0, 1, 900),
        }
    )
    peers = frame.index[frame["model"].eq("peer")]
    frame.loc[peers[:15], "model"] = "peer + group"
    frame.to_csv(tmp_path / "students.csv", index=False)
    return tmp_path


def write(folder, text):
    path = folder / "study.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_every_pair_has_a_design_an_estimate_and_its_findings(folder):
    evaluation = me.run_study(write(folder, STUDY))
    assert set(evaluation.designs) == {f"kinds_{pair}" for pair in PAIRS}
    headlines = evaluation.with_role("headline")
    assert [result.plan.pair for result in headlines] == [("group", "none"), ("peer", "none"), ("group", "peer")]
    for result in headlines:
        a, b = result.plan.pair
        assert result.headline["conf_low"] < EFFECTS[a] - EFFECTS[b] < result.headline["conf_high"]
        assert [finding.check for finding in result.findings] == ["covariate_balance"]
        keys = [step.key for step in evaluation.designs[result.plan.design].flow]
        assert keys[:3] == ["in_panel", "one_program", "eligible"]
    other = evaluation.with_role("robustness")
    assert [result.plan.design for result in other] == ["kinds_peer_against_none"]
    assert len({result.plan.name for result in evaluation.results}) == 4


def test_the_report_names_both_programs_of_every_pair(folder):
    evaluation = me.run_study(write(folder, STUDY))
    pages = me.write_report(evaluation, folder / "out")
    english = pages[0].read_text(encoding="utf-8")
    for result in evaluation.with_role("headline"):
        assert f"Score, {result.plan.contrast}" in english
    assert "The comparison “kinds: group – peer”" in english
    assert "Comparison students were in peer, another program." in english
    assert "Here the comparison students were in another program, peer." in english
    assert "In one program only" in english
    assert "Lopez, M. J." in english
    for text, result in zip(summarize(evaluation, "en"), evaluation.with_role("headline"), strict=True):
        assert text.startswith("Here the comparison students were in another program, peer.") == (
            result.plan.pair == ("group", "peer")
        )
    ids = re.findall(r'\bid="([^"]+)"', english)
    assert len(ids) == len(set(ids))
    assert not [one for one in ids if " " in one]
    estimates = pd.read_csv(folder / "out" / "estimates.csv")
    assert estimates["pair"].tolist() == ["group – none", "peer – none", "group – peer", "peer – none"]


@pytest.mark.parametrize(
    ("wrong", "right", "message"),
    [
        ('column = "modl"', 'column = "model"', r"no column 'modl'.*Did you mean 'model'"),
        ('colum = "model"', 'column = "model"', r"\[programs\.kinds\] has no key 'colum'.*Did you mean 'column'"),
        ('several = "dorp"', 'several = "drop"', r"'dorp' is no rule.*Did you mean 'drop'"),
        ("", 'several = "drop"\n', r"15 of 900 units .*\(group \+ peer: 15\)"),
        ('several = "drop"\nestimand = "ATC"', 'several = "drop"', r"estimand = 'ATC' is not allowed"),
        ('several = "drop"\nmethod = "matching"', 'several = "drop"', r"name it, as target='peer'"),
        ('pair = ["pear", "none"]', 'pair = ["peer", "none"]', r"no arm 'pear'.*Did you mean 'peer'"),
        (
            'languages = ["en"]\nchoice_names = { pear = "older students" }',
            'languages = ["en", "es"]',
            r"choice_names has 'pear'.*Did you mean 'peer'",
        ),
        ('pair = ["peer"]', 'pair = ["peer", "none"]', r"It takes two programs"),
        ('design = "kind"', 'design = "kinds"\npair', r"a design 'kind' that is not there.*Did you mean 'kinds'"),
    ],
)
def test_mistakes_in_a_portfolio_are_named(folder, wrong, right, message):
    assert right in STUDY
    wrong = wrong + "\npair" if right.endswith("\npair") else wrong
    with pytest.raises(me.MentorevalError, match="(?s)" + message):
        me.run_study(write(folder, STUDY.replace(right, wrong)))


def test_one_pair_has_one_headline(folder):
    text = STUDY.replace('pair = ["peer", "none"]', 'pair = ["peer", "none"]\nrole = "headline"')
    with pytest.raises(me.StudyError, match=r"score peer – none has more than one headline"):
        me.run_study(write(folder, text))


def test_a_pair_goes_with_several_programs_only(folder):
    design = '[design.all]\nmethod = "unadjusted"\ncovariates = ["need"]\n\n[[estimate]]'
    text = STUDY.replace("[[estimate]]", design, 1).replace('design = "kinds"\npair', 'design = "all"\npair')
    with pytest.raises(me.StudyError, match="pair goes with a design of several programs"):
        me.run_study(write(folder, text))
