"""AdventureWorks: each salesperson's one commission rate and bonus over four fiscal years, through an import.

The expected pay is worked out from the exported files alone, without any of our code: per person and fiscal
quarter the commission is rate × SubTotal of the orders, the bonus is due where they reach the quota.
"""

from collections import defaultdict
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal

import pandas as pd
import pytest
import yaml

from salesops_lib import inputs
from salesops_lib.compensation.close import closed, desk
from salesops_lib.compensation.close.books import read_books
from salesops_lib.compensation.close.closing import work_out
from salesops_lib.compensation.close.taken import frozen, thawed
from salesops_lib.core.errors import TableError
from salesops_lib.inputs import importing
from salesops_lib.inputs.company import repository_root

EXAMPLE = repository_root() / "salesops_lib" / "inputs" / "sources" / "examples" / "adventureworks.yaml"
CENT = Decimal("0.01")
HOUSE = "house"
LAST = date(2014, 5, 29)  # the last quarter with quotas ends here


def plan_of(person: dict) -> dict:
    """One person's terms as a plan: a rate on all sales, a bonus a quarter where the quota is met."""
    rate, bonus = Decimal(person["CommissionPct"]) * 100, Decimal(person["Bonus"])
    return {
        "schema": "salesops.plan/1", "id": f"aw-{person['BusinessEntityID']}", "version": 1,
        "effective": {"from": date(2011, 5, 31)}, "currency": "USD",
        "roles": [f"Seller {person['BusinessEntityID']}"],
        "rounding": {"unit": "0.01", "mode": "half_even"}, "pay_period": "quarter",
        "pay": {"target_total_cash": str(bonus * 4), "base_salary": "0"},
        "measures": {"sales": {"aggregate": "sum", "field": "bookings", "event": "booked",
                               "period": "quarter",
                               "quota": {"source": "individual"}}},
        "components": [
            {"id": "commission", "type": "commission", "measure": "sales", "weight": 0, "basis": "amount",
             "rate_unit": "percent", "method": "marginal",
             "tiers": [{"from": 0, "rate": str(rate.normalize())}]},
            {"id": "bonus", "type": "bonus", "measure": "sales", "weight": 1, "basis": "attainment",
             "rate_unit": "share_of_target", "method": "step",
             "tiers": [{"from": 0, "rate": 0}, {"from": 1, "rate": 1}]},
        ],
    }  # fmt: skip


@pytest.fixture(scope="module")
def files(cases):
    """The export, as text and numbers, read without our code."""
    folder = cases / "adventureworks"
    people = pd.read_csv(folder / "Sales_SalesPerson.csv", dtype=str)
    quotas = pd.read_csv(folder / "Sales_SalesPersonQuotaHistory.csv", dtype=str)
    orders = pd.read_parquet(folder / "Sales_SalesOrderHeader.parquet")
    return people[people["CommissionPct"].astype(float) > 0], quotas, orders


@pytest.fixture(scope="module")
def works(cases, files, tmp_path_factory):
    """The company imported, with a plan and an assignment for each salesperson."""
    folder = tmp_path_factory.mktemp("aw") / "company"
    importing.import_export("csv", cases / "adventureworks", folder, EXAMPLE)
    people, quotas, _ = files
    (folder / "plans").mkdir(exist_ok=True)
    rows = ["rep_id,start_date,end_date,plan_id,target_cash,base_salary,currency"]
    for person in people.to_dict("records"):
        plan, who = plan_of(person), person["BusinessEntityID"]
        (folder / "plans" / f"{plan['id']}.yaml").write_text(yaml.safe_dump(plan, sort_keys=False))
        first = min(quotas.loc[quotas["BusinessEntityID"] == who, "QuotaDate"])[:10]
        rows.append(f"{who},{first},,{plan['id']},{Decimal(person['Bonus']) * 4},0,USD")
    (folder / "tables" / "plan_assignments.csv").write_text("\n".join(rows) + "\n")
    return folder


def with_house(snapshot) -> dict[str, pd.DataFrame]:
    """Tables in which orders that nobody sold belong to a house account, which is on no plan.

    The rep spells of the export are of territories. Rep 280's last one ended on 2012-09-29, and his orders
    go on: here everybody is employed from the first spell on.
    """
    tables = closed.tables_of(snapshot)
    deals = tables["opportunities"]
    reps = tables["reps"].sort_values("start_date").drop_duplicates("rep_id").assign(end_date=pd.NaT)
    house = reps.iloc[[0]].assign(rep_id=HOUSE, role="House account", manager_id=None, end_date=pd.NaT)
    house["start_date"] = pd.Timestamp("2011-01-01")
    return tables | {
        "opportunities": deals.assign(owner_id=deals["owner_id"].fillna(HOUSE)),
        "reps": pd.concat([reps, house], ignore_index=True),
    }


@pytest.fixture(scope="module")
def paid(works):
    snapshot = inputs.open_snapshot(works, "2014-06-30")
    plans = inputs.plan_files(works)
    taken = closed.taken_from(snapshot, with_house(snapshot), plans, LAST)
    return taken, work_out(taken, LAST)


@pytest.fixture(scope="module")
def by_hand(files, paid):
    """(rep, quarter) → (commission, bonus) from the files alone."""
    people, quotas, orders = files
    starts = [*sorted({q[:10] for q in quotas["QuotaDate"]}), "2014-05-30"]
    mine = orders[orders["SalesPersonID"].notna()]
    days = mine["OrderDate"].dt.strftime("%Y-%m-%d")
    found = {}
    for person in people.to_dict("records"):
        who, rate = person["BusinessEntityID"], Decimal(person["CommissionPct"])
        own = quotas[quotas["BusinessEntityID"] == who]
        for quota in own.to_dict("records"):
            start = quota["QuotaDate"][:10]
            end = starts[starts.index(start) + 1]
            sold = mine[(mine["SalesPersonID"] == int(who)) & (days >= start) & (days < end)]
            total = sum(
                (Decimal(str(a)).quantize(CENT, ROUND_HALF_EVEN) for a in sold["SubTotal"]), Decimal(0)
            )
            bonus = Decimal(person["Bonus"]) if total >= Decimal(quota["SalesQuota"]) else Decimal(0)
            found[who, start] = ((total * rate).quantize(CENT, ROUND_HALF_EVEN), bonus.quantize(CENT))
    return found


def sums(worked) -> dict[tuple, Decimal]:
    calendar, found = first_days(worked), defaultdict(Decimal)
    for row in worked.lines.to_dict("records"):
        found[row["rep_id"], calendar[row["period"]], row["part"]] += row["amount"]
    return found


def first_days(worked) -> dict[str, str]:
    """Quarter → its first day, as the quota history has it."""
    names = sorted(worked.lines["closes"].unique())
    days = ["2011-05-31", "2011-08-31", "2011-12-01", "2012-02-29", "2012-05-30", "2012-08-30", "2012-11-30",
            "2013-02-28", "2013-05-30", "2013-08-30", "2013-11-30", "2014-03-01"]  # fmt: skip
    return dict(zip(names, days, strict=True))


def test_four_fiscal_years_of_commissions_and_bonuses_are_those_worked_out_from_the_files(paid, by_hand):
    _, worked = paid
    ours = sums(worked)
    expected = {
        (who, start, part): amount
        for (who, start), pair in by_hand.items()
        for part, amount in zip(("commission", "bonus"), pair, strict=True)
    }
    wrong = {k: (ours.get(k), v) for k, v in expected.items() if ours.get(k, Decimal(0)) != v}
    assert wrong == {}
    assert sum(ours.values()) == sum(expected.values()) > 1_000_000
    assert len({who for who, _ in by_hand}) == 14


def test_every_order_of_a_salesperson_is_a_line_and_no_web_order_is(paid, files):
    _, worked = paid
    _, _, orders = files
    lines = worked.lines[worked.lines["kind"] == "commission"]
    assert lines["deal_id"].is_unique
    online = set(orders.loc[orders["SalesPersonID"].isna(), "SalesOrderID"].astype(str))
    assert not online & set(lines["deal_id"])


def test_orders_that_nobody_sold_are_refused_until_they_belong_to_somebody(works):
    snapshot = inputs.open_snapshot(works, "2014-06-30")
    plans = inputs.plan_files(works)
    with pytest.raises(TableError, match=r"has no owner and no credit.*house account on no plan"):
        closed.taken_from(snapshot, closed.tables_of(snapshot), plans, LAST)


def test_two_quarters_over_a_fiscal_years_end_are_closed_and_add_up_to_the_files(paid, by_hand):
    from salesops_lib.compensation.close.draft import draft

    taken, _ = paid
    entries: list[dict] = []
    for period, start in (("FY13-Q4", "2013-02-28"), ("FY14-Q1", "2013-05-30")):
        end = taken.calendar.bounds(period)[1] - timedelta(days=1)
        through = taken.events[taken.events["date"] <= end]
        again = thawed(frozen(taken))
        assert len(again.events) == len(taken.events) > len(through)
        made = draft(work_out(again, end), read_books(entries), taken.calendar, period, end)
        expected = sum(c + b for (_, s), (c, b) in by_hand.items() if s == start)
        assert made.paid == {"USD": int(expected * 100)}
        rows = [*desk.drafted(made, "p")]
        for role, who in (("manager", "Ada"), ("finance", "Bo")):
            rows.append(
                {"entry_kind": "approval", "period": period, "draft": made.hash, "role": role, "who": who}
            )
        stamp = {"recorded_at": "2014-06-30T12:00:00Z"}
        entries += [{"entry": len(entries) + n, **stamp, **r} for n, r in enumerate(rows, 1)]
        posted = desk.posted(read_books(entries), made, "p", "x")
        entries += [{"entry": len(entries) + n, **stamp, **r} for n, r in enumerate(posted, 1)]
    assert list(read_books(entries).postings) == ["FY13-Q4", "FY14-Q1"]
    # The fiscal year's sums start anew with FY14.
    books = read_books(entries)
    last = books.payments[books.payments["closes"] == "FY14-Q1"]
    assert (last["year_paid"] == last["paid"]).all()
