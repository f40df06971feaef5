"""Is the process defined well enough to be improved? Ten items; under eight, fix the definitions first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

ITEMS = (
    ("entry", "Every open stage says what lets a deal in."),
    ("evidence", "Every open stage says what the buyer has to have done to leave it."),
    ("age", "Every open stage has a largest age."),
    ("names", "Every stage in the data is defined."),
    ("history", "Changes of stage are recorded, with the moment, for nine in ten deals."),
    ("stamps", "No stage's entries are stamped in bulk."),
    ("reasons", "Nine in ten lost deals have a reason."),
    ("dates", "At most one open deal in ten is past its close date."),
    ("owner", "Somebody owns the definitions (stages.yaml: readiness.owner)."),
    ("trained", "Sellers and managers were shown them this year (stages.yaml: readiness.trained)."),
)
NEEDED = 8
FIRST = "Mend the definitions first (readiness under 8), then: "
REASONS, DATES, BULK, RECORDED = 0.9, 0.1, 0.2, 0.9


def readiness(
    stages: pd.DataFrame,
    declared: Mapping[str, Any],
    log: pd.DataFrame | None,
    deals: pd.DataFrame,
    *,
    bulk: pd.Series,
    overdue_share: float,
    as_of: Any,
) -> pd.DataFrame:
    """The ten items: ``item``, ``asks``, ``holds``, ``why``.

    ``stages``: as ``stages.yaml`` lists them. ``declared``: its mapping ``readiness`` with ``owner`` (a
    role) and ``trained`` (a day). ``bulk``: share of entries stamped in bulk by activity. An item that
    cannot be told does not hold; nor does one on stages that are defined while none of them is in the data.
    """
    still = stages[stages["outcome"] == "open"]
    recorded = recorded_share(log, deals)
    seen = set(deals["stage"].dropna()) | (set(log["activity"]) if log is not None else set())
    strange = sorted(str(s) for s in seen - set(stages["stage"]) if not str(s).startswith("("))
    closed = deals["is_closed"].fillna(False).astype(bool)
    lost = deals[closed & ~deals["is_won"].fillna(False).astype(bool)]
    given = float(lost["loss_reason"].notna().mean()) if "loss_reason" in lost and len(lost) else float("nan")
    worst = bulk.drop(index=stages.loc[stages["outcome"] != "open", "stage"], errors="ignore")
    still = still if seen & set(still["stage"]) else still.head(0)
    trained = pd.to_datetime(declared.get("trained"), errors="coerce")
    said = {
        "entry": _all(still, "entry"),
        "evidence": _all(still, "exit_evidence"),
        "age": _all(still, "max_age_days"),
        "names": (
            bool(seen) and not strange,
            f"not defined: {', '.join(strange[:4])}" if strange else "" if seen else "no deal has a stage",
        ),
        "history": (
            recorded >= RECORDED,
            f"{recorded:.0%} of deals have a history" if recorded > 0 else "there is no history",
        ),
        "stamps": (log is not None and len(log) > 0 and bool((worst <= BULK).all()), _worst(worst)),
        "reasons": (given >= REASONS, "no lost deal" if given != given else f"{given:.0%} have one"),
        "dates": (
            overdue_share <= DATES,
            "not known" if overdue_share != overdue_share else f"{overdue_share:.0%} are past",
        ),
        "owner": (bool(declared.get("owner")), str(declared.get("owner") or "nobody is named")),
        "trained": (
            bool(pd.notna(trained)) and 0 <= (pd.Timestamp(as_of) - trained).days <= 365,
            str(declared.get("trained") or "no day is given"),
        ),
    }
    return pd.DataFrame(
        [(item, asks, bool(said[item][0]), said[item][1]) for item, asks in ITEMS],
        columns=["item", "asks", "holds", "why"],
    )


def recorded_share(log: pd.DataFrame | None, deals: pd.DataFrame) -> float:
    """Share of deals that have a history of stages; 0 without deals."""
    if log is None or deals.empty:
        return 0.0
    return float(deals["opportunity_id"].isin(set(log["case_id"])).mean())


def gated(table: pd.DataFrame) -> bool:
    """Whether readiness is under what advice on tuning needs. ``table``: ``outputs.READINESS``."""
    return int(table["holds"].sum()) < NEEDED


def gated_step(gate: bool, step: str) -> str:
    """A step, behind the mending of definitions where ``gate`` says that those come first."""
    return FIRST + step[:1].lower() + step[1:] if gate else step


def _all(stages: pd.DataFrame, column: str) -> tuple[bool, str]:
    lost = stages.loc[stages[column].isna(), "stage"].tolist()
    if stages.empty:
        return False, "no defined stage is in the data"
    return not lost, f"missing for {', '.join(lost[:4])}" if lost else ""


def _worst(bulk: pd.Series) -> str:
    return f"{bulk.idxmax()}: {bulk.max():.0%}" if len(bulk) and bulk.max() > 0 else ""
