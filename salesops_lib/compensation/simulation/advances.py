"""Draws against pay in simulated years: what is still owed on recoverable ones at the year's end."""

from __future__ import annotations

import numpy as np

from salesops_lib.compensation.plans.plan import ANNUAL
from salesops_lib.compensation.plans.terms import Draw


def owed(draw: Draw, earned: np.ndarray, tenure: np.ndarray) -> np.ndarray:
    """Balance of recoverable draws at the end of the year; 0 for a non-recoverable one.

    Pay of a period is topped up to the draw in its months of tenure; what is earned above the floor pays the
    balance back at the plan's rate.

    Parameters
    ----------
    earned
        Pay by month: 12 × scenarios × reps.
    tenure
        Whole months of tenure of each rep on the first day of the year.

    Returns
    -------
    ndarray
        scenarios × reps, money.
    """
    balance = np.zeros(earned.shape[1:])
    if draw.kind != "recoverable" or draw.recovery is None:
        return balance
    windows = ANNUAL[draw.period]
    per = 12 // windows
    pay = earned.reshape(windows, per, *earned.shape[1:]).sum(axis=1)
    last = draw.to_tenure_month if draw.to_tenure_month is not None else 10**6
    for window in range(windows):
        month = tenure + window * per + 1
        drawing = (month >= draw.from_tenure_month) & (month <= last)
        amount = float(draw.amount)
        top_up = np.where(drawing, np.maximum(amount - pay[window], 0.0), 0.0)
        recovers = drawing | (month > last)
        if draw.recovery.starts == "after_draw_ends":
            recovers = month > last
        floor = _floor(draw, amount)
        free = np.maximum(pay[window] - floor, 0.0) * float(draw.recovery.rate)
        back = np.where(recovers, np.minimum(balance, free), 0.0)
        balance = balance + top_up - back
        if draw.recovery.forgive_at_end:
            balance = np.where(month >= last, 0.0, balance)
    return balance


def _floor(draw: Draw, amount: float) -> float:
    if draw.recovery.floor == "draw":
        return amount
    return 0.0 if draw.recovery.floor == "none" else float(draw.recovery.floor)
