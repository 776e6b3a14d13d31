"""Study: what we said we would do. A TOML file, read into frozen plans; nothing runs until ``run_study``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from mentoreval.aliases import Estimand, PeriodLength
from mentoreval.design.arm_scores import ArmMethod
from mentoreval.design.design import DesignMethod
from mentoreval.design.eligibility import Eligibility
from mentoreval.design.programs import SeveralPrograms
from mentoreval.effects.estimator import Estimator
from mentoreval.effects.inference import Inference
from mentoreval.errors import StudyError
from mentoreval.evidence.check import Check
from mentoreval.evidence.decision import Prior
from mentoreval.evidence.known_effect import EffectPath
from mentoreval.evidence.specification_curve import Specifications
from mentoreval.numerics.multinomial import ArmEstimand
from mentoreval.panel.facts import MeasureFacts
from mentoreval.panel.measure import Measure
from mentoreval.panel.panel import Assignment, Pool
from mentoreval.panel.program import Program
from mentoreval.records.conventions import Conventions
from mentoreval.records.format import Format
from mentoreval.records.formats import Plain
from mentoreval.study.intervention import InterventionPlan
from mentoreval.study.subgroups import SubgroupPlan

Role = Literal["headline", "robustness", "over_time"]


@dataclass(frozen=True)
class DataPlan:
    """Where the data are: a folder of tables, or one file of a researcher's own, both relative to the study file.

    folder : may also be a workbook, a DuckDB file, or "postgresql://…" with the password in PGPASSWORD or ~/.pgpass
    format : how the tables of the folder are laid out
    conventions : how they are to be read where that is not to be seen; win over records.toml in the folder
    prepare : a Python file beside the study with ``prepare(frame) -> frame``, for a file that needs reshaping
    source : what the data are and where they come from, said in the report
    """

    folder: str | None = None
    file: str | None = None
    prepare: str | None = None
    source: str = ""
    attendance: str | None = None
    orphans: Literal["error", "drop"] = "error"
    format: Format = field(default_factory=Plain)
    conventions: Conventions = field(default_factory=Conventions)


@dataclass(frozen=True)
class RecordsPanelPlan:
    """How records become a panel, as in ``build_panel``.

    no_baseline_years : school years such as "2019-20" that are never a baseline; None takes those of the pandemic
    """

    program: Program
    measures: tuple[Measure, ...]
    period: PeriodLength = "year"
    covariates: tuple[str, ...] | None = None
    unit: Literal["student", "school"] | None = None
    baseline_window: int | None = None
    no_baseline_years: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        weeks, years = self.baseline_window, self.no_baseline_years
        if weeks is not None and (isinstance(weeks, bool) or not isinstance(weeks, int) or weeks < 1):
            raise StudyError(f"[panel] baseline_window is a number of weeks, 1 or more, such as 6; got {weeks!r}.")
        if years is not None and (isinstance(years, str) or not all(isinstance(year, str) for year in years)):
            raise StudyError(f'[panel] no_baseline_years takes a list such as ["2019-20", "2020-21"]; got {years!r}.')


@dataclass(frozen=True)
class FramePanelPlan:
    """The roles of the columns of a researcher's own frame, as in ``panel_from_frame``.

    measures : for an outcome its unit, whether higher is better, and its WWC domain
    """

    unit: str
    outcomes: tuple[str, ...]
    period: str | None = None
    first_treated: str | None = None
    treated: str | None = None
    covariates: tuple[str, ...] = ()
    school: str | None = None
    mentor: str | None = None
    weight: str | None = None
    pretests: Mapping[str, str] = field(default_factory=dict)
    measures: Mapping[str, MeasureFacts] = field(default_factory=dict)
    participated: str | None = None
    dosage: str | None = None
    assignment: Assignment = "observed"


@dataclass(frozen=True)
class DesignPlan:
    """One comparison: its method and what it makes alike."""

    method: DesignMethod
    covariates: tuple[str, ...] | None = None
    estimand: Estimand = "ATT"
    pool: Pool = "never_treated"
    eligibility: tuple[Eligibility, ...] = ()


@dataclass(frozen=True)
class ProgramsPlan:
    """Several program models at once, each compared with every other and with none, as in ``compare_arms``.

    column : names each student's program
    """

    column: str
    reference: str = "none"
    method: ArmMethod = "weighting"
    estimand: ArmEstimand = "ATE"
    target: str | None = None
    covariates: tuple[str, ...] | None = None
    common_support: bool = True
    several: SeveralPrograms = field(default_factory=SeveralPrograms)
    pool: Pool = "never_treated"
    eligibility: tuple[Eligibility, ...] = ()


@dataclass(frozen=True)
class EstimatePlan:
    """One estimate: outcome, design, estimator, inference, and its place in the report.

    design : a design, or several programs: then one estimate for each pair of them
    family : results in one family have their p-values adjusted together; "" = those of the same WWC domain
    pair : of several programs the two to compare, the second as the comparison; empty = all pairs
    role : headline answers the question for its outcome; over_time is drawn as an event study; robustness stands
        beside the headline
    """

    outcome: str
    design: str
    estimator: Estimator
    inference: Inference | None = None
    role: Role = "robustness"
    name: str = ""
    pair: tuple[str, ...] = ()
    family: str = ""

    def __post_init__(self) -> None:
        if self.role == "headline" and self.estimator.descriptive:
            raise StudyError(
                f"The estimate of {self.outcome!r} with {self.estimator.name} is no headline: it describes, and shows "
                "no effect. Leave role out; the report tables it in its chapter on how much of the program took place."
            )

    @property
    def contrast(self) -> str:
        """The pair of programs as a label; "" where there are not several."""
        return " – ".join(self.pair)


@dataclass(frozen=True)
class SpecificationPlan:
    """One outcome, estimated in every combination of what is listed, as in ``specification_curve``."""

    outcome: str
    specifications: Specifications
    estimand: Estimand = "ATT"
    pool: Pool = "never_treated"
    inference: Inference | None = None
    permutations: int = 0


@dataclass(frozen=True)
class RehearsalPlan:
    """Each headline carried out again on the study's never-mentored students, as in ``rehearse``.

    draws : made-up programs
    workers : processes; None = as many as there are cores
    path : how the known effect runs over time
    """

    draws: int = 200
    workers: int | None = None
    path: EffectPath = "growing"

    def __post_init__(self) -> None:
        for key, value in (("draws", self.draws), ("workers", self.workers)):
            whole = isinstance(value, int) and not isinstance(value, bool) and value >= 1
            if not whole and not (key == "workers" and value is None):
                raise StudyError(f"[rehearsal] {key} is a whole number, 1 or more; got {value!r}.")


@dataclass(frozen=True)
class CostPlan:
    """What the program costs.

    per_student : for the time over which the effect is measured, above 0
    currency : its letters, such as USD
    what : what is counted, in the authors' words
    """

    per_student: float
    currency: str = "USD"
    what: str = ""

    def __post_init__(self) -> None:
        number = isinstance(self.per_student, (int, float)) and not isinstance(self.per_student, bool)
        if not (number and 0 < self.per_student < float("inf")):
            raise StudyError(f"[cost] per_student is a number above 0, such as 450; got {self.per_student!r}.")


@dataclass(frozen=True)
class Study:
    """A plan.

    programs : comparisons of several program models, by name
    specifications : specification curves, by name
    rehearsal : of the headlines, where one is asked for
    subgroups : analyses of subgroups, by name
    extensions : Python files beside the study with kinds of its own
    program_name : as sentences name it, e.g. "Success Mentors"
    synthetic : True for made-up students; every page then says so
    meaningful : for each outcome the smallest effect that would matter, in the outcome's unit
    prior : for an outcome what was thought of the effect before the data; flat for the others
    cost : what the program costs for each student, where it is known
    intervention : what the authors say of the program and of themselves, for the technical appendix
    assumptions : sentences of the authors, which become the limitations section
    disclosure_threshold : numbers of students below it are not shown, and nothing that gives one away; at least 3
    formats : of the report, for each language: html, pdf, docx
    choice_names : what reports call designs, entries of the specification curves, subgroups and their cells, and
        several programs, by the name they have there
    translation : for a language, the authors' texts in it: title, question, program_name, setting, assumptions,
        outcome_names, choice_names, intervention, the source of the data, and as ``cost`` what is counted in it
    """

    path: Path
    title: str
    question: str
    data: DataPlan
    panel: RecordsPanelPlan | FramePanelPlan
    designs: Mapping[str, DesignPlan]
    estimates: tuple[EstimatePlan, ...]
    programs: Mapping[str, ProgramsPlan] = field(default_factory=dict)
    specifications: Mapping[str, SpecificationPlan] = field(default_factory=dict)
    subgroups: Mapping[str, SubgroupPlan] = field(default_factory=dict)
    rehearsal: RehearsalPlan | None = None
    checks: tuple[Check, ...] = ()
    extensions: tuple[str, ...] = ()
    program_name: str = "the program"
    setting: str = ""
    synthetic: bool = False
    languages: tuple[str, ...] = ("en",)
    confidence: float = 0.95
    seed: int = 0
    meaningful: Mapping[str, float] = field(default_factory=dict)
    prior: Mapping[str, Prior] = field(default_factory=dict)
    cost: CostPlan | None = None
    intervention: InterventionPlan = field(default_factory=InterventionPlan)
    assumptions: tuple[str, ...] = ()
    outcome_names: Mapping[str, str] = field(default_factory=dict)
    choice_names: Mapping[str, str] = field(default_factory=dict)
    disclosure_threshold: int = 10
    formats: tuple[str, ...] = ("html",)
    translation: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def said_in(self, language: str) -> Study:
        """The study with its authors' texts in a language, where the study file translates them."""
        texts = dict(self.translation.get(language, {}))
        data = replace(self.data, source=texts.pop("source", self.data.source))
        what = texts.pop("cost", "")
        cost = replace(self.cost, what=what) if self.cost is not None and what else self.cost
        intervention = replace(self.intervention, **texts.pop("intervention", {}))
        return replace(self, data=data, cost=cost, intervention=intervention, **texts)

    @property
    def name(self) -> str:
        """The study's short name: that of its folder."""
        return self.path.parent.name

    def locate(self, relative: str) -> Path:
        """A path that the study file gives, relative to that file."""
        return (self.path.parent / relative).resolve()
