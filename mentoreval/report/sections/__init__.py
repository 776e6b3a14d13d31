"""The sections of a report, by name, in reading order."""

from __future__ import annotations

from mentoreval.report.section import Section
from mentoreval.report.sections.design import DesignSection
from mentoreval.report.sections.findings import Findings
from mentoreval.report.sections.first_page import FirstPage
from mentoreval.report.sections.impacts import Impacts
from mentoreval.report.sections.limitations import Limitations
from mentoreval.report.sections.manifest import ManifestSection
from mentoreval.report.sections.methods import Methods
from mentoreval.report.sections.over_time import OverTime
from mentoreval.report.sections.plan import Plan
from mentoreval.report.sections.sample import Sample
from mentoreval.report.sections.wwc_audit import WwcAuditSection

SECTIONS: dict[str, type[Section]] = {
    "first_page": FirstPage,
    "sample": Sample,
    "design": DesignSection,
    "impacts": Impacts,
    "over_time": OverTime,
    "findings": Findings,
    "wwc_audit": WwcAuditSection,
    "plan": Plan,
    "limitations": Limitations,
    "methods": Methods,
    "manifest": ManifestSection,
}
