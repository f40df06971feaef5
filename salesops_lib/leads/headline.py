"""The first screen: conversion, the narrowest step, answered in time, the best source, what the score
earns."""

from __future__ import annotations

import pandas as pd

from salesops_lib.core.charts import percent
from salesops_lib.leads.handover import Leads
from salesops_lib.leads.timing import FinalRate

Card = tuple[str, str, str, str]


def cards(
    leads: Leads,
    funnel: pd.DataFrame,
    final: FinalRate | None,
    service: pd.DataFrame,
    sources: pd.DataFrame,
    lift: pd.DataFrame,
) -> list[Card]:
    """Label, value, range, note of each figure; what cannot be told says why."""
    made = [_conversion(leads, funnel, final)]
    if len(funnel) and funnel["from_previous"].notna().any():
        steps = funnel[funnel["from_previous"].notna() & funnel["step"].ne("won")]  # won takes longer
        leak = steps.loc[steps["from_previous"].idxmin()]
        made.append(
            (
                f"Narrowest step: {leak['step']}",
                percent(leak["from_previous"]),
                f"{int(leak['reached']):,} of {int(leak['n']):,} leads got there",
                "of those at the step before",
            )
        )
    if len(service):
        n, within = int(service["n"].sum()), int(service["within"].sum())
        worst = service.loc[service["share"].idxmin()]
        made.append(
            (
                "Answered in time",
                percent(within / n) if n else "not known",
                f"{worst['kind']}: {percent(worst['share'])}",
                f"{int(service['never'].sum()):,} never touched",
            )
        )
    rows = sources[(sources["dimension"] == "source") & sources["share"].notna()]
    if len(rows) > 1:
        best, last = rows.iloc[0], rows.iloc[-1]
        made.append(
            (
                f"Best source: {best['value']}",
                percent(best["share"]),
                f"{percent(best['low'])}–{percent(best['high'])} at {percent(leads.level)}",
                f"{last['value']} {percent(last['share'])}",
            )
        )
    if len(lift) and pd.notna(lift["lift"].iloc[0]):
        made.append(
            (
                "Best tenth by score",
                f"{lift['lift'].iloc[0]:.1f} ×",
                f"converts at {percent(lift['rate'].iloc[0])}",
                f"best three tenths hold {percent(lift['captured'].iloc[2])}",
            )
        )
    return made


def _conversion(leads: Leads, funnel: pd.DataFrame, final: FinalRate | None) -> Card:
    known = leads.hit.dropna()
    if known.empty:
        return "Conversion", "not known", "", "no lead is old enough"
    share = float(known.astype(bool).mean())
    if not leads.clock:
        return "Converted", percent(share), f"of {len(known):,} leads", "no lead says when it came in"
    row = funnel[funnel["step"] == "opportunity"] if len(funnel) else funnel
    low, high = (row["low"].iloc[0], row["high"].iloc[0]) if len(row) else (None, None)
    range_ = f"{percent(low)}–{percent(high)} at {percent(leads.level)}" if low is not None else ""
    ends = f"; {percent(final.rate)} in the end" if final and final.rate is not None else ""
    return (
        f"Conversion in {leads.horizon} days",
        percent(share),
        range_,
        f"{len(known):,} leads old enough{ends}",
    )
