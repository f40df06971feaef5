"""What a plan costs: quantiles with their Monte Carlo error, the chance and size of overspend, reserve."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from salesops_lib.compensation.simulation.world import World
from salesops_lib.compensation.simulation.years import Outcome, simulate

SHARES = {"P10": 0.1, "P50": 0.5, "P90": 0.9}
LEVELS = (0.8, 0.9, 1.0, 1.1, 1.2)
FEW_BLOCKS = 8  # blocks under which an error is taken from the order statistics instead
STEP = 0.01  # the lift over which a slope is taken


def quantile(values: np.ndarray, block: np.ndarray, share: float) -> tuple[float, float]:
    """A quantile of scenarios and its standard Monte Carlo error.

    Blocks are drawn apart and stratified inside, so the spread of their own quantiles over the root of their
    number is the error. With fewer than eight blocks it is half the distance of the order statistics one
    binomial standard deviation to either side, which takes no credit for stratification.
    """
    counts = np.bincount(block)
    whole = np.flatnonzero(counts == counts.max())
    value = float(np.quantile(values, share))
    if len(whole) >= FEW_BLOCKS:
        order = np.argsort(block, kind="stable")
        cut = np.split(values[order], np.cumsum(counts)[:-1])
        own = [np.quantile(cut[b], share) for b in whole]
        return value, float(np.std(own, ddof=1) / np.sqrt(len(own)))
    aside = np.sqrt(share * (1 - share) / len(values))
    low, high = np.quantile(values, [max(share - aside, 0), min(share + aside, 1)])
    return value, float((high - low) / 2)


def mean(values: np.ndarray, block: np.ndarray) -> tuple[float, float]:
    """The mean of scenarios and its standard Monte Carlo error, by blocks where there are eight."""
    counts = np.bincount(block)
    whole = np.flatnonzero(counts == counts.max())
    if len(whole) >= FEW_BLOCKS:
        own = (np.bincount(block, values) / counts)[whole]
        return float(values.mean()), float(own.std(ddof=1) / np.sqrt(len(own)))
    spread = values.std(ddof=1) if len(values) > 1 else float("nan")
    return float(values.mean()), float(spread / np.sqrt(len(values)))


def costs(outcome: Outcome, budget: float) -> pd.DataFrame:
    """Incentive pay of the year per variant against a budget.

    Returns
    -------
    DataFrame
        One row per variant and ``measure``, with ``value`` and ``error`` (standard Monte Carlo error):
        ``P10``, ``P50``, ``P90``, ``mean``, ``target`` (target incentive), ``budget``, ``over_chance`` (share
        of scenarios above the budget), ``over_mean`` (mean excess, 0 where there is none), ``over_p90``
        (P90 ÷ budget − 1), ``reserve`` (P90 − P50).
    """
    rows = []
    for variant, pay in outcome.pay.items():
        found = {name: quantile(pay, outcome.block, share) for name, share in SHARES.items()}
        found["mean"] = mean(pay, outcome.block)
        found["target"] = (float(outcome.world.target[variant].sum()), 0.0)
        found["budget"] = (budget, 0.0)
        found["over_chance"] = mean((pay > budget).astype("float64"), outcome.block)
        found["over_mean"] = mean(np.maximum(pay - budget, 0.0), outcome.block)
        top, error = found["P90"]
        found["over_p90"] = (top / budget - 1, error / budget) if budget > 0 else (float("nan"),) * 2
        found["reserve"] = (top - found["P50"][0], float(np.hypot(error, found["P50"][1])))
        rows += [(variant, name, *pair) for name, pair in found.items()]
    return pd.DataFrame(rows, columns=["variant", "measure", "value", "error"])


def at_company_attainment(outcome: Outcome, base_salary: float, scenarios: int) -> pd.DataFrame:
    """Cost and CCOS where the company attains exactly 80 … 120 % of its quotas.

    Each scenario is drawn again with all sales multiplied so that credited sales ÷ quotas of the seats is the
    attainment asked for; what differs between reps stays.

    Returns
    -------
    DataFrame
        One row per variant and ``attained``: ``pay`` (mean), ``error``, ``pay_sd`` (volatility: spread of pay
        at one company result), ``sales``, ``ccos`` ((base salary + incentive pay with SPIFFs) ÷ credited
        sales), ``per_sale`` (dE[pay] ÷ dE[sales] from here to the next level; missing at the last).
    """
    part = first_scenarios(outcome.world, scenarios)
    drawn = outcome.attained[: part.design.scenarios]
    rows = []
    for level in LEVELS:
        moved = simulate(replace(part, level=np.asarray(part.level) * level / drawn))
        for variant, pay in moved.pay.items():
            rows.append(
                (variant, level, *mean(pay, moved.block), float(pay.std()), float(moved.sales.mean()))
            )
    made = pd.DataFrame(rows, columns=["variant", "attained", "pay", "error", "pay_sd", "sales"])
    made = made.sort_values(["variant", "attained"], ignore_index=True)
    made["ccos"] = (base_salary + made["pay"]) / made["sales"]
    ahead = made.groupby("variant")[["pay", "sales"]].shift(-1)
    made["per_sale"] = (ahead["pay"] - made["pay"]) / (ahead["sales"] - made["sales"])
    return made


def lifted(outcome: Outcome, scenarios: int, lift: float = STEP) -> pd.DataFrame:
    """Mean pay and sales with all sales ``lift`` higher on the same draws, and the slope between.

    One row per variant: ``pay``, ``sales``, ``pay_lifted``, ``sales_lifted``, ``per_sale`` (pay per
    marginal dollar of sales), ``error`` of it.
    """
    part = first_scenarios(outcome.world, scenarios)
    base, more = simulate(part), simulate(replace(part, level=np.asarray(part.level) * (1 + lift)))
    rows = []
    for variant in part.variants:
        gained, sold = more.pay[variant] - base.pay[variant], more.sales - base.sales
        slope = gained.mean() / sold.mean()
        _, error = mean((gained - slope * sold) / sold.mean(), base.block)
        rows.append(
            (variant, base.pay[variant].mean(), base.sales.mean(), more.pay[variant].mean(),
             more.sales.mean(), slope, error)
        )  # fmt: skip
    columns = ["variant", "pay", "sales", "pay_lifted", "sales_lifted", "per_sale", "error"]
    return pd.DataFrame(rows, columns=columns)


def break_even(slopes: pd.DataFrame, old: str, new: str, margin: float) -> float:
    """Lift of sales at which the gross margin it brings pays for what the new plan costs more.

    margin × sales × lift = pay_new(1 + lift) − pay_old(1), along the slope. Negative where the new plan is
    cheaper: what sales may lose. Missing where a sale brings less margin than it costs in pay.
    """
    rows = slopes.set_index("variant")
    sales, per_sale = float(rows.loc[new, "sales"]), float(rows.loc[new, "per_sale"])
    more = float(rows.loc[new, "pay"] - rows.loc[old, "pay"])
    return more / (sales * (margin - per_sale)) if margin > per_sale else float("nan")


def first_scenarios(world: World, scenarios: int) -> World:
    """The first scenarios of a world, in whole blocks: the same draws."""
    most = min(scenarios, world.design.scenarios)
    whole = max(most // world.design.block * world.design.block, min(most, world.design.block))
    level = world.level if np.ndim(world.level) == 0 else world.level[:whole]
    return replace(world, design=replace(world.design, scenarios=whole), level=level)
