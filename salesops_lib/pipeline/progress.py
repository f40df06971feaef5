"""How many get on from each stage, by the cohort that entered it, and how cases end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from salesops_lib.core.stats import proportion_interval
from salesops_lib.core.survival import incidence_table
from salesops_lib.pipeline.log import known_log

MIN_CASES = 20


def conversion(
    log: pd.DataFrame,
    order: Sequence[str],
    as_of,
    *,
    won: str | None = None,
    horizon_days: float = 90,
    by: str = "Q",
    level: float = 0.9,
    unseen: Iterable[str] = (),
) -> pd.DataFrame:
    """Share of cases that got beyond a stage within ``horizon_days`` of first entering it, by entry cohort.

    Parameters
    ----------
    log
        ``case_id``, ``activity``, ``at``, perhaps ``sequence``.
    order
        Open stages in their order. Getting beyond one is entering a later one, or ``won``.
    as_of
        Last day known: entries younger than the horizon are left out.
    by
        Period of a cohort in pandas' terms: ``Q`` calendar quarter, ``M`` month, ``Y`` year.
    unseen
        Cases that began before their first row: when they entered its activity nobody knows, so they count
        in the later ones only.

    Returns
    -------
    DataFrame
        ``activity``, ``cohort`` (2025Q1), ``n``, ``moved_on``, ``share``, ``low``, ``high`` (Wilson),
        ``immature``. Missing share under 20 cases. A case skips nothing here: it counts in the stages it
        was in.
    """
    known = known_log(log)
    end = (pd.Timestamp(as_of).tz_localize(None).normalize() + pd.Timedelta(days=1)).tz_localize("UTC")
    known = known[known["at"] < end]
    place = {name: k for k, name in enumerate(order)}
    if won is not None:
        place[won] = len(order)
    known = known[~((known["step"] == 1) & known["case_id"].isin(set(unseen)))]
    ranked = known.assign(place=known["activity"].map(place)).dropna(subset="place")
    entry = ranked.groupby(["case_id", "activity"], as_index=False)["at"].min()
    entry["place"] = entry["activity"].map(place)
    rows = []
    for name in order:
        mine = entry[entry["activity"] == name]
        later = entry[entry["place"] > place[name]].merge(
            mine[["case_id", "at"]], on="case_id", suffixes=("", "_in")
        )
        later = later[later["at"] >= later["at_in"]]
        first = later.groupby("case_id")["at"].min()
        wait = (mine["case_id"].map(first) - mine["at"]).dt.total_seconds() / 86_400
        old = (end - mine["at"]).dt.total_seconds() / 86_400 >= horizon_days
        cohort = mine["at"].dt.tz_localize(None).dt.to_period(by).astype(str)
        frame = pd.DataFrame({"cohort": cohort, "old": old, "on": wait <= horizon_days})
        for label, part in frame.groupby("cohort"):
            n, moved = int(part["old"].sum()), int((part["on"] & part["old"]).sum())
            interval = proportion_interval(moved, n, level) if n >= MIN_CASES else None
            rows.append(
                (
                    name,
                    label,
                    n,
                    moved,
                    moved / n if interval else np.nan,
                    interval.low if interval else np.nan,
                    interval.high if interval else np.nan,
                    int((~part["old"]).sum()),
                )
            )
    return pd.DataFrame(
        rows, columns=["activity", "cohort", "n", "moved_on", "share", "low", "high", "immature"]
    )


def cumulative_incidence(
    log: pd.DataFrame,
    as_of,
    *,
    won: Iterable[str],
    lost: Iterable[str],
    level: float = 0.9,
    born: pd.Series | None = None,
) -> pd.DataFrame:
    """Share of cases won and lost by each age, open ones censored: 1 − Kaplan–Meier would overstate both.

    A case that was closed and opened again counts by its last state. ``born``: case → moment it began, for
    cases that began before their first row; such a case enters late, at the age it had then.

    Returns
    -------
    DataFrame
        ``cause`` (``won``, ``lost``), ``age`` (days since it began), ``at_risk``, ``events``, ``share``,
        ``low``, ``high``.

    Source: Aalen and Johansen (1978).
    """
    cases = outcomes(log, as_of, won=won, lost=lost)
    age, entry = cases["age"], None
    if born is not None and len(born):
        before = (cases["started"] - cases["case_id"].map(born)).dt.total_seconds() / 86_400
        entry = before.fillna(0.0).clip(lower=0.0)
        age = age + entry
    return incidence_table(age, cases["outcome"], causes=("won", "lost"), entry=entry, level=level)


def outcomes(log: pd.DataFrame, as_of, *, won: Iterable[str], lost: Iterable[str]) -> pd.DataFrame:
    """One row per case: ``case_id``, ``started``, ``ended`` (missing while open), ``outcome`` (won, lost,
    None), ``age`` in days, ``reopened`` (closed, then open again at least once)."""
    known = known_log(log)
    end = (pd.Timestamp(as_of).tz_localize(None).normalize() + pd.Timedelta(days=1)).tz_localize("UTC")
    known = known[known["at"] < end]
    kind = {**dict.fromkeys(won, "won"), **dict.fromkeys(lost, "lost")}
    state = known["activity"].map(kind)
    closed_then_open = state.shift().notna() & state.isna() & known["case_id"].eq(known["case_id"].shift())
    groups = known.groupby("case_id", sort=True)
    last = known[~known["case_id"].duplicated(keep="last")].set_index("case_id")
    made = pd.DataFrame({"started": groups["at"].min()})
    made["outcome"] = last["activity"].map(kind).reindex(made.index)
    made["ended"] = last["at"].reindex(made.index).where(made["outcome"].notna())
    made["age"] = (made["ended"].fillna(end) - made["started"]).dt.total_seconds() / 86_400
    made["reopened"] = closed_then_open.groupby(known["case_id"]).any().reindex(made.index)
    made["outcome"] = made["outcome"].astype("object").where(made["outcome"].notna(), None)
    return made.reset_index()
