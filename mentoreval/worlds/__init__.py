"""Made-up districts with known truth, one file each, by the name that ``draw_world`` uses."""

from __future__ import annotations

from mentoreval.worlds.folder import write_world
from mentoreval.worlds.riverside import Riverside
from mentoreval.worlds.world import Draw, Truth, World, draw_world

WORLDS: dict[str, type[World]] = {
    "riverside": Riverside,
}

__all__ = ["WORLDS", "Draw", "Riverside", "Truth", "World", "draw_world", "write_world"]
