"""The students of a made-up district: what a registrar knows of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentoreval.aliases import ObjectArray

GENDERS: ObjectArray = np.array(["female", "male", "nonbinary"], dtype=object)
GROUPS: ObjectArray = np.array(["hispanic", "white", "black", "asian", "two_or_more", "american_indian"], dtype=object)


@dataclass(frozen=True)
class Traits:
    """Shares of students with each attribute. They are assumptions: a district with many low-income families."""

    by_gender: tuple[float, ...] = (0.48, 0.50, 0.02)
    by_group: tuple[float, ...] = (0.44, 0.24, 0.16, 0.08, 0.06, 0.02)
    economically_disadvantaged: float = 0.56
    english_learner_hispanic: float = 0.28
    english_learner_other: float = 0.05
    disability: float = 0.15
    temporary_housing: float = 0.05

    def draw(self, n_students: int, rng: np.random.Generator) -> pd.DataFrame:
        """(n_students rows) gender, race_ethnicity, and 0/1 for the other attributes."""
        uniform = rng.random((6, n_students))
        group = np.searchsorted(np.cumsum(self.by_group)[:-1], uniform[1], side="right")
        learner = np.where(group == 0, self.english_learner_hispanic, self.english_learner_other)
        # Families in temporary housing are poor.
        housing = uniform[5] < self.temporary_housing
        flags = {
            "economically_disadvantaged": (uniform[2] < self.economically_disadvantaged) | housing,
            "english_learner": uniform[3] < learner,
            "disability": uniform[4] < self.disability,
            "temporary_housing": housing,
        }
        gender = GENDERS[np.searchsorted(np.cumsum(self.by_gender)[:-1], uniform[0], side="right")]
        words = {"gender": gender, "race_ethnicity": GROUPS[group]}
        return pd.DataFrame({**words, **{name: flag.astype(np.int64) for name, flag in flags.items()}})


def number_ids(prefix: str, n: int, rng: np.random.Generator | None = None) -> ObjectArray:
    """(n,) identifiers such as S00042; in random order with a generator, so that they say nothing of their owners."""
    number = np.arange(n) if rng is None else np.argsort(rng.random(n), kind="stable")
    width = max(5 if rng is not None else 4, len(str(n)))
    return np.array([f"{prefix}{k + 1:0{width}d}" for k in number], dtype=object)
