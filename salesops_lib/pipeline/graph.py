"""What follows what, and the ways whole cases took."""

from __future__ import annotations

import numpy as np
import pandas as pd

from salesops_lib.pipeline.log import known_log

START, END = "(start)", "(end)"
ARROW = " → "


def directly_follows(log: pd.DataFrame) -> pd.DataFrame:
    """Steps from one activity straight to another.

    Parameters
    ----------
    log
        ``case_id``, ``activity``, ``at``, perhaps ``sequence``; see :func:`log.event_log`.

    Returns
    -------
    DataFrame
        ``from_activity``, ``to_activity``, ``count`` (steps), ``cases`` (with at least one), ``share`` (of
        all
        steps out of ``from_activity``), ``median_days`` between them. ``(start)`` leads to the first
        activity of
        a case, its last one to ``(end)``, without days. The largest count first, ties by name. Σ count out
        of an
        activity is how often it was visited.
    """
    known = known_log(log)
    same = known["case_id"].eq(known["case_id"].shift(-1))
    first = known[known["step"] == 1]
    inner = known[same]
    wait = (known["at"].shift(-1) - known["at"]).dt.total_seconds() / 86_400
    last = known[~same]
    pairs = pd.concat(
        [
            pd.DataFrame(
                {"from_activity": START, "to_activity": first["activity"], "case_id": first["case_id"]}
            ),
            pd.DataFrame(
                {
                    "from_activity": inner["activity"],
                    "to_activity": known["activity"].shift(-1)[same],
                    "case_id": inner["case_id"],
                    "days": wait[same],
                }
            ),
            pd.DataFrame({"from_activity": last["activity"], "to_activity": END, "case_id": last["case_id"]}),
        ],
        ignore_index=True,
    ).reindex(columns=["from_activity", "to_activity", "case_id", "days"])
    keys = ["from_activity", "to_activity"]
    made = pairs.groupby(keys, as_index=False).agg(
        count=("case_id", "size"), cases=("case_id", "nunique"), median_days=("days", "median")
    )
    made["share"] = made["count"] / made.groupby("from_activity")["count"].transform("sum")
    made = made.sort_values(["count", *keys], ascending=[False, True, True], ignore_index=True)
    return made[[*keys, "count", "cases", "share", "median_days"]]


def variants(log: pd.DataFrame, *, top: int | None = None) -> pd.DataFrame:
    """Whole ways of cases, the commonest first.

    Returns
    -------
    DataFrame
        ``variant`` (activities joined by →), ``cases``, ``share``, ``coverage`` (cumulative share),
        ``steps``, ``median_days`` from the first step to the last. Ties by name; the first ``top`` rows,
        coverage is over all cases.
    """
    known = known_log(log)
    first = np.flatnonzero(known["step"].to_numpy() == 1)  # sorted by case and step: a case is a run of rows
    until = np.append(first[1:], len(known))[: len(first)]
    at = known["at"].dt.tz_localize(None).to_numpy()
    days = (at[until - 1] - at[first]) / np.timedelta64(1, "D")
    made = (
        pd.DataFrame(
            {"variant": _ways(known["activity"], first, until), "days": days, "steps": until - first}
        )
        .groupby("variant", as_index=False)
        .agg(cases=("days", "size"), median_days=("days", "median"), steps=("steps", "first"))
        .sort_values(["cases", "variant"], ascending=[False, True], ignore_index=True)
    )
    made["share"] = made["cases"] / max(len(first), 1)
    made["coverage"] = made["share"].cumsum()
    made = made[["variant", "cases", "share", "coverage", "steps", "median_days"]]
    return made if top is None else made.head(top)


def _ways(activity: pd.Series, first: np.ndarray, until: np.ndarray) -> np.ndarray:
    """Each case's activities joined. Runs of codes are told apart first: ways are few, cases many."""
    code, names = pd.factorize(activity)
    raw = code.astype("int32").tobytes()
    runs = np.empty(len(first), dtype="object")
    runs[:] = [raw[4 * a : 4 * b] for a, b in zip(first.tolist(), until.tolist(), strict=True)]
    way, found = pd.factorize(runs)
    texts = [ARROW.join(names.take(np.frombuffer(run, "int32"))) for run in found]
    return np.array(texts, dtype="object")[way] if texts else np.array([], dtype="object")
