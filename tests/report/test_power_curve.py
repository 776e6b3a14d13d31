"""The power curve and the command behind it: in both languages, and true to the analysis."""

from __future__ import annotations

import dataclasses

import pytest
from typer.testing import CliRunner

import mentoreval as me
from mentoreval.cli import app
from mentoreval.errors import OptionError, ReportError
from mentoreval.evidence.power_designs import POWER_DESIGNS
from mentoreval.report.exhibits.power_curve import PowerCurve
from mentoreval.report.words import Words, available_languages

LANGUAGES = available_languages()
PLANS = {
    "individual": {"students": 400},
    "blocked": {"schools": 12, "students_per_school": 30.5},
    "clustered": {"schools": 20, "students_per_school": 60, "icc": 0.1},
    "one_arm_mentors": {"mentors": 25, "mentees_per_mentor": 4, "icc": 0.1},
    "difference_in_differences": {"units": 40, "before": 3, "after": 2, "students_per_unit": 50, "icc": 0.1},
}
COMMAND = (
    "power", "--design", "clustered", "--schools", "20", "--students-per-school", "60", "--icc", "0.1", "--r2", "0.5",
)  # fmt: skip


def run(*words):
    """The command's result; what a user did wrong is its exception."""
    return CliRunner().invoke(app, list(words))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", POWER_DESIGNS)
def test_every_plan_can_be_said(name, language):
    words, analysis = Words(language), me.power(name, **PLANS[name], sd=12)
    curve = PowerCurve.of_analysis(analysis)
    said = " ".join(curve.said(words, 0.1))
    assert words.count(analysis.design.size_now) in said
    assert words.number(analysis.mdes, 2) in said
    assert words.number(12 * analysis.mdes, 1) in said
    assert words.percent(analysis.power_for(0.1)) in said
    assert words.count(analysis.size_for(0.1)) in said
    assert words.number(analysis.frame["mdes"].iloc[0], 2) in curve.alt_text(words)


@pytest.mark.parametrize(
    ("students", "case"),
    [(400, "more than mentoring is likely"), (1000, "would find the larger"), (20_000, "large enough")],
)
def test_what_is_likely_is_set_beside_what_would_be_found(students, case):
    curve = PowerCurve.of_analysis(me.power("individual", students=students))
    assert case in " ".join(curve.said(Words("en")))


def test_the_table_has_the_chances_of_what_is_likely():
    analysis = me.power("clustered", **PLANS["clustered"], sd=12)
    words = Words("en")
    table = PowerCurve.of_analysis(analysis).table(words)
    assert all(len(row) == len(table.columns) == 6 for row in table.rows)
    (planned,) = (row for row in table.rows if row[0] == "20")
    chances = [words.percent(analysis.power_for(effect)) for effect in (0.05, 0.20)]
    mdes = analysis.mdes
    assert planned == ("20", "1,200", words.number(mdes, 2), words.number(12 * mdes, 1), *chances)
    bare = PowerCurve.of_analysis(me.power("individual", students=400)).table(words)
    assert len(bare.columns) == 4


def test_published_effects_are_those_of_outcomes_of_the_unit():
    def shown(**spread):
        return " ".join(
            PowerCurve.of_analysis(me.power("individual", students=400, **spread)).found_elsewhere(Words("en"))
        )

    assert "Bernstein" in shown(sd=12)
    assert "Bernstein" in shown(sd=0.09, unit="share")
    assert "Jenner" in shown(sd=0.9, unit="points")
    assert "Bernstein" not in shown(sd=0.9, unit="points")
    assert "Raposa" in shown()
    assert "Jenner" not in shown()


def test_an_evaluation_has_no_power_curve_of_its_own():
    assert PowerCurve.gather(None) == ()
    with pytest.raises(ReportError, match="of_analysis"):
        PowerCurve(me.power("individual", students=400).frame).shown  # noqa: B018 (reading it is the test)


# ------------------------------------------------------------------ the command
def test_the_command_says_what_would_be_found():
    analysis = me.power("clustered", schools=20, students_per_school=60, icc=0.1, r2=0.5, sd=12)
    done = run(*COMMAND, "--sd-days", "12", "--effect", "3")
    assert done.exit_code == 0, done.output
    assert f"{12 * analysis.mdes:.1f} days ({analysis.mdes:.2f} standard deviations)" in done.output
    assert f"3.0 days (0.25 standard deviations) is {analysis.power_for(0.25):.0%}" in done.output
    assert "Bernstein et al. 2009" in done.output
    assert "ies.ed.gov" in done.output


def test_percentage_points_are_shares():
    analysis = me.power("clustered", schools=20, students_per_school=60, icc=0.1, r2=0.5, sd=0.09, unit="share")
    done = run(*COMMAND, "--sd-percentage-points=9", "--effect=1.8", "--language=es")
    assert f"{9 * analysis.mdes:.1f} puntos porcentuales" in done.output
    assert "1.8 puntos porcentuales (0.20 desviaciones estándar)" in done.output


@pytest.mark.parametrize(("suffix", "start"), [(".svg", b"<svg"), (".png", b"\x89PNG")])
def test_the_command_writes_the_picture(tmp_path, suffix, start):
    path = tmp_path / f"power{suffix}"
    assert f"Written: {path}" in run(*COMMAND, "--out", str(path)).output
    assert path.read_bytes().startswith(start)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("power", "--design", "clusterd"), "Did you mean 'clustered'"),
        (("power", "--design", "clustered", "--schools", "20"), "needs students_per_school, icc"),
        ((*COMMAND, "--schols", "3"), "Did you mean 'schools'"),
        ((*COMMAND, "--share"), "--share needs a value"),
        ((*COMMAND, "extra"), "'extra' is not expected"),
        ((*COMMAND, "--covariates", "one"), "whole number"),
        ((*COMMAND, "--sd-days", "12", "--sd-grade-points", "1"), "once"),
        ((*COMMAND, "--effect", "-1"), "above 0"),
        ((*COMMAND, "--out", "power.pdf"), ".svg or .png"),
        ((*COMMAND, "--out", "no_such_folder/power.svg"), "can not be written"),
        ((*COMMAND, "--language", "fr"), "no language 'fr'"),
    ],
)
def test_what_is_wrong_is_said(words, message):
    done = run(*words)
    assert isinstance(done.exception, OptionError | ReportError)
    assert message in str(done.exception)


def test_the_help_lists_every_option_of_every_plan():
    shown = " ".join(run("power", "--help").output.split()).replace("- ", "-")
    for name, plan in POWER_DESIGNS.items():
        place = shown.index(f"{name}:")
        listed = shown[place:].split(": ")[1]
        for option in dataclasses.fields(plan):
            assert f"--{option.name.replace('_', '-')}" in listed, (name, option.name)
