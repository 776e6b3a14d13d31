"""The formats of exports, by the name that study files use."""

from __future__ import annotations

from mentoreval.records.format import Format
from mentoreval.records.formats.calpads import Calpads
from mentoreval.records.formats.ed_fi import EdFi
from mentoreval.records.formats.mapped import Mapped
from mentoreval.records.formats.oneroster import OneRoster
from mentoreval.records.formats.opensdp import OpenSdp
from mentoreval.records.formats.plain import Plain

FORMATS: dict[str, type[Format]] = {
    "plain": Plain,
    "mapped": Mapped,
    "oneroster": OneRoster,
    "ed_fi": EdFi,
    "calpads": Calpads,
    "opensdp": OpenSdp,
}

__all__ = ["FORMATS", "Calpads", "EdFi", "Mapped", "OneRoster", "OpenSdp", "Plain"]
