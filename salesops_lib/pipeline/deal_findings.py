"""What open deals can find: dates, ages and next steps that cannot be believed, and too little pipeline."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from salesops_lib.core.charts import percent, short_money
from salesops_lib.core.findings import Finding, Interval
from salesops_lib.pipeline import rules
from salesops_lib.pipeline.coverage import DUE
from salesops_lib.pipeline.rules import Setting

LEVEL = 0.9


def hygiene(setting: Setting, faults: pd.DataFrame, work: pd.DataFrame, deals: int) -> list[Finding]:
    """Four faults by their share of open value.

    ``faults``: ``outputs.FAULTS``; UNKNOWN where the data cannot tell a fault, or without open value.
    ``work``: ``outputs.HYGIENE``. ``deals``: how many are open.
    """
    found = []
    by_fault = faults.set_index("fault")
    for rule, fault in (
        (rules.OVERDUE, "overdue"),
        (rules.OLD, "old"),
        (rules.NEXT_STEP, "no next step"),
        (rules.PILED, "last day"),
    ):
        row = by_fault.loc[fault]
        known = pd.notna(row["value_share"])
        mine = work[work["fault"] == fault].sort_values("amount_base", ascending=False)
        names = ", ".join(_named(r) for r in mine.head(3).itertuples())
        step = "Keep it so." if known else "Enter what is missing, then run the report again."
        found.append(
            rule.judge(
                scope={"deals": "open"},
                value=row["value_share"] if known else None,
                n=deals,
                limit=setting.limit(rule),
                as_of=setting.as_of,
                money_at_stake=float(row["value_base"]) if known else None,
                statement=_said(row, fault, setting.currency),
                recommendation=f"Go through the work list, first {names}." if len(mine) else step,
            )
        )
    return found


def _said(row: pd.Series, fault: str, currency: str) -> str:
    if row["why"]:
        return f"Cannot be told: {row['why']}."
    if pd.isna(row["value_share"]):
        return f"{int(row['deals']):,} open deals: {_says(fault)}; without amounts their value is not known."
    if not row["deals"]:
        return f"No open deal has the fault: {_says(fault)}."
    priced = int(row["deals"] - row["unpriced"])
    spare = f"; {int(row['unpriced'])} more without an amount" if row["unpriced"] else ""
    return (
        f"{priced:,} open deals worth {short_money(row['value_base'])} {currency} "
        f"({percent(row['value_share'])} of open value{spare}): {_says(fault)}."
    )


def coverage(setting: Setting, found: Mapping | None) -> list[Finding]:
    """Open value due against what is left to the target, at what value due at this point has brought.

    ``found``: :func:`coverage.company`. Where the past is not known deal by deal the win rate of decided
    deals is taken, under its own code: it leaves out what is pushed, and needs less. UNKNOWN without
    a target.
    """
    rule = rules.COVER_DUE if found is not None and found["basis"] == DUE else rules.COVERAGE
    known = found is not None and found["ratio"] is not None and np.isfinite(found["ratio"])
    met = found is not None and found["left"] <= 0
    said, step, interval = (
        "There is no target of this period.",
        "Enter the period's quota of level company.",
        None,
    )
    if met:
        said, step = "The target of this period is booked.", "Keep the pipeline as full."
    elif known:
        said = (
            f"{short_money(found['due'])} {setting.currency} open and due covers {found['coverage']:.1f} "
            f"times the {short_money(found['left'])} left to the target; {_needs(found)}."
        )
        short = found["short"]
        step = f"Pull {short_money(short)} of pipeline forward, or lower the call." if short > 0 else (
            "Keep the pipeline as full."
        )  # fmt: skip
        if np.isfinite(found["low"]) and np.isfinite(found["high"]):
            interval = Interval(found["low"], found["high"], LEVEL, "ratio of values")
    elif found is not None:
        said, step = "The own win rate by value is not known.", "Enter amounts and close dates."
    return [
        rule.judge(
            scope={"period": "this quarter"},
            value=found["ratio"] if known and not met else None,
            n=found["n"] if found else 0,
            limit=setting.limit(rule),
            as_of=setting.as_of,
            interval=interval,
            money_at_stake=found["short"] or None if known and not met else None,
            statement=said,
            recommendation=step,
        )
    ]


def _needs(found: Mapping) -> str:
    """What coverage is needed, and why two figures differ."""
    decided = found["needed_decided"]
    if found["basis"] != DUE:
        return f"the own win rate by value needs {found['needed']:.1f} if all that is due is decided"
    said = f"{found['needed']:.1f} are needed at what such value brought by now in past periods"
    if np.isfinite(decided):
        said += f" ({decided:.1f} if none of it were pushed to a later one)"
    return said


def _named(row) -> str:
    """A deal as a manager looks for it: id, amount, owner."""
    owner = getattr(row, "owner", None)
    parts = [short_money(row.amount_base), *([str(owner)] if isinstance(owner, str) and owner else [])]
    return f"{row.opportunity_id} ({', '.join(parts)})"


def _says(fault: str) -> str:
    return {
        "overdue": "their close date has passed",
        "old": "older than four in five won deals were",
        "no next step": "no next step is written down",
        "last day": "due on the last day of a quarter",
    }[fault]
