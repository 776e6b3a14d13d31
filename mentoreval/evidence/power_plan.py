"""Plans by name: from a table of options, or from options as they are typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any, get_type_hints

from mentoreval.errors import OptionError
from mentoreval.evidence.power_design import PowerDesign
from mentoreval.evidence.power_designs import POWER_DESIGNS
from mentoreval.registry import build, find


def plan_from_texts(name: str, texts: Mapping[str, str]) -> PowerDesign:
    """The plan of that name from options as they are typed, each read as its type.

    Errors: OptionError for an unknown plan or option, a text that can not be read, and an option that is missing.
    """
    cls = find(POWER_DESIGNS, name, "power design")
    hints = {option.name: get_type_hints(cls)[option.name] for option in fields(cls)}
    return make_plan({"kind": name, **{key: _read(key, text, hints.get(key)) for key, text in texts.items()}})


def make_plan(spec: Mapping[str, Any]) -> PowerDesign:
    """The plan that a table with ``kind`` and its options describes; OptionError also for one that is missing."""
    cls = find(POWER_DESIGNS, str(spec.get("kind", "")), "power design")
    needed = [option.name for option in fields(cls) if option.default is MISSING and option.name not in spec]
    unknown = [name for name in spec if name not in {"kind", *(option.name for option in fields(cls))}]
    if needed and not unknown:
        raise OptionError(f"The power design {cls.name!r} needs {', '.join(needed)}.")
    return build(POWER_DESIGNS, spec, "power design")


def _read(name: str, text: str, kind: type | None) -> object:
    """A text as an option of that type; as it is where there is no such option, which is refused later by name."""
    if kind is bool:
        if text.lower() not in {"true", "false"}:
            raise OptionError(f"{name} = {text!r} is not allowed. It takes true or false.")
        return text.lower() == "true"
    if kind not in (int, float):
        return text
    try:
        return kind(text)
    except ValueError as error:
        what = "a whole number" if kind is int else "a number"
        raise OptionError(f"{name} = {text!r} is not allowed. It takes {what}.") from error
