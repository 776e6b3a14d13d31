"""The sections of a report, by name, in reading order."""

from __future__ import annotations

from mentoreval.report.section import Section
from mentoreval.report.sections.appendix import Appendix
from mentoreval.report.sections.cost import Cost
from mentoreval.report.sections.design import DesignSection
from mentoreval.report.sections.dosage import Dosage
from mentoreval.report.sections.findings import Findings
from mentoreval.report.sections.first_page import FirstPage
from mentoreval.report.sections.impacts import Impacts
from mentoreval.report.sections.limitations import Limitations
from mentoreval.report.sections.manifest import ManifestSection
from mentoreval.report.sections.methods import Methods
from mentoreval.report.sections.over_time import OverTime
from mentoreval.report.sections.plan import Plan
from mentoreval.report.sections.rehearsal import RehearsalSection
from mentoreval.report.sections.robustness import Robustness
from mentoreval.report.sections.sample import Sample
from mentoreval.report.sections.subgroups import Subgroups
from mentoreval.report.sections.wwc_audit import WwcAuditSection

SECTIONS: dict[str, type[Section]] = {
    "first_page": FirstPage,
    "sample": Sample,
    "design": DesignSection,
    "impacts": Impacts,
    "subgroups": Subgroups,
    "robustness": Robustness,
    "over_time": OverTime,
    "rehearsal": RehearsalSection,
    "findings": Findings,
    "wwc_audit": WwcAuditSection,
    "dosage": Dosage,
    "cost": Cost,
    "plan": Plan,
    "limitations": Limitations,
    "methods": Methods,
    "appendix": Appendix,
    "manifest": ManifestSection,
}
