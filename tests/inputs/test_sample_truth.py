"""The planted effects are there, by simple counts that share no code with the estimators or the generator."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from salesops_lib.core.periods import monthly
from salesops_lib.inputs.sample.generate import tables
from salesops_lib.inputs.sample.truth import TRUTH, planted

CALENDAR = monthly(2, range(2023, 2028))
LAST_DAY = "2025-12-12"
SEGMENTS = ["SMB", "Mid-market", "Enterprise"]


@pytest.fixture(scope="module")
def company(sample):
    return {
        p.stem: pd.read_csv(p, keep_default_na=False, na_values=[""], low_memory=False)
        for p in (sample / "tables").iterdir()
    }


@pytest.fixture(scope="module")
def truth():
    return planted()


@pytest.fixture(scope="module")
def state(company):
    return company["opportunities"].groupby("opportunity_id").tail(1).set_index("opportunity_id")


@pytest.fixture(scope="module")
def decided(state):
    """Closed deals of account executives, with days from creation to close."""
    rows = state[state["is_closed"] & (state["type"] != "Renewal")]
    return rows.assign(
        days=(pd.to_datetime(rows["close_date"]) - pd.to_datetime(rows["created_date"])).dt.days
    )


@pytest.fixture(scope="module")
def attained(company, state):
    """Attainment per rep and finished quarter: booked, counted quota, ratio."""
    last = (
        company["credits"]
        .sort_values("recorded_at")
        .drop_duplicates(["opportunity_id", "rep_id", "credit_type"], keep="last")
    )
    rows = last[last["credit_type"] == "direct"].merge(state, left_on="opportunity_id", right_index=True)
    rows["period"] = CALENDAR.assign(pd.to_datetime(rows["close_date"]))
    booked = (rows["share"] * rows["amount_base"]).groupby([rows["rep_id"], rows["period"]]).sum()
    quotas = company["quotas"].query("level == 'rep'").sort_values("recorded_at")
    quotas = quotas.drop_duplicates(["holder_id", "period"], keep="last").set_index(["holder_id", "period"])
    counted = quotas["quota_base"] * quotas["ramp_share"] * held(quotas.index, company["reps"])
    table = pd.DataFrame({"booked": booked, "counted": counted}).fillna(0.0)
    table.index.names = ["rep", "period"]
    table["ratio"] = table["booked"] / table["counted"].where(table["counted"] > 0)
    return table.reset_index().query("'FY24-Q1' <= period < 'FY26-Q4'")


def held(index, reps):
    spells = reps.fillna({"end_date": "2099-01-01"})
    shares = []
    for rep, period in index:
        start, end = (pd.Timestamp(d) for d in CALENDAR.bounds(period))
        own = spells[spells["rep_id"] == rep]
        low = pd.to_datetime(own["start_date"]).clip(lower=start)
        high = pd.to_datetime(own["end_date"]).clip(upper=end)
        shares.append((high - low).dt.days.clip(lower=0).sum() / (end - start).days)
    return pd.Series(shares, index=index)


def log_odds(won):
    share = won.mean()
    return np.log(share / (1 - share))


def test_losses_come_earlier_than_wins_in_every_segment(decided):
    days = decided.groupby(["segment", "is_won"])["days"].median().unstack()
    for segment, planted_days in zip(SEGMENTS, TRUTH.days_to_loss, strict=True):
        assert days.loc[segment, False] == pytest.approx(planted_days, rel=0.15)
        assert days.loc[segment, True] > 1.7 * days.loc[segment, False]


def test_wins_pile_up_at_the_end_of_a_quarter(decided):
    won = decided[decided["is_won"]]
    ends = pd.to_datetime([CALENDAR.bounds(p)[1] for p in CALENDAR.assign(pd.to_datetime(won["close_date"]))])
    left = (ends - pd.to_datetime(won["close_date"])).dt.days
    assert (left <= 15).mean() > 0.40  # 15 of 91 days are 16 %


def test_the_fourth_quarter_is_the_strongest_of_its_year(company):
    booked = planted().booked
    for year in (0, 4, 8):
        assert max(booked[year : year + 4]) == booked[year + 3]


def test_referrals_are_won_more_often_and_convert_more_often(decided, company):
    referral = decided["lead_source"] == "Referral"
    gain = log_odds(decided[referral]["is_won"]) - log_odds(decided[~referral]["is_won"])
    assert gain == pytest.approx(TRUTH.referral_log_odds, abs=0.25)
    rate = company["leads"].groupby("source")["opportunity_id"].apply(lambda s: s.notna().mean())
    for source, share in zip(
        ["Web", "Paid search", "Event", "Referral", "Partner"], TRUTH.lead_conversion, strict=True
    ):
        assert rate[source] == pytest.approx(share, abs=0.03)


def test_the_tool_that_works_raises_wins_and_the_other_does_not(decided, company, truth):
    start = decided["owner_id"].map(truth.tool_from).fillna("9999")
    treated = decided["created_date"] >= start
    gain = log_odds(decided[treated]["is_won"]) - log_odds(decided[~treated]["is_won"])
    assert gain == pytest.approx(TRUTH.tool_log_odds, abs=0.2)
    rows = company["rollouts"].set_index("rep_id")
    assert rows[rows["treatment_id"] == "T02"]["treated_from"].to_dict() == truth.tool_from
    teams = rows[rows["treatment_id"] == "T03"]["team"].nunique()
    assert teams >= 5  # by team: few clusters, no p-value
    assert TRUTH.sequencer_log_odds == 0


def test_speed_looks_like_an_effect_and_is_none_within_a_grade(company):
    leads = company["leads"].dropna(subset=["first_touch_at"])
    wait = pd.to_datetime(leads["first_touch_at"]) - pd.to_datetime(leads["created_at"])
    leads = leads.assign(fast=wait < pd.Timedelta(hours=1), converts=leads["opportunity_id"].notna())
    crude = leads.groupby("fast")["converts"].mean()
    assert crude[True] > 1.5 * crude[False]
    for _, grade in leads.groupby("fit_grade"):
        rate = grade.groupby("fast")["converts"].agg(["mean", "size"])
        error = np.sqrt((rate["mean"] * (1 - rate["mean"]) / rate["size"]).sum())
        assert abs(rate["mean"].diff().iloc[-1]) < 2.6 * error


def test_leads_passed_on_are_as_many_as_soon_and_as_unlucky_as_planted(company):
    leads, turns = company["leads"].set_index("lead_id"), company["lead_owners"]
    at = pd.to_datetime(turns["assigned_at"]).groupby(turns["lead_id"])
    leads["turns"], leads["waited"] = at.size(), (at.max() - at.min()) / pd.Timedelta(days=1)
    last = turns.drop_duplicates("lead_id", keep="last").set_index("lead_id")["owner_id"]
    assert (last == leads["owner_id"].dropna()).all() and len(last) == leads["owner_id"].notna().sum()
    first = turns.drop_duplicates("lead_id").set_index("lead_id")["assigned_at"]
    assert (first == leads["assigned_at"].dropna()).all()
    again = leads["turns"] == 2
    assert set(leads["turns"].dropna()) == {1, 2}
    assert turns.groupby("lead_id")["owner_id"].nunique()[again[again].index].eq(2).all()
    assert leads.loc[again, "waited"].median() == pytest.approx(TRUTH.reassigned_days, rel=0.1)
    # Among leads still open after a week, so that each had the time to be passed on.
    end = pd.to_datetime(leads["sql_at"].fillna(leads["disqualified_at"]).fillna("2099-01-01T00:00:00Z"))
    still = leads[end - pd.to_datetime(leads["created_at"]) > pd.Timedelta(days=7)].dropna(subset=["turns"])
    other = still[still["opportunity_id"].isna()]
    share = (other["turns"] == 2).groupby(other["region"]).mean()
    for region, planted_share in zip(("AMER", "EMEA", "APAC"), TRUTH.reassigned_share, strict=True):
        assert share[region] == pytest.approx(planted_share, abs=0.015)
    gaps = [
        log_odds(part[part["opportunity_id"].notna()]["turns"] == 2)
        - log_odds(part[part["opportunity_id"].isna()]["turns"] == 2)
        for _, part in still.groupby("region")
    ]
    assert np.mean(gaps) == pytest.approx(TRUTH.reassigned_log_odds, abs=0.3)


def test_the_late_field_is_written_after_the_outcome_and_gives_it_away(company):
    leads = company["leads"]
    end = leads["won_at"].fillna(leads["lost_at"]).fillna(leads["disqualified_at"])
    tagged = leads[TRUTH.late_field].notna()
    assert (leads["tag_at"] >= end)[tagged].all()
    closed = leads[leads[TRUTH.late_field] == "closed by sales"]
    assert closed["won_at"].notna().all()
    assert len(closed) > 0.85 * leads["won_at"].notna().sum()


def test_open_leads_and_deals_are_censored_at_the_end(company, state):
    leads = company["leads"]
    recent = leads[leads["created_at"] >= "2025-11-15"]
    older = leads[(leads["created_at"] < "2025-08-01") & (leads["created_at"] >= "2025-01-01")]
    assert recent["opportunity_id"].notna().mean() < 0.6 * older["opportunity_id"].notna().mean()
    assert 400 < (~state["is_closed"]).sum() < 700


def test_half_to_six_in_ten_reps_reach_their_quota(attained):
    ratio = attained["ratio"].dropna()
    assert 0.50 <= (ratio >= 1).mean() <= 0.60
    assert ratio.skew() > 0.5


def test_the_company_finishes_each_quarter_near_its_goal(attained, company):
    goal = company["quotas"].query("level == 'company'").set_index("period")["quota_base"]
    share = attained.groupby("period")["booked"].sum() / goal.drop("FY26-Q4")
    assert share.between(0.90, 1.07).all()
    assert 0.95 < share.mean() < 1.05


def test_the_top_fifth_of_reps_books_a_third_to_a_half(attained):
    for _, rows in attained[attained["counted"] > 0].groupby("period"):
        booked = rows["booked"].sort_values(ascending=False)
        assert 0.33 < booked.head(round(len(booked) / 5)).sum() / booked.sum() < 0.52


def test_teams_whose_quota_was_set_too_high_miss_it(attained, company):
    parent = company["quotas"].query("level == 'rep'").drop_duplicates(["holder_id", "period"])
    rows = attained.merge(parent, left_on=["rep", "period"], right_on=["holder_id", "period"])
    sums = rows.groupby(rows["parent_id"].isin(TRUTH.over_set_teams))[["booked", "counted"]].sum()
    ratio = sums["booked"] / sums["counted"]
    assert ratio[True] < 0.8 < 0.95 < ratio[False]


def test_the_weak_quarter_recovers_without_any_effect_of_its_training(attained, truth, company):
    sums = attained[attained["rep"].isin(truth.trainees)].groupby("period")[["booked", "counted"]].sum()
    before, after = sums.loc["FY25-Q2"], sums.loc[["FY25-Q4", "FY26-Q1"]].sum()
    assert after["booked"] / after["counted"] > before["booked"] / before["counted"] + 0.2
    assert TRUTH.training_log_odds == 0
    records = company["training_records"]
    assert (records["post_test"] - records["pre_test"]).mean() == pytest.approx(
        TRUTH.training_test_gain, abs=4
    )


def test_a_commit_is_off_by_its_submitters_bias(company, attained, truth):
    calls = company["forecast_submissions"].query("category == 'Commit'")
    calls = calls[calls["rep_id"].isin(truth.commit_bias)].sort_values("submitted_at")
    last = calls.drop_duplicates(["rep_id", "period"], keep="last")
    both = last.merge(attained, left_on=["rep_id", "period"], right_on=["rep", "period"])
    sums = both.groupby(both["rep_id"].map(truth.commit_bias))[["amount_base", "booked"]].sum()
    off = sums["amount_base"] / sums["booked"] - 1
    assert np.allclose(off, off.index, atol=0.09)


def test_discounts_grow_in_the_last_two_weeks_and_some_lack_approval(company, state):
    lines = company["line_items"].merge(state, left_on="opportunity_id", right_index=True)
    lines = lines[lines["is_won"] & (lines["type"] != "Renewal")]
    discount = 1 - lines["net_price"] / lines["list_price"]
    ends = pd.to_datetime(
        [CALENDAR.bounds(p)[1] for p in CALENDAR.assign(pd.to_datetime(lines["close_date"]))]
    )
    rush = (ends - pd.to_datetime(lines["close_date"])).dt.days <= 14
    by = discount.groupby([lines["segment"], rush]).mean().unstack()
    assert ((by[True] - by[False]) - TRUTH.quarter_end_discount).abs().max() < 0.02
    over = company["line_items"][
        1 - company["line_items"]["net_price"] / company["line_items"]["list_price"] > 0.201
    ]
    assert over["approved_by"].isna().mean() == pytest.approx(TRUTH.unapproved_share, abs=0.03)


def test_customers_in_emea_pay_later(company, state):
    bills = (
        company["invoices"]
        .dropna(subset=["paid_date"])
        .merge(state, left_on="opportunity_id", right_index=True)
    )
    late = (pd.to_datetime(bills["paid_date"]) - pd.to_datetime(bills["due_date"])).dt.days
    country = bills["account_id"].map(company["accounts"].set_index("account_id")["country"])
    mean = late.groupby(country.isin(["GB", "DE", "FR", "NL"])).mean()
    assert mean[True] - mean[False] > 7


def test_the_bottleneck_is_proposal(company):
    log = company["opportunity_history"]
    enters = log[(log["stage"] != log.groupby("opportunity_id")["stage"].shift())]
    moment = pd.to_datetime(enters["changed_at"])
    stay = (moment.groupby(enters["opportunity_id"]).shift(-1) - moment).dt.days
    mean = stay.groupby(enters["stage"]).mean().drop(["Closed Won", "Closed Lost"])
    assert mean.idxmax() == "Proposal"


@pytest.mark.parametrize(
    ("column", "where", "share"),
    [
        ("lead_source", "created_date == created_date", TRUTH.blank_source_share),
        ("next_step", "is_closed == False", TRUTH.blank_next_step_share),
        ("loss_reason", "stage == 'Closed Lost'", TRUTH.blank_loss_reason_share),
    ],
)
def test_blank_fields_are_as_many_as_planted(state, column, where, share):
    assert state.query(where)[column].isna().mean() == pytest.approx(share, abs=0.04)


def test_past_due_open_value_is_what_truth_says(state, truth):
    value = state[~state["is_closed"]]
    late = value[value["close_date"] < LAST_DAY]
    assert late["amount_base"].sum() / value["amount_base"].sum() == pytest.approx(
        truth.past_due_share, abs=1e-9
    )
    assert 0.01 < truth.past_due_share < 0.05


def test_doubles_missing_zero_and_restated_quotas_are_where_truth_says(company, truth):
    name = company["accounts"].set_index("account_id")["name"]
    for original, double in truth.double_accounts:
        assert name[double].replace(" Inc", "").replace(" ", "") == name[original].replace(" ", "")
    quotas = company["quotas"].query("level == 'rep'")
    keys = list(zip(quotas["holder_id"], quotas["period"], strict=True))
    zero = quotas[quotas["quota_base"] == 0]
    assert not set(truth.missing_quota) & set(keys)
    assert set(zip(zero["holder_id"], zero["period"], strict=True)) == set(truth.zero_quota)
    assert {key for key in keys if keys.count(key) == 2} == set(truth.restated_quota)


def test_one_bulk_update_and_one_late_table_are_planted(company, truth):
    log = company["opportunity_history"]
    bulk = log[log["actor_id"] != log["owner_id"]]
    assert len(bulk) == truth.bulk_updated
    assert set(bulk["changed_at"].str[:10]) == {"2024-11-18"}
    assert company["activities"]["at"].max()[:10] == "2025-11-28"


def test_worlds_break_the_assumption_they_are_named_for():
    def wins(name, scale=0.5):
        table = dict(tables(7, scale, name))["opportunities"]
        return table[table["is_won"] & (table["type"] != "Renewal")]

    plain = wins("plain")
    hole = wins("hole")
    inside = hole["close_date"].between("2024-08-01", "2024-10-31")
    assert not inside.any()
    assert plain["close_date"].between("2024-08-01", "2024-10-31").any()
    assert wins("heavy_tail")["amount_base"].max() > 3 * plain["amount_base"].max()
    assert len(wins("drift").query("close_date >= '2025-01-01'")) < 0.7 * len(
        plain.query("close_date >= '2025-01-01'")
    )
    assert "opportunity_history" not in dict(tables(7, 0.1, "no_history"))


def test_without_effects_the_sources_do_not_differ():
    made = dict(tables(7, 1.0, "no_effects"))
    closed = made["opportunities"].query("is_closed and type != 'Renewal'")
    referral = closed["lead_source"] == "Referral"
    assert abs(log_odds(closed[referral]["is_won"]) - log_odds(closed[~referral]["is_won"])) < 0.25
    rate = made["leads"].groupby("source")["opportunity_id"].apply(lambda s: s.notna().mean())
    assert rate.max() - rate.min() < 0.03
