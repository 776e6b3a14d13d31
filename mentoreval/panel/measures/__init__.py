"""The measures, by the name that study files use."""

from __future__ import annotations

from mentoreval.panel.measure import Measure
from mentoreval.panel.measures.attendance_rate import AttendanceRate
from mentoreval.panel.measures.chronic_absence import ChronicAbsence
from mentoreval.panel.measures.course_failure import CourseFailure
from mentoreval.panel.measures.days_absent import DaysAbsent
from mentoreval.panel.measures.gpa import Gpa

MEASURES: dict[str, type[Measure]] = {
    "attendance_rate": AttendanceRate,
    "days_absent": DaysAbsent,
    "chronic_absence": ChronicAbsence,
    "gpa": Gpa,
    "course_failure": CourseFailure,
}

__all__ = ["MEASURES", "AttendanceRate", "ChronicAbsence", "CourseFailure", "DaysAbsent", "Gpa"]
