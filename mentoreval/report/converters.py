"""Converters: the packages behind PDF and Word, which not everyone installs."""

from __future__ import annotations

import importlib
from types import ModuleType

from mentoreval.errors import ReportError


def converter(module: str, written: str) -> ModuleType:
    """A package that writes a format; ReportError names the extra that installs it where it is not there."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ReportError(
            f"{written} needs a package that is not installed. Run: pip install 'mentoreval[documents]'"
        ) from error
