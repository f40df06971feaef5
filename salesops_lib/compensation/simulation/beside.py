"""Tables beside the cost: what is paid later or comes back, who wins plan by plan, what a sale costs."""

from __future__ import annotations

import numpy as np
import pandas as pd

from salesops_lib.compensation.simulation import outputs
from salesops_lib.compensation.simulation.handover import tidy
from salesops_lib.compensation.simulation.setup import Setup
from salesops_lib.compensation.simulation.years import Outcome

ALL = "all"
"""Stands in ``plan_id`` for all plans together."""


def later_rows(outcome: Outcome) -> pd.DataFrame:
    """`outputs.LATER`: draws owed, pay held and pay that comes back, of each variant."""
    rows, detail = [], outcome.detail
    for variant, back in outcome.returned.items():
        owed, held = (
            (np.nan, np.nan)
            if detail is None
            else (float(part[variant].mean()) for part in (detail.drawn, detail.held))
        )
        mean, high = float(back.mean()), float(np.quantile(back, 0.9))
        rows.append({"variant": variant, "drawn": owed, "held": held, "returned": mean, "returned_p90": high})
    return tidy(pd.DataFrame(rows), outputs.LATER)


def after_rows(setup: Setup) -> pd.DataFrame:
    """`outputs.AFTER`: the past deals behind what is held and what comes back."""
    rows = []
    for group in setup.world.groups:
        for variant, after in group.after.items():
            range_, counted = after.interval(), after.claws_back and len(after.back) > 0
            shares = [share for share, _ in after.held.values()]
            rows.append(
                {
                    "variant": variant, "plan_id": group.plan_id, "role": group.name,
                    "deals": len(after.back) if counted or (after.claws_back and not after.unseen) else None,
                    "came_back": int((after.back > 0).sum()) if counted else None, "rate": after.rate,
                    "low": range_.low if range_ else np.nan, "high": range_.high if range_ else np.nan,
                    "held_share": shares[0] if shares else np.nan,
                    "released_90": next(iter(after.within_90.values()), np.nan),
                    "unseen": ", ".join(after.unseen),
                }
            )  # fmt: skip
    return tidy(pd.DataFrame(rows), outputs.AFTER)


def winner_rows(seats: pd.DataFrame) -> pd.DataFrame:
    """`outputs.WINNERS`: seats that win and lose by plan, and all together. ``seats``: ``outputs.SEATS``."""
    rows = [_won(name, part) for name, part in seats.groupby("plan_id", sort=True)]
    return tidy(pd.DataFrame([*rows, _won(ALL, seats)]), outputs.WINNERS)


def _won(name: str, seats: pd.DataFrame) -> dict:
    change, before = seats["change"], float(seats["pay_old"].sum())
    row: dict = {"plan_id": name, "seats": len(seats)}
    row |= {word: int((seats["outcome"] == word).sum()) for word in ("wins", "loses")}
    row |= {f"{word}_share": row[word] / len(seats) if len(seats) else np.nan for word in ("wins", "loses")}
    row |= {"gained": float(change.clip(lower=0).sum()), "lost": float(change.clip(upper=0).sum())}
    total = float(change.sum())
    return row | {"change": total, "change_share": total / before if before > 0 else np.nan}


def marginal_rows(slopes: pd.DataFrame, lift: float) -> pd.DataFrame:
    """`outputs.MARGINAL` from :func:`cost.lifted` and, for the new plans, :func:`cost.break_even`."""
    made = slopes.assign(per_sale_error=slopes["error"], average=slopes["pay"] / slopes["sales"])
    made["break_even"] = np.where(made["variant"] == "new", lift, np.nan)
    return tidy(made, outputs.MARGINAL)
