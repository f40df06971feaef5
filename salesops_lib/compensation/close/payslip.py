"""A payee's statement as parts: nobody else's pay can be in it, for nothing else is handed over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pandas as pd

from salesops_lib.compensation.close.books import MOVES
from salesops_lib.compensation.close.closing import Worked
from salesops_lib.compensation.close.draft import Draft
from salesops_lib.compensation.close.statement_deals import DEAL_COLUMNS, deals_of_lines
from salesops_lib.compensation.engine.counted import COUNTED, counted_table
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
    ``before``, ``after``, ``arithmetic``, ``amount``; ``measures``: ``measure``, ``window``, ``value``,
    ``quota``, ``attainment``; ``held``: ``deal_id``, ``since``, ``amount`` of each deal with held pay;
    ``terms``: ``plan``, ``part``, ``words``, how the payee's plan pays. ``alone``: the payee's one currency.
    ``deals``: `DEAL_COLUMNS`, the deals of the lines from the CRM's amount to the payee's share. ``counted``:
    ``counted.COUNTED`` without the payee, the rows behind lines that name no deal, each measure's sum last.
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
    held: pd.DataFrame
    terms: pd.DataFrame
    alone: bool = True
    deals: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=DEAL_COLUMNS))
    counted: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=COUNTED[1:]))


def statements(made: Draft, names: dict[str, str], worked: Worked | None, status: str) -> Iterator[Statement]:
    """Every payee's statement, by id; one for each currency that he is paid in.

    ``names``: rep_id → name. ``worked``: what the draft rests on; without it measures, held deals and terms
    are left out. ``status``: ``draft`` or how it was posted, printed on each page.
    """
    several = set(made.payments.loc[made.payments["rep_id"].duplicated(), "rep_id"])
    known, lines = _Known(worked, made), _by_rep(made.lines)
    for row in made.payments.to_dict("records"):
        rep, currency = row["rep_id"], row["currency"]
        mine = lines(rep)
        mine = mine[mine["currency"] == currency]
        yield Statement(
            rep_id=rep, name=str(names.get(rep, rep)), period=made.period, as_of=made.as_of.isoformat(),
            status=status, currency=currency,
            moves=[(WORDS[m], to_decimal(row[m])) for m in MOVES if row[m] or m == "earned"],
            paid=to_decimal(row["paid"]),
            balances=[(words, to_decimal(row[b])) for b, words in BALANCES.items() if row[b]],
            year=[("Earned in the fiscal year", to_decimal(row["year_earned"])),
                  ("Paid in the fiscal year", to_decimal(row["year_paid"]))],
            lines=_lines(mine), measures=_measures(known, rep, mine), held=_held(known, rep, currency),
            terms=_terms(known, rep), alone=rep not in several, deals=_deals(known, rep, mine),
            counted=_counted(known, rep, mine),
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
            "plan": plan, "rule": _rule(mine), "tier": mine["tier"], "before": mine["measure_before"],
            "after": mine["measure_after"], "arithmetic": mine["arithmetic"],
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


def _by_rep(frame: pd.DataFrame) -> Callable[[str], pd.DataFrame]:
    """Rows of a payee; the frame is searched once, not once a payee."""
    places = frame.groupby("rep_id").indices if len(frame) else {}
    return lambda rep: frame.iloc[places.get(rep, [])]


class _Known:
    """What a close rests on, by payee; empty where it is not known."""

    def __init__(self, worked: Worked | None, made: Draft) -> None:
        self.deals = None if worked is None else worked.deals
        frames = [] if worked is None else [worked.lines, worked.measures, worked.terms]
        found = map(_by_rep, [*frames, _behind(worked, made)] if frames else [pd.DataFrame()] * 4)
        self.lines, self.measures, self.terms, self.counted = found


def _behind(worked: Worked, made: Draft) -> pd.DataFrame:
    """The rows behind the lines of a close, and behind those of closed periods that it corrects.

    With ``plan_id``: a payee may be on two plans in a month.
    """
    keys = ["rep_id", "plan_id", "closes", "part"]
    mine = made.lines.assign(closes=made.lines["origin"])[keys].drop_duplicates()
    rows = worked.lines.merge(mine, on=keys)
    parts = [pd.DataFrame(columns=[*COUNTED, "plan_id"])]
    for paid in worked.paid:
        plan_id = paid.paying.versions.plans[0].id
        asked = rows.loc[rows["plan_id"] == plan_id, ["rep_id", "period", "part"]]
        found = counted_table(paid, asked.itertuples(index=False, name=None))
        parts.append(found.assign(plan_id=plan_id))
    return pd.concat(parts, ignore_index=True)


def _measures(known: _Known, rep: str, mine: pd.DataFrame) -> pd.DataFrame:
    """What the windows of this statement's lines, and of the measures that they rest on, stand at."""
    columns = ["measure", "window", "value", "quota", "attainment"]
    rows, read = known.measures(rep), known.counted(rep)
    if rows.empty:
        return pd.DataFrame(columns=columns)
    pairs = set(zip(read["measure"], read["window"], strict=True)) if len(read) else set()
    named = [pair in pairs for pair in zip(rows["measure"], rows["window"], strict=True)]
    here = rows["window"].isin(set(mine["window"].dropna())) | pd.Series(named, rows.index)
    return rows.loc[here, columns].reset_index(drop=True)


def _counted(known: _Known, rep: str, mine: pd.DataFrame) -> pd.DataFrame:
    """The rows behind this statement's lines: of the plans that it has lines of."""
    rows = known.counted(rep)
    if rows.empty:
        return pd.DataFrame(columns=COUNTED[1:])
    return rows.loc[rows["plan_id"].isin(set(mine["plan_id"])), COUNTED[1:]].reset_index(drop=True)


def _held(known: _Known, rep: str, currency: str) -> pd.DataFrame:
    """Deals whose pay is held, as worked out by now; the sum is the balance."""
    columns = ["deal_id", "since", "amount"]
    lines = known.lines(rep)
    if lines.empty:
        return pd.DataFrame(columns=columns)
    mine = lines[(lines["currency"] == currency) & lines["kind"].isin(["hold", "release"])]
    sums = mine.groupby("deal_id").agg(since=("date", "min"), amount=("amount", "sum")).reset_index()
    left = sums[sums["amount"] != 0]
    return left.assign(amount=[-a for a in left["amount"]]).reindex(columns=columns).reset_index(drop=True)


def _deals(known: _Known, rep: str, mine: pd.DataFrame) -> pd.DataFrame:
    lines = known.lines(rep)
    return pd.DataFrame(columns=DEAL_COLUMNS) if lines.empty else deals_of_lines(mine, lines, known.deals)


def _terms(known: _Known, rep: str) -> pd.DataFrame:
    columns = ["plan", "part", "words"]
    rows = known.terms(rep)
    return pd.DataFrame(columns=columns) if rows.empty else rows[columns].reset_index(drop=True)
