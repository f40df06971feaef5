"""A close as tables for those who sign it, pay it and book it; money as Decimal."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

import pandas as pd

from salesops_lib.compensation.close import outputs
from salesops_lib.compensation.close.books import PAYMENT, Books
from salesops_lib.compensation.close.closing import Worked, close_kind
from salesops_lib.compensation.close.contract_costs import Terms, capitalised, schedule
from salesops_lib.compensation.close.draft import Draft
from salesops_lib.compensation.close.journal import journal_rows
from salesops_lib.compensation.close.payroll_file import amounts
from salesops_lib.compensation.engine.lines import EARNINGS
from salesops_lib.core.money import cents, from_cents, to_cents, to_decimal
from salesops_lib.core.periods import FiscalCalendar, Period

NOWHERE = "(none)"
MONTHS_OF_RATE = 3
AHEAD = 12  # months of write-off shown after the close


@dataclass(frozen=True)
class Close:
    """All a report on a close is made from: the draft or posting, everything worked out, the books."""

    made: Draft
    worked: Worked
    books: Books
    calendar: FiscalCalendar
    reps: pd.DataFrame

    @property
    def posted(self) -> bool:
        """Whether the period is closed."""
        return self.made.period in self.books.postings

    @property
    def names(self) -> dict[str, str]:
        """rep_id → name."""
        return self._last("name")

    @property
    def teams(self) -> dict[str, str]:
        """rep_id → team on the period's last day, else the last one before it."""
        return self._last("team")

    def _last(self, column: str) -> dict[str, str]:
        known = self.reps[self.reps["start_date"] <= pd.Timestamp(self.worked.through)]
        last = known.sort_values("start_date").drop_duplicates("rep_id", keep="last")
        return last.set_index("rep_id")[column].dropna().to_dict()

    @property
    def months(self) -> list[str]:
        """Close periods from the first with a line to this one, in order."""
        first = min((Period.parse(p) for p in self.worked.lines["closes"].unique()), default=None)
        last = Period.parse(self.made.period)
        return _steps(first or last, last)


def line_rows(close: Close) -> pd.DataFrame:
    """Columns of ``outputs.LINES``, in the order of the statements."""
    rows = close.made.lines.assign(amount=from_cents(close.made.lines["cents"]))
    rows["name"] = rows["rep_id"].map(close.names)
    rows["plan_version"] = pd.to_numeric(rows["plan_version"]).fillna(0).astype("int64")
    return rows.reindex(columns=outputs.LINES.column_names)


def payment_rows(close: Close) -> pd.DataFrame:
    """Columns of ``outputs.PAYMENTS``, the largest first."""
    rows = close.made.payments.sort_values(["paid", "rep_id"], ascending=[False, True]).copy()
    plans = close.made.lines[close.made.lines["plan_id"].fillna("").ne("")]
    held = plans.groupby("rep_id")["plan_id"].agg(lambda ids: ", ".join(sorted(set(ids))))
    rows = rows.assign(
        name=rows["rep_id"].map(close.names), team=rows["rep_id"].map(close.teams),
        plans=rows["rep_id"].map(held),
    )  # fmt: skip
    for name in PAYMENT[3:]:
        rows[name] = from_cents(rows[name])
    return rows.reindex(columns=outputs.PAYMENTS.column_names).reset_index(drop=True)


def payroll_rows(close: Close) -> pd.DataFrame:
    """Columns of ``outputs.PAYROLL``: what payroll loads."""
    sums = amounts(close.made.lines)
    made = sums.assign(
        name=sums["rep_id"].map(close.names), closes=close.made.period, amount=from_cents(sums["cents"])
    )
    return made.reindex(columns=outputs.PAYROLL.column_names).reset_index(drop=True)


def manager_rows(close: Close) -> pd.DataFrame:
    """Columns of ``outputs.MANAGERS``: teams, the dearest first."""
    rows = close.made.payments.assign(team=lambda r: r["rep_id"].map(close.teams).fillna(NOWHERE))
    made = []
    for (team, currency), part in rows.groupby(["team", "currency"]):
        top, paid = part.loc[part["paid"].idxmax()], int(part["paid"].sum())
        made.append(
            {
                "team": team, "currency": currency, "payees": len(part),
                **{n: to_decimal(part[n].sum()) for n in ("earned", "corrections", "paid", "held_balance")},
                "largest": close.names.get(top["rep_id"], top["rep_id"]),
                "largest_share": top["paid"] / paid if paid > 0 else None, "_paid": paid,
            }
        )  # fmt: skip
    found = pd.DataFrame(made, columns=[*outputs.MANAGERS.column_names, "_paid"])
    return found.sort_values(["_paid", "team"], ascending=[False, True], ignore_index=True).drop(
        columns="_paid"
    )


def finance_rows(close: Close) -> pd.DataFrame:
    """Columns of ``outputs.FINANCE``: plan by component, all of it the statements' sum."""
    rows = close.made.lines.assign(
        plan_id=close.made.lines["plan_id"].replace("", None).fillna(NOWHERE),
        part=close.made.lines["part"].replace("", None).fillna(close.made.lines["kind"]),
    )
    sums = rows.groupby(["plan_id", "part", "currency"], as_index=False).agg(
        payees=("rep_id", "nunique"), lines=("line_id", "size"), cents=("cents", "sum")
    )
    sums["amount"] = from_cents(sums["cents"])
    return sums.reindex(columns=outputs.FINANCE.column_names)


def accrual_rows(close: Close) -> pd.DataFrame:
    """Columns of ``outputs.ACCRUAL``: every payee and month with a movement, as now worked out.

    Earned to date counts what was taken back; what is overpaid is not yet earned back.
    """
    rows = close.worked.payments
    keys = ["closes", "rep_id", "currency"]
    sums = rows.assign(
        earned=to_cents(rows["earned"]) + to_cents(rows["clawed_back"]), paid=to_cents(rows["paid"])
    ).groupby(keys, as_index=False)[["earned", "paid"]].sum()  # fmt: skip
    at = sums["closes"].map({m: i for i, m in enumerate(close.months)})
    sums = sums.assign(_at=at).dropna(subset="_at").sort_values(["_at", "rep_id"]).drop(columns="_at")
    run = sums.groupby(["rep_id", "currency"])[["earned", "paid"]].cumsum().astype("int64")
    made = sums.assign(earned=from_cents(run["earned"]), paid=from_cents(run["paid"]))
    made["accrued"] = from_cents(run["earned"] - run["paid"])
    return made.reindex(columns=outputs.ACCRUAL.column_names).reset_index(drop=True)


def cost_rows(
    close: Close, deals: pd.DataFrame, terms: Terms, contracts: pd.DataFrame | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Columns of ``outputs.COSTS`` and, for this close, ``outputs.DEAL_COSTS``.

    ``contracts``: where there are any; of a deal whose contract churned by the day the rest is written off.
    """
    lines = close.worked.lines
    lines = lines[lines["kind"].isin([*EARNINGS, "clawback", "cancelled"])]
    lines = lines.assign(of_kind=lines["kind"], cents=to_cents(lines["amount"]).astype("int64"))
    months = close.months
    costs = capitalised(lines, deals, terms, months)
    further = _steps(Period.parse(months[-1]), Period.parse(months[-1]).step(AHEAD))[1:]
    run = schedule(costs, [*months, *further], _ended(close, contracts))
    for name in ("capitalised", "amortised", "remaining"):
        run[name] = from_cents(run[name])
    run["ahead"] = run["closes"].isin(further)
    now = costs[costs["closes"] == close.made.period].copy()
    now["deal_id"] = now["deal_id"].replace("", NOWHERE)
    for name in ("earned", "asset", "expense"):
        now[name] = from_cents(now[name])
    return run.reindex(columns=outputs.COSTS.column_names), now.reindex(
        columns=outputs.DEAL_COSTS.column_names
    )


def _ended(close: Close, contracts: pd.DataFrame | None) -> dict[str, str]:
    """Deal → the close period in which its contract churned."""
    if contracts is None:
        return {}
    gone = contracts[(contracts["status"] == "churned") & contracts["opportunity_id"].notna()]
    gone = gone[gone["end_date"] <= pd.Timestamp(close.worked.through)]
    closes = close.calendar.assign(gone["end_date"], close_kind(close.calendar))
    return {d: c for d, c in zip(gone["opportunity_id"], closes, strict=True) if c is not None}


def history_rows(close: Close, deals: pd.DataFrame, currency: str) -> pd.DataFrame:
    """Columns of ``outputs.HISTORY``: what is paid in the reporting currency, month by month."""
    rows = close.worked.payments[close.worked.payments["currency"] == currency]
    own = rows.assign(earned=to_cents(rows["earned"]), paid=to_cents(rows["paid"])).groupby("closes")
    sums = own.agg(payees=("rep_id", "nunique"), earned=("earned", "sum"), paid=("paid", "sum"))
    won = deals[deals["is_won"].fillna(False).astype(bool) & deals["close_date"].notna()]
    month = close.calendar.assign(won["close_date"], close_kind(close.calendar))
    booked = to_cents(won["amount_base"]).fillna(0).groupby(month).sum()
    made = sums.reindex(close.months).fillna(0).astype("int64")
    made["booked"] = booked.reindex(made.index).fillna(0).astype("int64")
    rolled = made[["earned", "booked"]].rolling(MONTHS_OF_RATE).sum()
    made["rate"] = (rolled["earned"] / rolled["booked"]).where(rolled["booked"] > 0)
    made = made.assign(
        earned=from_cents(made["earned"]), paid=from_cents(made["paid"]),
        bookings_base=from_cents(made["booked"]), posted=made.index.isin(list(close.books.postings)),
    )  # fmt: skip
    made.index.name = "closes"
    return made.reset_index().reindex(columns=outputs.HISTORY.column_names)


def check_rows(
    close: Close, costs: pd.DataFrame, deal_costs: pd.DataFrame, payroll: pd.DataFrame
) -> pd.DataFrame:
    """Columns of ``outputs.CHECKS``: the draft's identities, and those of what is booked from it."""
    made = [(name, said, holds) for name, said, holds in close.made.checks]
    paid = int(close.made.payments["paid"].sum())
    made.append(_equal("payroll_is_paid", "Σ payroll", to_cents(payroll["amount"]).sum(), "Σ paid", paid))
    parts = {n: to_cents(deal_costs[n]).sum() for n in ("earned", "asset", "expense")}
    made.append(
        _equal("earned_is_asset_and_expense", "asset + expense", parts["asset"] + parts["expense"],
               "earned", parts["earned"])
    )  # fmt: skip
    for currency, run in costs.groupby("currency"):
        whole = {n: int(to_cents(run[n]).sum()) for n in ("capitalised", "amortised")}
        left = cents(run["remaining"].iloc[-1])
        made.append(
            _equal(f"asset_{currency.lower()}", "amortised + remaining", whole["amortised"] + left,
                   "capitalised", whole["capitalised"])
        )  # fmt: skip
    journal = journal_rows(close.made.payments, deal_costs)
    made.append(
        _equal("debits_are_credits", "Σ debits", to_cents(journal["debit"]).sum(), "Σ credits",
               to_cents(journal["credit"]).sum())
    )  # fmt: skip
    return pd.DataFrame(made, columns=outputs.CHECKS.column_names)


def dispute_rows(books: Books, calendar: FiscalCalendar, as_of: date) -> pd.DataFrame:
    """Columns of ``outputs.DISPUTES``, open ones first."""
    rows = []
    for asked in books.disputes:
        answer = books.answers.get(asked["entry"])
        start = datetime.fromisoformat(asked["recorded_at"].removesuffix("Z")).date()
        end = (
            datetime.fromisoformat(answer["recorded_at"].removesuffix("Z")).date()
            if answer
            else max(as_of, start)
        )
        rows.append(
            {
                "dispute": asked["entry"], "asked_at": start.isoformat(),
                "days_open": calendar.business_days(start, end),
                **{n: asked[n] for n in ("rep_id", "line_id", "currency", "rule", "reason")},
                "shown": to_decimal(cents(asked["shown"])), "expected": to_decimal(cents(asked["expected"])),
                "verdict": answer["verdict"] if answer else None,
                "adjustment": to_decimal(cents(answer["adjustment"])) if answer else None,
                "answer": answer["reason"] if answer else None,
            }
        )  # fmt: skip
    found = pd.DataFrame(rows, columns=outputs.DISPUTES.column_names)
    return found.sort_values(["verdict", "dispute"], na_position="first", ignore_index=True)


def _equal(name: str, one: str, left: int, other: str, right: int) -> tuple[str, str, bool]:
    return (
        name,
        f"{one} {to_decimal(int(left)):,.2f} = {other} {to_decimal(int(right)):,.2f}",
        int(left) == int(right),
    )


def _steps(first: Period, last: Period) -> list[str]:
    found: list[Period] = [first]
    while found[-1] < last:
        found.append(found[-1].step(1))
    return [str(p) for p in found]


def ledger_line(books: Books, signers: Iterable[str]) -> str:
    """How the books stand, in a sentence."""
    if books.last is None:
        signed = " and ".join(signers)
        return f"Nothing is posted yet: the first close opens the ledger. {signed.capitalize()} sign it."
    return f"{len(books.postings)} months are posted, {books.last} last."
