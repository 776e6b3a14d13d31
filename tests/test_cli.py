"""The command line as a person meets it: what it prints, what it returns, what it leaves behind."""

import os
import subprocess
import sys

import pytest


def mentoreval(*words, cwd):
    """Run the command in a folder; returns exit code, standard output, standard error."""
    done = subprocess.run(
        [sys.executable, "-m", "mentoreval", *map(str, words)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "COLUMNS": "200"},
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def district(tmp_path_factory, root):
    """A drawn riverside."""
    folder = tmp_path_factory.mktemp("cli")
    code, out, _ = mentoreval("simulate", "riverside", "--out", folder / "riverside", cwd=root)
    assert code == 0
    assert "truth.json" in out
    return folder / "riverside"


def test_simulate_draws_the_committed_district(district, root):
    for file in sorted((root / "data/synthetic/riverside").iterdir()):
        assert (district / file.name).read_bytes() == file.read_bytes(), file.name


def test_simulate_takes_a_seed(tmp_path, root, district):
    code, _, _ = mentoreval("simulate", "riverside", "--seed", 3, "--out", tmp_path / "other", cwd=root)
    assert code == 0
    assert (tmp_path / "other/students.csv").read_bytes() != (district / "students.csv").read_bytes()


def test_validate_says_that_nothing_is_wrong(district, root):
    code, out, _ = mentoreval("validate", district, cwd=root)
    assert code == 0
    assert out.strip()


def test_validate_lists_every_problem_of_all_tables(tmp_path, root):
    (tmp_path / "students.csv").write_text("student_id\n001\n001\n002\n", encoding="utf-8")
    (tmp_path / "enrolment.csv").write_text(
        "student_id,school_id,school_year,grade_level,entry_date\n001,A,2021-22,five,2021-09-01\n003,A,2021-22,5,9/1/21\n",
        encoding="utf-8",
    )
    code, out, err = mentoreval("validate", tmp_path, cwd=root)
    assert code == 2
    assert "Traceback" not in out + err
    for part in ("grade_level", "five", "entry_date", "9/1/21", "003"):
        assert part in out, part


def test_template_pseudonymize_and_validate_walk_together(tmp_path, root):
    code, out, _ = mentoreval("template", tmp_path / "empty", cwd=root)
    assert code == 0
    assert "dictionary.es.csv" in out
    code, _, err = mentoreval("pseudonymize", tmp_path / "empty", tmp_path / "hashed", cwd=root)
    assert code == 2
    assert "There is no key" in err
    (tmp_path / "key").write_text("0123456789abcdef" * 4, encoding="utf-8")
    words = ("pseudonymize", tmp_path / "empty", tmp_path / "hashed", "--key-file", tmp_path / "key")
    code, out, err = mentoreval(*words, cwd=root)
    assert code == 0, err
    assert "students: left out birth_date" in out
    code, out, _ = mentoreval("validate", tmp_path / "hashed", "--out", tmp_path / "page", "--language", "es", cwd=root)
    assert code == 0, out
    assert sorted(file.name for file in (tmp_path / "page").iterdir()) == ["problems.csv", "problems.es.html"]


def test_run_writes_the_report_and_says_where(tmp_path, root):
    code, out, err = mentoreval("run", "reports/riverside/study.toml", "--out", tmp_path / "report", cwd=root)
    assert code == 0, err
    assert "Reading the data" in err
    reports = [line.removeprefix("Report: ") for line in out.splitlines() if line.startswith("Report: ")]
    names = [f"report.{language}.{form}" for language in ("en", "es") for form in ("html", "pdf", "docx")]
    assert reports == [str(tmp_path / "report" / name) for name in names]
    assert {"manifest.json", "estimates.csv", *names} <= {file.name for file in (tmp_path / "report").iterdir()}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("run", "nowhere.toml", "--out", "x"), "no study file 'nowhere.toml'"),
        (("simulate", "rivreside", "--out", "x"), "Did you mean 'riverside'"),
        (("validate", "no_such_folder"), "no_such_folder"),
        (("validate", ".", "--attendance", "absences"), "Did you mean 'absences_only'"),
        (("validate", ".", "--language", "fr"), "--language fr does not exist"),
        (("pseudonymize", ".", "out", "--key-file", "nowhere"), "key file 'nowhere' can not be read"),
        (("list", "estimater"), "Did you mean 'estimator'"),
    ],
)
def test_a_mistake_is_one_paragraph_and_exit_code_2(tmp_path, words, message):
    code, out, err = mentoreval(*words, cwd=tmp_path)
    assert code == 2
    assert message in out + err
    assert "Traceback" not in out + err
    assert list(tmp_path.iterdir()) == []


def test_list_names_every_kind_with_a_line_on_it(root):
    code, out, _ = mentoreval("list", cwd=root)
    assert code == 0
    for name in ("nearest", "callaway_santanna", "cluster_robust", "chronic_absence", "one_to_one", "riverside"):
        assert f"  {name} " in out
