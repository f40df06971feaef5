"""What a commission close can find. Each function judges one rule by the tables of the close."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd

from salesops_lib.compensation.close import rules
from salesops_lib.compensation.close.books import Books
from salesops_lib.compensation.close.closing import close_kind
from salesops_lib.compensation.close.tables import Close
from salesops_lib.compensation.close.waiting import waiting
from salesops_lib.compensation.rules import Setting
from salesops_lib.core.charts import percent, short_money
from salesops_lib.core.findings import Finding
from salesops_lib.core.money import to_decimal
from salesops_lib.core.periods import FiscalCalendar, Period

ANSWER_DAYS = 5
_NAMED = 3
MANY = 8  # earlier spans from which their range is told


def due_period(books: Books, calendar: FiscalCalendar, as_of: date) -> str:
    """The month to close next: after the last one posted; where nothing is, the last that has ended.

    Raises PeriodError outside the calendar.
    """
    if books.last is not None:
        return str(Period.parse(books.last).step(1))
    running = calendar.period_of(as_of, close_kind(calendar))
    ended = calendar.bounds(running)[1] - pd.Timedelta(days=1) <= pd.Timestamp(as_of).date()
    return str(running if ended else running.step(-1))


def late(setting: Setting, close: Close) -> list[Finding]:
    """Business days since the month shown ended; 0 where it is posted."""
    period, limit = close.made.period, setting.limit(rules.LATE)
    end = close.calendar.bounds(period)[1]
    done = close.posted or close.made.running
    days = 0 if done else close.calendar.business_days(end, setting.as_of + timedelta(days=1))
    paid = int(close.made.payments["paid"].sum())
    said = (
        f"{period} is posted."
        if close.posted
        else f"{period} runs until {end - timedelta(days=1)}; every month before it is posted."
        if close.made.running and close.books.last
        else f"{period} runs until {end - timedelta(days=1)}."
        if close.made.running
        else f"{period} ended {days} business days ago and is not posted; {len(close.made.payments)} payees "
        "wait "
        f"for {short_money(paid / 100)} {setting.currency}."
    )
    return [
        rules.LATE.judge(
            scope={"period": period}, value=float(days), n=1, limit=limit, as_of=setting.as_of,
            statement=said,
            money_at_stake=0.0 if done else paid / 100, currency=setting.currency,
            recommendation="Keep the calendar." if done else
            f"Run salesops comp close --period {period}, have manager and finance sign, and post it.",
        )
    ]  # fmt: skip


def disputed(setting: Setting, close: Close, disputes: pd.DataFrame) -> list[Finding]:
    """Statements of the last posted month that are disputed. UNKNOWN before the first posting."""
    last, limit = close.books.last, setting.limit(rules.DISPUTED)
    payees = (
        close.books.payments.loc[close.books.payments["closes"] == last, "rep_id"].nunique() if last else 0
    )
    mine = disputes[disputes["line_id"].str.startswith(f"{last}/")] if len(disputes) else disputes
    who = mine["rep_id"].nunique()
    waiting = disputes[disputes["verdict"].isna() & (disputes["days_open"] > ANSWER_DAYS)]
    moved = sum(abs(r["expected"] - r["shown"]) for r in mine.to_dict("records"))
    step = "Keep asking for the rule that a payee relies on."
    if len(waiting):
        first = waiting.iloc[0]
        step = f"Answer dispute {first['dispute']} today: it is open for {first['days_open']} business days."
    elif who:
        step = "Recompute each disputed line; where a rule reads two ways, change the plan's text."
    return [
        rules.DISPUTED.judge(
            scope={"period": last or "none"}, value=who / payees if payees else None, n=payees, limit=limit,
            as_of=setting.as_of, money_at_stake=float(moved) if who else None, currency=setting.currency,
            statement=f"{who} of {payees} statements of {last} are disputed, over {moved:,.2f} in all."
            if last else "Nothing is posted yet, so no statement can be disputed.", recommendation=step,
        )
    ]  # fmt: skip


def unclear(setting: Setting, close: Close, disputes: pd.DataFrame) -> list[Finding]:
    """Disputes of the last posted month that rest on one rule. UNKNOWN before the first posting."""
    last, limit = close.books.last, setting.limit(rules.UNCLEAR)
    mine = disputes[disputes["line_id"].str.startswith(f"{last}/")] if len(disputes) else disputes
    payees = close.books.payments["closes"].eq(last).sum() if last else 0
    counts = mine["rule"].str.casefold().value_counts() if len(mine) else pd.Series(dtype="int64")
    most = int(counts.iloc[0]) if len(counts) else 0
    rule = str(mine.loc[mine["rule"].str.casefold() == counts.index[0], "rule"].iloc[0]) if most else ""
    said = f"{most} of {len(mine)} disputes of {last} rest on one rule: {rule}." if most else (
        f"No statement of {last} is disputed." if last else "Nothing is posted yet, so no rule is disputed."
    )  # fmt: skip
    return [
        rules.UNCLEAR.judge(
            scope={"period": last or "none"}, value=float(most) if last else None, n=int(payees), limit=limit,
            as_of=setting.as_of, statement=said,
            recommendation="Change the text of the rule in the plan document and tell everybody on the plan."
            if most > limit.value else "Keep asking for the rule that a payee relies on.",
        )
    ]  # fmt: skip


def corrected(setting: Setting, close: Close) -> list[Finding]:
    """The largest correction against what its payee earned this year. UNKNOWN before the second close."""
    rows, limit = close.made.payments, setting.limit(rules.CORRECTED)
    earlier = [p for p in close.books.postings if p != close.made.period]
    known = rows[rows["year_earned"] > 0] if earlier else rows[:0]
    share = (known["corrections"].abs() / known["year_earned"]).astype("float64")
    value = float(share.max()) if len(share) else None
    top = known.loc[share.idxmax()] if len(share) else None
    total = int(known["corrections"].abs().sum())
    said = "No closed month can have changed: none was posted before."
    if top is not None:
        said = (
            f"Closed months now come to something else for {int((known['corrections'] != 0).sum())} payees, "
            f"{to_decimal(total):,.2f} in all; most for {_name(close, top['rep_id'])}, "
            f"{to_decimal(top['corrections']):,.2f} or {percent(value)} of the year's pay."
            if total else "No closed month comes to anything else than what was posted."
        )  # fmt: skip
    return [
        rules.CORRECTED.judge(
            scope={"period": close.made.period}, value=value, n=len(known), limit=limit, as_of=setting.as_of,
            statement=said, money_at_stake=total / 100 if total else None, currency=setting.currency,
            recommendation=f"Tell {_name(close, top['rep_id'])} before the statement goes out, and pay it at "
            "once where it is over the limit." if total else "Keep what is posted.",
        )
    ]  # fmt: skip


def held(setting: Setting, close: Close) -> list[Finding]:
    """Held pay against what its payees earned this year. UNKNOWN where no plan holds anything."""
    rows, limit = close.made.payments, setting.limit(rules.HELD)
    mine = rows[(rows["held_balance"] != 0) | (rows["held"] != 0)]
    money, earned = int(mine["held_balance"].sum()), int(mine["year_earned"].sum())
    said, step = _waits(close) if len(mine) else ("", "")
    return [
        rules.HELD.judge(
            scope={"period": close.made.period}, value=money / earned if earned > 0 else None, n=len(mine),
            limit=limit, as_of=setting.as_of, money_at_stake=money / 100 if len(mine) else None,
            currency=setting.currency,
            statement=f"{short_money(money / 100)} {setting.currency} of {len(mine)} payees are held, "
            f"{percent(money / earned)} of what they earned this fiscal year{said}."
            if earned > 0 else "No plan holds pay back.",
            recommendation=step or "Keep holds for deals whose payment is in doubt.",
        )
    ]  # fmt: skip


def _waits(close: Close) -> tuple[str, str]:
    """What held pay waits for, in words to follow the sum, and what to do about the larger part of it."""
    rows = waiting(close.worked)
    sent = rows["held"] - rows["unbilled"].fillna(0) if len(rows) else rows["held"]
    top = sent.groupby(rows["rep_id"]).sum().sort_values(ascending=False).head(_NAMED)
    named = ", ".join(f"{_name(close, r)} ({short_money(float(m))})" for r, m in top.items() if m > 0)
    chase = f"Chase the oldest unpaid invoices of {named}." if named else ""
    if rows["unbilled"].isna().all():
        return "", chase
    later, due = float(rows["unbilled"].sum()), float(sent.sum())
    said = f": {short_money(due)} for invoices not paid, {short_money(later)} for years not billed yet"
    if later <= due:
        return said, chase
    return said, f"{chase} Decide whether the plan is to hold pay for what is billed in later years.".strip()


def rate(setting: Setting, history: pd.DataFrame, period: str) -> list[Finding]:
    """Pay per unit of bookings over three months. ``history``: ``outputs.HISTORY``. UNKNOWN under three."""
    limit = setting.limit(rules.RATE)
    known = history.set_index("closes")["rate"].astype("float64")
    value = known.get(period, np.nan)
    before = known.drop(index=period, errors="ignore").dropna()
    span = ""
    if len(before) >= MANY:
        low, high = (percent(before.quantile(q)) for q in (0.1, 0.9))
        span = f"; four of five earlier spans lay at {low} to {high}"
    rows = history.set_index("closes")
    over = 0.0
    if pd.notna(value):
        booked = float(rows["bookings_base"].astype("float64").loc[:period].tail(3).sum())
        over = max(0.0, (value - limit.value) * booked)
    return [
        rules.RATE.judge(
            scope={"period": period}, value=value, n=int(min(3, len(history))), limit=limit,
            as_of=setting.as_of,
            money_at_stake=over or None, currency=setting.currency,
            statement=f"Incentive pay of three months to {period} is {percent(value)} of bookings{span}."
            if pd.notna(value) else "Nothing was booked in the last three months, or they are not known.",
            recommendation="Keep the plans." if not over else
            "Take the two dearest components in finance_summary to the next plan review.",
        )
    ]  # fmt: skip


def stood_in(setting: Setting, close: Close) -> list[Finding]:
    """Quotas of the fiscal year that stand in for missing ones."""
    year, limit = f"FY{Period.parse(close.made.period).year % 100:02d}", setting.limit(rules.STANDIN)
    mine = [s for s in close.worked.stood_in if f" in {year}" in s]
    return [
        rules.STANDIN.judge(
            scope={"year": year}, value=float(len(mine)), n=len(close.made.payments), limit=limit,
            as_of=setting.as_of, currency=setting.currency,
            statement=f"{len(mine)} quotas of {year} stand in: {mine[0]}" if mine else
            f"Every payee's quota of {year} was given.",
            recommendation=f"Enter the quota of {mine[0].split(':')[0]} and close anew before anybody signs."
            if mine else "Keep giving quotas before the quarter starts.",
        )
    ]  # fmt: skip


def owed(setting: Setting, close: Close) -> list[Finding]:
    """Overpaid sums and draws to be recovered against the year's pay."""
    rows, limit = close.made.payments, setting.limit(rules.OWED)
    debt = rows["overpaid_balance"] + rows["draw_balance"]
    money, paid = int(debt.sum()), int(rows["year_paid"].sum())
    top = rows.assign(debt=debt)[debt > 0].sort_values("debt", ascending=False).head(_NAMED)
    names = [f"{_name(close, r.rep_id)} ({short_money(r.debt / 100)})" for r in top.itertuples()]
    return [
        rules.OWED.judge(
            scope={"period": close.made.period}, value=money / paid if paid > 0 else None, n=len(rows),
            limit=limit,
            as_of=setting.as_of, money_at_stake=money / 100, currency=setting.currency,
            statement=f"{int((debt > 0).sum())} payees owe {short_money(money / 100)} {setting.currency} of "
            f"draws and overpaid sums, {percent(money / paid)} of what was paid this fiscal year."
            if paid > 0 else "Nothing was paid this fiscal year.",
            recommendation=f"Agree how it comes back with {', '.join(names)}." if names
            else "Keep it at nothing.",
        )
    ]  # fmt: skip


def ties(setting: Setting, checks: pd.DataFrame, period: str) -> list[Finding]:
    """Identities that do not hold. ``checks``: ``outputs.CHECKS``."""
    broken = checks[~checks["holds"].astype(bool)]
    return [
        rules.TIE.judge(
            scope={"period": period}, value=float(len(broken)), n=len(checks), limit=setting.limit(rules.TIE),
            as_of=setting.as_of, currency=setting.currency,
            statement=f"{len(broken)} of {len(checks)} identities do not hold: {broken.iloc[0]['says']}."
            if len(broken) else f"All {len(checks)} identities of the close hold to the cent.",
            recommendation="Stop: sign nothing, and report it with close_checks.csv." if len(broken) else
            "Sign the statements.",
        )
    ]  # fmt: skip


def _name(close: Close, rep_id: str) -> str:
    return str(close.names.get(rep_id, rep_id))
