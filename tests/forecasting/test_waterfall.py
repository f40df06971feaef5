"""The waterfall: every cent has one reason, at every node, over any steps."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops_lib.core import periods
from salesops_lib.core.periods import Period
from salesops_lib.forecasting.deals.known import deal_log, known_on
from salesops_lib.forecasting.flow.fx_effect import Rates
from salesops_lib.forecasting.flow.waterfall import TERMS, composed, long, waterfall, waterfall_between

CALENDAR = periods.monthly(1, range(2024, 2027))
PERIOD = Period.parse("FY25-Q2")  # April to June 2025
STAGES = pd.DataFrame({"stage": ["Talk", "Won", "Lost"], "outcome": ["open", "won", "lost"]})
REPS = pd.DataFrame(
    {
        "rep_id": ["R1", "R2", "R3", "R3"],
        "start_date": pd.to_datetime(["2024-01-01", "2024-01-01", "2024-01-01", "2025-05-10"]),
        "team": ["North", "North", "South", "East"],
        "region": ["EMEA", "EMEA", "EMEA", "APAC"],
    }
)
BOUNDS = ("FY25-Q2", *CALENDAR.bounds(PERIOD))
WEEK = (date(2025, 4, 10), date(2025, 4, 17))
MOVES = TERMS[1:-1]


def log(changes, as_of=date(2025, 7, 31), currency="USD"):
    """Changes as (deal, day, stage, amount, close date, owner)."""
    columns = ["opportunity_id", "changed_at", "stage", "amount_base", "close_date", "owner_id"]
    history = pd.DataFrame(changes, columns=columns)
    history["changed_at"] = pd.to_datetime(history["changed_at"], utc=True) + pd.Timedelta(hours=9)
    history["close_date"] = pd.to_datetime(history["close_date"]).astype("datetime64[ns]")
    history = history.assign(sequence=range(1, len(history) + 1), forecast_category=None)
    last = history.drop_duplicates("opportunity_id", keep="last").rename(
        columns={"changed_at": "recorded_at"}
    )
    first = history.drop_duplicates("opportunity_id").set_index("opportunity_id")["changed_at"]
    created = last["opportunity_id"].map(first).dt.tz_localize(None).dt.normalize()
    deals = last.assign(created_date=created, account_id=None, type=None, segment=None, lead_source=None)
    deals = deals.assign(
        currency=currency,
        is_closed=deals["stage"].isin(["Won", "Lost"]).astype("boolean"),
        is_won=deals["stage"].eq("Won").astype("boolean"),
    )
    return deal_log(deals, history, STAGES, as_of=as_of, zone="UTC", calendar=CALENDAR)


def terms(table, level="company", node="company"):
    """What is not 0 in the one row of a node."""
    row = table[table["level"].eq(level) & table["node_id"].eq(node)].iloc[0]
    return {term: row[term] / 100 for term in TERMS if row[term]}


def between(*changes, start="2025-04-10", end="2025-04-20", **options):
    made = log(list(changes), **options)
    return waterfall(made, REPS, PERIOD, [date.fromisoformat(start), date.fromisoformat(end)])


OPENED = ("D", "2025-04-01", "Talk", 100.0, "2025-05-15", "R1")


# By hand, one change each: 100.00 is in on 10 April unless the case says otherwise.
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ([OPENED], {"start": 100, "end": 100}),
        ([("D", "2025-04-12", "Talk", 70.0, "2025-05-15", "R1")], {"new": 70, "end": 70}),
        ([OPENED, ("D", "2025-04-12", "Talk", 130.0, "2025-05-15", "R1")],
         {"start": 100, "increased": 30, "end": 130}),
        ([OPENED, ("D", "2025-04-12", "Talk", 60.0, "2025-05-15", "R1")],
         {"start": 100, "decreased": -40, "end": 60}),
        ([OPENED, ("D", "2025-04-12", "Talk", 120.0, "2025-07-02", "R1")],
         {"start": 100, "pushed_out": -100}),
        ([OPENED, ("D", "2025-04-12", "Talk", 120.0, None, "R1")], {"start": 100, "pushed_out": -100}),
        ([OPENED, ("D", "2025-04-12", "Talk", 120.0, "2025-03-30", "R1")],
         {"start": 100, "pulled_out": -100}),
        ([OPENED, ("D", "2025-04-12", "Won", 90.0, "2025-04-12", "R1")],
         {"start": 100, "decreased": -10, "won": -90}),
        ([OPENED, ("D", "2025-04-12", "Lost", 0.0, "2025-04-12", "R1")], {"start": 100, "lost": -100}),
        ([("D", "2025-04-01", "Talk", 100.0, "2025-08-15", "R1"),
          ("D", "2025-04-12", "Talk", 80.0, "2025-06-30", "R1")], {"pulled_in": 80, "end": 80}),
        ([("D", "2025-03-01", "Talk", 100.0, "2025-03-15", "R1"),
          ("D", "2025-04-12", "Talk", 80.0, "2025-04-01", "R1")], {"pushed_in": 80, "end": 80}),
        ([("D", "2025-04-01", "Lost", 100.0, "2025-04-01", "R1"),
          ("D", "2025-04-12", "Talk", 80.0, "2025-05-01", "R1")], {"reopened": 80, "end": 80}),
        ([("D", "2025-04-01", "Talk", 100.0, "2025-08-15", "R1"),
          ("D", "2025-04-12", "Won", 80.0, "2025-04-12", "R1")], {"pulled_in": 80, "won": -80}),
        ([("D", "2025-04-12", "Won", 80.0, "2025-04-12", "R1")], {"new": 80, "won": -80}),
        ([OPENED, ("D", "2025-04-12", "Mystery", 80.0, "2025-05-15", "R1"),
          ("D", "2025-07-20", "Talk", 80.0, "2025-08-15", "R1")], {"start": 100, "deleted": -100}),
        ([("D", "2025-04-01", "Talk", None, "2025-05-15", "R1"),
          ("D", "2025-04-12", "Talk", 80.0, "2025-05-15", "R1")], {"increased": 80, "end": 80}),
    ],
)  # fmt: skip
def test_a_change_has_the_term_it_has_by_definition(changes, said):
    assert terms(between(*changes)) == said


def test_a_first_day_of_the_period_is_in_it_and_the_day_after_its_last_is_not():
    assert terms(between(("D", "2025-04-01", "Talk", 5.0, "2025-04-01", "R1"))) == {"start": 5, "end": 5}
    assert terms(between(("D", "2025-04-01", "Talk", 5.0, "2025-07-01", "R1"))) == {}


def test_a_deal_handed_over_moves_between_reps_and_not_between_their_teams():
    table = between(OPENED, ("D", "2025-04-12", "Talk", 110.0, "2025-05-15", "R2"))
    assert terms(table, "rep", "R1") == {"start": 100, "owner": -100}
    assert terms(table, "rep", "R2") == {"increased": 10, "owner": 100, "end": 110}
    assert terms(table, "team", "North") == {"start": 100, "increased": 10, "end": 110}


def test_a_rep_who_changes_team_takes_the_open_deals_along_on_that_day():
    deal = ("D", "2025-04-01", "Talk", 100.0, "2025-05-15", "R3")
    table = between(deal, start="2025-05-01", end="2025-05-20")
    assert terms(table, "team", "South") == {"start": 100, "owner": -100}
    assert terms(table, "team", "East") == {"owner": 100, "end": 100}
    assert terms(table, "rep", "R3") == {"start": 100, "end": 100}
    assert terms(table, "region", "APAC") == {"owner": 100, "end": 100}
    assert terms(table) == {"start": 100, "end": 100}


def test_an_amount_changed_without_a_stamp_appears_between_two_states_of_the_table():
    before = known_on(log([OPENED]), date(2025, 4, 10))
    after = before.assign(amount_base=[140.25])
    table = waterfall_between(
        before,
        after,
        BOUNDS,
        (date(2025, 4, 10), date(2025, 4, 17)),
        reps=REPS,
    )
    assert terms(table) == {"start": 100, "increased": 40.25, "end": 140.25}


def test_a_row_that_is_gone_from_the_table_is_deleted_at_the_node_it_was_in():
    before = known_on(log([OPENED]), date(2025, 4, 10))
    table = waterfall_between(
        before, before.iloc[:0], BOUNDS, WEEK,
        reps=REPS,
    )  # fmt: skip
    assert terms(table) == terms(table, "rep", "R1") == {"start": 100, "deleted": -100}


def test_what_the_rate_did_is_told_from_what_the_deal_did():
    # 100 EUR at 1.00 is 100; at 1.10 the same 100 EUR is 110, and 120 EUR would be 132.
    rates = Rates(
        pd.DataFrame(
            {
                "currency": "EUR",
                "date": pd.to_datetime(["2025-04-01", "2025-04-12"]),
                "base_per_unit": [1.0, 1.1],
            }
        ),
        "USD",
    )
    days = [date(2025, 4, 10), date(2025, 4, 20)]
    for amount, said in ((110.0, {"fx": 10}), (132.0, {"fx": 10, "increased": 22}), (100.0, {})):
        made = log([OPENED, ("D", "2025-04-12", "Talk", amount, "2025-05-15", "R1")], currency="EUR")
        found = terms(waterfall(made, REPS, PERIOD, days, rates=rates))
        assert {k: v for k, v in found.items() if k in MOVES} == said


def test_days_that_do_not_ascend_are_refused():
    with pytest.raises(ValueError, match="from one day to later ones"):
        waterfall(log([OPENED]), REPS, PERIOD, [date(2025, 4, 10), date(2025, 4, 10)])


def test_no_deals_make_a_waterfall_of_zeros_for_the_company():
    table = between(("D", "2025-06-01", "Talk", 5.0, "2025-06-30", "R1"))
    assert table["level"].tolist() == ["company"] and not table[list(TERMS)].to_numpy().any()


def test_the_long_table_adds_up_in_decimals():
    table = long(between(OPENED, ("D", "2025-04-12", "Won", 90.1, "2025-04-12", "R1")))
    mine = table[table["level"] == "company"].set_index("term")["value_base"]
    assert str(mine["won"]) == "-90.10"
    assert sum(mine.drop("end")) == mine["end"]


SEED = st.integers(0, 2**32 - 1)
START = date(2025, 3, 20)


def change(random):
    """One change of one of four deals, around the period; anything may be unknown or odd."""
    day = START + timedelta(days=int(random.integers(0, 76)))
    amount = None if random.random() < 0.2 else float(np.round(random.uniform(-500, 900), 2))
    close = None if random.random() < 0.2 else START + timedelta(days=int(random.integers(-40, 161)))
    stage = random.choice(["Talk", "Talk", "Talk", "Won", "Lost", "Mystery"])
    owner = random.choice(["R1", "R2", "R3", "R9"])
    return f"D{random.integers(0, 4)}", day, str(stage), amount, close, str(owner)


def histories(random, least=1):
    """Ten histories of up to ten changes each."""
    return [[change(random) for _ in range(random.integers(least, 11))] for _ in range(WORLDS)]


def cuts(random):
    """Two to five days, ascending."""
    days = random.choice(81, size=random.integers(2, 6), replace=False)
    return [START + timedelta(days=int(day) - 2) for day in np.sort(days)]


WORLDS = 10


def worlds(given):
    """Independent histories in one log: deals and owners carry the number of theirs."""
    return [
        (f"{deal}-{n}", day, stage, amount, close, owner if owner == "R9" else f"{owner}-{n}")
        for n, history in enumerate(given)
        for deal, day, stage, amount, close, owner in sorted(history, key=lambda change: change[1])
    ]


def people(count):
    """The spells of REPS for each world, in teams of its own; its regions are shared by all."""
    every = [REPS.assign(rep_id=REPS["rep_id"] + f"-{n}", team=REPS["team"] + f"-{n}") for n in range(count)]
    return pd.concat(every, ignore_index=True)


def assert_adds_up(table):
    """start + all terms = end at every node, children add up to their parent, and nothing is handed away."""
    assert (table[list(TERMS[:-1])].sum(axis=1) == table["end"]).all()
    sums = table.groupby(["level", "start_date"])[list(TERMS)].sum()
    for level in set(table["level"]):
        np.testing.assert_array_equal(sums.loc[level], sums.loc["company"])
    assert not table.loc[table["level"] == "company", "owner"].any()


# 21 examples of 10 random histories each: 210 histories, with as many cuts in time, in 21 runs.
@settings(max_examples=21, deadline=None)
@given(SEED)
def test_every_node_adds_up_to_the_cent_and_steps_compose(seed):
    random = np.random.default_rng(seed)
    made, reps, days = log(worlds(histories(random))), people(WORLDS), cuts(random)
    table = waterfall(made, reps, PERIOD, days)
    assert_adds_up(table)
    before = table.sort_values("start_date").groupby(["level", "node_id"])["end"].shift(1).dropna()
    assert (before == table["start"][before.index]).all()  # a step starts where the one before it ended
    whole = waterfall(made, reps, PERIOD, [days[0], days[-1]])
    joined = composed(table).merge(whole, on=["level", "node_id"], suffixes=("", "_whole"), validate="1:1")
    assert len(joined) == len(whole)
    for term in TERMS:
        assert (joined[term] == joined[f"{term}_whole"]).all()


@settings(max_examples=15, deadline=None)
@given(SEED)
def test_two_states_of_the_table_add_up_whatever_they_are(seed):
    random = np.random.default_rng(seed)
    days = (date(2025, 6, 5), date(2025, 6, 12))
    none = known_on(log([OPENED]), days[0]).iloc[:0]
    sides = [worlds(histories(random, least=0)[: random.integers(0, WORLDS + 1)]) for _ in range(2)]
    before, after = (known_on(log(side), days[0]) if side else none for side in sides)
    assert_adds_up(waterfall_between(before, after, BOUNDS, days, reps=people(WORLDS)))


def test_a_table_without_one_known_amount_is_all_zeros():
    table = between(("D", "2025-04-01", "Talk", None, "2025-05-15", "R1"))
    assert terms(table) == {}
