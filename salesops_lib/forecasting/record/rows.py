"""How every engine, the forecast and the benchmarks have done: rows of ``outputs.BACKTEST``.

A forecaster is measured where the forecast stands too, and the forecast's error on those same rows stands
beside it: two figures of one row can be compared, those of two rows only where ``n`` is the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from salesops_lib.forecasting import outputs
from salesops_lib.forecasting.combination import Past
from salesops_lib.forecasting.record import accuracy
from salesops_lib.forecasting.record.over_periods import holm, ordered_codes, share_range
from salesops_lib.forecasting.stacking import MEDIAN, PROBABILITIES

COVERED = 0.8  # the range whose coverage is judged, whatever the one printed
OWN = "combined"


@dataclass(frozen=True)
class _Rows:
    """Outcomes of some past forecasts: what came in, a usual period, MASE's scale, and the period."""

    actual: np.ndarray
    unit: np.ndarray
    naive: np.ndarray
    period: np.ndarray
    ahead: int

    def at(self, kept: np.ndarray) -> _Rows:
        return _Rows(self.actual[kept], self.unit[kept], self.naive[kept], self.period[kept], self.ahead)


def backtest_rows(past: Past, level: float = COVERED) -> pd.DataFrame:
    """One row per forecaster, level, distance, and point of the period or all of them.

    Parameters
    ----------
    past
        Past forecasts and their outcomes.
    level
        Probability inside the range that is printed.

    Returns
    -------
    DataFrame
        Columns of ``outputs.BACKTEST``; ``p_holm`` is over the forecasters of one level, distance and point.
    """
    tested, rows = past.tested, []
    made = tested.quantiles | {OWN: past.printed, "unreconciled": past.base} | tested.points
    for (node, ahead), at in tested.rows.groupby(["level", "ahead"], sort=False).indices.items():
        point = tested.rows["point"].to_numpy()[at]
        for share in [None, *(np.unique(point) if ahead == 0 else [])]:
            here = at if share is None else at[point == share]
            scene = {"level": node, "ahead": ahead, "point": "all" if share is None else f"{share:.2f}"}
            rows += [scene | row for row in _scene(made, tested.rows.iloc[here], here, level)]
    return _sorted(pd.DataFrame(rows, columns=outputs.BACKTEST.column_names))


def _scene(made: dict[str, np.ndarray], table: pd.DataFrame, here: np.ndarray, level: float) -> list[dict]:
    """One row per forecaster over the past forecasts of one level, distance and point."""
    rows, own = _outcomes(table), made[OWN][here][:, MEDIAN]
    found = []
    for name, values in made.items():
        said = values[here] if values.ndim == 2 else values[here][:, None]
        middle = said[:, MEDIAN] if values.ndim == 2 else said[:, 0]
        both = np.isfinite(middle) & np.isfinite(own)
        if both.any():
            mine, middle = rows.at(both), middle[both]
            row = {"forecaster": name} | _errors(mine, middle) | _against(mine, own[both], middle, name)
            if values.ndim == 2:
                row |= _ranges(mine, said[both], level)
            found.append(row)
    raised = holm([row.get("p_value", np.nan) for row in found])
    return [row | {"p_holm": p} for row, p in zip(found, raised, strict=True)]


def _outcomes(table: pd.DataFrame) -> _Rows:
    actual, scale, naive = (table[c].to_numpy(dtype="float64") for c in ("actual", "scale", "naive_error"))
    unit = np.where(scale > 0, scale, np.nan)
    return _Rows(actual, unit, naive, table["period"].to_numpy(), int(table["ahead"].iloc[0]))


def _errors(rows: _Rows, middle: np.ndarray) -> dict[str, object]:
    scaled = np.abs(rows.actual - middle) / rows.naive
    scaled = scaled[np.isfinite(scaled)]
    return {
        "periods": len(set(rows.period)),
        "n": len(middle),
        "wape": float(accuracy.wape(rows.actual, middle)),
        "bias": float(accuracy.bias(rows.actual, middle)),
        "mase": float(scaled.mean()) if scaled.size else np.nan,
    }


def _ranges(rows: _Rows, quantiles: np.ndarray, level: float) -> dict[str, object]:
    """Quantile loss, and how many outcomes the 80 % range and the printed one held."""
    unit = rows.unit[:, None]
    loss = accuracy.pinball((rows.actual[:, None] / unit).T, (quantiles / unit).T, PROBABILITIES[:, None])
    inside, printed = (_inside(rows.actual, quantiles, share) for share in (COVERED, level))
    low, high = share_range(inside, rows.period)
    return {
        "pinball": float(np.nanmean(loss)) if np.isfinite(loss).any() else np.nan,
        "inside": int(inside.sum()),
        "coverage": float(inside.mean()),
        "coverage_low": low,
        "coverage_high": high,
        "range_level": level,
        "range_inside": int(printed.sum()),
    }


def _inside(actual: np.ndarray, quantiles: np.ndarray, level: float) -> np.ndarray:
    """Whether outcomes lay in the central range, to half a cent; straight between the quantiles kept."""
    from scipy.special import ndtri

    at = ndtri(PROBABILITIES)
    low, high = (
        np.array([np.interp(ndtri(p), at, row) for row in quantiles])
        for p in ((1 - level) / 2, (1 + level) / 2)
    )
    return (actual >= low - 0.005) & (actual <= high + 0.005)


def _against(rows: _Rows, own: np.ndarray, middle: np.ndarray, name: str) -> dict[str, float]:
    """The forecast on the same rows, and Diebold–Mariano on each period's mean error: periods are the
    observations, since errors of one period at several weeks and nodes are no news to each other.
    """
    if name == OWN:
        return {}
    known = np.isfinite(rows.unit)
    code = ordered_codes(rows.period[known])
    count = np.maximum(np.bincount(code), 1)
    losses = [np.abs(value - rows.actual)[known] / rows.unit[known] for value in (own, middle)]
    first, second = (np.bincount(code, loss, len(count)) / count for loss in losses)
    # Errors of a period after the running one overlap with those of the period before it.
    test = accuracy.diebold_mariano(first, second, rows.ahead + 1)
    return {
        "combined_wape": float(accuracy.wape(rows.actual, own)),
        "loss_difference": test.mean_difference,
        "p_value": test.p_value,
    }


def _sorted(rows: pd.DataFrame) -> pd.DataFrame:
    order = {name: place for place, name in enumerate(outputs.LEVELS)}
    rows = rows.assign(order=rows["level"].map(order), whole=rows["point"] != "all")
    rows = rows.sort_values(["ahead", "order", "whole", "point", "wape"], kind="stable")
    return rows.drop(columns=["order", "whole"]).reset_index(drop=True)
