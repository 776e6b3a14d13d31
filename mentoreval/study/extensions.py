"""Extensions: kinds of a study's own, from Python files that stand beside it."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any

from mentoreval.design.design import DesignMethod
from mentoreval.design.methods import METHODS
from mentoreval.effects.estimator import Estimator
from mentoreval.effects.estimators import ESTIMATORS
from mentoreval.effects.inference import Inference
from mentoreval.effects.inference_methods import INFERENCE_METHODS
from mentoreval.errors import StudyError
from mentoreval.panel.measure import Measure
from mentoreval.panel.measures import MEASURES
from mentoreval.panel.program import Program
from mentoreval.panel.programs import PROGRAMS
from mentoreval.registry import Kind


@dataclass(frozen=True)
class Catalogue:
    """The kinds that a study file can name, by name: those of the package and the study's own."""

    programs: Mapping[str, type[Program]] = field(default_factory=lambda: MappingProxyType(PROGRAMS))
    measures: Mapping[str, type[Measure]] = field(default_factory=lambda: MappingProxyType(MEASURES))
    methods: Mapping[str, type[DesignMethod]] = field(default_factory=lambda: MappingProxyType(METHODS))
    estimators: Mapping[str, type[Estimator]] = field(default_factory=lambda: MappingProxyType(ESTIMATORS))
    inference: Mapping[str, type[Inference]] = field(default_factory=lambda: MappingProxyType(INFERENCE_METHODS))

    def with_file(self, file: Path) -> Catalogue:
        """The catalogue with the kinds that a Python file defines.

        A kind is a class with a ``name`` that derives from Program, Measure, DesignMethod, Estimator or Inference.
        Raises StudyError where the file is not there, can not be run, or defines no kind or one that exists already.
        """
        kinds = {option.name: dict(getattr(self, option.name)) for option in fields(self)}
        own = list(_kinds_of(_run(file)))
        if not own:
            ideas = ", ".join(idea.__name__ for idea in _IDEAS.values())
            raise StudyError(f"{file.name} defines no kind: a class with a name, derived from one of {ideas}.")
        for idea, cls in own:
            if cls.name in kinds[idea]:
                raise StudyError(
                    f"{file.name}: {cls.__name__} is named {cls.name!r}, which exists. Give it another name."
                )
            kinds[idea][cls.name] = cls
        return Catalogue(**kinds)


_IDEAS: Mapping[str, type[Kind]] = MappingProxyType(
    {"programs": Program, "measures": Measure, "methods": DesignMethod, "estimators": Estimator, "inference": Inference}
)


def load_catalogue(files: Iterable[Path]) -> Catalogue:
    """The kinds of the package and of a study's extension files."""
    catalogue = Catalogue()
    for file in files:
        catalogue = catalogue.with_file(file)
    return catalogue


def run_file(file: Path, name: str, option: str) -> ModuleType:
    """The module that a Python file of the study makes; StudyError, with the line, where it can not be run.

    name : of the module, under which its classes find it
    option : that names the file in the study file, for messages
    """
    spec = importlib.util.spec_from_file_location(name, file)
    if file.suffix != ".py" or not file.is_file() or spec is None or spec.loader is None:
        raise StudyError(f"{option} = {file.name!r}: there is no such Python file beside the study.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # whatever the study's own code does wrong, its author needs the line and no more
        del sys.modules[name]
        raise StudyError(f"{file.name} can not be run{_line(error, file)}: {type(error).__name__}: {error}.") from error
    return module


def _run(file: Path) -> ModuleType:
    digest = hashlib.sha256(str(file).encode() + (file.read_bytes() if file.is_file() else b"")).hexdigest()
    name = f"mentoreval_extension_{digest[:16]}"
    return sys.modules[name] if name in sys.modules else run_file(file, name, "extensions")


def _line(error: Exception, file: Path) -> str:
    """Where in the file an error arose; "" where that is not known."""
    if isinstance(error, SyntaxError):
        return f" (line {error.lineno})"
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file)]
    return f" (line {lines[-1]})" if lines else ""


def _kinds_of(module: ModuleType) -> Iterable[tuple[str, Any]]:
    """The kinds that are defined in a module itself, each with the list that it belongs to."""
    for cls in vars(module).values():
        if not inspect.isclass(cls) or cls.__module__ != module.__name__ or not getattr(cls, "name", ""):
            continue
        for listed, idea in _IDEAS.items():
            if issubclass(cls, idea):
                yield listed, _complete(cls, idea)


def _complete(cls: type[Kind], idea: type[Kind]) -> type[Kind]:
    """The class, if it has every method that its idea leaves to it."""
    missing = [name for name in dir(cls) if getattr(getattr(cls, name, None), "__isabstractmethod__", False)]
    if missing:
        raise StudyError(f"{cls.__name__} ({idea.__name__}) has no method {missing[0]}. Write it.")
    return cls
