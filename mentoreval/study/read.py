"""read_study: a study file into plans, with every key that does not exist named with what was meant."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar, get_args

from mentoreval.aliases import Estimand, PeriodLength
from mentoreval.design.arm_scores import ArmMethod, check_request
from mentoreval.design.eligibility import Eligibility
from mentoreval.design.programs import SeveralPrograms
from mentoreval.errors import MentorevalError, StudyError, first_few, suggest
from mentoreval.evidence.checks import CHECKS
from mentoreval.evidence.decision import Prior
from mentoreval.evidence.known_effect import EffectPath
from mentoreval.evidence.specification_curve import Specifications
from mentoreval.numerics.multinomial import ArmEstimand
from mentoreval.panel.facts import Domain, MeasureFacts, Unit
from mentoreval.panel.panel import Pool
from mentoreval.records.conventions import conventions_of
from mentoreval.records.format import choose_format
from mentoreval.registry import build
from mentoreval.study.extensions import Catalogue, load_catalogue
from mentoreval.study.intervention import InterventionPlan
from mentoreval.study.study import (
    CostPlan,
    DataPlan,
    DesignPlan,
    EstimatePlan,
    FramePanelPlan,
    ProgramsPlan,
    RecordsPanelPlan,
    RehearsalPlan,
    Role,
    SpecificationPlan,
    Study,
)
from mentoreval.study.subgroups import SubgroupPlan

PlanType = TypeVar("PlanType")


def read_study(path: str | Path) -> Study:
    """Read a study file; StudyError names the key, the table and what was meant."""
    file = Path(path)
    if not file.is_file():
        raise StudyError(f"There is no study file {str(path)!r}. Give the path of a .toml file.")
    try:
        raw = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise StudyError(f"{file.name} is not valid TOML: {error}.") from error
    try:
        return _study(file.resolve(), raw)
    except StudyError:
        raise
    except MentorevalError as error:
        raise StudyError(f"{file.name}: {error}") from error


FORMATS = ("html", "pdf", "docx")
"""What reports can be written as."""
LEAST_THRESHOLD = 3
"""A group of two knows each other: whoever is one of them can tell the other one."""

_TRANSLATED = {
    "source", "title", "question", "program_name", "setting", "assumptions", "outcome_names", "choice_names", "cost",
    "intervention",
}  # fmt: skip
_KEYS = {
    "title", "question", "program_name", "setting", "synthetic", "languages", "confidence", "seed", "assumptions",
    "extensions", "data", "panel", "design", "programs", "estimate", "checks", "meaningful", "outcome_names",
    "choice_names", "disclosure_threshold", "formats", "translation", "prior", "cost", "specifications", "subgroups",
    "intervention", "rehearsal",
}  # fmt: skip
_TABLES = {
    "data", "panel", "design", "programs", "estimate", "checks", "translation", "prior", "cost", "specifications",
    "subgroups", "intervention", "rehearsal",
}  # fmt: skip


def _study(path: Path, raw: dict[str, Any]) -> Study:
    _known(raw, _KEYS, "the study file")
    chosen = "programs" if "programs" in raw else "design"
    _required(raw, ("title", "question", "data", "panel", chosen, "estimate"), "the study file")
    plain = {key: _tuple(raw[key]) for key in _KEYS - _TABLES if key in raw}
    _scalars(plain)
    catalogue = load_catalogue((path.parent / file).resolve() for file in plain.get("extensions", ()))
    designs = {name: _design(name, table, catalogue) for name, table in raw.get("design", {}).items()}
    programs = {name: _programs(name, table) for name, table in raw.get("programs", {}).items()}
    both = sorted(set(designs) & set(programs))
    if both:
        raise StudyError(
            f"[design.{both[0]}] and [programs.{both[0]}] have the same name. Give each a name of its own."
        )
    known = (*designs, *programs)
    estimates = tuple(_estimate(number, table, known, catalogue) for number, table in enumerate(raw["estimate"], 1))
    _check_pairs(estimates, programs)
    one_headline(estimates)
    study = Study(
        path=path,
        data=_data(raw["data"]),
        panel=_panel(raw["panel"], catalogue),
        designs=designs,
        programs=programs,
        estimates=estimates,
        specifications={
            name: _specifications(f"[specifications.{name}]", table, catalogue)
            for name, table in raw.get("specifications", {}).items()
        },
        subgroups={name: _subgroups(name, table) for name, table in raw.get("subgroups", {}).items()},
        intervention=_plan(InterventionPlan, raw.get("intervention", {}), "[intervention]"),
        rehearsal=_plan(RehearsalPlan, raw["rehearsal"], "[rehearsal]") if "rehearsal" in raw else None,
        checks=tuple(build(CHECKS, spec, "check") for spec in raw.get("checks", [])),
        prior={name: _plan(Prior, table, f"[prior.{name}]") for name, table in raw.get("prior", {}).items()},
        cost=_plan(CostPlan, raw["cost"], "[cost]") if "cost" in raw else None,
        translation={name: _translation(name, table) for name, table in raw.get("translation", {}).items()},
        **plain,
    )
    _check_data(study)
    if not programs:
        check_choices(study)
    return study


def _data(table: dict[str, Any]) -> DataPlan:
    made = dict(table)
    if "format" in table:
        made["format"] = choose_format(table["format"])
    if "conventions" in table:
        if not isinstance(table["conventions"], dict):
            raise StudyError('[data] conventions takes a table, such as { dates = "MM/DD/YYYY" }.')
        made["conventions"] = conventions_of(table["conventions"], "[data.conventions]")
    return _plan(DataPlan, made, "[data]")


def _translation(language: str, table: dict[str, Any]) -> dict[str, Any]:
    _known(table, _TRANSLATED, f"[translation.{language}]")
    texts = {key: _tuple(value) for key, value in table.items()}
    _plan(InterventionPlan, texts.get("intervention", {}), f"[translation.{language}.intervention]")
    _scalars(texts)
    return texts


def _scalars(plain: dict[str, Any]) -> None:
    wanted: dict[str, tuple[type, ...]] = {
        "source": (str,), "cost": (str,), "intervention": (dict,), "choice_names": (dict,),
        "disclosure_threshold": (int,),
        "title": (str,), "question": (str,), "program_name": (str,), "setting": (str,), "synthetic": (bool,),
        "languages": (tuple,), "confidence": (float,), "seed": (int,), "assumptions": (tuple,), "meaningful": (dict,),
        "extensions": (tuple,), "formats": (tuple,),
        "outcome_names": (dict,),
    }  # fmt: skip
    words = {str: "a text in quotes", bool: "true or false", tuple: "a list", float: "a number", int: "a whole number"}
    for key, value in plain.items():
        if not isinstance(value, wanted[key]):
            kind = words.get(wanted[key][0], "a table")
            raise StudyError(f"In the study file {key} = {value!r} is not allowed. It takes {kind}.")
    if not 0.5 <= plain.get("confidence", 0.95) < 1:
        raise StudyError(f"confidence is a share between 0.5 and 1, such as 0.95; got {plain['confidence']}.")
    unknown = [name for name in plain.get("formats", ()) if name not in FORMATS]
    if unknown or not plain.get("formats", FORMATS):
        raise StudyError(f"formats has {first_few(unknown) or 'nothing'}.{suggest(str(first_few(unknown)), FORMATS)}")
    threshold = plain.get("disclosure_threshold", LEAST_THRESHOLD)
    if isinstance(threshold, bool) or threshold < LEAST_THRESHOLD:
        raise StudyError(f"disclosure_threshold is a whole number of at least {LEAST_THRESHOLD}; got {threshold}.")


def _panel(table: dict[str, Any], catalogue: Catalogue) -> RecordsPanelPlan | FramePanelPlan:
    if "unit" in table and "program" not in table:
        facts = {name: _facts(name, given) for name, given in table.get("measures", {}).items()}
        return _plan(FramePanelPlan, table | {"measures": facts}, "[panel]")
    _known(table, {option.name for option in fields(RecordsPanelPlan)}, "[panel]")
    _required(table, ("program", "measures"), "[panel]")
    made = dict(table)
    made["program"] = build(catalogue.programs, table["program"], "program")
    made["measures"] = tuple(build(catalogue.measures, spec, "measure") for spec in table["measures"])
    return _plan(RecordsPanelPlan, made, "[panel]")


def _facts(outcome: str, table: dict[str, Any]) -> MeasureFacts:
    where = f"[panel] measures.{outcome}"
    if not isinstance(table, dict):
        raise StudyError(f"{where} = {table!r} is not allowed. It takes a table such as {{ unit = 'points' }}.")
    for key, choices in (("unit", get_args(Unit)), ("domain", get_args(Domain))):
        if key in table and table[key] not in choices:
            raise StudyError(f"{where}: {key} = {table[key]!r} is not allowed.{suggest(str(table[key]), choices)}")
    return _plan(MeasureFacts, table, where)


def _design(name: str, table: dict[str, Any], catalogue: Catalogue) -> DesignPlan:
    where = f"[design.{name}]"
    _known(table, {option.name for option in fields(DesignPlan)}, where)
    _required(table, ("method",), where)
    made = dict(table)
    made["method"] = build(catalogue.methods, table["method"], "design")
    made["eligibility"] = [_plan(Eligibility, rule, f"{where} eligibility") for rule in table.get("eligibility", [])]
    return _plan(DesignPlan, made, where)


def _programs(name: str, table: dict[str, Any]) -> ProgramsPlan:
    where = f"[programs.{name}]"
    _known(table, {option.name for option in fields(ProgramsPlan)}, where)
    _required(table, ("column",), where)
    made = dict(table)
    made["eligibility"] = [_plan(Eligibility, rule, f"{where} eligibility") for rule in table.get("eligibility", [])]
    several = table.get("several", "refuse")
    made["several"] = (
        _plan(SeveralPrograms, several, f"{where} several")
        if isinstance(several, dict)
        else SeveralPrograms.of(several)
    )
    made.setdefault("estimand", "ATT" if table.get("method") == "matching" else "ATE")
    plan = _plan(ProgramsPlan, made, where)
    check_request(plan.method, plan.estimand, plan.target, plan.covariates)
    return plan


def _estimate(number: int, table: dict[str, Any], known: tuple[str, ...], catalogue: Catalogue) -> EstimatePlan:
    where = f"[[estimate]] number {number}"
    _known(table, {option.name for option in fields(EstimatePlan)}, where)
    _required(table, ("outcome", "design", "estimator"), where)
    if table["design"] not in known:
        raise StudyError(
            f"{where} names a design {table['design']!r} that is not there.{suggest(table['design'], known)}"
        )
    made = dict(table)
    made["estimator"] = build(catalogue.estimators, table["estimator"], "estimator")
    if "inference" in table:
        made["inference"] = build(catalogue.inference, table["inference"], "inference method")
    own = "_".join([table["design"], *map(str, table.get("pair", []))])
    made.setdefault("name", f"{table['outcome']}_{own}_{made['estimator'].name}")
    return _plan(EstimatePlan, made, where)


def _specifications(where: str, table: dict[str, Any], catalogue: Catalogue) -> SpecificationPlan:
    lists = {option.name for option in fields(Specifications)}
    own = {option.name for option in fields(SpecificationPlan)} - {"specifications"}
    _known(table, own | lists, where)
    _required(table, ("outcome", *sorted(lists)), where)
    given = {name: dict(table[name]) for name in lists}
    made = {name: value for name, value in table.items() if name in own}
    if "inference" in made:
        made["inference"] = build(catalogue.inference, made["inference"], "inference method")
    made["specifications"] = Specifications(
        methods={name: build(catalogue.methods, spec, "design") for name, spec in given["methods"].items()},
        estimators={name: build(catalogue.estimators, spec, "estimator") for name, spec in given["estimators"].items()},
        covariates={name: _tuple(names) for name, names in given["covariates"].items()},
        samples={
            name: tuple(_plan(Eligibility, rule, f"{where} samples.{name}") for rule in rules)
            for name, rules in given["samples"].items()
        },
    )
    return _plan(SpecificationPlan, made, where)


def _subgroups(name: str, table: dict[str, Any]) -> SubgroupPlan:
    where = f"[subgroups.{name}]"
    _required(table, ("by",), where)
    cells = table.get("cells", {})
    made = {cell: _tuple(values) for cell, values in cells.items()} if isinstance(cells, dict) else cells
    return _plan(SubgroupPlan, table | {"cells": made}, where)


def _check_pairs(estimates: tuple[EstimatePlan, ...], programs: Mapping[str, ProgramsPlan]) -> None:
    for plan in estimates:
        if plan.pair and plan.design not in programs:
            raise StudyError(f"{plan.name}: pair goes with a design of several programs, [programs.…]. Leave it out.")
        if plan.pair and (len(plan.pair) != 2 or not all(isinstance(one, str) for one in plan.pair)):
            raise StudyError(
                f'{plan.name}: pair = {list(plan.pair)} is not allowed. It takes two programs, as ["peer", "none"].'
            )


def one_headline(estimates: tuple[EstimatePlan, ...]) -> None:
    """StudyError where an outcome, or a pair of programs on it, has no single headline, or two names are the same."""
    headline = [(plan.outcome, plan.contrast) for plan in estimates if plan.role == "headline"]
    twice = {" ".join(one).strip() for one in headline if headline.count(one) > 1}
    if twice:
        raise StudyError(
            f"{first_few(sorted(twice))} has more than one headline estimate. Choose one, before the results."
        )
    if not headline:
        raise StudyError('No estimate has role = "headline". Say which estimate answers the question for each outcome.')
    names = [plan.name for plan in estimates]
    same = {name for name in names if names.count(name) > 1}
    if same:
        raise StudyError(f"Two estimates are called {first_few(sorted(same))}. Give each a name of its own.")


def _check_data(study: Study) -> None:
    if (study.data.folder is None) == (study.data.file is None):
        raise StudyError("[data] takes either folder = (tables) or file = (one file of your own).")
    if (study.data.file is not None) != isinstance(study.panel, FramePanelPlan):
        raise StudyError(
            "[data] folder goes with [panel] program and measures; [data] file goes with [panel] unit and outcomes."
        )


def check_choices(study: Study, arms: Collection[str] = ()) -> None:
    """Refuse a name for an entry that nothing has. ``arms`` are the several programs, which the data alone tell."""
    lists = [plan.specifications for plan in study.specifications.values()]
    entries = {name for one in lists for option in fields(one) for name in getattr(one, option.name)}
    entries |= {part for name, plan in study.subgroups.items() for part in (name, *plan.cells)}
    entries |= {*study.designs, *study.programs, *arms}
    texts = (study.choice_names, *(given.get("choice_names", {}) for given in study.translation.values()))
    for name in (name for given in texts for name in given):
        if name not in entries:
            known = suggest(name, sorted(entries))
            raise StudyError(f"choice_names has {name!r}, which no curve, subgroups, design or program has.{known}")


def _plan(cls: type[PlanType], table: Mapping[str, Any], where: str) -> PlanType:
    """Make a plan from a table of the study file, refusing keys that do not exist and choices that are not offered."""
    allowed = {option.name: option for option in fields(cls)}  # type: ignore[arg-type]
    _known(table, allowed, where)
    for key, value in table.items():
        choices = _choices(str(allowed[key].type))
        if choices and value not in choices:
            raise StudyError(f"{where}: {key} = {value!r} is not allowed.{suggest(str(value), choices)}")
    try:
        return cls(**{key: _tuple(value) for key, value in table.items()})
    except TypeError as error:
        raise StudyError(f"{where} is incomplete: {str(error).split('__init__() ')[-1]}.") from error


def _choices(annotation: str) -> tuple[str, ...]:
    annotation = annotation.removesuffix(" | None")
    named: dict[str, Any] = {
        "Estimand": Estimand, "PeriodLength": PeriodLength, "Pool": Pool, "Role": Role, "ArmMethod": ArmMethod,
        "ArmEstimand": ArmEstimand, "EffectPath": EffectPath,
    }  # fmt: skip
    if annotation in named:
        return get_args(named[annotation])
    if annotation.startswith("Literal["):
        return tuple(part.strip().strip("'\"") for part in annotation[len("Literal[") : -1].split(","))
    return ()


def _known(table: Mapping[str, Any], allowed: Any, where: str) -> None:
    for key in table:
        if key not in allowed:
            raise StudyError(f"{where} has no key {key!r}.{suggest(key, allowed)}")


def _required(table: Mapping[str, Any], keys: tuple[str, ...], where: str) -> None:
    missing = [key for key in keys if key not in table]
    if missing:
        raise StudyError(f"{where} has no {', '.join(missing)}.")


def _tuple(value: Any) -> Any:
    return tuple(_tuple(item) for item in value) if isinstance(value, list) else value
