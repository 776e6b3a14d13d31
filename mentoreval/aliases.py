"""Names for the types that signatures repeat."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
ObjectArray = NDArray[np.object_]

Estimand = Literal["ATT", "ATC", "ATE", "ATO"]
PeriodLength = Literal["year", "semester", "month"]
Verdict = Literal["pass", "caution", "fail", "cannot_judge", "info"]
