"""A period's statements before they are signed: what is worked out, less what is posted.

    statement   = lines of the period
                + for every closed period, what it now comes to less what was posted for it
                + adjustments of answered disputes
                + what cannot be paid because the sum is below 0, carried into the next period

A closed period is never changed: its difference is paid in the open one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import pandas as pd

from salesops_lib.compensation.close.books import LINE, MOVES, PAYMENT, Books
from salesops_lib.compensation.close.closing import Worked, close_kind
from salesops_lib.compensation.close.draft_checks import identities
from salesops_lib.compensation.engine.lines import EARNINGS
from salesops_lib.core.errors import UserError
from salesops_lib.core.money import cents, to_cents, to_decimal
from salesops_lib.core.periods import FiscalCalendar, Period

SAME = ["rep_id", "plan_id", "origin", "of_kind", "part", "deal_id", "currency"]
"""What a worked-out line and a posted one have to share to be compared."""
_MOVE_OF = dict.fromkeys(EARNINGS, "earned") | {
    "hold": "held", "release": "held", "clawback": "clawed_back", "cancelled": "clawed_back",
    "overpayment": "overpayment", "draw": "draw", "draw_recovery": "draw_recovery",
    "correction": "corrections", "dispute": "disputes", "carried": "carried",
}  # fmt: skip


class CloseError(UserError):
    """A close asks for what the books do not allow."""


@dataclass(frozen=True)
class Draft:
    """Statements of a period: ``lines`` of :data:`books.LINE`, ``payments`` of :data:`books.PAYMENT`.

    ``opening``: what earlier periods came to, where nothing was ever posted. ``checks``: identities as
    (name, what it says, whether it holds). ``hash``: of all statements. ``running``: the period has not ended
    on the day, so this is what it would come to if nothing more happened.
    """

    period: str
    as_of: date
    lines: pd.DataFrame
    payments: pd.DataFrame
    opening: pd.DataFrame
    checks: tuple[tuple[str, str, bool], ...]
    hash: str
    running: bool = False

    @property
    def paid(self) -> dict[str, int]:
        """Currency → cents paid."""
        sums = self.payments.groupby("currency")["paid"].sum()
        return {str(k): int(v) for k, v in sums.items()}


def draft(
    worked: Worked, books: Books, calendar: FiscalCalendar, period: str, as_of: date, *, preview: bool = False
) -> Draft:
    """Statements of an open period.

    Parameters
    ----------
    worked
        Everything up to the period's last day (:func:`closing.work_out`).
    books
        The ledger as it stands.
    period
        A fiscal month, ``FY26-M10`` (a quarter where the calendar has no months).
    as_of
        The day the data was read as of; not before the period has ended.
    preview
        To be looked at, not signed: a period that still runs is drafted too.

    Raises
    ------
    CloseError
        If the period is closed, has not ended, or one before it is open.
    """
    refuse_period(books, calendar, period, as_of, running=preview)
    mine = _lines(worked.lines)
    order = {name: Period.parse(name) for name in {*mine["origin"], period}}
    now, then = mine[mine["origin"] == period], mine[mine["origin"].map(order) < order[period]]
    if books.last is None:
        opening, added = _opening(then), mine[:0]
    else:
        opening, added = mine[:0], _corrections(then, books, period)
    lines = pd.concat([now, added, _disputed(books, period)], ignore_index=True)
    lines = pd.concat([lines, _carried(lines, period)], ignore_index=True)
    lines = _numbered(lines.assign(closes=period))
    payments = _payments(lines, worked, books, opening, calendar, period)
    checks = identities(lines, payments, worked, books, opening, period)
    runs = as_of < calendar.bounds(period)[1] - pd.Timedelta(days=1)
    return Draft(period, as_of, lines, payments, opening, checks, _hash(period, as_of, lines, payments), runs)


def refuse_period(
    books: Books, calendar: FiscalCalendar, period: str, as_of: date, *, running: bool = False
) -> None:
    """Raise CloseError where a period cannot be closed on a day; silent where it can.

    ``running``: one that has not ended is allowed, to be looked at.
    """
    kind = close_kind(calendar)
    if Period.parse(period).kind != kind:
        raise CloseError(f"'{period}' is no {kind}; close {kind}s, such as {calendar.period_of(as_of, kind)}")
    if period in books.postings:
        posted = books.postings[period]
        after = Period.parse(str(books.last)).step(1)
        raise CloseError(
            f"{period} is closed since {posted['recorded_at'][:10]} (entry {posted['entry']}, draft "
            f"{posted['draft'][:12]}) and stays as it is; what changed is paid with {after}"
        )
    end = calendar.bounds(period)[1]
    if not running and as_of < end - pd.Timedelta(days=1):
        raise CloseError(f"{period} ends on {end - pd.Timedelta(days=1)}; the data is as of {as_of}")
    if books.last is not None:
        following = Period.parse(books.last).step(1)
        if Period.parse(period) != following:
            raise CloseError(f"{books.last} is closed last, so {following} comes next, not {period}")


def _lines(found: pd.DataFrame) -> pd.DataFrame:
    """Worked-out lines in the columns of the books."""
    made = found.rename(columns={"period": "pay_period"})
    made = made.assign(
        origin=made["closes"],
        of_kind=made["kind"],
        cents=to_cents(made["amount"]).astype("int64"),
        line_id="",
    )
    made = made.reindex(columns=list(LINE)).astype({"cents": "int64"})
    return made.assign(date=made["date"].map(str), deal_id=made["deal_id"].fillna(""))


def _opening(then: pd.DataFrame) -> pd.DataFrame:
    """Sums of periods before the first close, without deals: they are only compared, never shown."""
    if then.empty:
        return then
    sums = then.assign(deal_id="").groupby(SAME, as_index=False, dropna=False)["cents"].sum()
    filled = sums.assign(kind="opening", closes=sums["origin"], plan_version=0, line_id="")
    return filled.reindex(columns=list(LINE)).astype("object").assign(cents=filled["cents"].to_numpy())


def _corrections(then: pd.DataFrame, books: Books, period: str) -> pd.DataFrame:
    """What closed periods now come to, less what was posted for them: one line for each difference."""
    before = set(books.opening["origin"])
    posted = pd.concat([books.lines[books.lines["kind"] != "dispute"], books.opening], ignore_index=True)

    def summed(rows: pd.DataFrame) -> pd.Series:
        deal = rows["deal_id"].fillna("").where(~rows["origin"].isin(before), "")
        return rows.assign(deal_id=deal).groupby(SAME, dropna=False)["cents"].sum()

    now, was = summed(then).align(summed(posted), fill_value=0)
    found = pd.DataFrame({"now": now.astype("int64"), "was": was.astype("int64")}).reset_index()
    found = found[found["now"] != found["was"]]
    told = _told_once(then)
    words = [
        f"{row.origin} now comes to {_money(row.now)}{told.get(row[1:8], '')}, posted were {_money(row.was)}"
        if row.of_kind != "carried"
        else f"carried from {row.origin}: {_money(-row.was)}"
        for row in found[[*SAME, "now", "was"]].itertuples()
    ]
    made = found.assign(
        kind="correction", cents=found["now"] - found["was"], arithmetic=words, pay_period=period,
        plan_version=0, line_id="", date=None,
    )  # fmt: skip
    return made.reindex(columns=list(LINE))


def _told_once(rows: pd.DataFrame) -> dict[tuple, str]:
    """How a sum of now comes about, where it is one line."""
    alone = rows[~rows.duplicated(SAME, keep=False) & rows["arithmetic"].fillna("").ne("")]
    keys = alone[SAME].itertuples(index=False, name=None)
    return {key: f" = {text}" for key, text in zip(keys, alone["arithmetic"], strict=True)}


def _disputed(books: Books, period: str) -> pd.DataFrame:
    rows = []
    for found in books.open_adjustments():
        asked, answer = found["dispute"], found["answer"]
        rows.append(
            dict.fromkeys(LINE)
            | {
                "rep_id": asked["rep_id"], "plan_id": asked["plan_id"], "plan_version": 0, "origin": period,
                "pay_period": period, "kind": "dispute", "of_kind": "dispute",
                "deal_id": asked["deal_id"] or "",
                "part": f"dispute {asked['entry']}", "cents": cents(answer["adjustment"]),
                "currency": asked["currency"], "line_id": "", "date": answer["recorded_at"][:10],
                "arithmetic": f"line {asked['line_id']}: {answer['reason']}",
            }
        )  # fmt: skip
    return pd.DataFrame(rows, columns=list(LINE))


def _carried(lines: pd.DataFrame, period: str) -> pd.DataFrame:
    """A line that brings a payee below 0 back to 0; the next close takes it off again."""
    if lines.empty:
        return lines
    sums = lines.groupby(["rep_id", "currency"], as_index=False)["cents"].sum()
    below = sums[sums["cents"] < 0]
    made = below.assign(
        cents=-below["cents"], kind="carried", of_kind="carried", part="carried", deal_id="", origin=period,
        pay_period=period, plan_version=0, line_id="", plan_id="",
        arithmetic=[f"{_money(-c)} is taken from the next statement" for c in below["cents"]],
    )  # fmt: skip
    return made.reindex(columns=list(LINE))


def _numbered(lines: pd.DataFrame) -> pd.DataFrame:
    """Lines in the order of payee and plan, each with its id: ``FY26-M10/R017/3``."""
    late = lines["kind"].isin(["correction", "dispute", "carried"])
    ordered = lines.assign(_late=late).sort_values(["rep_id", "_late", "plan_id"], kind="stable")
    number = ordered.groupby("rep_id").cumcount() + 1
    ids = [f"{p}/{r}/{n}" for p, r, n in zip(ordered["closes"], ordered["rep_id"], number, strict=True)]
    made = ordered.assign(line_id=ids).drop(columns="_late").reset_index(drop=True)
    return made.reindex(columns=list(LINE)).astype({"cents": "int64"})


def _payments(lines, worked: Worked, books: Books, opening, calendar, period: str) -> pd.DataFrame:
    keys = ["rep_id", "currency"]
    moves = lines.assign(move=lines["kind"].map(_MOVE_OF)).pivot_table(
        index=keys, columns="move", values="cents", aggfunc="sum", fill_value=0
    )
    moves = moves.reindex(columns=list(MOVES), fill_value=0).astype("int64")
    order = {str(p): Period.parse(p) for p in worked.payments["closes"].unique()}
    known = worked.payments[worked.payments["closes"].map(order) <= Period.parse(period)]
    last = known.sort_values(["period"], key=lambda s: s.map(lambda p: calendar.bounds(p)[1]))
    last = last.drop_duplicates(["rep_id", "plan_id"], keep="last")
    names = ["held_balance", "overpaid_balance", "draw_balance"]
    balances = last.assign(**{n: to_cents(last[n]).astype("int64") for n in names}).groupby(keys)[names].sum()
    rows = moves.join(balances, how="outer").fillna(0).astype("int64")
    owing = rows[names].ne(0).any(axis=1) | rows.index.isin(moves.index)
    rows = rows[owing].assign(paid=lambda r: r[list(MOVES)].sum(axis=1))
    year = _year(books, opening, calendar, period)
    for name in ("earned", "paid"):
        before = year[name].reindex(rows.index).fillna(0).astype("int64")
        rows[f"year_{name}"] = before + rows[name]
    rows = rows.reset_index().assign(closes=period)
    return rows.reindex(columns=list(PAYMENT)).sort_values(keys, ignore_index=True)


def _year(books: Books, opening: pd.DataFrame, calendar, period: str) -> Mapping[str, pd.Series]:
    """Earned and paid before, in the fiscal year of the period, by payee and currency."""
    year = Period.parse(period).year
    said = opening if len(opening) else books.opening
    early = said[said["origin"].map(lambda p: Period.parse(p).year) == year]
    posted = books.payments[books.payments["closes"].map(lambda p: Period.parse(p).year) == year]
    keys = ["rep_id", "currency"]
    earned = early[early["of_kind"].isin(EARNINGS)].groupby(keys)["cents"].sum()
    paid = early.groupby(keys)["cents"].sum()
    return {
        "earned": earned.add(posted.groupby(keys)["earned"].sum(), fill_value=0),
        "paid": paid.add(posted.groupby(keys)["paid"].sum(), fill_value=0),
    }


def _hash(period: str, as_of: date, lines: pd.DataFrame, payments: pd.DataFrame) -> str:
    texts = [f"{period} {as_of}"]
    for frame in (lines, payments):
        rows = frame.astype("object").where(frame.notna(), "").itertuples(index=False, name=None)
        texts += ["\x1f".join(map(str, row)) for row in (tuple(frame.columns), *rows)]
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def _money(whole: int) -> str:
    return f"{to_decimal(whole):,.2f}"
