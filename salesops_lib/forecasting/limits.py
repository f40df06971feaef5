"""What this company's data cannot tell about the forecast, in sentences."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from salesops_lib.core.charts import percent
from salesops_lib.core.periods import Period
from salesops_lib.forecasting.assembly import Forecasts
from salesops_lib.forecasting.deals.known import undated_share
from salesops_lib.forecasting.engines import Engines
from salesops_lib.forecasting.stacking import TRUST


def limits(
    engines: Engines, made: Forecasts, *, why_kind: str, asked: int, ledger: Sequence[str] = ()
) -> list[str]:
    """Sentences for the report: engines off, holes, a short past, a calendar that ends, the ledger's head.

    ``why_kind``: of :func:`targets.choose_period`. ``asked``: the horizon asked for. ``ledger``: number of
    entries and head, empty where there are none.
    """
    history = made.first.history
    said = [why_kind] if why_kind else []
    if history.holes:
        said.append(
            f"Hardly a booking in {', '.join(history.holes)}: taken as holes, left out of every past."
        )
    if len(made.outlooks) < asked:
        said.append(
            f"The fiscal calendar ends with {made.outlooks[-1].history.period}: {len(made.outlooks)} of "
            f"{asked} periods asked are forecast; extend it in company.yaml."
        )
    said += _engines(engines, made)
    said += _past(made) + _segments(engines, made)
    if ledger:
        said.append(f"The ledger of calls held {ledger[0]} entries on {made.as_of}, head {ledger[1]}.")
    return said


def _engines(engines: Engines, made: Forecasts) -> list[str]:
    period, off = made.first.history.period, made.first.view.off
    said = [f"Engine {name} is off in {period}: {off[name]}." for name in sorted(off)]
    found = engines.pipeline_on(made.as_of)[0]
    return [*said, *[f"Pipeline: {note}." for note in found.notes]]


def _past(made: Forecasts) -> list[str]:
    rows = made.tested.rows
    if rows.empty:
        return [
            f"No past forecast can be made: {len(made.first.history.past)} whole periods lie before "
            f"{made.first.history.period}. Ranges are not tested, weights are equal."
        ]
    first = min(rows["begun"], key=Period.parse)
    weights = made.first.weights.get("upper")
    before = made.first.history.past.index(first)
    said = [
        f"Past forecasts begin in {first}, with {before} whole period{'' if before == 1 else 's'} behind "
        f"them; outcomes are as known today."
    ]
    if weights and not weights.stacked:
        said.append("Engines weigh the same: no past period holds all of them.")
    elif weights:
        share = percent(weights.periods / (weights.periods + TRUST))
        said.append(
            f"Weights of the engines are {share} of the way from equal ones to the best of "
            f"{weights.periods} past periods; those of a past forecast rest on the periods ended before it."
        )
    factor = made.first.factors.get("upper", 1.0)
    if abs(factor - 1) >= 0.005:
        verb = "widened" if factor > 1 else "narrowed"
        said.append(f"Ranges are {verb} to {percent(factor)} of their width by what past ones missed.")
    return said


def _segments(engines: Engines, made: Forecasts) -> list[str]:
    """Where past forecasts put deals into segments by what was recorded later."""
    rows, log = made.tested.rows, engines.books.log
    if rows.empty or not log.deals["segment"].notna().any():
        return []
    first = rows["day"].min().date()
    share = undated_share(log, first)
    if not share > 0:
        return []
    return [
        f"Segments in past forecasts: of {percent(share)} of the deals known on {first} no version was "
        f"recorded by then; they stand in the segment first recorded later."
    ]


def targets_said(outlook: pd.DataFrame) -> list[str]:
    """Which targets are sums of those below."""
    company = outlook[(outlook["level"] == "company") & outlook["target_base"].notna()]
    return [
        f"The company's target of {row.period} is the {row.target_source}: it has none of its own."
        for row in company.itertuples()
        if row.target_source != "own"
    ]
