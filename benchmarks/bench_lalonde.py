"""How near each design comes to an experiment: 185 treated of NSW against 15,992 people of a national survey (CPS).

The experiment itself says +1,794 dollars. Needs the public file of LaLonde (1986), Dehejia & Wahba (1999) and Smith
& Todd (2005); give its path, or leave it in ../shared/data. Prints one row for each design: treated kept, effective
number of comparisons, the worst baseline effect size, the estimate, its standard error, its distance from 1,794.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pandas as pd

import mentoreval as me

EXPERIMENT = 1794
FILE = Path(__file__).resolve().parents[2] / "shared" / "data" / "lalonde_nsw_cps_psid.csv.gz"
COVARIATES = ["age", "educ", "black", "hisp", "married", "nodegree", "re74", "re75", "no_earnings_74", "no_earnings_75"]
METHODS: dict[str, me.Unadjusted | me.Nearest | object] = {
    "everyone": me.Unadjusted(),
    "nearest 1:1": me.Nearest(),
    "nearest 1:1, caliper .2": me.Nearest(caliper=0.2),
    "nearest 5:1, reuse": me.Nearest(ratio=5, replace=True, caliper=0.2),
    "mahalanobis 1:1": me.Nearest(distance="mahalanobis"),
    "optimal pairs, caliper .2": me.OptimalPairs(caliper=0.2),
    "full matching, caliper .2": me.Full(caliper=0.2),
    "subclasses (6)": me.Subclass(n=6),
    "coarsened exact": me.CoarsenedExact(),
    "odds weighting": me.OddsWeighting(),
    "entropy balancing": me.EntropyBalancing(),
    "balancing propensity": me.CovariateBalancing(),
}


def lalonde(file: Path) -> me.Panel:
    """NSW treated (Dehejia & Wahba's 185) and CPS, one row each."""
    people = pd.read_csv(file)
    people = people[
        ((people["sample"] == 1) & (people["dwincl"] == 1) & (people["treated"] == 1)) | (people["sample"] == 2)
    ]
    people = people.assign(
        person=range(len(people)),
        treat=(people["sample"] == 1).astype(int),
        no_earnings_74=(people["re74"] == 0).astype(int),
        no_earnings_75=(people["re75"] == 0).astype(int),
    )
    return me.panel_from_frame(people, unit="person", treated="treat", covariates=COVARIATES, outcomes=["re78"])


def row(panel: me.Panel, method: object) -> dict[str, object]:
    """What one design keeps, balances and finds; a design that can not be made says why."""
    began = time.perf_counter()
    try:
        design = me.choose_design(panel, method)  # type: ignore[arg-type]
        effect = me.estimate_effect(design, "re78", inference=me.HeteroskedasticityRobust("HC1")).headline()
    except me.MentorevalError as error:
        return {"note": str(error)[:90]}
    after, opinion = design.balance().n.loc["after"], design.balance().opinion
    return {
        "treated": int(after["n_treated"]),
        "comparisons (ESS)": round(after["ess_comparison"]),
        "worst": f"{opinion.value:+.2f} {opinion.covariate}",
        "estimate": round(effect["estimate"]),
        "std_error": round(effect["std_error"]),
        "off by": round(effect["estimate"] - EXPERIMENT),
        "seconds": round(time.perf_counter() - began, 2),
    }


def main() -> None:
    """Print the table."""
    file = Path(sys.argv[1]) if len(sys.argv) > 1 else FILE
    if not file.is_file():
        print(f"Skipped: there is no {file.name}. Give the path of the file as an argument.")
        return
    panel = lalonde(file)
    table = pd.DataFrame({name: row(panel, method) for name, method in METHODS.items()}).T
    print(table.to_string(na_rep=""))


if __name__ == "__main__":
    main()
