"""PowerDesign: how a study is planned, as far as its precision hangs on it. ``power`` says what it could find."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar, Self

from mentoreval.errors import OptionError
from mentoreval.registry import Kind

ROUNDING = 1e-9


@dataclass(frozen=True)
class Precision:
    """How precisely a plan measures an effect.

    std_error : of the standardized effect g; df : of its test
    n_treated, n_comparison : students, whole where the plan's numbers are
    """

    std_error: float
    df: float
    n_treated: float
    n_comparison: float


@dataclass(frozen=True)
class PowerDesign(Kind):
    """A plan for a study. One method to write: ``precision``.

    ``size`` names the option that says how large the study is, which curves and ``size_for`` vary. Options whose names
    are in ``shares`` lie from 0 to below 1, those in ``counts`` are 1 or more; ``share``, where there is one, is the
    share of units in the program, and ``assigned`` the option that counts these, if it is not ``size``.
    """

    folder: ClassVar[str] = "mentoreval.evidence.power_designs:POWER_DESIGNS"
    size: ClassVar[str] = ""
    assigned: ClassVar[str] = ""
    counts: ClassVar[tuple[str, ...]] = ()
    shares: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def precision(self) -> Precision:
        """Standard error and degrees of freedom; the latter may be 0 or less for a study that is too small."""

    def check(self) -> None:
        """Refuse what can not be: a school of no students, a correlation of 2, a program for everybody."""
        self._require("share", lambda value: 0 < value < 1, "a number between 0 and 1")
        for name in (*self.counts, self.size):
            self._require(name, lambda value: value >= 1, "1 or more")
        for name in self.shares:
            self._require(name, lambda value: 0 <= value < 1, "a number from 0 to below 1")
        self._require("covariates", lambda value: value >= 0, "0 or more")

    def _require(self, name: str, holds: Callable[[float], bool], takes: str) -> None:
        """Raise OptionError where the option exists and its value is not allowed."""
        value = getattr(self, name, None)
        if value is not None and not (math.isfinite(value) and holds(value)):
            raise OptionError(f"{type(self).__name__}: {name} = {value} is not allowed. It takes {takes}.")

    @property
    def size_now(self) -> int:
        """How large the study is, in units of ``size``."""
        return int(getattr(self, self.size))

    def of_size(self, size: int) -> Self:
        """The same plan with another size."""
        return replace(self, **{self.size: size})

    @property
    def obstacle(self) -> str:
        """Why the plan allows no test; "" where it does."""
        units, share = getattr(self, self.assigned or self.size), getattr(self, "share", None)
        if share is not None and min(share, 1 - share) * units < 1 - ROUNDING:
            return (
                f"{type(self).__name__}: of {self.assigned or self.size} = {units} with share = {share}, less than one "
                "is in one of the arms. Plan a larger study or a more even share."
            )
        df = self.precision().df
        if df > 0:
            return ""
        return (
            f"{type(self).__name__}: {self.size} = {self.size_now} leaves {df:g} degrees of freedom, so nothing can be "
            "tested. Plan a larger study or fewer covariates."
        )
