"""The design methods, by the name that study files use."""

from __future__ import annotations

from mentoreval.design.design import DesignMethod
from mentoreval.design.methods.nearest import Nearest
from mentoreval.design.methods.unadjusted import Unadjusted

METHODS: dict[str, type[DesignMethod]] = {
    "unadjusted": Unadjusted,
    "nearest": Nearest,
}

__all__ = ["METHODS", "Nearest", "Unadjusted"]
