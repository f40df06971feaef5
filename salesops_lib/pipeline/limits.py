"""What this company's process data cannot tell, in sentences."""

from __future__ import annotations

import pandas as pd

from salesops_lib.pipeline.handover import Process


def limits(process: Process, dwell: pd.DataFrame, contacts: bool) -> list[str]:
    """Sentences for the report: what is missing, and what that leaves out."""
    said = []
    if process.log is None:
        said.append(
            "There is no history of stages: transitions, dwell, variants, conversion and deviations are not "
            "told. Hygiene, win rates, velocity and coverage are."
        )
    for row in dwell[dwell["withheld"].ne("")].itertuples() if len(dwell) else ():
        said.append(f"Days in {row.activity} are withheld: {row.withheld}.")
    columns = {"next_step": "next steps", "created_date": "creation dates", "amount_base": "amounts"}
    for column, words in columns.items():
        if column not in process.deals or process.deals[column].isna().all():
            said.append(f"No deal has {words}: the faults that need them are not looked for.")
    if not contacts:
        said.append("There is no table of contacts: deals with one contact are not looked for.")
    unpriced = int(process.open_deals["amount_base"].isna().sum())
    if unpriced:
        said.append(f"{unpriced} open deals have no amount: they are in the counts, and in no value.")
    return said
