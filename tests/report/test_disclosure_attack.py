"""An attack on a report: whoever solves all sums and differences of what is printed learns no small number."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog

from mentoreval.panel.fidelity import Fidelity
from mentoreval.report.disclosure import Protected, hide_coded, protect_all, shown_count
from mentoreval.report.document import Table
from mentoreval.report.estimates_file import EstimatesFile
from mentoreval.report.exhibit import Exhibit
from mentoreval.report.exhibits import EXHIBITS, BaselineTable
from mentoreval.report.render import write_report
from mentoreval.report.section import Material
from mentoreval.report.sections import SECTIONS
from mentoreval.report.words import Words
from mentoreval.study.evaluation import Evaluation, run_study

LIMIT = 10
WORDS = Words("en")
ARMS = ("n_treated", "n_comparison")
TINY = """
title = "Tiny schools"
question = "Do students with a mentor come to school more often?"
synthetic = true
languages = ["en", "es"]
checks = ["covariate_balance", "attrition", "wwc_baseline_equivalence"]

[data]
file = "students.csv"

[panel]
unit = "student"
period = "year"
first_treated = "start"
school = "school"
covariates = ["grade", "gender"]
outcomes = ["attendance_rate", "chronic_absence", "gpa"]

[panel.measures]
attendance_rate = { unit = "share" }
chronic_absence = { unit = "flag", higher_is_better = false }
gpa = { unit = "points" }

[design.matched]
method = "unadjusted"
covariates = ["prior_attendance_rate", "prior_gpa", "prior_chronic_absence", "grade", "gender"]
eligibility = [{ covariate = "prior_attendance_rate", at_most = 0.97 }]

[subgroups.gender]
by = "gender"

[subgroups.grades]
by = "grade"

[[estimate]]
outcome = "attendance_rate"
design = "matched"
estimator = "regression_adjustment"
role = "headline"

[[estimate]]
outcome = "chronic_absence"
design = "matched"
estimator = "difference_in_means"
role = "headline"

[[estimate]]
outcome = "gpa"
design = "matched"
estimator = "regression_adjustment"
role = "headline"

[[estimate]]
outcome = "gpa"
design = "matched"
estimator = "difference_in_means"

[[estimate]]
outcome = "attendance_rate"
design = "matched"
estimator = "callaway_santanna"
role = "over_time"
"""


def tiny_schools() -> pd.DataFrame:
    """Three schools of forty; everyone in one of them is in the program, and a few years and grades are missing."""
    rng = np.random.default_rng(3)
    student = np.repeat(np.arange(120), 3)
    year = np.tile([2022, 2023, 2024], 120)
    level = np.repeat(rng.beta(14, 1.6, 120), 3)
    rate = np.clip(level + rng.normal(0, 0.03, 360), 0.4, 1.0).round(4)
    frame = pd.DataFrame(
        {
            "student": student, "year": year, "school": student % 3 + 1, "gender": np.where(student % 5 < 2, "F", "M"),
            "grade": np.select([student % 11 > 9, student % 11 > 5], ["eighth", "seventh"], "sixth"),
            "attendance_rate": rate, "chronic_absence": (rate <= 0.9).astype(float),
            "gpa": np.clip(0.4 + 2.6 * rate + rng.normal(0, 0.35, 360), 0, 4).round(2),
        }
    )  # fmt: skip
    frame["start"] = pd.Series(2023, index=frame.index).where(frame["school"] == 1).astype("Int64")
    frame.loc[(student % 17 == 4) & (year == 2022), "gpa"] = np.nan
    frame.loc[(student % 13 == 3) & (year == 2023), "gpa"] = np.nan
    return frame[~((student % 19 == 6) & (year == 2022))]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory, few_matches: Fidelity) -> Evaluation:
    """A universal program in one of three tiny schools, and its matches."""
    folder = tmp_path_factory.mktemp("tiny")
    tiny_schools().to_csv(folder / "students.csv", index=False)
    (folder / "study.toml").write_text(TINY, encoding="utf-8")
    return replace(run_study(folder / "study.toml"), fidelity=few_matches)


def gathered(evaluation: Evaluation) -> dict[str, tuple]:
    kinds = {**EXHIBITS, EstimatesFile.name: EstimatesFile}
    return {name: kind.gather(evaluation) for name, kind in kinds.items()}


@pytest.fixture(scope="module")
def raw(tiny: Evaluation) -> dict[str, tuple]:
    return gathered(tiny)


@pytest.fixture(scope="module")
def safe(raw: dict[str, tuple]) -> Protected:
    return protect_all(raw, LIMIT)


def known(text: str) -> tuple[float, float]:
    """What a reader knows of a number of students from how it is printed."""
    if text == WORDS("sign.hidden"):
        return 0.0, np.inf
    if text == WORDS("sign.small", limit=LIMIT):
        return 0.0, LIMIT - 1.0
    return float(text.replace(",", "")), float(text.replace(",", ""))


class Attack:
    """Counts by name, with what is printed of each, and which of them lie within which."""

    def __init__(self) -> None:
        self.truth: dict[object, float] = {}
        self.bounds: dict[object, tuple[float, float]] = {}
        self.inside: set[tuple[object, object]] = set()
        self.together: dict[tuple[str, ...], set[object]] = {}
        self.made_of: dict[str, tuple[object, set[object]]] = {}

    def read(self, name: object, truth: float, text: str) -> None:
        """A number that is printed somewhere, perhaps not for the first time."""
        assert self.truth.setdefault(name, truth) == truth
        low, high = self.bounds.get(name, (0.0, np.inf))
        self.bounds[name] = max(low, known(text)[0]), min(high, known(text)[1])

    def range_of(self, terms: dict[object, float]) -> tuple[float, float]:
        """The smallest and the largest that a sum or difference of counts can be."""
        names = list(self.truth)
        goal = np.array([terms.get(name, 0.0) for name in names])
        rows = [[(name == small) - float(name == large) for name in names] for small, large in self.inside]
        rows += [
            [(name in parts) - float(name == whole[:2]) for name in names] for whole, parts in self.together.items()
        ]
        sums = [[(name in parts) - float(name == whole) for name in names] for whole, parts in self.made_of.values()]
        ends = []
        for sign in (1, -1):
            found = linprog(
                sign * goal, A_ub=rows, b_ub=np.zeros(len(rows)), A_eq=sums or None, b_eq=np.zeros(len(sums)),
                bounds=[self.bounds[n] for n in names], method="highs",
            )  # fmt: skip
            ends.append(sign * found.fun if found.status == 0 else -sign * np.inf)
        return ends[0], ends[1]

    def secrets(self) -> Iterator[tuple[dict[object, float], float]]:
        """Small counts, and small differences between nested ones that are not nobody."""
        for name, count in self.truth.items():
            if count < LIMIT:
                yield {name: 1.0}, count
        for whole, parts in self.together.items():
            gap = self.truth[whole[:2]] - sum(self.truth[part] for part in parts)
            if 0 < gap < LIMIT:
                yield {whole[:2]: 1.0, **dict.fromkeys(parts, -1.0)}, gap
        for small, large in self.inside:
            gap = self.truth[large] - self.truth[small]
            if 0 < gap < LIMIT:
                yield {large: 1.0, small: -1.0}, gap


def attack(raw: dict[str, tuple], safe: dict[str, tuple]) -> Attack:
    """Everything that flow, baselines, results, subgroups, audit and the file of estimates print, read as text."""
    found = Attack()
    readers = {
        "sample_flow": read_flow, "impact_table": read_results, "robustness_table": read_results,
        "estimates": read_results, "wwc_audit_table": read_audit, "baseline_table": read_baseline,
        "subgroup_table": read_subgroups, "subgroup_baseline": read_subgroup_baseline,
        "participants": read_participants, "event_study": read_periods, "dosage_table": read_dosage,
        "meeting_weeks": read_matches, "match_counts": read_matches,
    }  # fmt: skip
    for kind, reader in readers.items():
        for plain, shown in zip(raw[kind], safe[kind], strict=True):
            reader(found, plain, shown)
    return found


def read_flow(found: Attack, plain: Exhibit, shown: Exhibit) -> None:
    """Each step lies in the one before, and each analytic sample in the last."""
    for column, arm in enumerate(ARMS, 1):
        last = None
        for (_, row), text in zip(plain.frame.iterrows(), shown.table(WORDS).rows, strict=True):
            for name in row["outcomes"] or (row["step"],):
                found.read((arm, name), row[arm], text[column])
                found.inside |= {((arm, name), last)} if last else set()
            last = last if row["outcomes"] else (arm, row["step"])


def read_results(found: Attack, plain: Exhibit, shown: Exhibit) -> None:
    """The analytic samples of results; of two on one outcome the smaller lies in the larger."""
    for arm in ARMS:
        for (_, row), count in zip(plain.frame.iterrows(), shown.frame[arm], strict=True):
            name = sample_name(arm, row["outcome"], row["name"], row["role"] == "headline")
            found.read(name, row[arm], shown_count(count, WORDS))
            main = arm, row["outcome"]
            if found.truth[main] != found.truth[name]:
                found.inside.add((name, main) if found.truth[name] < found.truth[main] else (main, name))


def sample_name(arm: str, outcome: str, name: str, is_main: bool) -> tuple[str, ...]:
    """The analytic sample of a main result by its outcome, as the flow names it; of another by the result."""
    return (arm, outcome) if is_main else (arm, outcome, name)


def read_audit(found: Attack, plain: Exhibit, shown: Exhibit) -> None:
    """Who was eligible, compared and counted."""
    for before, after in zip(plain.frame["numbers"], shown.frame["numbers"], strict=True):
        for arm in ARMS:
            end = arm.removeprefix("n_")
            own = sample_name(arm, plain.facts["outcome"], plain.subject, plain.facts["main"])
            names = {arm: own, f"n_eligible_{end}": (arm, "eligible"), f"n_compared_{end}": (arm, "compared")}
            for name in set(names) & set(before):
                found.read(names[name], before[name], shown_count(after[name], WORDS))


def read_baseline(found: Attack, plain: Exhibit, shown: Exhibit) -> None:
    """Those with a value of a covariate lie in the analytic sample."""
    for arm, column in zip(ARMS, (1, 3), strict=True):
        for (_, row), text in zip(plain.frame.iterrows(), shown.table(WORDS).rows, strict=True):
            name = arm, plain.subject, row["covariate"]
            found.read(name, row[arm], text[column])
            found.inside.add((name, (arm, str(plain.facts["outcomes"][0]))))


def read_subgroups(found: Attack, plain: Exhibit, shown: Exhibit) -> None:
    """The students of the levels lie, together, in those of everyone; of two outcomes the same way."""
    for arm, column in zip(ARMS, (2, 3), strict=True):
        for (_, row), text in zip(plain.frame.iterrows(), shown.table(WORDS).rows, strict=True):
            everyone = row["level"] == "overall"
            name = (arm, row["outcome"]) if everyone else (arm, row["outcome"], plain.subject, row["level"])
            found.read(name, row[arm], text[column])
            if not everyone:
                found.inside.add((name, (arm, row["outcome"])))
                found.together.setdefault((arm, row["outcome"], plain.subject), set()).add(name)


def read_subgroup_baseline(found: Attack, plain: Exhibit, shown: Exhibit) -> None:
    """Those with a value of a covariate lie in the level."""
    level = plain.facts["grouping"], plain.facts["level"]
    for arm, column in zip(ARMS, (1, 3), strict=True):
        for (_, row), text in zip(plain.frame.iterrows(), shown.table(WORDS).rows, strict=True):
            name = arm, plain.subject, row["covariate"]
            found.read(name, row[arm], text[column])
            found.inside.add((name, (arm, str(plain.facts["outcomes"][0]), *level)))


def read_participants(found: Attack, plain: Exhibit, shown: Exhibit) -> None:
    """Those with a value of a covariate lie in those who met the rules."""
    for arm, column in zip(ARMS, (1, 3), strict=True):
        for (_, row), text in zip(plain.frame.iterrows(), shown.table(WORDS).rows, strict=True):
            name = arm, "participants", row["covariate"]
            found.read(name, row[arm], text[column])
            found.inside.add((name, (arm, "eligible")))


def read_periods(found: Attack, plain: Exhibit, shown: Exhibit) -> None:
    """Of two periods the smaller sample lies in the larger: they are the same students, but for those who left."""
    for arm, column in zip(ARMS, (4, 5), strict=True):
        periods = []
        for (_, row), text in zip(plain.frame.iterrows(), shown.table(WORDS).rows, strict=True):
            if pd.notna(row[arm]):
                name = arm, plain.subject, int(row["event_time"])
                found.read(name, row[arm], text[column])
                periods.append((float(row[arm]), name))
        found.inside |= {(small[1], large[1]) for small, large in pairwise(sorted(periods))}


def read_dosage(found: Attack, plain: Exhibit, shown: Exhibit) -> None:
    """Matches with a value, matches that never met and mentees lie in the matches."""
    for (_, row), text in zip(plain.frame.iterrows(), shown.table(WORDS).rows, strict=True):
        found.read(("fidelity", row["quantity"]), row["n"], text[1])
        if row["quantity"] not in ("matches", "mentors"):
            found.inside.add((("fidelity", row["quantity"]), ("fidelity", "matches")))


def read_matches(found: Attack, plain: Exhibit, shown: Exhibit) -> None:
    """The entries make up all matches; those without a week with a meeting are those that never met."""
    parts = set()
    for (_, row), text in zip(plain.frame.iterrows(), shown.table(WORDS).rows, strict=True):
        name = ("fidelity", "never_met") if row["entry"] == "never" else ("fidelity", plain.subject, row["entry"])
        found.read(name, row["n"], text[1])
        parts.add(name)
        assert text[1].isdigit() or not re.fullmatch(r"[\d.]+%", text[2]), "a share tells the count"
    whole = "fidelity", "matches"
    assert found.truth[whole] == plain.frame["n"].sum()
    found.made_of[plain.subject] = whole, parts


def test_the_tiny_schools_have_much_to_hide(raw):
    found = attack(raw, raw)
    assert sum(1 for _ in found.secrets()) >= 5
    narrow = [secret for terms, secret in found.secrets() if np.ptp(found.range_of(terms)) < LIMIT - 1]
    assert narrow, "without protection differences are known"


def test_no_small_number_is_narrowed_down_by_what_is_printed(raw, safe):
    found = attack(raw, safe.exhibits)
    for terms, secret in found.secrets():
        low, high = found.range_of(terms)
        assert low <= 1e-6, (terms, secret, low, high)
        assert high >= LIMIT - 1 - 1e-6, (terms, secret, low, high)


def test_the_audit_of_the_whole_report_leaves_every_small_number_open(safe):
    ranges = safe.counts.ranges()
    assert len(ranges) >= 10
    for key, (low, high) in ranges.items():
        assert low <= 1e-6, key
        assert high >= LIMIT - 1 - 1e-6, key


def test_the_appendix_has_no_number_of_students_that_other_tables_do_not_print(tiny):
    material = Material.gather(tiny, EXHIBITS)
    shown = [
        table for name in ("impact_table", "baseline_table", "sample_flow") for table in material.tables(name, WORDS)
    ]
    printed = {cell for table in shown for row in table.rows for cell in row}
    appendix = {
        block.name: block for block in SECTIONS["appendix"]().write(material, WORDS) if isinstance(block, Table)
    }
    rows = appendix["table-appendix-t6"].rows
    assert len(rows) == 6
    assert {row[column] for row in rows for column in (1, 2, 3, 4)} <= printed
    flow = material.shown("sample_flow")[0]
    counted = shown_count(flow.facts["units"], WORDS)
    assert any(counted in row[1] for row in appendix["table-appendix-t2"].rows)


def test_no_share_is_to_be_had_from_a_difference_and_the_other_share():
    results = pd.DataFrame(
        {
            "outcome": ["absent", "absent", "gpa"], "n_treated": [60, 60, 60], "n_comparison": [80, 80, 80],
            "mean_treated": [2 / 60, 0.4, 2.5], "mean_comparison": [0.35, 0.45, 2.4], "estimate": [-0.32, -0.05, 0.1],
            "effect_size": [-1.7, -0.1, 0.2], "effect_size_std_error": 0.2, "improvement_index": [-45.0, -5.0, 8.0],
        }
    )  # fmt: skip
    shown = hide_coded(results, ARMS, ["absent"], LIMIT)
    assert shown["mean_comparison"].isna().tolist() == [True, False, False], "0.35 less 0.32 is two of sixty"
    for column in ("effect_size", "effect_size_std_error", "improvement_index"):
        assert shown[column].isna().tolist() == [True, False, False]
    assert shown["estimate"].tolist() == results["estimate"].tolist()


def test_hiding_the_small_numbers_alone_would_not_do(safe):
    counts = safe.counts
    only_small = type(counts)(counts.keys, counts.system, counts.system.sensitive & counts.system.printable)
    assert any(high - low < LIMIT - 1 for low, high in only_small.ranges().values())


def test_shares_of_levels_add_up_to_no_hidden_one(safe, raw):
    for plain, shown in zip(raw["baseline_table"], safe.exhibits["baseline_table"], strict=True):
        rows = zip(plain.frame.iterrows(), shown.table(WORDS).rows, strict=True)
        told = [(row["covariate"], row["mean_treated"] * row["n_treated"], text[2], text[5]) for (_, row), text in rows
                if row["level"]]  # fmt: skip
        for covariate in {row[0] for row in told}:
            levels = [row for row in told if row[0] == covariate]
            hidden = [row for row in levels if not re.fullmatch(r"[\d.]+%", row[2])]
            if any(0 < count < LIMIT for _, count, _, _ in levels):
                assert len(hidden) >= 2, levels
            assert all(size == WORDS("sign.none") for *_, size in hidden), "an effect size tells the share"


def test_levels_that_make_up_the_sample_leave_a_small_one_open():
    levels = pd.DataFrame(
        {
            "covariate": "gender", "level": ["female", "male", "nonbinary"], "n_treated": 497, "n_comparison": 497,
            "mean_treated": np.array([242, 246, 9]) / 497, "mean_comparison": np.array([235, 252, 10]) / 497,
            "sd_treated": np.nan, "sd_comparison": np.nan, "effect_size": 0.1, "effect_size_kind": "cox_index",
            "kind": "binary", "band": "satisfied", "adjusted": True,
        }
    )  # fmt: skip
    table = BaselineTable(levels, subject="result", facts={"outcomes": ("gpa",), "design": "matched"})
    protected = protect_all({"baseline_table": (table,)})
    (shown,) = protected.exhibits["baseline_table"]
    treated = [row[2] for row in shown.table(WORDS).rows]
    sizes = [row[1] for row in shown.table(WORDS).rows]
    assert treated[2] == "<5.0%"
    assert "not shown" in (*treated[:2], *sizes), "497 less 242 and 246 is nine"
    assert [row[4] for row in shown.table(WORDS).rows] == ["47.3%", "50.7%", "<5.0%"], "ten are not too few"
    ((low, high),) = protected.counts.ranges().values()
    assert (low, high >= LIMIT - 1 - 1e-6) == (0, True)


def test_the_report_is_the_same_twice_and_its_log_holds_no_count(tiny, tmp_path: Path):
    first, second = (
        {path.name: path.read_bytes() for path in write_report(tiny, tmp_path / name)} for name in ("one", "two")
    )
    assert first == second
    log = pd.read_csv(tmp_path / "one" / "suppressed.csv")
    assert log.columns.tolist() == ["exhibit", "too_small", "withheld"]
    assert set(log["exhibit"]) <= {*EXHIBITS, "estimates"}
    assert (log[["too_small", "withheld"]].sum(axis=1) > 0).all()
    for language in ("en", "es"):
        page = first[f"report.{language}.html"].decode()
        assert "table-suppressed" in page
        assert re.search(r"\bnan\b", re.sub(r"<[^>]*>", " ", page)) is None


def test_a_lower_threshold_hides_less(raw, safe):
    less = protect_all(raw, 3)
    assert 0 < sum(one.small for one in less.log) < sum(one.small for one in safe.log)
    assert all(high - low >= 2 - 1e-6 for low, high in less.counts.ranges().values())


def test_the_flow_is_nested_as_the_attack_takes_it_to_be(raw):
    for flow in raw["sample_flow"]:
        steps = flow.frame[flow.frame["outcomes"].map(len) == 0]
        assert all(late <= early for arm in ARMS for early, late in pairwise(steps[arm]))
