"""The tables a commission close hands over: a contract each, checked on writing."""

from __future__ import annotations

from salesops_lib.core.contracts import Column, Table

_REP = Column("rep_id", "text", "The payee.", nullable=False)
_NAME = Column("name", "text", "Name of the last role spell.")
_CURRENCY = Column("currency", "text", "ISO code that the amounts are in.", nullable=False)
_MONTH = Column("closes", "text", "Fiscal month it is paid in.", nullable=False)


def _money(name: str, meaning: str) -> Column:
    return Column(name, "money", meaning, nullable=False)


LINES = Table(
    "statement_lines",
    "a line of a statement, with its arithmetic",
    ("line_id",),
    (
        Column("line_id", "text", "Month, payee, number: what a dispute names.", nullable=False),
        _REP, _NAME,
        Column("plan_id", "text", "Plan; blank where a line is of none."),
        Column("plan_version", "count", "Its version; 0 where a line is of none."),
        _MONTH,
        Column("origin", "text", "Month the line is of; of a correction, the closed one."),
        Column("date", "text", "Day of the event."),
        Column("kind", "text", "What it is: commission, bonus, hold, correction …", nullable=False),
        Column("of_kind", "text", "Of a correction, the kind it corrects."),
        Column("part", "text", "Component, SPIFF, pool or dispute."),
        Column("deal_id", "text", "Deal, blank where a line is of none."),
        Column("rule", "text", "Credit rule."),
        Column("share", "text", "Share credited, exact."),
        Column("credited", "text", "What is credited, exact."),
        Column("tier", "text", "Tiers touched, from 1."),
        Column("arithmetic", "text", "How it comes about, to be done again by hand."),
        _money("amount", "What the line adds."), _CURRENCY,
    ),
)  # fmt: skip
PAYMENTS = Table(
    "statement_payments",
    "a payee's payment in the close",
    ("rep_id", "currency"),
    (
        _REP, _NAME, Column("team", "text", "Team on the last day."),
        Column("plans", "text", "Plans with a line."), _MONTH, _CURRENCY,
        _money("earned", "Earned."), _money("corrections", "Differences of closed months."),
        _money("held", "Held back (−) or released (+)."), _money("clawed_back", "Taken back."),
        _money("overpayment", "Put off (+) or recovered (−)."), _money("draw", "Draw advanced."),
        _money("draw_recovery", "Draw recovered."), _money("disputes", "Adjustments after a dispute."),
        _money("carried", "Carried forward."), _money("paid", "Sum of the nine before."),
        _money("held_balance", "Held at the month's end."),
        _money("overpaid_balance", "Overpaid and to be recovered."),
        _money("draw_balance", "Draw to be recovered."), _money("year_earned", "Earned in the fiscal year."),
        _money("year_paid", "Paid in the fiscal year."),
    ),
)  # fmt: skip
PAYROLL = Table(
    "payroll",
    "an amount that payroll pays, by payee and code",
    ("rep_id", "code", "currency"),
    (
        _REP, _NAME, _MONTH,
        Column("code", "text", "COMM, BONUS, SPIFF, POOL, HOLD, DRAW, CLAW, CORR …", nullable=False),
        _money("amount", "Amount; all codes of a payee add up to what is paid."), _CURRENCY,
    ),
)  # fmt: skip
MANAGERS = Table(
    "manager_summary",
    "a team's pay in the close",
    ("team", "currency"),
    (
        Column("team", "text", "Team on the month's last day.", nullable=False), _CURRENCY,
        Column("payees", "count", "Payees.", nullable=False), _money("earned", "Earned."),
        _money("corrections", "Differences of closed months."), _money("paid", "Paid."),
        _money("held_balance", "Held at the month's end."),
        Column("largest", "text", "Payee who is paid most."),
        Column("largest_share", "ratio", "Their share of what the team is paid."),
    ),
)  # fmt: skip
FINANCE = Table(
    "finance_summary",
    "a plan's component in the close",
    ("plan_id", "part", "currency"),
    (
        Column("plan_id", "text", "Plan; (none) for sums that are of none.", nullable=False),
        Column("part", "text", "Component, SPIFF or pool; the kind where there is none.", nullable=False),
        _CURRENCY, Column("payees", "count", "Payees with a line.", nullable=False),
        Column("lines", "count", "Lines.", nullable=False), _money("amount", "Sum of the lines."),
    ),
)  # fmt: skip
ACCRUAL = Table(
    "accrual",
    "a payee's earned and paid sums at a month's end",
    ("closes", "rep_id", "currency"),
    (
        _MONTH, _REP, _CURRENCY, _money("earned", "Earned to date, less what was taken back."),
        _money("paid", "Paid to date."),
        _money("accrued", "Earned − paid: owed to the payee; below 0: advanced to them."),
    ),
)  # fmt: skip
COSTS = Table(
    "contract_costs",
    "the asset of capitalised commissions at a month's end (ASC 340-40)",
    ("currency", "closes"),
    (
        _MONTH, _CURRENCY, _money("capitalised", "Added in the month."),
        _money("amortised", "Written off in the month."),
        _money("remaining", "Left: of the month before + added − written off."),
        Column("ahead", "bool", "A month after the close: what is still to be written off.", nullable=False),
    ),
)  # fmt: skip
DEAL_COSTS = Table(
    "deal_costs",
    "what a deal's commissions of the close are: asset or expense",
    ("deal_id", "currency"),
    (
        Column("deal_id", "text", "Deal; (none): pay that is of no deal.", nullable=False), _MONTH, _CURRENCY,
        _money("earned", "Earned on it."), _money("asset", "Capitalised."), _money("expense", "Expensed."),
        Column("months", "count", "Months of benefit; 0 where it is no cost of a contract.", nullable=False),
    ),
)  # fmt: skip
JOURNAL = Table(
    "close_journal",
    "an account that finance books for the close",
    ("currency", "account"),
    (
        _CURRENCY, Column("account", "text", "Account.", nullable=False),
        _money("debit", "Debit; 0 where it is a credit."), _money("credit", "Credit; 0 where it is a debit."),
    ),
)  # fmt: skip
HISTORY = Table(
    "close_history",
    "a month's pay and what it was paid on",
    ("closes",),
    (
        _MONTH, Column("posted", "bool", "Closed in the ledger.", nullable=False),
        Column("payees", "count", "Payees.", nullable=False), _money("earned", "Earned, reporting currency."),
        _money("paid", "Paid, reporting currency."), _money("bookings_base", "Won deals by close date."),
        Column("rate", "ratio", "Earned ÷ bookings of this and the two months before; missing under three."),
    ),
)  # fmt: skip
CHECKS = Table(
    "close_checks",
    "an identity that the close stands on",
    ("check",),
    (
        Column("check", "text", "Which.", nullable=False),
        Column("says", "text", "Both sides, to the cent.", nullable=False),
        Column("holds", "bool", "Whether it holds.", nullable=False),
    ),
)
DISPUTES = Table(
    "disputes",
    "a payee's question about a posted line",
    ("dispute",),
    (
        Column("dispute", "count", "Its number.", nullable=False), _REP,
        Column("line_id", "text", "The line.", nullable=False),
        Column("asked_at", "text", "Day it was entered.", nullable=False), _CURRENCY,
        _money("shown", "What the line shows."), _money("expected", "What the payee expected."),
        Column("rule", "text", "Rule relied on."), Column("reason", "text", "What is wrong, they say."),
        Column("verdict", "text", "Of the answer; missing while open."),
        Column("adjustment", "money", "What a statement adds; missing while open."),
        Column("answer", "text", "The answer."), Column("days_open", "days", "Business days until answered."),
    ),
)  # fmt: skip

CLOSE_OUTPUTS = (
    LINES, PAYMENTS, PAYROLL, MANAGERS, FINANCE, ACCRUAL, COSTS, DEAL_COSTS, JOURNAL, HISTORY, CHECKS,
    DISPUTES,
)  # fmt: skip
