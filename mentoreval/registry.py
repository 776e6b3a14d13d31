"""Kinds of an idea: frozen bags of options that are found by name and can be written in a study file.

An idea (``DesignMethod``) is a singular file, its kinds (``Nearest``) live in the plural folder beside it, and the
folder's ``__init__`` maps names to classes in a plain dict. ``build`` turns ``{kind = "nearest", ratio = 2}`` into
``Nearest(ratio=2)``; ``spec_of`` turns it back.
"""

from __future__ import annotations

import dataclasses
import importlib
import types
import typing
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, TypeVar, Union

from mentoreval.errors import OptionError, suggest


@dataclasses.dataclass(frozen=True)
class Kind:
    """Base of every kind: a frozen dataclass whose options are checked against their annotations when it is made.

    name : of the kind, as study files write it
    folder : of an idea, where its kinds are listed, as "package:DICT"; a text, since an idea does not import its kinds
    """

    name: ClassVar[str] = ""
    folder: ClassVar[str] = ""

    def __post_init__(self) -> None:
        hints = typing.get_type_hints(type(self))
        for option in dataclasses.fields(self):
            value = _as_kind(_as_tuple(getattr(self, option.name)), hints[option.name])
            object.__setattr__(self, option.name, value)
            if not _fits(value, hints[option.name]):
                raise OptionError(
                    f"{type(self).__name__}: {option.name} = {value!r} is not allowed. "
                    f"It takes {_describe(hints[option.name])}."
                )
        self.check()

    def check(self) -> None:
        """Refuse values that no annotation can exclude; raises OptionError. The default accepts everything."""


KindType = TypeVar("KindType", bound=Kind)


def find(kinds: Mapping[str, type[KindType]], name: str, what: str) -> type[KindType]:
    """The class of that name; OptionError with a suggestion if there is none. ``what`` names the idea."""
    if name not in kinds:
        raise OptionError(f"There is no {what} named {name!r}.{suggest(name, kinds)}")
    return kinds[name]


def build(kinds: Mapping[str, type[KindType]], spec: Mapping[str, Any] | str, what: str) -> KindType:
    """Make the kind that a study file describes, as a name or as a table with ``kind`` and its options."""
    if isinstance(spec, str):
        spec = {"kind": spec}
    options = dict(spec)
    if "kind" not in options:
        raise OptionError(f"A {what} needs a kind.{suggest('', kinds)}")
    cls = find(kinds, str(options.pop("kind")), what)
    known = [option.name for option in dataclasses.fields(cls)]
    for option in options:
        if option not in known:
            raise OptionError(f"The {what} {cls.name!r} has no option {option!r}.{suggest(option, known)}")
    return cls(**options)


def make(idea: type[KindType], spec: Mapping[str, Any] | str) -> KindType:
    """Make a kind of an idea, as ``build`` does, from the folder that the idea names."""
    package, _, listed = idea.folder.partition(":")
    kinds: Mapping[str, type[KindType]] = getattr(importlib.import_module(package), listed)
    return build(kinds, spec, _in_words(idea))


def _in_words(idea: type[Kind]) -> str:
    """PropensityModel as "propensity model"."""
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in idea.__name__).strip()


def spec_of(kind: Kind) -> dict[str, Any]:
    """The table that builds an equal kind again: its name and the options that differ from their defaults."""
    spec: dict[str, Any] = {"kind": kind.name}
    for option in dataclasses.fields(kind):
        value = getattr(kind, option.name)
        default = option.default
        if option.default_factory is not dataclasses.MISSING:
            default = option.default_factory()
        if value != default:
            spec[option.name] = spec_of(value) if isinstance(value, Kind) else value
    return spec


def _as_tuple(value: Any) -> Any:
    """A study file has lists; options are tuples, so that kinds stay hashable and nobody can change them."""
    return tuple(_as_tuple(item) for item in value) if isinstance(value, list) else value


def _as_kind(value: Any, hint: Any) -> Any:
    """An option that is itself a kind may be written as its table: ``propensity = {kind = "logit"}``."""
    is_idea = isinstance(hint, type) and issubclass(hint, Kind) and hint.folder
    return make(hint, value) if is_idea and isinstance(value, (str, Mapping)) else value


def _fits(value: Any, hint: Any) -> bool:
    origin = typing.get_origin(hint)
    if hint is Any:
        return True
    if origin is Literal:
        return value in typing.get_args(hint)
    if origin in (Union, types.UnionType):
        return any(_fits(value, option) for option in typing.get_args(hint))
    if origin is tuple:
        inner = typing.get_args(hint)[0]
        return isinstance(value, tuple) and all(_fits(item, inner) for item in value)
    if origin is not None:
        return isinstance(value, origin)
    if hint is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, hint) if isinstance(hint, type) else True


def _describe(hint: Any) -> str:
    origin = typing.get_origin(hint)
    if origin is Literal:
        return "one of " + ", ".join(repr(option) for option in typing.get_args(hint))
    if origin in (Union, types.UnionType):
        return " or ".join(_describe(option) for option in typing.get_args(hint))
    if origin is tuple:
        return "a list of which each entry is " + _describe(typing.get_args(hint)[0])
    if isinstance(hint, type) and issubclass(hint, Kind):
        return f"a {_in_words(hint)}, as a table with its kind and options"
    words = {int: "a whole number", float: "a number", bool: "true or false", str: "a text", type(None): "nothing"}
    return words.get(hint, getattr(hint, "__name__", str(hint)))
