"""Public attendance: what real files of attendance say, with the traps that they have, or that a file is not here.

The files are public and not part of the package. Each table is worked out from one of them, and names its source.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd

from mentoreval.design.design import choose_design
from mentoreval.effects.estimate import estimate_effect
from mentoreval.effects.estimators.regression_adjustment import RegressionAdjustment
from mentoreval.effects.inference import Inference
from mentoreval.effects.inference_methods.cluster_robust import ClusterRobust
from mentoreval.effects.inference_methods.heteroskedasticity_robust import HeteroskedasticityRobust
from mentoreval.errors import DataError, OptionError, suggest
from mentoreval.panel.missing_codes import mark_missing
from mentoreval.panel.panel import panel_from_frame

CHRONIC = 0.9
"""Share of days below which a student counts as chronically absent in these files."""
FULL_YEAR = 180
CITYWIDE = MappingProxyType({2013: 0.264, 2014: 0.245, 2015: 0.241, 2016: 0.249, 2017: 0.266})
"""New York City: share of students chronically absent by the year in which the school year begins, rounded."""
MOST_ABSENT = 0.2
"""Share of schools that are taken as those with most chronic absence."""
CONNECTICUT_CODES: Mapping[float, str] = MappingProxyType({-9999: "suppressed", -6666: "missing"})
STATE = "Connecticut"
STAR_YEARS = MappingProxyType({"gk": "1985-86", "g1": "1986-87", "g2": "1987-88", "g3": "1988-89"})
STAR_SCORES = MappingProxyType({"g1": 29.78, "g2": 19.39, "g3": 15.59})
"""Small classes and scores: Stock and Watson, Introduction to Econometrics, table 13.1."""


@dataclass(frozen=True, eq=False)
class PublicTable:
    """A table worked out from a public file.

    frame : the table; empty where the file is not here
    source : what the file is and who publishes it
    absent : why there is no table; None where there is one
    """

    frame: pd.DataFrame
    source: str
    absent: DataError | None = None

    def __repr__(self) -> str:
        return str(self.absent) if self.absent else f"{self.frame.to_string(index=False)}\n{self.source}"

    def _repr_html_(self) -> str:
        return f"<p>{self.absent}</p>" if self.absent else f"{self.frame.to_html(index=False)}<p>{self.source}</p>"


def public_attendance(table: str, folder: str | Path) -> PublicTable:
    """One of PUBLIC_TABLES, from a file in a folder; where it is not there, an empty table that says so.

    table : "nyc_citywide" (share of students chronically absent by year, beside the rate that is known, rounded, and
        the mean of schools), "nyc_next_year" (schools with most chronic absence, and the others, in the year after),
        "connecticut_codes" (cells that hold a code and no rate), "star_enrolled_days" (how long students were enrolled,
        and who missed a tenth), "star_small_classes" (effects of a small class on scores, days absent, days enrolled)

    Raises OptionError for a table that does not exist.
    """
    if table not in PUBLIC_TABLES:
        raise OptionError(f"There is no public table {table!r}.{suggest(table, PUBLIC_TABLES)}")
    name, work_out = PUBLIC_TABLES[table]
    file = Path(folder) / name
    if not file.is_file():
        reason = f"There is no file {name} in {str(folder)!r}. Get it from its publisher: {SOURCES[name]}"
        return PublicTable(pd.DataFrame(), SOURCES[name], DataError(reason))
    return PublicTable(work_out(pd.read_csv(file, low_memory=False)), SOURCES[name])


def nyc_citywide(schools: pd.DataFrame) -> pd.DataFrame:
    """Each school year: the city's rate counts students; the mean of the schools' rates counts schools."""
    years = schools.assign(rate=_rate(schools)).groupby("year_start")
    found = years.agg(
        school_year=("school_year", "first"),
        n_schools=("dbn", "nunique"),
        n_students=("n_students_20plus_days", "sum"),
        n_chronic=("n_chronically_absent", "sum"),
        mean_of_schools=("rate", "mean"),
    )
    found["chronic_absence"] = found["n_chronic"] / found["n_students"]
    found["known_rate"] = pd.Series(dict(CITYWIDE))
    names = ["school_year", "n_schools", "n_students", "chronic_absence", "known_rate", "mean_of_schools"]
    return found[names].reset_index(drop=True)


def nyc_next_year(schools: pd.DataFrame) -> pd.DataFrame:
    """Schools by their rate of one year, with their students' rate in that year and the next; schools that are in both.

    The fifth with most chronic absence is chosen in the first of the two years, as a program would.
    """
    names = ["dbn", "n_chronically_absent", "n_students_20plus_days"]
    following = schools[names].assign(year_start=schools["year_start"] - 1)
    both = schools.merge(following, on=["dbn", "year_start"], suffixes=("", "_next"), validate="one_to_one")
    rank = both.assign(rate=_rate(both)).groupby("year_start")["rate"].rank(pct=True)
    both["schools"] = np.where(rank > 1 - MOST_ABSENT, "most chronic absence", "others")
    found = both.groupby(["school_year", "schools"]).agg(
        n_schools=("dbn", "size"),
        chronic=("n_chronically_absent", "sum"),
        students=("n_students_20plus_days", "sum"),
        chronic_next=("n_chronically_absent_next", "sum"),
        students_next=("n_students_20plus_days_next", "sum"),
    )
    found["chronic_absence"] = found["chronic"] / found["students"]
    found["a_year_later"] = found["chronic_next"] / found["students_next"]
    found["change"] = found["a_year_later"] - found["chronic_absence"]
    return found[["n_schools", "chronic_absence", "a_year_later", "change"]].reset_index()


def connecticut_codes(districts: pd.DataFrame) -> pd.DataFrame:
    """Each school year: cells of district and grade, how many hold a code, and the mean with and without the codes."""
    marked, _ = mark_missing(districts, CONNECTICUT_CODES, columns=["Value"])
    rows = districts.assign(rate=marked["Value"])
    for code, meaning in CONNECTICUT_CODES.items():
        rows[meaning] = rows["Value"] == code
    own = rows[rows["District"] != STATE].groupby("Year")
    counts = rows.groupby("Year").agg(
        n_rows=("Value", "size"), suppressed=("suppressed", "sum"), missing=("missing", "sum")
    )
    counts["known"] = rows.groupby("Year")["rate"].count()
    found = pd.concat([counts, counts.sum().to_frame("all years").T])
    found["mean_percent"] = [*own["rate"].mean(), rows.loc[rows["District"] != STATE, "rate"].mean()]
    found["mean_with_codes"] = [*own["Value"].mean(), rows.loc[rows["District"] != STATE, "Value"].mean()]
    return found.rename_axis("school_year").reset_index()


def star_long(wide: pd.DataFrame) -> pd.DataFrame:
    """STAR with one row for each student and year in the experiment.

    wide : the public file, one row for each student
    returns : student, school_year, school, teacher, small, aide (0/1), score, days_enrolled, days_absent,
        days_absent_per_180, attendance_rate; days are missing in 1987-88, when they were not recorded
    """
    years = []
    for prefix, year in STAR_YEARS.items():
        rows = wide[wide[f"{prefix}classtype"].notna()]
        present, absent = (rows.get(f"{prefix}{what}", pd.Series(np.nan, rows.index)) for what in ("present", "absent"))
        years.append(
            pd.DataFrame(
                {
                    "student": rows["stdntid"],
                    "school_year": year,
                    "school": rows[f"{prefix}schid"],
                    "teacher": rows[f"{prefix}tchid"],
                    "small": (rows[f"{prefix}classtype"] == "SMALL CLASS").astype(int),
                    "aide": (rows[f"{prefix}classtype"] == "REGULAR + AIDE CLASS").astype(int),
                    "score": rows[f"{prefix}treadss"] + rows[f"{prefix}tmathss"],
                    "days_enrolled": present + absent,
                    "days_absent": absent,
                }
            )
        )
    long = pd.concat(years, ignore_index=True)
    share = long["days_absent"] / long["days_enrolled"]
    return long.assign(days_absent_per_180=share * FULL_YEAR, attendance_rate=1 - share)


def star_enrolled_days(wide: pd.DataFrame) -> pd.DataFrame:
    """Each school year: students in the experiment, how long they were enrolled, and the share who missed a tenth."""
    long = star_long(wide)
    known = long.dropna(subset=["attendance_rate"])
    days = known.groupby("school_year")["days_enrolled"]
    found = pd.DataFrame({"n_students": long.groupby("school_year").size(), "days_known": days.count()})
    for name, share in {"shortest": 0.0, "lowest_tenth": 0.1, "median": 0.5, "longest": 1.0}.items():
        found[f"enrolled_{name}"] = days.quantile(share)
    found["below_90_percent"] = (known["attendance_rate"] < CHRONIC).groupby(known["school_year"]).mean()
    return found.assign(days_known=found["days_known"].fillna(0).astype(int)).rename_axis("school_year").reset_index()


def star_small_classes(wide: pd.DataFrame) -> pd.DataFrame:
    """Effects of being in a small class, by outcome and year, with those of the aide held equal.

    Scores as in the published table: across schools, errors robust to heteroskedasticity. Days within schools, where
    students were drawn by lot, with errors by class.
    """
    long = star_long(wide)
    rows = []
    for prefix, year in STAR_YEARS.items():
        students = long[long["school_year"] == year]
        for outcome in ("score", "days_absent", "days_absent_per_180", "days_enrolled"):
            if students[outcome].notna().any() and not (outcome == "score" and prefix == "gk"):
                published = STAR_SCORES[prefix] if outcome == "score" else np.nan
                rows.append(
                    {"school_year": year, "outcome": outcome, **_small_class(students, outcome), "published": published}
                )
    return pd.DataFrame(rows).sort_values(["outcome", "school_year"], ignore_index=True)


def _small_class(students: pd.DataFrame, outcome: str) -> dict[str, float]:
    panel = panel_from_frame(
        students.dropna(subset=[outcome]), unit="student", treated="small", assignment="random", school="school",
        mentor="teacher", covariates=["aide"], outcomes=[outcome],
    )  # fmt: skip
    design = choose_design(panel, covariates=["aide"])
    errors: Inference
    if outcome == "score":
        way, errors = RegressionAdjustment(), HeteroskedasticityRobust(small_sample="HC1")
    else:
        way, errors = RegressionAdjustment(fixed_effects=("school",)), ClusterRobust("mentor")
    found = estimate_effect(design, outcome, way, inference=errors).headline()
    return {
        name: found[name] for name in ("estimate", "std_error", "conf_low", "conf_high", "n_treated", "n_comparison")
    }


def _rate(schools: pd.DataFrame) -> pd.Series:
    return schools["n_chronically_absent"] / schools["n_students_20plus_days"]


NYC, CONNECTICUT, STAR = "nyc_school_attendance.csv.gz", "ct_chronic_absenteeism.csv.gz", "star_students.csv.gz"
SOURCES: Mapping[str, str] = MappingProxyType(
    {
        NYC: "NYC Department of Education, NYC Open Data mg8s-7r2b and s52a-8aq6, school years 2013-14 to 2017-18",
        CONNECTICUT: "Connecticut State Department of Education, CT Data Collaborative, 2011-12 to 2019-20 (PDDL)",
        STAR: "Achilles et al. (2008), Tennessee's Student Teacher Achievement Ratio (STAR) project, Harvard "
        "Dataverse, doi:10.7910/DVN/SIWH9F",
    }
)
PUBLIC_TABLES: Mapping[str, tuple[str, Callable[[pd.DataFrame], pd.DataFrame]]] = MappingProxyType(
    {
        "nyc_citywide": (NYC, nyc_citywide),
        "nyc_next_year": (NYC, nyc_next_year),
        "connecticut_codes": (CONNECTICUT, connecticut_codes),
        "star_enrolled_days": (STAR, star_enrolled_days),
        "star_small_classes": (STAR, star_small_classes),
    }
)
