"""What sources, their spend and the change of conversion can find."""

from __future__ import annotations

import pandas as pd

from salesops_lib.core.charts import percent, short_money
from salesops_lib.core.findings import Finding, Interval
from salesops_lib.core.shares import difference
from salesops_lib.leads import rules
from salesops_lib.leads.rules import Setting

LEVEL = 0.9
Q_MAX, P_BELOW = 0.10, 0.95


def by_source(
    setting: Setting, table: pd.DataFrame, costs: dict[str, float], strata: pd.DataFrame | None = None
) -> list[Finding]:
    """Each source against all others. ``table``: ``outputs.SOURCES``; silent without sources; UNKNOWN where
    one
    is insufficient. Money at stake is the sum to move, a fifth of its spend. ``strata``:
    ``outputs.STRATA``; a source that turns around among leads alike moves no money."""
    found, turned = [], {}
    if strata is not None and len(strata):
        turned = strata[strata["reversed"]].groupby("source")["column"].first().to_dict()
    for row in table[table["dimension"] == "source"].to_dict("records"):
        known = row["maturity"] in {"mature", "provisional"} and pd.notna(row["gap"])
        turns = turned.get(row["value"])
        below = pd.isna(row["p_below"]) or row["p_below"] > P_BELOW  # no shrinkage under three sources
        sure = known and not turns and row["gap_high"] < 0 and row["q"] < Q_MAX and below
        sure = sure and row["gap"] <= setting.limit(rules.SOURCE).value
        cost = costs.get(row["value"])
        low, high = (row["gap_low"], row["gap_high"]) if known else (None, None)
        found.append(
            rules.SOURCE.judge(
                scope={"source": row["value"]},
                value=row["gap"] if known else None,
                n=int(row["n"]),
                limit=setting.limit(rules.SOURCE),
                as_of=setting.as_of,
                currency=setting.currency,
                interval=Interval(low, high, LEVEL, "Newcombe") if known else None,
                money_at_stake=0.2 * cost if sure and cost else None,
                statement=f"{row['value']} converts at {percent(row['share'])}, {_points(row['gap'])} "
                "against all "
                f"others ({_points(low)} to {_points(high)})"
                + (f"; among leads alike in {turns} it turns around" if turns else "")
                + ("." if row["maturity"] == "mature" else f"; provisional: {row['why']}.")
                if known
                else f"{row['value']} cannot be judged: {row['why'] or 'there is no other source'}.",
                recommendation=_source_step(row["value"], sure, known, cost, setting.currency)
                if not turns
                else f"Move no spend on {row['value']}: compare it within {turns}, in source_strata.csv.",
            )
        )
    return found


def returns(setting: Setting, table: pd.DataFrame) -> list[Finding]:
    """Return on each source's spend. ``table``: ``outputs.SPEND``; silent without costs."""
    found = []
    for row in table.to_dict("records"):
        known = pd.notna(row["roi"])
        loses = known and row["roi_high"] < 0
        money = max(0.0, -row["roi"]) * row["cost_base"] if known else None
        found.append(
            rules.RETURN.judge(
                scope={"source": row["source"]},
                value=row["roi"],
                n=int(row["leads"]),
                limit=setting.limit(rules.RETURN),
                as_of=setting.as_of,
                currency=setting.currency,
                interval=Interval(row["roi_low"], row["roi_high"], LEVEL, "bootstrap over leads")
                if known
                else None,
                money_at_stake=money or None,
                statement=f"{short_money(row['cost_base'])} {setting.currency} on {row['source']} brought "
                f"{short_money(row['won_base'])} won within 180 days: {row['wins']} wins, a return of "
                f"{percent(row['roi'])} ({percent(row['roi_low'])} to {percent(row['roi_high'])})."
                if known
                else f"The return of {row['source']} cannot be told: {row['why']}.",
                recommendation=f"Stop or renegotiate {row['source']}."
                if loses
                else f"Raise {row['source']} by a fifth while its conversion holds."
                if known and row["roi_low"] > 0
                else f"Hold the spend on {row['source']} until more leads have matured.",
            )
        )
    return found


def change(setting: Setting, before: pd.DataFrame, after: pd.DataFrame, parts: pd.DataFrame) -> list[Finding]:
    """Conversion of the last half year of matured leads against the one before; UNKNOWN under 60 leads."""
    a, n, b, m = (
        int(v) for v in (after["events"].sum(), after["n"].sum(), before["events"].sum(), before["n"].sum())
    )
    known = n > 0 and m > 0 and len(parts) > 0
    gap, low, high, _ = difference(a, n, b, m, LEVEL) if known else (None, None, None, None)
    mix = float(parts["mix"].sum()) if known else 0.0
    top = parts.iloc[0] if known else None
    by_mix = known and gap and abs(mix) >= 0.5 * abs(gap)
    return [
        rules.CHANGE.judge(
            scope={"leads": "matured"},
            value=gap,
            n=min(n, m),
            limit=setting.limit(rules.CHANGE),
            as_of=setting.as_of,
            interval=Interval(low, high, LEVEL, "Newcombe") if known else None,
            statement=f"Conversion went from {percent(b / m)} to {percent(a / n)} in half a year "
            f"({_points(gap)}); "
            f"{_points(mix)} of it by who came, most by {top['source']}."
            if known
            else "Two half years of matured leads are not known.",
            recommendation="Act on the mix of sources, not on the team."
            if by_mix
            else f"Look into how {top['source']} is worked."
            if known and gap < 0
            else f"Find what went well at {top['source']}, and keep it."
            if known
            else "Keep importing leads.",
        )
    ]


def _source_step(name: str, sure: bool, known: bool, cost: float | None, currency: str) -> str:
    if not known:
        return f"Do not judge {name} yet."
    if sure:
        money = f", {short_money(0.2 * cost)} {currency}," if cost else ""
        return f"Move a fifth of the spend on {name}{money} to the best source; look again after one horizon."
    return f"Leave {name} as it is."


def _points(value: float | None) -> str:
    return "not known" if value is None or pd.isna(value) else f"{100 * value:+.1f} points".replace("-", "−")
