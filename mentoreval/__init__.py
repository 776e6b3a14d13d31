"""mentoreval: does a school mentoring program work?

Records → panel → design → effects → evidence → report. See the README for two commands that run all of it.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

# Names are loaded when they are first used, so that ``import mentoreval`` stays fast; ``__init__.pyi`` tells editors.
_HOMES = {
    "mentoreval.records.read": ("read_records", "validate_records"),
    "mentoreval.records.records": ("Records", "Ledger"),
    "mentoreval.records.formats": ("Plain", "Mapped", "OneRoster", "EdFi", "Calpads", "OpenSdp"),
    "mentoreval.panel.panel": ("Panel", "panel_from_frame"),
    "mentoreval.panel.build": ("build_panel",),
    "mentoreval.panel.facts": ("MeasureFacts",),
    "mentoreval.panel.missing_codes": ("mark_missing",),
    "mentoreval.panel.survey_answers": ("survey_shares",),
    "mentoreval.panel.measures": (
        "AttendanceRate",
        "DaysAbsent",
        "ChronicAbsence",
        "AttendanceBand",
        "Truancy",
        "AverageDailyAttendance",
        "ExitFromChronicAbsence",
        "Gpa",
        "CourseFailure",
        "CreditsEarned",
        "OnTrack",
        "AbcFlags",
        "TestScore",
        "SurveyScale",
        "TopTwoBox",
        "Persistence",
        "Dropout",
    ),
    "mentoreval.panel.fidelity": ("fidelity", "Fidelity"),
    "mentoreval.panel.programs": (
        "OneToOne",
        "Group",
        "Peer",
        "EMentoring",
        "SuccessMentor",
        "CheckConnect",
        "Portfolio",
        "SchoolWide",
    ),
    "mentoreval.worlds": ("draw_world", "write_world", "Riverside"),
    "mentoreval.design.design": ("Design", "choose_design"),
    "mentoreval.design.balance": ("Balance", "compare_balance", "measure_balance"),
    "mentoreval.design.overlap": ("Overlap", "measure_overlap"),
    "mentoreval.design.arms": ("ArmComparison", "compare_arms"),
    "mentoreval.design.programs": ("SeveralPrograms",),
    "mentoreval.design.eligibility": ("Eligibility",),
    "mentoreval.design.methods": (
        "Unadjusted",
        "Nearest",
        "OddsWeighting",
        "InverseProbability",
        "OverlapWeighting",
        "EntropyBalancing",
        "CovariateBalancing",
        "Exact",
        "CoarsenedExact",
        "Subclass",
        "OptimalPairs",
        "Full",
        "Cardinality",
    ),
    "mentoreval.design.propensity_models": (
        "Logit",
        "Probit",
        "PenalizedLogit",
        "MultilevelLogit",
        "BoostedTrees",
        "GivenScores",
    ),
    "mentoreval.effects.estimate": ("Estimate", "estimate_effect"),
    "mentoreval.effects.estimators": (
        "DifferenceInMeans",
        "RegressionAdjustment",
        "NegativeBinomial",
        "Multilevel",
        "DoublyRobust",
        "AbadieImbens",
        "ComplierEffect",
        "DoseResponse",
        "Did2x2",
        "Twfe",
        "EventStudy",
        "CallawaySantAnna",
        "SunAbraham",
        "Imputation",
        "GardnerTwoStage",
        "ExtendedTwfe",
        "Stacked",
        "SyntheticDid",
        "DeChaisemartinDHaultfoeuille",
        "TripleDifference",
        "ComparativeInterruptedTimeSeries",
    ),
    "mentoreval.effects.inference_methods": (
        "ClusterRobust",
        "HeteroskedasticityRobust",
        "TwoWayClusterRobust",
        "WildClusterBootstrap",
        "MultiplierBootstrap",
        "RefitBootstrap",
        "Jackknife",
        "Placebo",
        "RandomizationInference",
        "OneArmClustering",
        "OwnVariance",
    ),
    "mentoreval.evidence.check": ("Finding", "run_check"),
    "mentoreval.evidence.checks": (
        "CovariateBalance",
        "WwcBaselineEquivalence",
        "Pretrends",
        "RegressionToTheMean",
        "OmittedVariable",
        "OsterDelta",
        "EValue",
        "RosenbaumBounds",
        "OverlapCheck",
        "LeaveOneSchoolOut",
        "LeaveOneMentorOut",
        "Spillover",
        "HonestDid",
        "PlaceboPeriod",
        "PlaceboOutcome",
        "PlaceboGroup",
        "BaconDecomposition",
        "NegativeWeights",
        "CompositionChange",
        "AttritionCheck",
    ),
    "mentoreval.evidence.wwc": ("baseline_equivalence", "effect_size"),
    "mentoreval.evidence.wwc_audit": ("WwcAudit", "wwc_audit"),
    "mentoreval.evidence.multiplicity": ("adjust_p_values",),
    "mentoreval.evidence.decision": ("Prior", "chance_of_mattering", "cost_per_unit"),
    "mentoreval.evidence.synthesis": ("Synthesis", "synthesize"),
    "mentoreval.evidence.specification_curve": ("SpecificationCurve", "Specifications", "specification_curve"),
    "mentoreval.evidence.power": ("PowerAnalysis", "power", "published_effects"),
    "mentoreval.evidence.power_designs": (
        "IndividualAssignment",
        "BlockedAssignment",
        "ClusteredAssignment",
        "MentorsInOneArm",
        "DifferenceInDifferences",
    ),
    "mentoreval.evidence.simulated_power": ("SimulatedPower", "simulate_power"),
    "mentoreval.study.study": ("Study",),
    "mentoreval.study.read": ("read_study",),
    "mentoreval.study.evaluation": ("Evaluation", "lock_study", "run_study"),
    "mentoreval.report.render": ("write_report",),
    "mentoreval.report.draw": ("draw",),
    "mentoreval.errors": (
        "MentorevalError",
        "DataError",
        "OptionError",
        "StudyError",
        "DesignError",
        "EffectError",
        "ReportError",
    ),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [*_HOME_OF, "__version__"]


def __getattr__(name: str) -> Any:
    """Load a public name from its home when it is first used."""
    if name not in _HOME_OF:
        raise AttributeError(f"module 'mentoreval' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
