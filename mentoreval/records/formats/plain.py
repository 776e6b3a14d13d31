"""Plain: our own tables with our own column names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mentoreval.records.format import Format, Translation
from mentoreval.records.sources import Sources
from mentoreval.records.tables import TABLES


@dataclass(frozen=True)
class Plain(Format):
    """Our own tables and column names, as ``mentoreval template`` writes them; there is nothing to translate."""

    name: ClassVar[str] = "plain"
    beside: ClassVar[tuple[str, ...]] = tuple(TABLES)

    def translate(self, sources: Sources) -> Translation:
        """Nothing: every table is taken as it is."""
        return Translation()
