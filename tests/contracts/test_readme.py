"""What the README shows runs, and the numbers that it names come out."""

from __future__ import annotations

import re

import pytest

import mentoreval as me


@pytest.fixture(scope="module")
def shown(root):
    """The names that the README's Python makes."""
    text = (root / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    assert len(blocks) == 1
    names: dict[str, object] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        exec(compile(blocks[0], "README.md", "exec"), names)
    return text, names


def test_the_lines_of_the_truth_table_are_those_of_the_table(root):
    """The table in reports/ has two more columns: what was found on average, and the error of that average."""
    rows = (root / "reports" / "truth_table.md").read_text(encoding="utf-8").splitlines()
    cells = [line.strip("| ").split(" | ") for line in rows if line.startswith("| ")]
    names, *lines = cells
    columns = [names.index(name) for name in ("estimator", "inference", "world", "must", "truth", "bias", "coverage")]
    whole = {" | ".join(line[column] for column in columns) for line in lines[1:]}
    text = (root / "README.md").read_text(encoding="utf-8")
    shown = [line.strip("| ") for line in text.splitlines() if re.match(r"\| [a-z].* \| (hold|miss: \w+) \|", line)]
    assert len(shown) == 9
    assert set(shown) <= whole
    assert f"{len(lines) - 1} lines" in " ".join(text.split())


def test_the_python_of_the_readme_runs(shown):
    _, names = shown
    row = names["effect"].headline()
    assert row["conf_low"] < row["estimate"] < row["conf_high"]


def test_the_numbers_of_the_readme_come_out(shown, root):
    text, _ = shown
    records = me.read_records(root / "data/synthetic/riverside")
    panel = me.build_panel(records, program="one_to_one", measures=["attendance_rate", "days_absent"])
    rule = [me.Eligibility("prior_attendance_rate", at_most=0.90)]
    everyone = me.choose_design(panel, covariates=["prior_attendance_rate"], eligibility=rule)
    effect = me.estimate_effect(everyone, "days_absent", me.DifferenceInMeans())
    change = me.run_check("regression_to_the_mean", effect).frame.set_index("arm")["change"]
    truth = me.draw_world("riverside").truth.effect("days_absent")
    words = " ".join(text.split())
    assert f"brings back {-truth:.1f} days in the first year" in words
    assert f"missed {-change['treated']:.1f} days less than the year before" in words
    assert f"missed {-change['comparison']:.1f} days less" in words
