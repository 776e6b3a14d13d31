"""Made-up districts with known truth, one file each, by the name that ``draw_world`` uses."""

from __future__ import annotations

from mentoreval.worlds.anticipation import AnticipationWorld
from mentoreval.worlds.attrition import AttritionWorld
from mentoreval.worlds.broken_trends import BrokenTrendsWorld
from mentoreval.worlds.composition_change import CompositionChangeWorld
from mentoreval.worlds.elementary_k2 import ElementaryK2
from mentoreval.worlds.folder import write_world
from mentoreval.worlds.fresno_portfolio import FresnoPortfolio
from mentoreval.worlds.high_school_peers import HighSchoolPeers
from mentoreval.worlds.missing_records import MissingRecordsWorld
from mentoreval.worlds.no_effect import NoEffectWorld
from mentoreval.worlds.nyc_success_mentors import NycSuccessMentors
from mentoreval.worlds.regression_to_the_mean import RegressionToTheMeanWorld
from mentoreval.worlds.riverside import Riverside
from mentoreval.worlds.school_shocks import SchoolShocksWorld
from mentoreval.worlds.selection_on_unobservables import SelectionOnUnobservablesWorld
from mentoreval.worlds.six_schools import SixSchoolsWorld
from mentoreval.worlds.spillover import SpilloverWorld
from mentoreval.worlds.thirty_districts import ThirtyDistricts
from mentoreval.worlds.west_kern import WestKern
from mentoreval.worlds.world import Draw, Truth, World, draw_world

WORLDS: dict[str, type[World]] = {
    "riverside": Riverside,
    "nyc_success_mentors": NycSuccessMentors,
    "thirty_districts": ThirtyDistricts,
    "no_effect": NoEffectWorld,
    "broken_trends": BrokenTrendsWorld,
    "selection_on_unobservables": SelectionOnUnobservablesWorld,
    "regression_to_the_mean": RegressionToTheMeanWorld,
    "spillover": SpilloverWorld,
    "attrition": AttritionWorld,
    "missing_records": MissingRecordsWorld,
    "school_shocks": SchoolShocksWorld,
    "six_schools": SixSchoolsWorld,
    "anticipation": AnticipationWorld,
    "composition_change": CompositionChangeWorld,
    "elementary_k2": ElementaryK2,
    "west_kern": WestKern,
    "high_school_peers": HighSchoolPeers,
    "fresno_portfolio": FresnoPortfolio,
}

__all__ = [
    "WORLDS",
    "AnticipationWorld",
    "AttritionWorld",
    "BrokenTrendsWorld",
    "CompositionChangeWorld",
    "Draw",
    "ElementaryK2",
    "FresnoPortfolio",
    "HighSchoolPeers",
    "MissingRecordsWorld",
    "NoEffectWorld",
    "NycSuccessMentors",
    "RegressionToTheMeanWorld",
    "Riverside",
    "SchoolShocksWorld",
    "SelectionOnUnobservablesWorld",
    "SixSchoolsWorld",
    "SpilloverWorld",
    "ThirtyDistricts",
    "Truth",
    "WestKern",
    "World",
    "draw_world",
    "write_world",
]
