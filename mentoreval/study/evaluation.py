"""Evaluation: what happened when a study was carried out. Reports read it and compute nothing of their own."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

import pandas as pd

from mentoreval.design.design import Design, choose_design
from mentoreval.effects.estimate import Estimate, estimate_effect
from mentoreval.errors import DataError, StudyError, suggest
from mentoreval.evidence.check import Finding
from mentoreval.evidence.rehearsal import Rehearsal
from mentoreval.evidence.specification_curve import SpecificationCurve, specification_curve
from mentoreval.evidence.wwc import EffectSize, baseline_equivalence, effect_size
from mentoreval.panel.fidelity import Fidelity, fidelity
from mentoreval.panel.match_program import MatchProgram
from mentoreval.panel.measure import Measure
from mentoreval.panel.panel import Panel, panel_from_frame
from mentoreval.records.records import Records
from mentoreval.study.extensions import run_file
from mentoreval.study.lock import Registration, registration_of, write_lock
from mentoreval.study.portfolio import choose_programs, spell_out
from mentoreval.study.read import check_choices, read_study
from mentoreval.study.rehearsals import rehearse_headlines
from mentoreval.study.study import EstimatePlan, FramePanelPlan, RecordsPanelPlan, Study
from mentoreval.study.subgroups import SubgroupResult, run_subgroups

Progress = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Result:
    """One planned estimate and what belongs to it.

    plan : as the study file has it
    estimate : every term
    headline : the one row of ``Estimate.frame`` that answers the question
    effect_size : Hedges' g or Cox index, and the improvement index, of the headline
    baseline : baseline means, SDs and effect sizes on the analytic sample of this estimate, with its weights
    """

    plan: EstimatePlan
    estimate: Estimate
    headline: pd.Series
    effect_size: EffectSize
    baseline: pd.DataFrame
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, eq=False)
class Evaluation:
    """A study carried out: panel, designs, results, findings, and the fingerprints of what went in.

    ``study`` is the plan; where it has several programs, with a design and an estimate for each pair of them.
    registration : what became of the plan that was locked; None where none was
    specifications : the specification curves by name
    subgroups : one for each outcome and each covariate whose levels were planned to be looked at
    fidelity : how each match was carried out; None where the records have no sessions, or the program no matches
    rehearsals : of the headlines, by the name of the estimate; one that was refused is among its findings only
    """

    study: Study
    panel: Panel
    designs: Mapping[str, Design]
    results: tuple[Result, ...]
    sources: Mapping[str, str]
    registration: Registration | None = None
    specifications: Mapping[str, SpecificationCurve] = field(default_factory=dict)
    subgroups: tuple[SubgroupResult, ...] = ()
    fidelity: Fidelity | None = None
    rehearsals: Mapping[str, Rehearsal] = field(default_factory=dict)

    def with_role(self, role: str) -> tuple[Result, ...]:
        """The results that play a part in the report, in the order of the study file."""
        return tuple(result for result in self.results if result.plan.role == role)

    @property
    def estimates(self) -> Mapping[str, Estimate]:
        """Every estimate of an effect by the name of its plan; what only describes is none."""
        return {one.plan.name: one.estimate for one in self.results if not one.plan.estimator.descriptive}

    @property
    def main_estimates(self) -> Mapping[str, Estimate]:
        """Those that answer the study's question."""
        return {result.plan.name: result.estimate for result in self.with_role("headline")}

    @property
    def registered(self) -> Mapping[str, tuple[str, tuple[str, ...]]]:
        """By the name of an estimate what became of it in the locked plan, and what was changed; empty without one."""
        planned = () if self.registration is None else self.registration.estimates
        return {each.name: (each.status, each.changes) for each in planned}

    @property
    def families(self) -> Mapping[str, str]:
        """The family that the study names for each of them, where it names one."""
        return {result.plan.name: result.plan.family for result in self.with_role("headline") if result.plan.family}

    @property
    def frame(self) -> pd.DataFrame:
        """The headline row of every planned estimate, with its name, design and role."""
        rows = [result.headline for result in self.results]
        frame = pd.DataFrame(rows).reset_index(drop=True)
        for column in ("role", "design", "name"):
            frame.insert(0, column, [getattr(result.plan, column) for result in self.results])
        return frame

    def __repr__(self) -> str:
        return f"Evaluation of {self.study.title!r}\n{self.frame.to_string(index=False)}"

    def _repr_html_(self) -> str:
        return f"<p><b>{self.study.title}</b></p>{self.frame.to_html(index=False)}"


def run_study(study: Study | str | Path, *, progress: Progress | None = None) -> Evaluation:
    """Carry out a study: read the data, build the panel, choose the designs, estimate, check.

    The designs are all chosen before the first estimate. ``progress`` is called with one short text per step.
    """
    say = progress or (lambda step: None)
    plan, panel, designs, sources, met = _prepared(study, say)
    registration = registration_of(plan, designs)
    results = []
    for wish in plan.estimates:
        say(f"Estimating {wish.name}")
        results += _results(plan, wish, designs[wish.design])
    curves = {name: _curve(plan, name, panel, say) for name in plan.specifications}
    apart = run_subgroups(plan, ((result.plan, result.estimate) for result in results), say)
    headlines = {one.plan.name: one.estimate for one in results if one.plan.role == "headline"}
    held = rehearse_headlines(plan, headlines, say)
    told = tuple(
        replace(one, findings=(*one.findings, held.findings[one.plan.name])) if one.plan.name in held.findings else one
        for one in results
    )
    return Evaluation(plan, panel, designs, told, sources, registration, curves, apart, met, held.rehearsals)


def _curve(study: Study, name: str, panel: Panel, say: Progress) -> SpecificationCurve:
    plan = study.specifications[name]
    say(f"Estimating {plan.specifications.size} specifications of {plan.outcome}")
    return specification_curve(
        panel, plan.outcome, plan.specifications, estimand=plan.estimand, pool=plan.pool, inference=plan.inference,
        confidence=study.confidence, permutations=plan.permutations, seed=study.seed, progress=say,
    )  # fmt: skip


def lock_study(study: Study | str | Path, *, progress: Progress | None = None) -> Path:
    """Freeze the plan of a study before its outcomes are looked at, and return the file that holds it.

    Designs are chosen, nothing is estimated. A later run says of each estimate whether it was planned, changed or
    exploratory. Raises StudyError where the study is locked already.
    """
    plan, _, designs, *_ = _prepared(study, progress or (lambda step: None))
    return write_lock(plan, designs)


def _prepared(
    study: Study | str | Path, say: Progress
) -> tuple[Study, Panel, dict[str, Design], dict[str, str], Fidelity | None]:
    """The plan spelt out, panel, designs, fingerprints of the sources, how the program was run: all but outcomes."""
    plan = read_study(study) if not isinstance(study, Study) else study
    say("Reading the data")
    panel, sources, met = _panel(plan, say)
    _check_outcomes(plan, panel)
    sources |= {Path(name).name: _sha256(plan.locate(name)) for name in plan.extensions}
    plan, designs = _designs(plan, panel, say)
    return plan, panel, designs, sources, met


def _designs(plan: Study, panel: Panel, say: Progress) -> tuple[Study, dict[str, Design]]:
    """Every design by name, and the plan with a design and an estimate for each pair of several programs."""
    designs = {}
    for name, wanted in plan.designs.items():
        say(f"Choosing the comparison {name}")
        designs[name] = choose_design(
            panel, wanted.method, estimand=wanted.estimand, covariates=wanted.covariates, pool=wanted.pool,
            eligibility=wanted.eligibility,
        )  # fmt: skip
    comparisons = {}
    for name, programs in plan.programs.items():
        say(f"Comparing the programs {name}")
        comparisons[name] = choose_programs(panel, programs)
    if comparisons:
        check_choices(plan, {arm for comparison in comparisons.values() for arm in comparison.arms})
    spelt_out, pairs = spell_out(plan, comparisons)
    return spelt_out, designs | pairs


def _results(study: Study, plan: EstimatePlan, design: Design) -> list[Result]:
    """The result of a planned estimate; of one that only describes, a result for each of its terms, unchecked."""
    estimate = estimate_effect(
        design, plan.outcome, plan.estimator, inference=plan.inference, confidence=study.confidence
    )
    size, baseline = effect_size(estimate), baseline_equivalence(estimate)
    if not plan.estimator.descriptive:
        findings = tuple(check.examine(estimate) for check in study.checks)
        return [Result(plan, estimate, estimate.headline(), size, baseline, findings)]
    terms = [row for _, row in estimate.frame.iterrows()]
    named = [plan] if len(terms) == 1 else [replace(plan, name=f"{plan.name}, {row['term']}") for row in terms]
    return [Result(own, estimate, row, size, baseline, ()) for own, row in zip(named, terms, strict=True)]


def _panel(study: Study, say: Progress) -> tuple[Panel, dict[str, str], Fidelity | None]:
    if isinstance(study.panel, FramePanelPlan):
        return *_panel_of_file(study, study.panel), None
    return _panel_of_folder(study, study.panel, say)


def _panel_of_folder(
    study: Study, plan: RecordsPanelPlan, say: Progress
) -> tuple[Panel, dict[str, str], Fidelity | None]:
    from mentoreval.panel.build import build_panel
    from mentoreval.records.read import hash_sources, read_records

    folder = str(study.data.folder)
    records = read_records(
        folder if "://" in folder else study.locate(folder),
        format=study.data.format,
        attendance=study.data.attendance,  # type: ignore[arg-type]
        orphans=study.data.orphans,
        conventions=study.data.conventions,
    )
    say("Building the panel")
    measures, files = _with_files(study, plan.measures)
    chosen = {option.name: getattr(plan, option.name) for option in fields(plan)} | {"measures": measures}
    if plan.no_baseline_years is None:
        del chosen["no_baseline_years"]  # so that the years of build_panel are taken
    panel = build_panel(records, **chosen)
    return panel, hash_sources(records) | files, _fidelity(records, plan)


def _fidelity(records: Records, plan: RecordsPanelPlan) -> Fidelity | None:
    """How each match of the program was carried out; None without matches, sessions, or a match that qualifies."""
    if not isinstance(plan.program, MatchProgram) or records.matches is None or records.sessions is None:
        return None
    try:
        return fidelity(records, plan.program)
    except DataError:  # no match qualifies, seen from mentees: a program whose mentors are studied
        return None


def _with_files(study: Study, measures: tuple[Measure, ...]) -> tuple[tuple[Measure, ...], dict[str, str]]:
    """The measures with the files that they name found from the study file, and the fingerprints of these files."""
    located: list[Measure] = []
    sources: dict[str, str] = {}
    for measure in measures:
        named = {option: getattr(measure, option) for option in measure.files if getattr(measure, option)}
        paths = {option: study.locate(name) for option, name in named.items()}
        sources |= {path.name: _sha256(path) for path in paths.values() if path.is_file()}
        located.append(replace(measure, **{option: str(path) for option, path in paths.items()}))
    return tuple(located), sources


def _panel_of_file(study: Study, plan: FramePanelPlan) -> tuple[Panel, dict[str, str]]:
    file = study.locate(str(study.data.file))
    if not file.is_file():
        raise DataError(f"There is no data file {str(study.data.file)!r} beside {study.path.name}.")
    frame = pd.read_parquet(file) if file.suffix == ".parquet" else pd.read_csv(file, low_memory=False)
    sources = {file.name: _sha256(file)}
    if study.data.prepare:
        script = study.locate(study.data.prepare)
        frame = _prepare(script, frame)
        sources[script.name] = _sha256(script)
    roles = {option: getattr(plan, option) for option in plan.__dataclass_fields__}
    return panel_from_frame(frame, **roles), sources


def _prepare(script: Path, frame: pd.DataFrame) -> pd.DataFrame:
    """Run ``prepare(frame)`` of a Python file that stands beside the study."""
    module = run_file(script, "study_prepare", "[data] prepare")
    if not hasattr(module, "prepare"):
        raise StudyError(f"{script.name} has no function prepare(frame).")
    prepared: pd.DataFrame = module.prepare(frame)
    return prepared


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _check_outcomes(study: Study, panel: Panel) -> None:
    """Refuse an outcome that the panel does not have before anything is estimated."""
    named = [plan.outcome for plan in study.estimates]
    named += [plan.outcome for plan in study.specifications.values()]
    named += [*study.meaningful, *study.prior, *study.outcome_names]
    for outcome in named:
        if outcome not in panel.outcomes:
            raise StudyError(f"{study.path.name} names an outcome {outcome!r}.{suggest(outcome, panel.outcomes)}")
