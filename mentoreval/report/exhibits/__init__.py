"""The exhibits, by name."""

from __future__ import annotations

from mentoreval.report.exhibit import Exhibit
from mentoreval.report.exhibits.balance_comparison import BalanceComparison
from mentoreval.report.exhibits.baseline_table import BaselineTable
from mentoreval.report.exhibits.dosage_table import DosageTable
from mentoreval.report.exhibits.dose_response import DoseResponseTable
from mentoreval.report.exhibits.essa_table import EssaTable
from mentoreval.report.exhibits.event_study import EventStudy
from mentoreval.report.exhibits.findings_table import FindingsTable
from mentoreval.report.exhibits.forest_plot import ForestPlot
from mentoreval.report.exhibits.honest_did import HonestDidPlot
from mentoreval.report.exhibits.impact_details import ImpactDetails
from mentoreval.report.exhibits.impact_plot import ImpactPlot
from mentoreval.report.exhibits.impact_table import ImpactTable
from mentoreval.report.exhibits.ledger_table import LedgerTable
from mentoreval.report.exhibits.love_plot import LovePlot
from mentoreval.report.exhibits.match_counts import MatchCounts
from mentoreval.report.exhibits.meeting_weeks import MeetingWeeks
from mentoreval.report.exhibits.omitted_variable import OmittedVariablePlot
from mentoreval.report.exhibits.overlap_plot import OverlapPlot
from mentoreval.report.exhibits.participants import Participants
from mentoreval.report.exhibits.plan_table import PlanTable
from mentoreval.report.exhibits.power_curve import PowerCurve
from mentoreval.report.exhibits.rehearsal import RehearsalPlot
from mentoreval.report.exhibits.robustness_table import RobustnessTable
from mentoreval.report.exhibits.sample_flow import SampleFlow
from mentoreval.report.exhibits.specification_curve import SpecificationCurveExhibit
from mentoreval.report.exhibits.subgroup_baseline import SubgroupBaseline
from mentoreval.report.exhibits.subgroup_plot import SubgroupPlot
from mentoreval.report.exhibits.subgroup_table import SubgroupTable
from mentoreval.report.exhibits.wwc_audit_table import WwcAuditTable

EXHIBITS: dict[str, type[Exhibit]] = {
    "impact_plot": ImpactPlot,
    "sample_flow": SampleFlow,
    "ledger_table": LedgerTable,
    "baseline_table": BaselineTable,
    "love_plot": LovePlot,
    "balance_comparison": BalanceComparison,
    "overlap_plot": OverlapPlot,
    "impact_table": ImpactTable,
    "impact_details": ImpactDetails,
    "robustness_table": RobustnessTable,
    "event_study": EventStudy,
    "findings_table": FindingsTable,
    "essa_table": EssaTable,
    "wwc_audit_table": WwcAuditTable,
    "forest_plot": ForestPlot,
    "honest_did": HonestDidPlot,
    "omitted_variable": OmittedVariablePlot,
    "plan_table": PlanTable,
    "power_curve": PowerCurve,
    "specification_curve": SpecificationCurveExhibit,
    "rehearsal": RehearsalPlot,
    "participants": Participants,
    "dosage_table": DosageTable,
    "dose_response": DoseResponseTable,
    "meeting_weeks": MeetingWeeks,
    "match_counts": MatchCounts,
    "subgroup_plot": SubgroupPlot,
    "subgroup_table": SubgroupTable,
    "subgroup_baseline": SubgroupBaseline,
}

__all__ = [
    "EXHIBITS", "BalanceComparison", "BaselineTable", "DosageTable", "DoseResponseTable", "EssaTable", "EventStudy",
    "FindingsTable", "ForestPlot", "HonestDidPlot", "ImpactDetails", "ImpactPlot", "ImpactTable", "LedgerTable",
    "LovePlot", "MatchCounts", "MeetingWeeks", "OmittedVariablePlot", "OverlapPlot", "Participants", "PlanTable",
    "PowerCurve", "RehearsalPlot", "RobustnessTable", "SampleFlow", "SpecificationCurveExhibit", "SubgroupBaseline",
    "SubgroupPlot", "SubgroupTable", "WwcAuditTable",
]  # fmt: skip
