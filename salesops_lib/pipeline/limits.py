"""What this company's process data cannot tell, in sentences."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from salesops_lib.pipeline.handover import begun_late
from salesops_lib.pipeline.process import Process
from salesops_lib.pipeline.readiness import recorded_share

ALMOST = 0.98  # of deals with a history: beyond it a gap is not worth a sentence


def limits(
    process: Process, dwell: pd.DataFrame, rates: pd.DataFrame, untold: Mapping[str, str]
) -> list[str]:
    """Sentences for the report: what is missing, and what that leaves out.

    ``dwell``: ``outputs.DWELL``. ``rates``: ``outputs.WIN_RATES``. ``untold``: fault → why it
    cannot be looked for.
    """
    said = []
    if process.log is None:
        said.append(
            "There is no history of stages: transitions, dwell, variants, conversion and deviations are not "
            "told. Hygiene, win rates, velocity and coverage are."
        )
    else:
        said += _of_history(process)
    if begun_late(process):
        said.append(
            f"The data begin on {process.deals['created_date'].min().date()}: velocity is not compared with "
            "a half year that they hold in part."
        )
    by_value = rates.set_index("name").loc["by value", "why"]
    if by_value:
        said.append(f"The win rate by value, and the coverage it needs, is not known: {by_value}.")
    cohort = rates.set_index("name").loc["by created cohort"]
    if cohort["provisional"] and cohort["open"]:
        said.append(
            f"The win rate by created cohort is provisional: {int(cohort['open']):,} of "
            f"{int(cohort['of']):,} deals are open."
        )
    for row in dwell[dwell["withheld"].ne("")].itertuples() if len(dwell) else ():
        said.append(f"Days in {row.activity} are withheld: {row.withheld}.")
    for why in dict.fromkeys(untold.values()):
        names = ", ".join(fault for fault, reason in untold.items() if reason == why)
        said.append(f"Not looked for ({names}): {why}.")
    unpriced = int(process.open_deals["amount_base"].isna().sum())
    if unpriced:
        said.append(f"{unpriced} open deals have no amount: they are in the counts, and in no value.")
    return said


def _of_history(process: Process) -> list[str]:
    said, deals = [], process.deals
    share = recorded_share(process.log, deals)
    if share < ALMOST:
        said.append(
            f"{share:.0%} of deals have a history of stages: what is told of steps, days and ways is of them."
        )
    if process.unseen:
        said.append(
            f"{len(process.unseen):,} deals were created before their history begins: how long they were in "
            "their first stage, and what they skipped, is not told."
        )
    if process.closings:
        said.append(
            f"The history of {process.closings:,} closed deals lacks their closing: it is taken from the "
            "close date."
        )
    if process.dated:
        said.append(f"{process.dated:,} closed deals have no close date: it is taken from their last step.")
    defined = {*process.stages["stage"], *process.ends}
    strange = sorted(set(process.log["activity"]) - defined)
    if strange:
        names = ", ".join(strange[:4]) + (" and more" if len(strange) > 4 else "")
        said.append(
            f"stages.yaml does not define {names}: no conversion, order or largest age is told of them. "
            "Define them, or name what they are now called under renamed."
        )
    if process.learnt:
        said.append(
            f"{', '.join(process.learnt)}: taken for the end of a deal, since all deals there are closed; "
            "stages.yaml does not define it."
        )
    return said
