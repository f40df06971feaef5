"""The faults of opportunities and of their history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from salesops_lib.quality.faults import Basis, Fault, day, empty, out_of_order

if TYPE_CHECKING:
    import ibis.expr.types as ir

DEALS = "opportunities"


def _open(t: ir.Table, b: Basis) -> ir.BooleanValue:
    # Read as of an earlier day without history, an open deal has no stage and cannot be blamed for the rest.
    return ~t.is_closed & t.stage.notnull()


def _priced_by_now(t: ir.Table, b: Basis) -> ir.BooleanValue:
    return (_open(t, b) & (t.position >= b.amount_stage)) | t.is_won


def _lately_closed(t: ir.Table, b: Basis) -> ir.BooleanValue:
    return t.is_closed & (day(t.close_date) > b.before(b.closed_days))


def _filled(*fields: str):
    def all_filled(t: ir.Table, b: Basis) -> ir.BooleanValue:
        held = t[fields[0]].notnull()
        for field in fields[1:]:
            held = held & t[field].notnull()
        return held

    return all_filled


_COMPLETE: tuple[Fault, ...] = (
    empty(
        DEALS,
        "close_date",
        required=True,
        due=lambda t, b: t.is_closed | _open(t, b),
        needs=("is_closed", "stage"),
        mend="Require a close date from the first stage on, and set it when a deal is closed",
    ),
    empty(
        DEALS,
        "amount_base",
        required=True,
        due=_priced_by_now,
        counted="won deals, and open deals from the stage on where an amount is due",
        needs=("is_closed", "is_won", "stage", "position"),
        mend="Require an amount before a deal may enter the stage where it is due",
    ),
    empty(
        DEALS,
        "owner_id",
        required=True,
        owner="manager",
        mend="Refuse a deal without an owner, and hand deals over before a user is removed",
    ),
    empty(DEALS, "account_id", required=True, mend="Require the account when a deal is created"),
    empty(
        DEALS,
        "next_step",
        required=True,
        owner="manager",
        due=_open,
        counted="open deals",
        needs=("is_closed", "stage"),
        mend="Require a next step with a date to save an open deal",
    ),
    empty(
        DEALS,
        "loss_reason",
        required=True,
        due=lambda t, b: _lately_closed(t, b) & ~t.is_won,
        counted="deals lost in the last year",
        needs=("is_closed", "is_won", "close_date"),
        mend="Require a loss reason from a short list to set a deal to lost",
    ),
    empty(
        DEALS,
        "forecast_category",
        due=_open,
        counted="open deals",
        needs=("is_closed", "stage"),
        mend="Derive the forecast category from the stage; let sellers only override it",
    ),
    empty(DEALS, "created_date", owner="analyst", mend="Map the CRM's own creation date in the import"),
    empty(DEALS, "type", mend="Derive new business, expansion or renewal from the account's contracts"),
    empty(DEALS, "segment", mend="Take the segment from the account when a deal is saved"),
    empty(DEALS, "lead_source", mend="Carry the lead's source over when it is converted"),
)

_VALID: tuple[Fault, ...] = (
    out_of_order(DEALS, "created_date", "close_date", mend="Refuse a close date before the creation date"),
    Fault(
        table=DEALS,
        field="close_date",
        kind="future",
        dimension="validity",
        title="A closed deal has a close date still to come",
        counted="closed deals with a close date",
        needs=("is_closed", "close_date"),
        due=lambda t, b: t.is_closed & t.close_date.notnull(),
        faulty=lambda t, b: day(t.close_date) > b.as_of,
        owner="manager",
        mend="Set the close date to the day of closing by rule, not by hand",
    ),
    Fault(
        table=DEALS,
        field="amount_base",
        kind="not_positive",
        dimension="validity",
        title="An open or won deal is worth nothing or less",
        counted="open and won deals with an amount",
        needs=("is_closed", "is_won", "amount_base"),
        due=lambda t, b: t.amount_base.notnull() & (~t.is_closed | t.is_won),
        faulty=lambda t, b: t.amount_base <= 0,
        owner="manager",
        mend="Refuse an amount of 0 or less; leave an unknown amount empty",
    ),
    Fault(
        table=DEALS,
        field="is_won",
        kind="won_but_open",
        dimension="validity",
        title="A deal is won and still open",
        counted="all rows",
        needs=("is_closed", "is_won"),
        due=_filled("is_closed", "is_won"),
        faulty=lambda t, b: t.is_won & ~t.is_closed,
        owner="representative",
        mend="Derive won and closed from the stage alone",
    ),
    Fault(
        table="opportunity_history",
        field="changed_at",
        kind="out_of_sequence",
        dimension="validity",
        title="A later change carries an earlier time",
        counted="changes after a deal's first",
        needs=("changed_at", "changed_before"),
        due=lambda t, b: t.changed_at.notnull() & t.changed_before.notnull(),
        faulty=lambda t, b: t.changed_at < t.changed_before,
        owner="analyst",
        mend="Take the change time from the CRM's audit trail, not from an editable field",
    ),
)

_TIMELY: tuple[Fault, ...] = (
    Fault(
        table=DEALS,
        field="close_date",
        kind="past",
        dimension="timeliness",
        title="An open deal should have closed already",
        counted="open deals with a close date",
        needs=("is_closed", "close_date"),
        due=lambda t, b: ~t.is_closed & t.close_date.notnull(),
        faulty=lambda t, b: day(t.close_date) < b.as_of,
        owner="manager",
        mend="Ask for a new close date or an outcome the day after the old one passes, and block other edits",
    ),
    Fault(
        table=DEALS,
        field="last_touch",
        kind="untouched",
        dimension="timeliness",
        title="Nobody has touched an open deal for long",
        counted="open deals",
        needs=("is_closed", "last_touch"),
        due=lambda t, b: ~t.is_closed & t.last_touch.notnull(),
        faulty=lambda t, b: t.last_touch < b.before(b.untouched_days),
        owner="manager",
        mend="Close deals without a touch by rule after two reminders",
    ),
    Fault(
        table=DEALS,
        field="close_date",
        kind="recorded_late",
        dimension="timeliness",
        title="A closing was recorded long after its close date",
        counted="deals closed in the last year whose closing is in the history",
        needs=("is_closed", "close_date", "closing_recorded"),
        due=lambda t, b: _lately_closed(t, b) & t.closing_recorded.notnull(),
        faulty=lambda t, b: t.closing_recorded > _later(t.close_date, b.late_days),
        owner="manager",
        mend="Lock close dates of earlier months, and close deals the day they are decided",
    ),
    Fault(
        table=DEALS,
        field="created_date",
        kind="outlived",
        dimension="timeliness",
        title="An open deal is older than any that ever closed",
        counted="open deals, where 30 or more have closed",
        needs=("is_closed", "created_date", "longest_days"),
        due=lambda t, b: ~t.is_closed & t.created_date.notnull() & t.longest_days.notnull(),
        faulty=lambda t, b: t.age_days > t.longest_days,
        owner="manager",
        mend="Close it as lost, or open a new deal if the customer is truly back",
    ),
)

_UNIQUE: tuple[Fault, ...] = (
    Fault(
        table=DEALS,
        field="name",
        kind="twin",
        dimension="uniqueness",
        title="The same account, name, amount and close date stand twice",
        counted="deals with account, name, amount and close date",
        needs=("account_id", "name", "amount_base", "close_date", "twin_number"),
        due=_filled("account_id", "name", "amount_base", "close_date"),
        faulty=lambda t, b: t.twin_number > 0,
        owner="representative",
        mend="Warn on save where the account has a deal of the same name and amount",
    ),
)

_CONSISTENT: tuple[Fault, ...] = (
    Fault(
        table=DEALS,
        field="owner_id",
        kind="left",
        dimension="consistency",
        title="An open deal belongs to somebody who holds no role any more",
        counted="open deals of known owners",
        needs=("is_closed", "known_owner_id", "owner_here"),
        due=lambda t, b: ~t.is_closed & t.known_owner_id,
        faulty=lambda t, b: ~t.owner_here,
        owner="manager",
        mend="Hand over a leaver's open deals before the last day, by a list HR and the manager sign",
    ),
)

DEAL_FAULTS: tuple[Fault, ...] = _COMPLETE + _VALID + _TIMELY + _UNIQUE + _CONSISTENT


def _later(column: ir.Value, days: int) -> ir.DateValue:
    import ibis

    return (day(column) + ibis.interval(days=days)).cast("date")
