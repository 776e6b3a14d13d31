"""The plans whose power can be computed, by the name that study files and the command line use."""

from mentoreval.evidence.power_design import PowerDesign
from mentoreval.evidence.power_designs.blocked import BlockedAssignment
from mentoreval.evidence.power_designs.clustered import ClusteredAssignment
from mentoreval.evidence.power_designs.difference_in_differences import DifferenceInDifferences
from mentoreval.evidence.power_designs.individual import IndividualAssignment
from mentoreval.evidence.power_designs.one_arm_mentors import MentorsInOneArm

POWER_DESIGNS: dict[str, type[PowerDesign]] = {
    "individual": IndividualAssignment,
    "blocked": BlockedAssignment,
    "clustered": ClusteredAssignment,
    "one_arm_mentors": MentorsInOneArm,
    "difference_in_differences": DifferenceInDifferences,
}
