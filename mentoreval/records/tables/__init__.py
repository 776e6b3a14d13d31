"""The tables of a district, by name. A table that another one refers to comes before it.

Attendance has one schema for each mode (``ATTENDANCE``); the entry here is the one for absences only.
"""

from __future__ import annotations

from mentoreval.records.schema import TableSchema
from mentoreval.records.tables.assessments import ASSESSMENTS
from mentoreval.records.tables.attendance import ATTENDANCE, ATTENDANCE_TOTALS
from mentoreval.records.tables.calendar import CALENDAR
from mentoreval.records.tables.enrolment import ENROLMENT
from mentoreval.records.tables.grades import GRADES
from mentoreval.records.tables.matches import MATCHES
from mentoreval.records.tables.mentors import MENTORS
from mentoreval.records.tables.sessions import SESSIONS
from mentoreval.records.tables.students import STUDENTS
from mentoreval.records.tables.surveys import SURVEYS

TABLES: dict[str, TableSchema] = {
    "students": STUDENTS,
    "calendar": CALENDAR,
    "enrolment": ENROLMENT,
    "attendance": ATTENDANCE["absences_only"],
    "attendance_totals": ATTENDANCE_TOTALS,
    "grades": GRADES,
    "mentors": MENTORS,
    "matches": MATCHES,
    "sessions": SESSIONS,
    "assessments": ASSESSMENTS,
    "surveys": SURVEYS,
}

__all__ = ["ATTENDANCE", "TABLES"]
