"""The measures, by the name that study files use."""

from __future__ import annotations

from mentoreval.panel.measure import Measure
from mentoreval.panel.measures.abc_flags import AbcFlags
from mentoreval.panel.measures.attendance_band import AttendanceBand
from mentoreval.panel.measures.attendance_rate import AttendanceRate
from mentoreval.panel.measures.average_daily_attendance import AverageDailyAttendance
from mentoreval.panel.measures.chronic_absence import ChronicAbsence
from mentoreval.panel.measures.course_failure import CourseFailure
from mentoreval.panel.measures.credits_earned import CreditsEarned
from mentoreval.panel.measures.days_absent import DaysAbsent
from mentoreval.panel.measures.dropout import Dropout
from mentoreval.panel.measures.exit_from_chronic_absence import ExitFromChronicAbsence
from mentoreval.panel.measures.gpa import Gpa
from mentoreval.panel.measures.on_track import OnTrack
from mentoreval.panel.measures.persistence import Persistence
from mentoreval.panel.measures.survey_scale import SurveyScale
from mentoreval.panel.measures.test_score import TestScore
from mentoreval.panel.measures.top_two_box import TopTwoBox
from mentoreval.panel.measures.truancy import Truancy

MEASURES: dict[str, type[Measure]] = {
    "attendance_rate": AttendanceRate,
    "days_absent": DaysAbsent,
    "chronic_absence": ChronicAbsence,
    "attendance_band": AttendanceBand,
    "truancy": Truancy,
    "average_daily_attendance": AverageDailyAttendance,
    "exit_from_chronic_absence": ExitFromChronicAbsence,
    "gpa": Gpa,
    "course_failure": CourseFailure,
    "credits_earned": CreditsEarned,
    "on_track": OnTrack,
    "abc_flags": AbcFlags,
    "test_score": TestScore,
    "survey_scale": SurveyScale,
    "top_two_box": TopTwoBox,
    "persistence": Persistence,
    "dropout": Dropout,
}

__all__ = [
    "MEASURES",
    "AbcFlags",
    "AttendanceBand",
    "AttendanceRate",
    "AverageDailyAttendance",
    "ChronicAbsence",
    "CourseFailure",
    "CreditsEarned",
    "DaysAbsent",
    "Dropout",
    "ExitFromChronicAbsence",
    "Gpa",
    "OnTrack",
    "Persistence",
    "SurveyScale",
    "TestScore",
    "TopTwoBox",
    "Truancy",
]
