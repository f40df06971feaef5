"""The simulation's results in the columns of its outputs."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd

from salesops_lib.compensation.plans.curves import Curve
from salesops_lib.compensation.simulation import outputs, plan_outputs
from salesops_lib.compensation.simulation.comparison import by_decile, needed, seats_compared
from salesops_lib.compensation.simulation.equity import gaps, tenure_group
from salesops_lib.compensation.simulation.lanes import PlanLanes
from salesops_lib.compensation.simulation.payout import (
    at_attainment,
    curve_rows,
    gaming,
    heaviest_measure,
    terms,
)
from salesops_lib.compensation.simulation.real_year import RealYear
from salesops_lib.compensation.simulation.setup import NEW, OLD, Setup
from salesops_lib.compensation.simulation.standing import backtested
from salesops_lib.compensation.simulation.world import Group
from salesops_lib.compensation.simulation.years import Outcome
from salesops_lib.core.contracts import Table

GRID = np.round(np.arange(0, 2.0001, 0.05), 2)
ROUNDED = {"money": 2, "ratio": 6, "number": 6}


def tidy(frame: pd.DataFrame, table: Table) -> pd.DataFrame:
    """A frame in a table's columns, figures rounded, so that the last bits of a machine do not show."""
    made = frame.reindex(columns=table.column_names).copy()
    for column in table.columns:
        if column.kind in ROUNDED:
            made[column.name] = pd.to_numeric(made[column.name]).astype("float64").round(ROUNDED[column.kind])
    return made


def cost_rows(costs: pd.DataFrame) -> pd.DataFrame:
    """`outputs.COST` from :func:`cost.costs`: one row per variant."""
    rows = []
    for variant, part in costs.groupby("variant", sort=False):
        row = {"variant": variant}
        for measure, value, error in zip(part["measure"], part["value"], part["error"], strict=True):
            name = measure.lower()
            row |= {name: value, f"{name}_error": error}
        rows.append(row)
    return tidy(pd.DataFrame(rows), outputs.COST)


def seat_rows(setup: Setup, outcome: Outcome, year: RealYear | None, names: dict[str, str]) -> pd.DataFrame:
    """`outputs.SEATS`, those who lose most first."""
    made = seats_compared(setup, outcome, year)
    earned = needed(setup, year).set_index("rep_id")
    made["needed"] = made["rep_id"].map(earned["needed"])
    made["real_attained"] = made["rep_id"].map(earned["attained"])
    made["name"] = made["rep_id"].map(names)
    made = made.sort_values(["change", "rep_id"], ignore_index=True)
    return tidy(made, outputs.SEATS)


def decile_rows(outcome: Outcome) -> pd.DataFrame:
    """`outputs.DECILES`."""
    return tidy(by_decile(outcome), outputs.DECILES)


def change_rows(parts: pd.DataFrame) -> pd.DataFrame:
    """`outputs.CHANGE` from :func:`change_parts.split`."""
    return tidy(parts.assign(position=np.arange(1, len(parts) + 1)), outputs.CHANGE)


def curve_table(setup: Setup) -> pd.DataFrame:
    """`plan_outputs.CURVES`, the plan with the largest jump first; what does not change stands under old."""
    frames = [
        curve_rows(plan, variant)
        for variant, plan_id, plan in _shown(setup)
        if variant == OLD or setup.plans[OLD][plan_id].version != plan.version
    ]
    made = pd.concat(frames, ignore_index=True)
    made["knot"] = made.groupby(["variant", "plan_id", "component"]).cumcount() + 1
    made["least"] = -made.groupby("plan_id")["jump"].transform(lambda jumps: jumps.abs().max())
    order = ["least", "plan_id", "component", "variant", "knot"]
    made = made.sort_values(order, ascending=[True, True, True, False, True], ignore_index=True)
    return tidy(made, plan_outputs.CURVES)


def term_rows(setup: Setup, outcome: Outcome) -> pd.DataFrame:
    """`plan_outputs.TERMS`."""
    rows = []
    for variant, plan_id, plan in _shown(setup):
        group = main_group(setup, plan_id)
        if group is None:
            rows.append(terms(plan, variant, 0.0, np.array([]), None))
            continue
        quota = group.quotas[group.primary].sum(axis=0)
        attained = (
            outcome.detail.attained[:, group.rows].ravel() if outcome.detail is not None else np.array([])
        )
        lanes = group.lanes[variant]
        mean = float(quota[quota > 0].mean()) if (quota > 0).any() else 0.0
        rows.append(terms(plan, variant, mean, attained, _curve(lanes, group.primary)))
    return tidy(pd.DataFrame(rows), plan_outputs.TERMS)


def curve_points(setup: Setup) -> pd.DataFrame:
    """Payout ÷ target by attainment of the main measure, others at target: ``plan_id``, ``variant``,
    ``attained``, ``pay``. Plans that pay by a quota; a jump has a point on either side.
    """
    frames = []
    for variant, plan_id, _ in _shown(setup):
        group = max((g for g in setup.world.groups if g.plan_id == plan_id), key=lambda g: len(g.rows))
        group = main_group(setup, plan_id) or group
        lanes = group.lanes[variant]
        measure = group.primary or heaviest_measure(lanes)
        if measure:
            grid = _with_knots(lanes, measure)
            pay = at_attainment(lanes, measure, grid)
            frames.append(
                pd.DataFrame({"plan_id": plan_id, "variant": variant, "attained": grid, "pay": pay})
            )
    columns = ["plan_id", "variant", "attained", "pay"]
    return pd.concat(frames, ignore_index=True).dropna() if frames else pd.DataFrame(columns=columns)


def _with_knots(lanes: PlanLanes, measure: str) -> np.ndarray:
    """The grid with the knots of the lanes on a measure, and the last point below each jump."""
    curves = [x.curve for x in lanes.lanes if x.measure == measure and isinstance(x.curve, Curve)]
    knots = [float(k) for curve in curves for k in curve.knots]
    below = [np.nextafter(float(x), 0) for curve in curves for x, _, _ in curve.jumps]
    points = np.array([*GRID, *knots, *below])
    return np.unique(points[points <= GRID[-1]])


def gaming_rows(setup: Setup, discount: float) -> pd.DataFrame:
    """`plan_outputs.GAMING`, the largest gain first."""
    frames = []
    for variant, plan_id, _ in _shown(setup):
        group = main_group(setup, plan_id)
        if group is not None:
            frames.append(gaming(group.lanes[variant], group.primary, variant, discount))
    made = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
    if len(made):
        made = made.sort_values(
            ["gain_share", "plan_id", "action", "variant"], ascending=[False, True, True, True]
        )
    return tidy(made.reset_index(drop=True), plan_outputs.GAMING)


def accrual_rows(outcome: Outcome) -> pd.DataFrame:
    """`outputs.ACCRUAL`: the months' shares of the detailed scenarios, scaled to the mean of all."""
    made = pd.DataFrame({"month": np.arange(1, 13)})
    for variant, pay in outcome.pay.items():
        months = outcome.detail.accrued[variant] if outcome.detail is not None else np.zeros(12)
        whole = months.sum()
        accrued = months / whole * float(pay.mean()) if whole > 0 else np.zeros(12)
        made[f"accrued_{variant}"], made[f"to_date_{variant}"] = accrued, np.cumsum(accrued)
    return tidy(made, outputs.ACCRUAL)


def equity_rows(setup: Setup, seats: pd.DataFrame) -> pd.DataFrame:
    """`outputs.EQUITY` of the new plan, by region, team and tenure."""
    hired = setup.seats.frame.set_index("rep_id")["hired"].reindex(seats["rep_id"]).reset_index(drop=True)
    frame = seats.reset_index(drop=True)
    groupings = {
        "region": frame["region"], "team": frame["team"],
        "tenure": tenure_group(hired, setup.start),
    }  # fmt: skip
    return tidy(gaps(frame, "pay_new", groupings), outputs.EQUITY)


def shape_rows(setup: Setup) -> pd.DataFrame:
    """`plan_outputs.SHAPES`: what each measure of each role is drawn from."""
    rows = []
    for kind, made in setup.known.by_kind.items():
        parts = setup.known.structure(kind)
        for row in made.roles.to_dict("records"):
            role, _, measure = row["role"].rpartition("/")
            fits = made.compared[made.compared["role"] == row["role"]].set_index("family")
            distance = fits["pit_distance"].get(row["family"], np.nan)
            rows.append(
                row | {"role": role, "measure": measure, "pit_distance": distance,
                       "drawn_as": _drawn_as(setup, role, measure), "lasting_share": parts.lasting_share,
                       "rho": parts.rho, "rho_low": parts.rho_low, "rho_high": parts.rho_high,
                       "rho_segment": parts.rho_segment}
            )  # fmt: skip
    made = pd.DataFrame(rows).sort_values(["measure", "role"], ignore_index=True)
    return tidy(made, plan_outputs.SHAPES)


def pit_values(setup: Setup) -> tuple[dict, dict[str, np.ndarray]]:
    """Shapes and past attainment of the roles drawn by attainment, for the probability plot."""
    shapes, values = {}, {}
    rows = setup.known.panel
    for kind, made in setup.known.by_kind.items():
        if kind.startswith("attainment"):
            for key, family in made.shapes.items():
                role, _, measure = key.rpartition("/")
                mine = rows[
                    (rows["role"] == role) & (rows["measure"] == measure) & rows["attainment"].notna()
                ]
                shapes[role], values[role] = family, mine["attainment"].to_numpy("float64")
    return shapes, values


def backtest_rows(setup: Setup, year: RealYear | None, stand: pd.DataFrame) -> pd.DataFrame:
    """`outputs.BACKTEST`: the last finished year beside the draws. ``stand``: ``outputs.STANDING``."""
    periods = ()
    if year is not None:
        calendar = setup.records.calendar
        quarters = calendar.periods("quarter", year.start)
        periods = tuple(str(p) for p in quarters if calendar.bounds(p)[1] <= year.end)
    made = backtested(setup, periods)
    drawn = stand[stand["variant"] == OLD].set_index("role")["at_quota"]
    return tidy(made.assign(drawn=made["role"].map(drawn)), outputs.BACKTEST)


def family_rows(setup: Setup) -> pd.DataFrame:
    """`plan_outputs.FAMILIES`: attainment alone."""
    frames = [made.compared for kind, made in setup.known.by_kind.items() if kind.startswith("attainment")]
    made = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=["role"])
    split = made["role"].astype("object").str.rpartition("/")
    made = made.assign(role=split[0], measure=split[2]) if len(made) else made
    return tidy(made, plan_outputs.FAMILIES)


def real_rows(year: RealYear | None) -> pd.DataFrame:
    """`outputs.REAL`."""
    if year is None:
        return pd.DataFrame(columns=plan_outputs.REAL.column_names)
    sums = year.earned.groupby(["plan_id", "part", "variant"])["cents"].sum().unstack("variant")  # noqa: PD010
    sums = sums.reindex(columns=[OLD, NEW]).reset_index()
    for variant in (OLD, NEW):
        amounts = [None if pd.isna(c) else Decimal(int(c)).scaleb(-2) for c in sums[variant]]
        sums[f"earned_{variant}"] = pd.Series(amounts, index=sums.index, dtype="object")
    return sums[plan_outputs.REAL.column_names]


def replay_rows(year: RealYear | None) -> pd.DataFrame:
    """`plan_outputs.REPLAYED`."""
    if year is None:
        return pd.DataFrame(columns=plan_outputs.REPLAYED.column_names)
    return year.checked[plan_outputs.REPLAYED.column_names]


def main_group(setup: Setup, plan_id: str) -> Group | None:
    """The group of a plan whose seats have a quota of their own; the largest. None without one."""
    found = [g for g in setup.world.groups if g.plan_id == plan_id and g.primary]
    return max(found, key=lambda g: len(g.rows)) if found else None


def _shown(setup: Setup):
    for variant in (OLD, NEW):
        for plan_id, plan in sorted(setup.plans[variant].items()):
            if any(g.plan_id == plan_id for g in setup.world.groups):
                yield variant, plan_id, plan


def _curve(lanes, primary: str):
    return lambda x: at_attainment(lanes, primary, x)


def _drawn_as(setup: Setup, role: str, measure: str) -> str:
    for group in setup.world.groups:
        if group.name == role and measure in group.sources:
            return {"Stream": "shape", "Bootstrap": "whole past quarters", "DealStream": "deal by deal"}.get(
                type(group.sources[measure]).__name__, "from the reports"
            )
        if group.name == role and measure in group.parts:
            return "part of the deals"
    return "not used"
