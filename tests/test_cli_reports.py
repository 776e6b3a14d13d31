"""What a person at a desk does with studies: write one from questions, run it, open its report, make all reports."""

import re
import shutil
import tomllib

import pytest
from typer.testing import CliRunner

from mentoreval.cli import app
from mentoreval.errors import MentorevalError
from mentoreval.study.offer import look_at
from mentoreval.study.read import read_study
from mentoreval.study.study import RehearsalPlan

SMALL = """
title = "Extra help"
question = "Does extra help help?"
languages = ["en"]
[data]
file = "students.csv"
[panel]
unit = "student"
treated = "helped"
covariates = ["before"]
outcomes = ["after"]
measures = { after = { unit = "points" } }
[design.everyone]
method = { kind = "unadjusted" }
[[estimate]]
outcome = "after"
design = "everyone"
estimator = { kind = "regression_adjustment" }
inference = { kind = "heteroskedasticity_robust" }
role = "headline"
"""


def mentoreval(*words):
    """Run a command in this process; exit code and what it printed, an error of the package as its text."""
    done = CliRunner().invoke(app, [str(word) for word in words])
    if isinstance(done.exception, MentorevalError):
        return 2, f"{done.output}{done.exception}"
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


def small_study(folder, text=SMALL, data=True):
    """A study of 200 students that runs in a second."""
    folder.mkdir(parents=True)
    (folder / "study.toml").write_text(text, encoding="utf-8")
    if data:
        rows = [f"s{n},{n % 2},{n % 7},{n % 7 + 0.5 * (n % 2) + (n % 5) / 10}" for n in range(200)]
        (folder / "students.csv").write_text("\n".join(["student,helped,before,after", *rows]), encoding="utf-8")
    return folder / "study.toml"


@pytest.fixture(scope="module", autouse=True)
def _tables_are_read_once():
    """The tables are the same in every test here, and reading them is most of the work."""
    known = {}

    def look(folder, say):
        if folder not in known:
            known[folder] = look_at(folder, say)
        return known[folder]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mentoreval.study.offer.look_at", look)
        yield


@pytest.fixture(scope="module")
def district(root):
    """The tables of a small made-up district, with marks and with mentees who had missed 15 % of their days."""
    return root / "data/synthetic/fresno_portfolio"


@pytest.fixture(scope="module")
def written(tmp_path_factory, district):
    """A study file from options alone, in Spanish."""
    file = tmp_path_factory.mktemp("new") / "ours" / "study.toml"
    words = ["new", file, "--data", district, "--language", "es", "--languages", "es,en"]
    code, out = mentoreval(*words, "--outcomes", "attendance_rate,gpa", "--missed", 15, "--matters", "gpa=0.2")
    assert code == 0, out
    return file


def test_a_new_study_says_what_was_asked_for(written):
    study = read_study(written)
    assert {plan.outcome for plan in study.estimates} == {"attendance_rate", "gpa"}
    assert study.designs["main"].eligibility[0].at_most == 0.85
    assert {plan.pool for plan in study.designs.values()} == {"not_yet_treated"}, "Riverside has several starts"
    assert study.rehearsal == RehearsalPlan(draws=200)
    assert study.meaningful == {"attendance_rate": 0.011, "gpa": 0.2}
    assert study.languages == ("es", "en")
    assert study.synthetic  # truth.json lies beside the tables


def test_grades_are_compared_between_students_alike_in_grades(written):
    study = read_study(written)
    (grades,) = [plan for plan in study.estimates if plan.outcome == "gpa"]
    assert "prior_gpa" in study.designs[grades.design].covariates
    assert "prior_gpa" not in study.designs["main"].covariates


def test_every_part_of_a_new_study_has_a_comment_in_its_language(written):
    lines = written.read_text(encoding="utf-8").splitlines()
    tables = [
        number for number, line in enumerate(lines) if re.match(r"\[(data|panel|meaningful|rehearsal|design)", line)
    ]
    assert tables
    assert all(lines[number - 1].startswith("# ") for number in tables)
    assert any("Quién se compara con quién" in line for line in lines)


def test_a_new_study_runs(written, tmp_path):
    few = written.with_name("few_draws.toml")
    few.write_text(written.read_text(encoding="utf-8").replace("draws = 200", "draws = 5"), encoding="utf-8")
    code, out = mentoreval("run", few, "--out", tmp_path, "--languages", "es")
    assert code == 0, out
    assert "Datos inventados" in out
    page = (tmp_path / "report.es.html").read_text(encoding="utf-8")
    assert "ensayos no dieron respuesta" in page, "a made-up program leaves no one of a small group in it"
    assert re.search(r"días (más|menos)|No podemos", out)
    assert (tmp_path / "report.es.html").is_file()
    assert not (tmp_path / "report.en.html").exists()


def test_a_group_without_a_mentored_student_is_left_out_and_the_file_says_so(tmp_path, root):
    code, out = mentoreval("new", tmp_path / "study.toml", "--data", root / "data/synthetic/west_kern", "--yes")
    assert code == 0, out
    assert "gender" not in read_study(tmp_path / "study.toml").designs["main"].covariates
    assert re.search(r"# Not asked of the comparison, .*: gender\.", (tmp_path / "study.toml").read_text())


def test_a_study_file_is_never_overwritten(written, district):
    before = written.read_bytes()
    code, out = mentoreval("new", written, "--data", district)
    assert (code, written.read_bytes()) == (2, before)
    assert "is not overwritten" in out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--outcomes", "attendence_rate"), "Did you mean 'attendance_rate'"),
        (("--program", "school_wide"), "'school_wide' is not on offer here"),
        (("--missed", "100"), "from 0 to below 100"),
        (("--matters", "gpa"), "--matters takes an outcome and a size"),
        (("--matters", "dropout=1"), "no effect that matters on 'dropout'"),
        (("--language", "fr"), "--language fr does not exist"),
    ],
)
def test_an_answer_that_can_not_be_leaves_nothing_behind(tmp_path, district, options, message):
    code, out = mentoreval("new", tmp_path / "study.toml", "--data", district, *options)
    assert code == 2
    assert message in out
    assert list(tmp_path.iterdir()) == []


def test_without_a_folder_and_without_a_terminal_new_says_what_to_give(tmp_path):
    code, out = mentoreval("new", tmp_path / "study.toml")
    assert code == 2
    assert "--data" in out


@pytest.mark.parametrize("language", ["en", "es"])
def test_both_languages_ask_and_comment_the_same(language, root):
    texts = [
        tomllib.loads((root / f"mentoreval/study/languages/{name}.toml").read_text(encoding="utf-8"))
        for name in ("en", language)
    ]
    assert [(family, *texts[0][family]) for family in texts[0]] == [(family, *texts[1][family]) for family in texts[1]]


def test_a_report_that_is_still_right_is_not_made_again(tmp_path):
    study, out = small_study(tmp_path / "ours"), tmp_path / "out"
    assert mentoreval("report", study, "--out", out)[0] == 0
    (out / "estimates.csv").touch()
    made = (out / "report.en.html").stat().st_mtime_ns
    assert "Nothing has changed" in mentoreval("report", study, "--out", out)[1]
    assert (out / "report.en.html").stat().st_mtime_ns == made
    assert "Nothing has changed" not in mentoreval("report", study, "--out", out, "--languages", "en,es")[1]
    data = tmp_path / "ours/students.csv"
    data.write_text(data.read_text(encoding="utf-8").replace("s7,1,0", "s7,1,1"), encoding="utf-8")
    assert "Nothing has changed" not in mentoreval("report", study, "--out", out)[1]
    (out / "report.en.html").write_text("", encoding="utf-8")
    assert "Nothing has changed" not in mentoreval("report", study, "--out", out)[1]


def test_open_opens_the_report(tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", lambda address: opened.append(address) or True)
    code, _ = mentoreval("report", small_study(tmp_path / "ours"), "--out", tmp_path / "out", "--open")
    assert (code, opened) == (0, [(tmp_path / "out/report.en.html").as_uri()])


@pytest.mark.parametrize(("option", "value"), [("--formats", "htlm"), ("--languages", "fr"), ("--formats", ",")])
def test_an_unknown_format_or_language_is_refused_before_any_work(tmp_path, option, value):
    code, out = mentoreval("run", small_study(tmp_path / "ours"), "--out", tmp_path / "out", option, value)
    assert code == 2
    assert f"{option} " in out
    assert not (tmp_path / "out").exists()


def test_one_failing_study_does_not_hide_the_others(tmp_path):
    studies, out = tmp_path / "reports", tmp_path / "out"
    small_study(studies / "a_good")
    small_study(studies / "b_broken", SMALL.replace("regression_adjustment", "regresion"))
    small_study(studies / "c_elsewhere", data=False)
    shutil.copytree(studies / "a_good", out / "c_elsewhere")  # an old report of it
    code, said = mentoreval("report", studies, "--out", out)
    assert code == 2
    ends = re.findall(r"^(\w+): (written|failed|no data)", said, re.MULTILINE)
    assert ends == [("a_good", "written"), ("b_broken", "failed"), ("c_elsewhere", "no data")]
    english, spanish = ((out / name).read_text(encoding="utf-8") for name in ("index.html", "index.es.html"))
    assert 'href="a_good/report.en.html"' in english
    assert "1 of 3 studies" in english
    assert "regresion" in english
    assert "1 de 3 estudios" in spanish
    assert '<h2 lang="en">Extra help</h2>' in spanish
    assert not (out / "c_elsewhere").exists()


def test_a_folder_without_studies_is_named(tmp_path):
    code, out = mentoreval("report", tmp_path)
    assert code == 2
    assert "no study in" in out
