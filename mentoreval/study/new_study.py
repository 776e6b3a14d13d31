"""New study: answers to a few questions as a study file, with a comment on every part of it."""

from __future__ import annotations

import json
import os
import textwrap
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from mentoreval.design.design import DesignMethod, choose_design
from mentoreval.design.eligibility import Eligibility
from mentoreval.errors import MentorevalError, StudyError, suggest
from mentoreval.panel.build import build_panel
from mentoreval.panel.measures import MEASURES
from mentoreval.panel.panel import Panel, Pool
from mentoreval.registry import make
from mentoreval.study.offer import Offer
from mentoreval.study.read import read_study

PRIOR_ATTENDANCE = "prior_attendance_rate"
DESIGNS = {
    "nearest": '{ kind = "nearest", ratio = 1, caliper = 0.2, exact = ["grade_level"] }',
    "entropy_balancing": '{ kind = "entropy_balancing" }',
    "unadjusted": '{ kind = "unadjusted" }',
}
ESTIMATORS = {
    "regression_adjustment": '{ kind = "regression_adjustment" }',
    "did_2x2": '{ kind = "did_2x2" }',
}
INFERENCE = {
    "by_school": '{ kind = "cluster_robust", cluster = "school", small_sample = "CR2" }',
    "by_school_bootstrap": '{ kind = "wild_cluster_bootstrap", cluster = "school" }',
    "by_student": '{ kind = "cluster_robust", cluster = "student" }',
}
CHECKS = ("wwc_baseline_equivalence", "covariate_balance", "overlap", "attrition", "regression_to_the_mean", "e_value")
MATTERS = {"attendance_rate": 1.1, "chronic_absence": 5.0, "gpa": 0.1, "days_absent": 2.0}
"""Two days of a 180-day year, five points of chronic absence, a tenth of a grade point; shares in percent."""
USUAL = ("attendance_rate", "chronic_absence", "gpa")
FEW_SCHOOLS = 10
FEWEST_SCHOOLS = 3
WIDTH = 100


@dataclass(frozen=True)
class Answers:
    """What a person says of a new study.

    missed : percent of days that both groups had missed at least in the year before; 0 for no rule
    design, estimator, inference : keys of DESIGNS, ESTIMATORS and INFERENCE
    matters : for an outcome the smallest effect that would matter; shares in percentage points
    language : of the comments, and of the texts that the person wrote
    """

    program: str
    outcomes: tuple[str, ...]
    program_name: str
    title: str
    question: str
    missed: float = 10.0
    design: str = "nearest"
    estimator: str = "regression_adjustment"
    inference: str = "by_school"
    matters: Mapping[str, float] = field(default_factory=dict)
    languages: tuple[str, ...] = ("en",)
    language: str = "en"


@dataclass(frozen=True)
class StudyWords:
    """The texts of one language for the terminal and for the comments: ``words("question", "title")``."""

    language: str

    def __call__(self, family: str, name: str, **values: object) -> str:
        """The text of a name in a family."""
        return str(_texts(self.language)[family][name]).format(**values)

    def of_family(self, family: str) -> dict[str, str]:
        """All texts of a family by name."""
        return {name: str(text) for name, text in _texts(self.language)[family].items()}


def write_new_study(path: str | Path, offer: Offer, answers: Answers) -> Path:
    """Write a commented study file that runs; the comparisons are tried first, and no outcome is looked at.

    Raises StudyError where the file exists, or an answer is not on offer; the errors of panel and design where the
    answers lead to no comparison. Nothing is written then.
    """
    file = Path(path)
    refuse_existing(file)
    _check(answers, offer)
    text = study_text(file, offer, answers)
    draft = file.with_name(f".{file.name}.draft")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(text, encoding="utf-8")
        read_study(draft)
        with file.open("x", encoding="utf-8") as stream:  # refuses what somebody has written in the meantime
            stream.write(text)
    except OSError as error:
        raise StudyError(f"{str(path)!r} can not be written: {error.strerror}.") from error
    finally:
        draft.unlink(missing_ok=True)
    return file


def usual_outcomes(offer: Offer) -> tuple[str, ...]:
    """The outcomes that most studies have, of those that are on offer; else the first one that is."""
    return tuple(name for name in USUAL if name in offer.measures) or offer.measures[:1]


def usual_inference(offer: Offer) -> tuple[str, ...]:
    """The keys of INFERENCE, that first which suits the number of schools."""
    first = "by_school_bootstrap" if offer.n_schools <= FEW_SCHOOLS else "by_school"
    first = "by_student" if offer.n_schools < FEWEST_SCHOOLS else first
    return (first, *(name for name in INFERENCE if name != first))


def refuse_existing(file: Path) -> None:
    """StudyError where the file is there: a plan is not overwritten."""
    if file.exists():
        raise StudyError(f"{str(file)!r} is there already and is not overwritten. Choose another name, or remove it.")


def study_text(file: Path, offer: Offer, answers: Answers) -> str:
    """The text of the study file."""
    from jinja2 import Environment, StrictUndefined

    words = StudyWords(answers.language)
    source = files("mentoreval.study").joinpath("templates/study.toml.j2").read_text(encoding="utf-8")
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False)
    environment.filters |= {"text": _toml, "text_list": _toml_list}

    def note(key: str, **values: object) -> str:
        """A comment, broken into lines."""
        return textwrap.fill(
            words("comment", key, **values),
            WIDTH,
            initial_indent="# ",
            subsequent_indent="# ",
            break_long_words=False,
            break_on_hyphens=False,
        )

    text = environment.from_string(source).render(
        answers=answers, plan=_Plan(file, offer, answers), note=note, words=words, file=file.name
    )
    lines = [line.rstrip() for line in text.splitlines()]
    kept = [line for at, line in enumerate(lines) if line or (at and lines[at - 1])]
    return "\n".join(kept).rstrip() + "\n"


class _Plan:
    """What follows from the answers and from what is in the folder."""

    def __init__(self, file: Path, offer: Offer, answers: Answers) -> None:
        self._answers = answers
        self.synthetic = offer.made_up
        self.folder = Path(os.path.relpath(offer.folder.resolve(), file.parent.resolve())).as_posix()
        rule = answers.missed > 0 and "attendance_rate" in offer.measures
        needed = ("attendance_rate",) if rule or "attendance_rate" in offer.measures else ()
        self.measures = tuple(dict.fromkeys((*needed, *answers.outcomes)))
        self.at_most = round(1 - answers.missed / 100, 4) if rule else None
        self.method, self.estimator = DESIGNS[answers.design], ESTIMATORS[answers.estimator]
        self.inference = INFERENCE[answers.inference]
        self.other_estimator = next(spec for name, spec in ESTIMATORS.items() if name != answers.estimator)
        self.checks = CHECKS if offer.n_schools < FEWEST_SCHOOLS else (*CHECKS, "leave_one_school_out")
        self.families = {name: MEASURES[name].domain for name in answers.outcomes}
        self.meaningful = {name: _in_own_unit(name, size) for name, size in answers.matters.items() if size}
        self.other_languages = tuple(name for name in answers.languages if name != answers.language)
        self.assumptions = _assumptions(answers, self.at_most is not None)
        panel = build_panel(offer.records, program=answers.program, measures=self.measures)
        prior = tuple(PRIOR_ATTENDANCE for name in self.measures if name == "attendance_rate")
        # Those who are never chosen had better years than those who are chosen next year: not a fair comparison alone.
        self.pool: Pool = "not_yet_treated" if len(panel.cohorts) > 1 else "never_treated"
        self.covariates = self._usable(panel, (*prior, *offer.covariates))
        self.left_out = tuple(name for name in offer.covariates if name not in self.covariates)
        self.own_covariates = self._own(panel)

    def design_of(self, outcome: str) -> str:
        """The name of the design for an outcome."""
        return f"alike_in_{outcome}" if outcome in self.own_covariates else "main"

    def _usable(self, panel: Panel, wanted: tuple[str, ...]) -> tuple[str, ...]:
        """The covariates with which a comparison can be made: of a small district not all, for the propensity of a
        group without any mentored student can not be estimated. What a comparison fails without stays in it."""
        try:
            self._choose(panel, wanted)
        except MentorevalError:
            usable: tuple[str, ...] = tuple(name for name in wanted if name in (PRIOR_ATTENDANCE, "grade_level"))
            for name in wanted:
                if name not in usable and self._can_choose(panel, (*usable, name)):
                    usable = (*usable, name)
            return usable
        return wanted

    def _can_choose(self, panel: Panel, covariates: tuple[str, ...]) -> bool:
        """Whether these covariates lead to a comparison."""
        try:
            self._choose(panel, covariates)
        except MentorevalError:
            return False
        return True

    def _own(self, panel: Panel) -> dict[str, tuple[str, ...]]:
        """Covariates of outcomes other than attendance: their own value before the program too, where that is known.

        Every comparison is made, so that an answer that leads to none is refused now and not after the file is written.
        """
        self._choose(panel, self.covariates)
        own = {}
        for outcome in self._answers.outcomes:
            if MEASURES[outcome].domain != "attendance":
                covariates = (*self.covariates, f"prior_{outcome}")
                if self._can_choose(panel, covariates):  # not dropout, which nobody who is enrolled has behind him
                    own[outcome] = covariates
        return own

    def _choose(self, panel: Panel, covariates: tuple[str, ...]) -> None:
        method: DesignMethod = make(DesignMethod, tomllib.loads(f"method = {self.method}")["method"])  # type: ignore[type-abstract]
        rules = [] if self.at_most is None else [Eligibility(PRIOR_ATTENDANCE, at_most=self.at_most)]
        choose_design(panel, method, covariates=covariates, pool=self.pool, eligibility=rules)


def _check(answers: Answers, offer: Offer) -> None:
    """StudyError for an answer that is not on offer."""
    wanted = {
        "program": ((answers.program,), tuple(offer.programs)),
        "outcome": (answers.outcomes, offer.measures),
        "design": ((answers.design,), tuple(DESIGNS)),
        "estimator": ((answers.estimator,), tuple(ESTIMATORS)),
        "inference": ((answers.inference,), tuple(INFERENCE)),
        "effect that matters on": (tuple(answers.matters), answers.outcomes),
    }
    for what, (given, there) in wanted.items():
        for name in given:
            if name not in there:
                raise StudyError(f"These tables offer no {what} {name!r}.{suggest(name, there)}")
    if not answers.outcomes:
        raise StudyError(f"A study needs at least one outcome.{suggest('', offer.measures)}")
    if not 0 <= answers.missed < 100:
        raise StudyError(f"The share of days missed is a percentage from 0 to below 100; got {answers.missed:g}.")


def _assumptions(answers: Answers, rule: bool) -> tuple[str, ...]:
    words = StudyWords(answers.language)
    said = [words("default", name) for name in ("everything", "spillover", "counting")]
    return (*([words("default", "rule", missed=f"{answers.missed:g}")] if rule else []), *said)


def in_percent(outcome: str) -> bool:
    """Whether effects on an outcome are said in percentage points."""
    return MEASURES[outcome].unit in ("share", "flag")


def _in_own_unit(outcome: str, size: float) -> float:
    return round(size / 100 if in_percent(outcome) else size, 6)


def _toml(value: str) -> str:
    """A text as TOML writes it, which escapes as JSON does."""
    return json.dumps(value, ensure_ascii=False)


def _toml_list(values: tuple[str, ...]) -> str:
    """A list of texts, one on each line where they do not fit on one."""
    entries = [_toml(value) for value in values]
    line = f"[{', '.join(entries)}]"
    return line if len(line) <= WIDTH - 20 else "[\n" + "".join(f"  {entry},\n" for entry in entries) + "]"


@lru_cache
def _texts(language: str) -> dict[str, Any]:
    return tomllib.loads(files("mentoreval.study.languages").joinpath(f"{language}.toml").read_text(encoding="utf-8"))
