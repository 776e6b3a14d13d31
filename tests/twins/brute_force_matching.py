"""Greedy matching as one would do it on paper: look at every control, every time.

The rules are those of MatchIt 4.7.2. Nothing here is clever; ``mentoreval.numerics.matching`` must give the same pairs.
Everything is a list; a treated unit and a control are row numbers; nobody is ``-1``.
"""

from __future__ import annotations

NOBODY = -1
TIE = 1e-9


def allowed_pairs(treated, distance, caliper=None, strata=None, discarded=None, covariates=None, widths=None):
    """The controls that each treated row may have at all: {treated row: {control row: distance}}."""
    rows = range(len(treated))
    pairs = {}
    for t in rows:
        if not treated[t]:
            continue
        pairs[t] = {}
        for c in rows:
            if treated[c] or (discarded is not None and (discarded[t] or discarded[c])):
                continue
            if caliper is not None and distance(t, c) > caliper:
                continue
            if strata is not None and strata[t] != strata[c]:
                continue
            if covariates is not None and any(
                abs(a - b) > width for a, b, width in zip(covariates[t], covariates[c], widths, strict=True)
            ):
                continue
            pairs[t][c] = distance(t, c)
    return pairs


def nearest_on_a_line(score):
    """Chooser for one score: walk outward from the treated row; the nearer side wins, the left one if equal."""
    line = sorted(range(len(score)), key=lambda row: (score[row], row))

    def choose(t, options):
        place = line.index(t)
        left = next((row for row in reversed(line[:place]) if row in options), None)
        right = next((row for row in line[place + 1 :] if row in options), None)
        if left is None or (right is not None and options[right] < options[left]):
            return right
        return left

    return choose


def nearest_in_a_space(line_of, strata, alike):
    """Chooser for covariates: of the nearest the farthest in rank on the line; if equal, right for alike, else left."""

    def choose(t, options):
        row_by_rank = sorted(
            (row for row in range(len(line_of)) if strata is None or strata[row] == strata[t]),
            key=lambda row: (line_of[row], row),
        )
        offset = {row: place - row_by_rank.index(t) for place, row in enumerate(row_by_rank)}
        nearest = min(options.values())
        tied = [row for row in options if options[row] <= nearest + TIE]
        farthest = max(abs(offset[row]) for row in tied)
        ends = sorted((row for row in tied if abs(offset[row]) == farthest), key=offset.get)
        return ends[-1] if alike(ends[0], ends[-1]) else ends[0]

    return choose


def match(pairs, choose, sequence, ratio=1, replace=False, closest=False):
    """{treated row: [control rows]} for the treated rows in ``sequence``."""
    matched = {t: [] for t in sequence}
    used = set()

    def find(t):
        gone = set(matched[t]) if replace else used
        options = {c: d for c, d in pairs[t].items() if c not in gone}
        return choose(t, options) if options else None

    for _ in range(ratio):
        if closest and not replace:
            _closest_round(pairs, find, sequence, matched, used)
            continue
        for t in sequence:
            control = find(t)
            if control is not None:
                matched[t].append(control)
                used.add(control)
    return matched


def _closest_round(pairs, find, sequence, matched, used):
    """The closest pair first; a row whose control has gone looks again and goes before those that are as close."""
    waiting = [(t, find(t)) for t in sequence]
    waiting = [(t, control) for t, control in waiting if control is not None]
    waiting.sort(key=lambda pair: pairs[pair[0]][pair[1]])
    while waiting:
        t, control = waiting.pop(0)
        if control not in used:
            matched[t].append(control)
            used.add(control)
            continue
        control = find(t)
        if control is None:
            continue
        place = sum(pairs[other][theirs] < pairs[t][control] - TIE for other, theirs in waiting)
        waiting.insert(place, (t, control))


def as_rows(matched, treated_rows, ratio):
    """The matrix that the package returns: one line for each treated row, filled up with NOBODY."""
    return [(matched.get(t, []) + [NOBODY] * ratio)[:ratio] for t in treated_rows]
