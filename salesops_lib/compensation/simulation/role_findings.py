"""What a plan can be found to do to roles and groups: reach, caps, gaming, equity, and its replay."""

from __future__ import annotations

import numpy as np
import pandas as pd

from salesops_lib.compensation.rules import Setting
from salesops_lib.compensation.simulation import rules
from salesops_lib.core.charts import percent, short_money
from salesops_lib.core.findings import Finding, Interval, Rule
from salesops_lib.core.wording import signed_percent

HISTORY = "Import at least four finished quarters of deals, quotas and role spells, and run again."


def reach(setting: Setting, standing: pd.DataFrame, periods: int) -> list[Finding]:
    """Shares at quota and at threshold, caps and pay-performance, role by role. ``standing``:
    ``outputs.STANDING``; roles without a quota are left out.
    """
    rows = standing[(standing["variant"] == "new")].to_dict("records")
    found = []
    for row in rows:
        scope, n = {"role": row["role"]}, int(row["seats"])
        if np.isfinite(row["at_quota"]):
            found += [
                _share(setting, rule, row, scope, n) for rule in (rules.FEW_AT_QUOTA, rules.MANY_AT_QUOTA)
            ]
            found += [_threshold(setting, row, scope, n), _correlation(setting, row, scope, n)]
        if np.isfinite(row["cap_share"]):
            found.append(_cap(setting, row, scope, n))
    if not found or periods < rules.MIN_PERIODS:
        return [
            _unknown(setting, rule, periods)
            for rule in (rules.FEW_AT_QUOTA, rules.MANY_AT_QUOTA, rules.THRESHOLD, rules.CORRELATION)
        ]
    return found


def gaming(setting: Setting, table: pd.DataFrame) -> list[Finding]:
    """Per plan the action of the new version that pays best. ``table``: ``outputs.GAMING``."""
    new, limit = table[table["variant"] == "new"], setting.limit(rules.GAME)
    found = []
    for plan_id, part in new.groupby("plan_id", sort=True):
        row = part.loc[part["gain_share"].idxmax()]
        before = table[(table["variant"] == "old") & (table["plan_id"] == plan_id)]["gain_share"].max()
        value = float(row["gain_share"])
        met = value <= limit.value
        found.append(
            rules.GAME.judge(
                scope={"plan": plan_id}, value=value, n=len(part), limit=limit, as_of=setting.as_of,
                money_at_stake=0.0 if met else float(row["gain"]),
                statement=f"On {plan_id} a {row['action']} at {percent(row['attained'])} of quota "
                "earns a rep "
                f"{percent(value)} of a period's target; under the old plan the best action earned "
                f"{percent(before)}.",
                recommendation="Keep the curve." if met else "Write the guard into the plan document: "
                f"{row['guard']}.",
            )
        )  # fmt: skip
    if not found:
        return [
            rules.GAME.judge(
                scope={"plan": "none"}, value=None, n=0, limit=limit, as_of=setting.as_of,
                statement="No plan pays by attainment of a quota of its own, so no action could be tried.",
                recommendation="Go through the gaming list of the playbook by hand.",
            )
        ]  # fmt: skip
    return found


def equity(setting: Setting, table: pd.DataFrame) -> list[Finding]:
    """Per grouping the group with the widest adjusted gap. ``table``: ``outputs.EQUITY``; UNKNOWN if none.

    The range is that of the gap's size: from 0 where the gap may be none.
    """
    limit = setting.limit(rules.EQUITY)
    known = table[table["adjusted"].notna()]
    found = []
    for grouping, part in known.groupby("grouping", sort=True):
        row = part.loc[part["adjusted"].abs().idxmax()].to_dict()
        gap, low, high = (float(row[k]) for k in ("adjusted", "adjusted_low", "adjusted_high"))
        nearest = 0.0 if low <= 0 <= high else min(abs(low), abs(high))
        met = abs(gap) <= limit.value
        found.append(
            rules.EQUITY.judge(
                scope={"grouping": grouping}, value=abs(gap), n=min(int(row["n"]), int(row["rest"])),
                limit=limit, as_of=setting.as_of,
                interval=Interval(nearest, max(abs(low), abs(high)), 0.9, "least squares, t"),
                statement=f"{row['group']} ({row['n']} seats) stands out most by {grouping}: "
                f"{signed_percent(gap)} of the rest's pay over target at the same role and attainment, "
                f"{signed_percent(float(row['raw']))} before adjusting.",
                recommendation="Keep it in view; no gap stands out." if met else
                f"Look at the quotas of {row['group']} first: at equal attainment only the plan and they "
                "differ.",
            )
        )  # fmt: skip
    return found or [
        rules.EQUITY.judge(
            scope={"grouping": "all"}, value=None, n=0, limit=limit, as_of=setting.as_of,
            statement="No group and its rest have eight seats each, so no pay gap is stated.",
            recommendation="Compare small groups person by person, with the people team.",
        )
    ]  # fmt: skip


def replay(setting: Setting, table: pd.DataFrame) -> list[Finding]:
    """Formulas against the engine on the last year. ``table``: ``outputs.REPLAYED``; UNKNOWN without one."""
    limit = setting.limit(rules.REPLAY)
    if table.empty:
        return [
            rules.REPLAY.judge(
                scope={"plans": "all"}, value=None, n=0, limit=limit, as_of=setting.as_of,
                statement="No finished fiscal year is known, so nothing could be replayed.",
                recommendation=HISTORY,
            )
        ]  # fmt: skip
    apart, n = int(table["cents_apart"].sum()), int(table["compared"].sum())
    return [
        rules.REPLAY.judge(
            scope={"plans": "all"}, value=float(apart), n=n, limit=limit, as_of=setting.as_of,
            statement=f"Fed last year's results the simulation's formulas are {apart} cents off {n:,} "
            "exact totals.",
            recommendation="Trust the formulas." if apart <= limit.value else
            "Stop: report it with the table comp_replay; a formula does not mean what the engine pays.",
        )
    ]  # fmt: skip


def _share(setting: Setting, rule: Rule, row: dict, scope: dict, n: int) -> Finding:
    limit, value = setting.limit(rule), float(row["at_quota"])
    low_side = rule is rules.FEW_AT_QUOTA
    met = value >= limit.value if low_side else value <= limit.value
    word = "Lower" if low_side else "Raise"
    return rule.judge(
        scope=scope, value=value, n=n, limit=limit, as_of=setting.as_of,
        statement=f"{percent(value)} of drawn seat-years of {row['role']} reach quota; the median attains "
        f"{percent(row['median_attained'])}, one in ten {percent(row['excellence'])}.",
        recommendation="Keep the quotas." if met else f"{word} the quotas of {row['role']}; leave the "
        "curve alone.",
    )  # fmt: skip


def _threshold(setting: Setting, row: dict, scope: dict, n: int) -> Finding:
    limit, value = setting.limit(rules.THRESHOLD), row["at_threshold"]
    met = value >= limit.value
    return rules.THRESHOLD.judge(
        scope=scope, value=_known(value), n=n, limit=limit, as_of=setting.as_of,
        statement=f"{percent(value)} of drawn seat-years of {row['role']} reach the attainment from "
        "which pay starts.",
        recommendation="Keep the threshold." if met else "Lower the threshold until nine in ten reach it.",
    )  # fmt: skip


def _correlation(setting: Setting, row: dict, scope: dict, n: int) -> Finding:
    limit, value = setting.limit(rules.CORRELATION), row["correlation"]
    met = value >= limit.value
    return rules.CORRELATION.judge(
        scope=scope, value=_known(value), n=n, limit=limit, as_of=setting.as_of,
        statement=f"Within {row['role']} attainment and pay over target correlate at {value:.2f}; pay "
        "at P90 is "
        f"{row['differentiation']:.1f} × that at P10.",
        recommendation="Keep the measures." if met else
        "Move weight from scores and team measures to what the seat sells.",
    )  # fmt: skip


def _cap(setting: Setting, row: dict, scope: dict, n: int) -> Finding:
    limit, value = setting.limit(rules.CAP), float(row["cap_share"])
    met = value <= limit.value
    return rules.CAP.judge(
        scope=scope, value=value, n=n, limit=limit, as_of=setting.as_of,
        money_at_stake=0.0 if met else float(row["withheld"]),
        statement=f"Caps of {row['plan_id']} bind in {percent(value)} of {row['role']}'s windows and "
        "withhold "
        f"{short_money(row['withheld'])} {setting.currency} a year.",
        recommendation="Keep the cap." if met else "Raise the cap, or let the rate fall instead of ending.",
    )  # fmt: skip


def _unknown(setting: Setting, rule: Rule, periods: int) -> Finding:
    return rule.judge(
        scope={"role": "all"}, value=None, n=0, limit=setting.limit(rule), as_of=setting.as_of,
        statement=f"{rule.title}: {periods} finished quarters of quotas are known, {rules.MIN_PERIODS} "
        "are needed.",
        recommendation=HISTORY,
    )  # fmt: skip


def _known(value: float) -> float | None:
    return float(value) if value is not None and np.isfinite(value) else None
