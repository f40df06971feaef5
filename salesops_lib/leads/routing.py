"""Routing rules as text, tried on past leads: who would have got them, how evenly, and which no rule takes.

    rules:
      - name: named accounts
        when: {account_id: [A001, A002]}
        to: [R063]
      - name: EMEA
        when: {region: [EMEA], segment: [Enterprise, Mid-market]}
        to: {R060: 2, R061: 1}        # weights of a round robin
    absent:
      R060: [[2025-12-01, 2025-12-14]]

The first rule whose every condition holds takes the lead; within it a weighted round robin passes over those
who are absent that day. A lead no rule takes is an error, listed by row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from salesops_lib.core.errors import UserError


class RoutingError(UserError):
    """The rules cannot be read."""


@dataclass(frozen=True)
class Rule:
    """``when``: column → the values it takes; ``weights``: owner → share of the round robin."""

    name: str
    when: dict[str, frozenset[str]]
    weights: dict[str, float]


@dataclass(frozen=True)
class Rules:
    """Rules in order, and ``absent``: owner → spans of days, both ends included."""

    rules: tuple[Rule, ...]
    absent: dict[str, tuple[tuple[date, date], ...]]


def read_rules(said: Mapping[str, Any], file: str = "routing.yaml") -> Rules:
    """Rules from what YAML gave. Raises RoutingError naming the file, the rule and what to write."""
    found = said.get("rules")
    if not isinstance(found, list) or not found:
        raise RoutingError(f"{file}: no rules; write a list 'rules', each with name, when, to")
    made = []
    for number, rule in enumerate(found, 1):
        place = f"{file}: rule {number}"
        if not isinstance(rule, Mapping) or set(rule) - {"name", "when", "to"} or "to" not in rule:
            raise RoutingError(f"{place} has to have name, when, to and nothing else")
        when, to = rule.get("when") or {}, rule["to"]
        if not isinstance(when, Mapping) or not all(isinstance(v, list) and v for v in when.values()):
            raise RoutingError(f"{place}: 'when' maps a column to a list of values")
        weights = (
            dict(to) if isinstance(to, Mapping) else dict.fromkeys(to if isinstance(to, list) else [to], 1)
        )
        wrong = [
            o for o, w in weights.items() if not isinstance(w, int | float) or isinstance(w, bool) or w <= 0
        ]
        if not weights or wrong:
            raise RoutingError(
                f"{place}: weights in 'to' are numbers above 0; {wrong[:1] or 'nobody is named'}"
            )
        conditions = {str(k): frozenset(map(str, v)) for k, v in when.items()}
        made.append(
            Rule(str(rule.get("name") or number), conditions, {str(o): float(w) for o, w in weights.items()})
        )
    return Rules(tuple(made), _absent(said.get("absent") or {}, file))


def replay_routing(leads: pd.DataFrame, rules: Rules) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Who each past lead would have gone to.

    Parameters
    ----------
    leads
        ``lead_id``, ``created_at``, and the columns the rules name; replayed in the order of creation.

    Returns
    -------
    (DataFrame, DataFrame)
        ``lead_id``, ``rule``, ``owner_id`` for the leads taken. Then those that are not: ``lead_id``, ``row``
        (from 1), ``reason``: no rule takes it, or everybody of its rule is absent that day.

    Raises
    ------
    RoutingError
        If a rule names a column the leads lack.
    """
    for rule in rules.rules:
        lost = [c for c in rule.when if c not in leads]
        if lost:
            raise RoutingError(f"rule '{rule.name}' asks for {lost[0]}, which leads do not have")
    taken = np.full(len(leads), -1)
    for place, rule in enumerate(rules.rules):
        holds = np.ones(len(leads), dtype=bool)
        for column, values in rule.when.items():
            holds &= (
                leads[column]
                .map(lambda v, known=values: v is not None and str(v) in known)
                .to_numpy(dtype=bool)
            )
        taken[(taken < 0) & holds] = place
    order = np.argsort(leads["created_at"].to_numpy(), kind="stable")
    days = leads["created_at"].dt.date.to_numpy()
    turns = [dict.fromkeys(rule.weights, 0.0) for rule in rules.rules]
    owners: list[str | None] = [None] * len(leads)
    for at in order:
        if taken[at] >= 0:
            owners[at] = _next(rules, int(taken[at]), turns[taken[at]], days[at])
    names = np.array([rule.name for rule in rules.rules] + [None], dtype=object)
    frame = pd.DataFrame({"lead_id": leads["lead_id"].to_numpy(), "rule": names[taken], "owner_id": owners})
    left = frame["owner_id"].isna()
    reason = np.where(taken < 0, "no rule takes it", "everybody of its rule is absent that day")
    errors = pd.DataFrame(
        {"lead_id": frame["lead_id"], "row": np.arange(1, len(leads) + 1), "reason": reason}
    )
    return frame[~left].reset_index(drop=True), errors[left].reset_index(drop=True)


def compare_routing(
    leads: pd.DataFrame, replayed: pd.DataFrame, minutes: pd.Series, days: pd.Series
) -> pd.DataFrame:
    """Owners before and under the rules: ``owner_id``, ``leads_before``, ``leads_after``, ``per_day_before``,
    ``per_day_after`` (÷ ``days``: owner → days worked), ``median_minutes`` (their past first answer)."""
    before = leads["owner_id"].dropna().value_counts()
    after = replayed["owner_id"].value_counts()
    index = before.index.union(after.index)
    made = pd.DataFrame(
        {
            "leads_before": before.reindex(index, fill_value=0),
            "leads_after": after.reindex(index, fill_value=0),
        }
    )
    worked = days.reindex(index)
    for side in ("before", "after"):
        made[f"per_day_{side}"] = (made[f"leads_{side}"] / worked).where(worked > 0)
    made["median_minutes"] = minutes.groupby(leads["owner_id"]).median().reindex(index)
    return made.rename_axis("owner_id").reset_index()


def spread(per_day: pd.Series, leads: pd.Series) -> float:
    """Coefficient of variation of leads per day worked over owners with any; missing under two."""
    known = per_day[leads > 0].dropna()
    return float(known.std(ddof=0) / known.mean()) if len(known) > 1 and known.mean() > 0 else float("nan")


def _next(rules: Rules, place: int, turn: dict[str, float], day: date) -> str | None:
    """Smooth weighted round robin: each present owner gains their weight, the highest takes and pays the
    sum."""
    weights = rules.rules[place].weights
    present = [o for o in weights if not any(a <= day <= b for a, b in rules.absent.get(o, ()))]
    if not present:
        return None
    for owner in present:
        turn[owner] += weights[owner]
    chosen = max(present, key=lambda o: (turn[o], o))
    turn[chosen] -= sum(weights[o] for o in present)
    return chosen


def _absent(said: Mapping[str, Any], file: str) -> dict[str, tuple[tuple[date, date], ...]]:
    made = {}
    for owner, spans in said.items():
        try:
            made[str(owner)] = tuple((_day(a), _day(b)) for a, b in spans)
        except (TypeError, ValueError):
            raise RoutingError(f"{file}: absent {owner} is a list of [first day, last day]") from None
        if any(a > b for a, b in made[str(owner)]):
            raise RoutingError(f"{file}: absent {owner} has a span that ends before it starts")
    return made


def _day(value: Any) -> date:
    return value if isinstance(value, date) else date.fromisoformat(str(value))
