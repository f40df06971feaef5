"""A score's model card: what it is, what it learnt from, how good it is, what it is not for."""

from __future__ import annotations

import pandas as pd

from salesops_lib.leads.handover import Leads
from salesops_lib.leads.scoring import Scores


def model_card(leads: Leads, found: Scores, lift: pd.DataFrame) -> str:
    """What a score is, for whoever loads it: purpose, data, columns, quality, what it is not for."""
    known = leads.hit.dropna()
    refused = found.audit[found.audit["verdict"] == "refused"]["column"].tolist()
    windows = found.windows
    pooled = (
        windows[(windows["model"] == found.model) & (windows["window"] == "pooled")]
        if len(windows)
        else windows
    )
    quality = found.why or "not tested"
    if len(pooled):
        row = pooled.iloc[0]
        quality = (
            f"AUC {row['auc']:.2f}, Brier skill {row['skill']:.0%}, slope {row['slope']:.2f} over "
            f"{int(row['n']):,} later leads; lift of the best tenth {lift['lift'].iloc[0]:.1f}"
        )
    what = leads.outcome or f"an opportunity within {leads.horizon} days of creation"
    time = (
        "rolling windows in order of creation" if leads.clock else "rolling windows in order of the lead's id"
    )
    rows = {
        "Predicts": what,
        "Made for": "ordering open leads for a first call",
        "Not for": "judging sellers or sources, setting prices, refusing a customer",
        "Model": found.model or "none",
        "Learnt from": f"{len(known):,} leads, {int(known.astype(bool).sum()):,} converted",
        "Known on": leads.as_of.isoformat(),
        "Columns used": ", ".join(found.features) or "none",
        "Columns refused": ", ".join(refused) or "none",
        "Tested": time,
        "Quality": quality,
        "Recalibrated": f"intercept {found.shift[0]:.2f}, slope {found.shift[1]:.2f} of the last window",
        "Fit anew": "when F-LEAD-DRIFT or F-LEAD-CALIBRATION acts, at least every quarter",
    }
    return "# Model card: lead score\n\n| | |\n| --- | --- |\n" + "".join(
        f"| {k} | {v} |\n" for k, v in rows.items()
    )
