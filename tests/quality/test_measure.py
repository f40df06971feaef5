from datetime import date, datetime

import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from salesops_lib.inputs.tables import TABLES
from salesops_lib.quality.measure import catalogue, measure

FAULTS = {f.name: f for f in catalogue(TABLES)}
WON = {"is_closed": True, "is_won": True, "stage": "Closed Won", "close_date": date(2025, 11, 3)}
LOST = WON | {"is_won": False, "stage": "Closed Lost"}
TOMORROW = date(2025, 12, 13)
# What makes a row due where a clean row is not.
DUE = {"opportunities.loss_reason.empty": LOST}
EMPTIES = [n for n in FAULTS if n.endswith(".empty")]
ORDERED = [n for n in FAULTS if ".before_" in n]
RANGES = [n for n in FAULTS if n.endswith(".out_of_range")]
REFERENCES = [n for n, f in FAULTS.items() if n.endswith(".orphan") and f"known_{f.field}" in f.needs]
DOUBLES = [n for n in FAULTS if n.endswith(".key_double")]


def of(measures, fault: str) -> dict:
    """One fault's line."""
    found = measures.faults[measures.faults["fault"] == fault]
    return found.iloc[0].to_dict()


def counted(measures, fault: str) -> tuple:
    line = of(measures, fault)
    return line["state"], line["due"], line["faulty"]


@pytest.fixture(scope="module")
def clean(measured):
    return measured()


def test_fault_names_are_unique():
    assert len(FAULTS) == len(catalogue(TABLES))


def test_a_clean_company_has_no_fault_and_every_score_measured_is_one(clean):
    live = clean.faults[clean.faults["state"] == "measured"]
    assert live.loc[live["faulty"] > 0, "fault"].tolist() == []
    assert (live["score"] == 1.0).all()
    assert (clean.worth["affected"] == 0).all()


def tables_of(names: list[str]) -> list[str]:
    return sorted({FAULTS[n].table for n in names})


def broken_one_by_one(measured, table: str, names: list[str], wrong) -> dict[str, tuple]:
    """Per fault of a table a clean row and one that ``wrong(fault)`` breaks: what is counted of each."""
    mine = [FAULTS[n] for n in names if FAULTS[n].table == table]
    rows = [dict(DUE.get(f.name, {})) for f in mine] + [DUE.get(f.name, {}) | wrong(f) for f in mine]
    found = measured(mine, **{table: rows}).faults.set_index("fault")
    return {f.name: (found.loc[f.name, "state"], found.loc[f.name, "faulty"]) for f in mine}


def all_found(names: list[str], table: str) -> dict[str, tuple]:
    return {n: ("measured", 1) for n in names if FAULTS[n].table == table}


@pytest.mark.parametrize("table", tables_of(EMPTIES))
def test_an_empty_cell_is_found_where_the_field_is_due(measured, table):
    found = broken_one_by_one(measured, table, EMPTIES, lambda f: {f.field: None})
    assert found == all_found(EMPTIES, table)


@pytest.mark.parametrize("table", tables_of(ORDERED))
def test_a_later_stamp_before_the_earlier_is_found(measured, table):
    def wrong(fault):
        early = fault.name.rsplit(".before_", 1)[1]
        stamps = TABLES[fault.table].by_name[early].kind == "datetime"
        day = datetime if stamps else date
        # Only these two are filled, so that no other pair of the row is out of order.
        others = {f.field: None for f in FAULTS.values() if f.name in ORDERED and f.table == fault.table}
        return others | {early: day(2025, 5, 2), fault.field: day(2025, 5, 1)}

    assert broken_one_by_one(measured, table, ORDERED, wrong) == all_found(ORDERED, table)


def test_a_pair_of_stamps_with_one_missing_is_not_judged(measured):
    name = "leads.mql_at.before_created_at"
    rows = [{}, {"mql_at": None}, {"created_at": None}]
    assert counted(measured([FAULTS[name]], leads=rows), name) == ("measured", 1, 0)


@pytest.mark.parametrize("table", tables_of(RANGES))
def test_a_value_outside_its_contract_is_found(measured, table):
    def wrong(fault):
        column = TABLES[fault.table].by_name[fault.field]
        past = column.low - 1 if column.low is not None else (column.high or 0) + 1
        return {fault.field: "strange" if column.values else past}

    assert broken_one_by_one(measured, table, RANGES, wrong) == all_found(RANGES, table)


@pytest.mark.parametrize("table", tables_of(REFERENCES))
def test_a_reference_to_a_row_that_is_not_there_is_found(measured, table):
    found = broken_one_by_one(measured, table, REFERENCES, lambda f: {f.field: "nobody"})
    assert found == all_found(REFERENCES, table)


def test_an_empty_reference_is_no_orphan(measured):
    name = "opportunities.owner_id.orphan"
    assert counted(measured([FAULTS[name]], opportunities=[{}, {"owner_id": None}]), name) == (
        "measured",
        1,
        0,
    )


def test_a_key_that_stands_twice_is_found_once_per_surplus_row_in_every_table(measured):
    names = [FAULTS[n] for n in DOUBLES]
    found = measured(names, **{f.table: [{}, {}, {}] for f in names}).faults
    assert found[["state", "due", "faulty"]].drop_duplicates().to_numpy().tolist() == [["measured", 3, 2]]


BY_HAND = [
    # fault, changed tables, due, faulty
    ("opportunities.close_date.future", {"opportunities": [WON, WON | {"close_date": TOMORROW}]}, 2, 1),
    ("opportunities.close_date.future", {"opportunities": [WON | {"close_date": date(2025, 12, 12)}]}, 1, 0),
    ("opportunities.amount_base.not_positive", {"opportunities": [{}, {"amount_base": 0.0}]}, 2, 1),
    ("opportunities.amount_base.not_positive", {"opportunities": [{}, LOST | {"amount_base": 0.0}]}, 1, 0),
    ("opportunities.is_won.won_but_open", {"opportunities": [{}, {"is_won": True}]}, 2, 1),
    ("opportunities.close_date.past", {"opportunities": [{}, {"close_date": date(2025, 12, 11)}]}, 2, 1),
    ("opportunities.close_date.past", {"opportunities": [{"close_date": date(2025, 12, 12)}]}, 1, 0),
    ("opportunities.close_date.past", {"opportunities": [{}, LOST]}, 1, 0),
    # 60 days before 12 December is 13 October.
    (
        "opportunities.last_touch.untouched",
        {
            "opportunities": [
                {"opportunity_id": "a", "recorded_at": datetime(2025, 10, 12, 23)},
                {"opportunity_id": "b", "recorded_at": datetime(2025, 10, 13)},
            ],
            "opportunity_history": None,
            "activities": None,
        },
        2,
        1,
    ),
    (  # an activity is a touch
        "opportunities.last_touch.untouched",
        {
            "opportunities": [
                {"opportunity_id": "a", "recorded_at": datetime(2025, 1, 1)},
                {"opportunity_id": "b", "recorded_at": datetime(2025, 1, 1)},
            ],
            "opportunity_history": None,
            "activities": [{"opportunity_id": "b", "at": datetime(2025, 12, 1)}],
        },
        2,
        1,
    ),
    (  # decided on 3 November, in the history by 10 November is in time, 11 November is late
        "opportunities.close_date.recorded_late",
        {
            "opportunities": [WON | {"opportunity_id": "a"}, LOST | {"opportunity_id": "b"}],
            "opportunity_history": [
                {"opportunity_id": "a", "stage": "Proposal", "changed_at": datetime(2025, 1, 1)},
                {"opportunity_id": "a", "stage": "Closed Won", "changed_at": datetime(2025, 11, 10, 23)},
                {"opportunity_id": "b", "stage": "Closed Lost", "changed_at": datetime(2025, 11, 11)},
            ],
        },
        2,
        1,
    ),
    (  # 30 deals took 10 days; open for 11 is older than any, for 10 is not
        "opportunities.created_date.outlived",
        {
            "opportunities": [WON | {"created_date": date(2025, 10, 24)}] * 30
            + [{"created_date": date(2025, 12, 1)}, {"created_date": date(2025, 12, 2)}]
        },
        2,
        1,
    ),
    ("opportunities.name.twin", {"opportunities": [{"opportunity_id": i} for i in "abc"]}, 3, 2),
    ("opportunities.name.twin", {"opportunities": [{"amount_base": 1.0}, {"amount_base": 2.0}]}, 2, 0),
    (
        "opportunities.owner_id.left",
        {
            "opportunities": [{}, {"owner_id": "gone"}, {"owner_id": "nobody"}],
            "reps": [{}, {"rep_id": "gone", "end_date": date(2025, 12, 12)}],
        },
        2,
        1,
    ),
    (
        "opportunity_history.changed_at.out_of_sequence",
        {
            "opportunity_history": [
                {"sequence": 1, "changed_at": datetime(2025, 5, 2)},
                {"sequence": 2, "changed_at": datetime(2025, 5, 1)},
                {"sequence": 3, "changed_at": datetime(2025, 5, 3)},
                {"opportunity_id": "other", "sequence": 1, "changed_at": datetime(2025, 1, 1)},
            ]
        },
        2,
        1,
    ),
    (
        "reps.start_date.overlap",
        {
            "reps": [
                {"start_date": date(2024, 1, 1), "end_date": date(2024, 7, 1)},
                {"start_date": date(2024, 7, 1), "end_date": None},
                {"start_date": date(2025, 1, 1), "end_date": None},
            ]
        },
        2,
        1,
    ),
    (
        "quotas.holder_id.orphan",
        {"quotas": [{}, {"holder_id": "nobody"}, {"holder_id": "EMEA", "level": "team"}]},
        2,
        1,
    ),
    (
        "accounts.name.duplicate",
        {
            "accounts": [
                {"account_id": "a", "name": "The Acme-Foods, Inc.", "country": "US"},
                {"account_id": "b", "name": "ACME FOODS", "country": "US"},
                {"account_id": "c", "name": "AcmeFoods GmbH", "country": None},
                {"account_id": "d", "name": "Acme Foods", "country": "FR"},
                {"account_id": "e", "name": "Acme Drinks", "country": "US"},
                {"account_id": "f", "name": None, "country": "US"},
            ]
        },
        5,
        # a, b and c are one: c has no country, which fills to the first, FR: d and c are one.
        2,
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "changed", "due", "faulty"), BY_HAND, ids=[f"{c[0]}-{c[3]}" for c in BY_HAND]
)
def test_faults_counted_by_hand(measured, name, changed, due, faulty):
    assert counted(measured([FAULTS[name]], **changed), name) == ("measured", due, faulty)


def test_every_fault_looked_for_is_shown_to_fire():
    shown = {*EMPTIES, *ORDERED, *RANGES, *REFERENCES, *DOUBLES, *(c[0] for c in BY_HAND if c[3])}
    assert set(FAULTS) - shown == set()


# Where a field is due


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("opportunities.next_step.empty", LOST),
        ("opportunities.loss_reason.empty", {}),
        ("opportunities.loss_reason.empty", WON),
        ("opportunities.loss_reason.empty", LOST | {"close_date": date(2024, 12, 12)}),  # 365 days ago
        ("opportunities.amount_base.empty", {"stage": "Qualification"}),  # before the stage where it is due
        ("opportunities.amount_base.empty", LOST),
        ("opportunities.forecast_category.empty", {"stage": None}),  # rewound: nothing can be asked of it
        ("leads.reason.empty", {"disqualified_at": None}),
    ],
)
def test_a_field_that_is_not_due_is_not_missed_and_has_no_score(measured, name, row):
    fault = FAULTS[name]
    found = of(measured([fault], **{fault.table: [row | {fault.field: None}]}), name)
    assert (found["state"], found["due"], found["faulty"]) == ("no row due", 0, 0)
    assert pd.isna(found["score"])


def test_text_of_nothing_but_space_is_empty(measured):
    name = "opportunities.next_step.empty"
    found = measured([FAULTS[name]], opportunities=[{}, {"next_step": "  "}, {"next_step": ""}])
    assert counted(found, name) == ("measured", 3, 2)


def test_a_field_that_no_row_fills_is_said_to_be_never_filled_and_scored_nothing(measured):
    name = "opportunities.next_step.empty"
    found = of(measured([FAULTS[name]], opportunities=[{"next_step": None}] * 3), name)
    assert (found["state"], found["due"], found["faulty"]) == ("never filled", 3, 0)
    assert pd.isna(found["score"])


# What cannot be measured


def test_a_company_without_rows_has_no_score_at_all(measured):
    found = measured(**{name: [] for name in TABLES})
    assert set(found.faults["state"]) == {"no row due"}
    assert found.faults["score"].isna().all()
    assert len(found.scores) == len(found.tables) == len(found.places) == 0
    assert found.worth["deals"].sum() == 0


def test_a_company_without_tables_says_so_for_every_fault(basis):
    found = measure({}, TABLES, basis)
    assert set(found.faults["state"]) == {"table missing"}
    assert len(found.worth) == 0


def test_a_missing_column_leaves_only_its_own_faults_unmeasured(make_company, basis):
    tables = make_company()
    tables["opportunities"] = tables["opportunities"].drop("next_step")
    found = measure(tables, TABLES, basis)
    assert of(found, "opportunities.next_step.empty")["state"] == "column missing"
    assert of(found, "opportunities.owner_id.empty")["state"] == "measured"


def test_without_reps_no_owner_is_an_orphan(measured):
    found = measured([FAULTS["opportunities.owner_id.orphan"]], reps=None)
    assert of(found, "opportunities.owner_id.orphan")["state"] == "column missing"


def test_one_recorded_at_for_all_rows_is_the_imports_and_no_touch(measured):
    name = "opportunities.last_touch.untouched"
    found = measured(
        [FAULTS[name]],
        opportunities=[{"recorded_at": datetime(2025, 1, 1)}] * 3,
        opportunity_history=None,
        activities=None,
    )
    assert of(found, name)["state"] == "column missing"


def test_too_few_closed_deals_cannot_say_how_old_a_deal_may_become(measured):
    name = "opportunities.created_date.outlived"
    rows = [WON | {"created_date": date(2025, 11, 1)}] * 29 + [{"created_date": date(2020, 1, 1)}]
    assert of(measured([FAULTS[name]], opportunities=rows), name)["state"] == "no row due"


# Money


def deal(number: int, **changes) -> dict:
    return {"opportunity_id": f"o{number}", "name": f"deal {number}"} | changes


def test_money_is_the_value_of_the_faulty_deals_and_due_money_that_of_all(measured):
    name = "opportunities.close_date.past"
    past = {"close_date": date(2025, 12, 1)}
    rows = [deal(1, amount_base=10.0), deal(2, amount_base=20.0, **past), deal(3, amount_base=None, **past)]
    found = of(measured([FAULTS[name]], opportunities=rows), name)
    assert (found["due_base"], found["money_base"], found["unpriced"]) == (30.0, 20.0, 1)


def test_where_no_faulty_deal_has_a_value_the_money_is_unknown_not_nought(measured):
    name = "opportunities.amount_base.empty"
    found = of(measured([FAULTS[name]], opportunities=[deal(1), deal(2, amount_base=None)]), name)
    assert (found["faulty"], found["unpriced"]) == (1, 1)
    assert pd.isna(found["money_base"])


def test_a_deal_with_two_faults_counts_once_in_the_total(measured):
    both = {"next_step": None, "close_date": date(2025, 12, 1)}
    found = measured(opportunities=[deal(1, amount_base=10.0, **both), deal(2, amount_base=5.0)])
    money = found.faults.set_index("fault")["money_base"]
    assert money["opportunities.next_step.empty"] == money["opportunities.close_date.past"] == 10.0
    total = found.worth.set_index("outcome").loc["open"]
    assert (total["affected"], total["affected_base"], total["deals_base"]) == (1, 10.0, 15.0)


def test_a_deal_faulty_through_its_account_and_itself_counts_once(measured):
    found = measured(
        accounts=[{"account_id": "a"}, {"account_id": "b"}],  # one name: b is surplus
        opportunities=[
            deal(1, account_id="b", amount_base=10.0, next_step=None),
            deal(2, account_id="b", amount_base=7.0),
            deal(3, account_id="a", amount_base=1.0),
        ],
    )
    money = found.faults.set_index("fault")["money_base"]
    assert money["accounts.name.duplicate"] == 17.0
    total = found.worth.set_index("outcome").loc["open"]
    assert (total["affected"], total["affected_base"]) == (2, 17.0)


def test_two_faulty_lines_of_one_deal_are_worth_the_deal_once(measured):
    name = "credits.rep_id.orphan"
    found = measured(
        [FAULTS[name]],
        opportunities=[deal(1, amount_base=10.0)],
        credits=[{"opportunity_id": "o1", "rep_id": "x"}, {"opportunity_id": "o1", "rep_id": "y"}],
    )
    assert (of(found, name)["faulty"], of(found, name)["money_base"]) == (2, 10.0)


def test_a_deal_closed_long_ago_puts_nothing_at_stake(measured):
    name = "opportunities.account_id.empty"
    old, new = date(2024, 12, 12), date(2024, 12, 13)  # 365 and 364 days before
    rows = [
        deal(1, **WON | {"close_date": old}, account_id=None, amount_base=10.0),
        deal(2, **WON | {"close_date": new}, account_id=None, amount_base=3.0),
        deal(3),
    ]
    found = of(measured([FAULTS[name]], opportunities=rows), name)
    assert (found["faulty"], found["money_base"]) == (2, 3.0)


def test_a_lost_deal_is_counted_but_has_no_money_at_stake(measured):
    # Without account: 100 won, 900 lost, and what is lost can be lost no more.
    name = "opportunities.account_id.empty"
    rows = [
        deal(1, **WON, account_id=None, amount_base=100.0),
        deal(2, **LOST, account_id=None, amount_base=900.0),
        deal(3, amount_base=7.0),
    ]
    found = of(measured([FAULTS[name]], opportunities=rows), name)
    assert (found["faulty"], found["money_base"], found["due_base"]) == (2, 100.0, 107.0)


def test_an_optional_field_left_empty_is_scored_but_counts_in_no_total(measured):
    found = measured(opportunities=[deal(1, lead_source=None), deal(2)])
    assert of(found, "opportunities.lead_source.empty")["faulty"] == 1
    assert found.worth["affected"].sum() == 0


KEPT = [
    "opportunities.next_step.empty", "opportunities.account_id.empty", "opportunities.close_date.past",
    "opportunities.owner_id.orphan", "accounts.name.duplicate",
]  # fmt: skip
DEALS = st.lists(
    st.fixed_dictionaries(
        {
            "amount_base": st.none() | st.integers(0, 100).map(float),
            "next_step": st.sampled_from([None, "call"]),
            "account_id": st.sampled_from([None, "a", "b"]),
            "owner_id": st.sampled_from(["rep_id-1", "nobody"]),
            "close_date": st.sampled_from([date(2025, 12, 1), date(2026, 1, 1)]),
        }
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=10, deadline=None, phases=[Phase.generate])
@given(rows=DEALS)
def test_the_total_is_the_union_of_the_faulty_deals(measured, rows):
    rows = [deal(i, **r) for i, r in enumerate(rows)]
    # The slow obvious loop: account b stands twice with a, so every deal on it is touched.
    hit = [
        (r["next_step"] is None and any(x["next_step"] for x in rows))  # else never filled
        or (r["account_id"] is None and any(x["account_id"] for x in rows))
        or r["account_id"] == "b" or r["owner_id"] == "nobody" or r["close_date"] < date(2025, 12, 12)
        for r in rows
    ]  # fmt: skip
    found = measured(
        [FAULTS[n] for n in KEPT],
        opportunities=rows,
        accounts=[{"account_id": "a"}, {"account_id": "b"}],
    )
    total = found.worth.set_index("outcome").loc["open"]
    values = [r["amount_base"] or 0.0 for r, h in zip(rows, hit, strict=True) if h]
    assert total["affected"] == sum(hit)
    if any(h and r["amount_base"] is not None for r, h in zip(rows, hit, strict=True)) or not any(hit):
        assert total["affected_base"] == sum(values)
    else:
        assert pd.isna(total["affected_base"])
    money = found.faults["money_base"].dropna()
    assert (money <= sum(r["amount_base"] or 0.0 for r in rows)).all()  # none where no amount is known
    assert sum(values) <= money.sum()


# Scores and places


def test_a_field_score_counts_a_row_once_however_many_faults_it_has(measured):
    names = ["opportunities.close_date.future", "opportunities.close_date.before_created_date"]
    rows = [WON | {"close_date": date(2025, 12, 20), "created_date": date(2025, 12, 25)}, {}, {}]
    scores = measured([FAULTS[n] for n in names], opportunities=rows).scores
    assert scores[["field", "dimension", "due", "faulty"]].to_numpy().tolist() == [
        ["close_date", "validity", 3, 1]
    ]


def test_places_are_the_owners_teams_on_the_day(measured):
    found = measured(
        [FAULTS["opportunities.next_step.empty"]],
        opportunities=[{"next_step": None}, {}, {"next_step": None, "owner_id": "nobody"}],
        reps=[
            {"team": "Old", "start_date": date(2024, 1, 1), "end_date": date(2025, 6, 1)},
            {"team": "New", "start_date": date(2025, 6, 1)},
            {"team": "Next year", "start_date": date(2026, 2, 1)},
        ],
    )
    places = found.places.set_index("place")[["due", "faulty"]]
    assert places.to_dict("index") == {
        "New": {"due": 2, "faulty": 1},
        "not known": {"due": 1, "faulty": 1},
    }


def test_tables_without_owner_are_placed_by_segment(measured):
    found = measured(
        [FAULTS["accounts.name.empty"]], accounts=[{"name": None, "segment": "SMB"}, {"account_id": "b"}]
    )
    assert found.places[["place", "faulty"]].to_numpy().tolist() == [["segment SMB", 1]]
