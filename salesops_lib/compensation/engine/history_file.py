"""Past attainments, to judge a plan's threshold by."""

from __future__ import annotations

from fractions import Fraction

import pandas as pd

from salesops_lib.compensation.engine.rows import Complaints, blank, number_of, text_of

COLUMNS = ("plan_id", "measure", "attainment")


def history_from(frame: pd.DataFrame, file: str = "history") -> dict[str, dict[str, list[Fraction]]]:
    """Plan id → measure → attainments, from rows of `COLUMNS`; a blank attainment is unknown and left out.

    Raises PlanError: a column missing, an attainment that is no number.
    """
    said = Complaints(file)
    lost = [name for name in COLUMNS if name not in frame.columns]
    if lost:
        said.add(1, "E308", "columns", f"no column {lost[0]}. It has: {', '.join(map(str, frame.columns))}")
        said.stop()
    found: dict[str, dict[str, list[Fraction]]] = {}
    for place, record in enumerate(frame.to_dict("records")):
        if blank(record["attainment"]):
            continue
        try:
            value = number_of(record["attainment"])
        except ValueError as fault:
            said.add(int(record.get("row", place + 1)), "E303", "attainment", str(fault))
            continue
        by_measure = found.setdefault(str(text_of(record["plan_id"])), {})
        by_measure.setdefault(str(text_of(record["measure"])), []).append(value)
    said.stop()
    return found
