"""A payee's statement as parts: nobody else's pay can be in it, for nothing else is handed over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from salesops_lib.compensation.books import MOVES
from salesops_lib.compensation.draft import Draft
from salesops_lib.core.money import to_decimal

WORDS = {
    "earned": "Earned", "corrections": "Corrections of closed periods",
    "held": "Held back (−), released (+)", "clawed_back": "Taken back",
    "overpayment": "Overpayment put off (+), recovered (−)", "draw": "Draw advanced",
    "draw_recovery": "Draw recovered", "disputes": "Adjustments after a dispute",
    "carried": "Carried forward",
}  # fmt: skip
BALANCES = {
    "held_balance": "Held until the customer pays", "draw_balance": "Draw still to be recovered",
    "overpaid_balance": "Overpaid, still to be recovered",
}  # fmt: skip


@dataclass(frozen=True)
class Statement:
    """One payee, one close, one currency; money as Decimal.

    ``moves``: (words, amount) that add up to ``paid``; ``balances`` and ``year`` likewise; ``lines``:
    ``line_id``, ``date``, ``what``, ``deal_id``, ``plan`` (id and version), ``rule``, ``tier``,
    ``arithmetic``, ``amount``; ``measures``: ``measure``, ``window``, ``value``, ``quota``, ``attainment``.
    """

    rep_id: str
    name: str
    period: str
    as_of: str
    status: str
    currency: str
    moves: list[tuple[str, object]]
    paid: object
    balances: list[tuple[str, object]]
    year: list[tuple[str, object]]
    lines: pd.DataFrame
    measures: pd.DataFrame


def statements(
    made: Draft, names: dict[str, str], measures: pd.DataFrame | None, status: str
) -> Iterator[Statement]:
    """Every payee's statement, by id.

    ``names``: rep_id → name. ``measures``: of :class:`closing.Worked`. ``status``: ``draft`` or how it was
    posted, printed on each page.
    """
    for row in made.payments.to_dict("records"):
        rep, currency = row["rep_id"], row["currency"]
        mine = made.lines[(made.lines["rep_id"] == rep) & (made.lines["currency"] == currency)]
        yield Statement(
            rep_id=rep, name=str(names.get(rep, rep)), period=made.period, as_of=made.as_of.isoformat(),
            status=status, currency=currency,
            moves=[(WORDS[m], to_decimal(row[m])) for m in MOVES if row[m] or m == "earned"],
            paid=to_decimal(row["paid"]),
            balances=[(words, to_decimal(row[b])) for b, words in BALANCES.items() if row[b]],
            year=[("Earned in the fiscal year", to_decimal(row["year_earned"])),
                  ("Paid in the fiscal year", to_decimal(row["year_paid"]))],
            lines=_lines(mine), measures=_measures(measures, rep, mine),
        )  # fmt: skip


def _lines(mine: pd.DataFrame) -> pd.DataFrame:
    plan = [
        f"{p} v{v}" if p and int(v) else (p or "")
        for p, v in zip(mine["plan_id"], mine["plan_version"], strict=True)
    ]
    what = [
        f"{k.replace('_', ' ')}: {p.replace('_', ' ')}"
        for k, p in zip(mine["kind"], mine["part"], strict=True)
    ]
    made = pd.DataFrame(
        {
            "line_id": mine["line_id"], "date": mine["date"], "what": what, "deal_id": mine["deal_id"],
            "plan": plan, "rule": _rule(mine), "tier": mine["tier"], "arithmetic": mine["arithmetic"],
            "amount": [to_decimal(c) for c in mine["cents"]],
        }
    )  # fmt: skip
    return made.astype("object").where(made.notna(), "").reset_index(drop=True)


def _rule(mine: pd.DataFrame) -> list[str]:
    found = []
    for rule, share in zip(mine["rule"], mine["share"], strict=True):
        known = isinstance(rule, str) and rule
        found.append("" if not known else rule if share in (None, "1") else f"{rule}, share {share}")
    return found


def _measures(measures: pd.DataFrame | None, rep: str, mine: pd.DataFrame) -> pd.DataFrame:
    """What the windows of this statement's lines stand at."""
    windows = set(mine["window"].dropna())
    if measures is None:
        return pd.DataFrame(columns=["measure", "window", "value", "quota", "attainment"])
    rows = measures[(measures["rep_id"] == rep) & measures["window"].isin(windows)]
    return rows[["measure", "window", "value", "quota", "attainment"]].reset_index(drop=True)
