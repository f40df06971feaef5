"""Funnel, cohorts, incidence, sources: by hand, against published cases, and by coverage over many seeds."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.contingency_tables import StratifiedTable
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from salesops_lib import leads as api
from salesops_lib.core import periods
from salesops_lib.core.shares import difference
from salesops_lib.leads import charts
from salesops_lib.leads.evaluation import lift_table
from salesops_lib.leads.funnels import funnel_by_period
from salesops_lib.leads.lifecycle import checked_leads
from salesops_lib.leads.spend import cost_of_a_deal

AS_OF = date(2025, 12, 12)


def stamped(day: str) -> pd.Timestamp:
    return pd.Timestamp(day, tz="UTC")


# Bickel, Hammel and O'Connell (1975): applicants to Berkeley in 1973, admitted and rejected, by department.
BERKELEY = [
    ("A", 512, 313, 89, 19),
    ("B", 353, 207, 17, 8),
    ("C", 120, 205, 202, 391),
    ("D", 138, 279, 131, 244),
    ("E", 53, 138, 94, 299),
    ("F", 22, 351, 24, 317),
]


def berkeley() -> pd.DataFrame:
    rows = []
    for dept, a, b, c, d in BERKELEY:
        rows += [
            (dept, "men", True, a),
            (dept, "men", False, b),
            (dept, "women", True, c),
            (dept, "women", False, d),
        ]
    return pd.DataFrame(rows, columns=["dept", "sex", "admitted", "count"])


def test_berkeley_turns_around_within_departments():
    found = api.stratified(berkeley(), "sex", "admitted", "dept", first="men")
    tables = [np.array([[a, b], [c, d]]) for _, a, b, c, d in BERKELEY]
    other = StratifiedTable([t.astype("float64") for t in tables])
    assert found.crude == pytest.approx((1198 * 1278) / (1493 * 557), rel=1e-9)  # 1.84, by hand
    assert found.adjusted == pytest.approx(other.oddsratio_pooled)
    low, high = other.oddsratio_pooled_confint(alpha=0.1)
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))
    assert found.reversed_ and found.adjusted < 1 < found.crude


def test_a_step_counts_leads_old_enough_that_reached_it_in_time(made_leads):
    rows = [
        {"sql_at": stamped("2025-03-31")},  # day 30
        {"sql_at": stamped("2025-08-01")},  # day 153, beyond the horizon
        {},
        {"created_at": stamped("2025-12-01"), "sql_at": stamped("2025-12-02")},  # too young
    ]
    found = api.funnel(made_leads(rows), AS_OF).set_index("step")
    assert found.loc["opportunity", ["n", "reached", "immature"]].tolist() == [3, 1, 1]
    low, high = proportion_confint(1, 3, alpha=0.1, method="wilson")
    assert found.loc["opportunity", ["low", "high"]].tolist() == [pytest.approx(low), pytest.approx(high)]


def test_a_lead_that_reached_a_later_step_reached_the_ones_before(made_leads):
    found = api.funnel(
        made_leads([{"sql_at": stamped("2025-03-05")}, {"first_touch_at": stamped("2025-03-02")}]), AS_OF
    )
    assert found.set_index("step")["reached"].to_dict() == {"created": 2, "touched": 2, "opportunity": 1}


def test_a_period_counts_stamps_whatever_the_cohort(made_leads):
    rows = [{"sql_at": stamped("2025-04-02")}, {"created_at": stamped("2025-04-05")}]
    found = funnel_by_period(made_leads(rows), date(2025, 4, 1), date(2025, 5, 1)).set_index("step")["count"]
    assert (found["created"], found["opportunity"]) == (1, 1)


def test_groups_that_cannot_be_judged_say_why_and_show_no_rate(made_leads):
    rows = [{"source": "New"}] * 10 + [{"source": "Old"}] * 40
    found = api.conversion_at_age(made_leads(rows), AS_OF, by="source").set_index("source")
    assert found["share"].isna().all()
    assert found.loc["New", "why"] == "10 leads old enough, 30 needed"
    assert found.loc["Old", "why"] == "0 conversions, 5 needed"


def test_cohorts_from_before_outcomes_were_recorded_are_not_compared(made_leads):
    early = [{"created_at": stamped("2024-01-01")}] * 40
    late = [{"created_at": stamped("2025-02-01"), "sql_at": stamped("2025-02-20")}] * 39
    late.append({"created_at": stamped("2025-02-01"), "disqualified_at": stamped("2025-02-01")})
    rows = [r | {"source": "Early"} for r in early] + [r | {"source": "Late"} for r in late]
    found = api.conversion_at_age(made_leads(rows), AS_OF, by="source").set_index("source")
    assert found.loc["Early", "maturity"] == "not comparable"
    assert found.loc["Late", "share"] == 39 / 40


def test_an_immature_cell_of_the_triangle_says_so_and_an_age_nobody_reached_is_not_there(made_leads):
    rows = [{"created_at": stamped(d)} for d in ("2025-10-01", "2025-10-31")]
    found = api.cohorts(made_leads(rows), AS_OF).set_index("age_days")
    assert found.loc[30, "mature"] and not found.loc[60, "mature"]
    assert 90 not in found.index


def test_incidence_counts_the_other_ending_as_an_end_and_not_as_waiting(made_leads):
    # By hand: of four, one converts at day 10, two end at day 20, one is open.
    rows = [
        {"sql_at": stamped("2025-03-11")},
        {"disqualified_at": stamped("2025-03-21")},
        {"disqualified_at": stamped("2025-03-21")},
        {},
    ]
    found = api.incidence(made_leads(rows), AS_OF)
    assert found[found["cause"] == "converted"]["share"].iloc[-1] == pytest.approx(0.25)
    assert found[found["cause"] == "ended"]["share"].iloc[-1] == pytest.approx(0.5)


def test_the_final_rate_covers_the_planted_one_at_its_level_over_many_companies(drawn_leads):
    inside = []
    for seed in range(40):
        found = api.final_rate(drawn_leads(900, seed, 0.25, since="2025-06-01", days=190), AS_OF)
        inside.append(found.interval.low <= 0.25 <= found.interval.high)
    assert 0.78 <= np.mean(inside) <= 1.0  # 90 % ± 3 standard errors of 40 draws


def test_too_few_conversions_have_no_final_rate(made_leads):
    found = api.final_rate(made_leads([{}] * 50), AS_OF)
    assert found.rate is None and "0 conversions" in found.why


def test_wilson_ranges_of_sources_cover_the_planted_rate_at_their_level(drawn_leads):
    inside = []
    for seed in range(60):
        found = api.compare(drawn_leads(900, seed, 0.2, days=400), AS_OF, "source", horizon_days=300)
        inside += (found["low"].le(0.2) & found["high"].ge(0.2)).tolist()
    assert 0.85 <= np.mean(inside) <= 0.95  # 180 ranges at 90 %, ± 2 standard errors


def test_a_difference_has_newcombes_interval():
    gap, low, high, _ = difference(
        56, 70, 48, 80, 0.95
    )  # Newcombe (1998), example (a): 0.2, 0.0524 to 0.3339
    assert (gap, low, high) == (
        pytest.approx(0.2),
        pytest.approx(0.0524, abs=1e-4),
        pytest.approx(0.3339, abs=1e-4),
    )
    assert confint_proportions_2indep(56, 70, 48, 80, method="newcomb") == (
        pytest.approx(low),
        pytest.approx(high),
    )


def test_small_groups_are_drawn_to_the_overall_rate_and_large_ones_keep_theirs():
    found = api.shrunk_rates([3, 200, 100, 90, 110], [3, 1000, 1000, 1000, 1000])
    assert 0.1 < found["shrunk"][0] < 0.5  # three of three is no rate of 100 %
    assert found["shrunk"][1] == pytest.approx(0.2, abs=0.005)
    assert found["weight"].is_monotonic_increasing or found["weight"][0] < found["weight"][1]
    assert api.shrunk_rates([1, 1], [9, 9])["shrunk"].isna().all()


def test_mix_and_rate_add_up_to_the_change_exactly():
    before = pd.DataFrame({"source": ["a", "b"], "n": [100, 100], "events": [10, 30]})
    after = pd.DataFrame({"source": ["a", "b"], "n": [150, 50], "events": [15, 15]})
    found = api.decompose_change(before, after, "source")
    # By hand: rates are unchanged, all of 20 % → 15 % is mix.
    assert found["rate"].abs().max() == pytest.approx(0)
    assert found["mix"].sum() == pytest.approx(-0.05)


# The sample's planted truths


def test_the_source_that_converts_best_is_found_and_the_worst_too(sample_leads):
    found = api.compare(sample_leads, AS_OF, "source")
    assert (found["source"].iloc[0], found["source"].iloc[-1]) == ("Referral", "Paid search")
    assert found["q"].iloc[0] < 1e-6 and found["p_below"].iloc[-1] > 0.999


# Bad input


@pytest.mark.parametrize(
    ("changed", "column", "fault"),
    [
        ({"first_touch_at": stamped("2025-02-01")}, "first_touch_at", "before the lead was created"),
        ({"sql_at": stamped("2026-02-01")}, "sql_at", "after the day of the report"),
        ({"source": "Select"}, "source", "a placeholder, no value"),
        ({"source": "#####"}, "source", "damaged by a spreadsheet"),
        ({"source": "#REF!"}, "source", "damaged by a spreadsheet"),
    ],
)
def test_a_faulty_cell_is_told_by_row_and_emptied(changed, column, fault, made_leads):
    made, faults = checked_leads(made_leads([{}, changed]), AS_OF)
    assert faults[["row", "column", "fault"]].to_numpy().tolist() == [[2, column, fault]]
    assert pd.isna(made.loc[1, column])


def test_a_stamp_that_is_none_and_an_id_twice_are_told(made_leads):
    rows = made_leads([{}, {}]).assign(lead_id="X", created_at=["yesterday", "2025-03-01"])
    made, faults = checked_leads(rows, AS_OF)
    assert faults["fault"].tolist() == ["no moment in time", "the id stands twice"]
    assert len(made) == 1


def test_leads_without_an_id_are_refused_naming_their_columns():
    with pytest.raises(ValueError, match="leads have no column lead_id; they have a"):
        checked_leads(pd.DataFrame({"a": [1]}), AS_OF)


@pytest.mark.parametrize(
    "rows", [[], [{}], [{"sql_at": stamped("2025-03-02")}] * 40, [{"source": None}] * 40]
)
def test_none_one_all_won_and_all_open_never_crash_and_never_make_up_a_rate(rows, made_leads):
    leads = made_leads(rows) if rows else made_leads([{}]).iloc[:0]
    found = api.compare(leads, AS_OF, "source")
    assert found["gap"].isna().all()  # one source has nothing to be compared with
    assert api.shrunk_rates(found["events"], found["n"]).shape[0] == len(found)
    api.funnel(leads, AS_OF), api.cohorts(leads, AS_OF), api.incidence(leads, AS_OF)
    assert api.final_rate(leads, AS_OF).rate is None


def spent(won: list[tuple], costs: dict[str, float]) -> pd.DataFrame:
    """Return on spend of leads of March 2025. ``won``: source, deal, amount; None where not known."""
    leads = pd.DataFrame(
        {
            "created_at": stamped("2025-03-05"),
            "won_at": stamped("2025-06-01"),
            "opportunity_id": [deal for _, deal, _ in won],
            "source": [source for source, _, _ in won],
        }
    )
    amounts = pd.Series({deal: amount for _, deal, amount in won if deal}, dtype="float64")
    calendar = periods.monthly(1, range(2024, 2027))
    rows = [{"campaign_id": s, "source": s, "period": "FY25-M03", "cost_base": c} for s, c in costs.items()]
    return api.return_on_spend(leads, pd.DataFrame(rows), amounts, "2025-12-12", calendar).set_index("source")


def test_two_leads_of_one_deal_are_one_deal_won_and_its_money_is_counted_once():
    rows = [("Web", f"O{k}", 100.0) for k in range(9)] + [("Web", "O0", 100.0)]
    found = spent(rows, {"Web": 300.0}).loc["Web"]
    # By hand: nine deals of 100 on a cost of 300; ten leads.
    assert (found["leads"], found["wins"], found["won_deals"], found["won_base"]) == (10, 9, 9, 900.0)
    assert (found["roi"], found["won_per_deal"]) == (2.0, 100.0)
    assert found["cost_per_deal"] == pytest.approx(300 / 9)


def test_a_deal_without_an_amount_is_won_and_brings_no_money():
    rows = [("Web", f"O{k}", 100.0) for k in range(5)] + [("Web", "O9", np.nan), ("Web", None, None)]
    found = spent(rows, {"Web": 700.0}).loc["Web"]
    assert (found["wins"], found["won_deals"], found["won_per_deal"]) == (5, 7, 100.0)
    assert found["cost_per_deal"] == 100.0


def test_the_range_of_a_deals_cost_is_that_of_a_count():
    # Garwood (1936): 10 events have the 95 % range 4.795 to 18.390; none has 0 to 3.689.
    ten, none = (cost_of_a_deal(1000.0, k, 0.95) for k in (10, 0))
    assert [ten[k] for k in ("cost_per_deal", "cost_per_deal_low", "cost_per_deal_high")] == pytest.approx(
        [100.0, 1000 / 18.390, 1000 / 4.795], rel=1e-3
    )
    assert none["cost_per_deal_low"] == pytest.approx(1000 / 3.689, rel=1e-3)
    assert np.isnan([none["cost_per_deal"], none["cost_per_deal_high"]]).all()
    assert np.isnan(list(cost_of_a_deal(0.0, 5).values())).all()


def title(chart) -> str:
    return chart.get_title(loc="left")


def test_the_cost_chart_greys_the_thin_and_names_who_costs_more_than_it_brings(tmp_path):
    rows = [("Web", f"W{k}", 100.0 + k) for k in range(40)] + [("Event", f"E{k}", 50.0) for k in range(40)]
    rows += [("Fair", f"F{k}", 50.0) for k in range(2)]
    made = spent(rows, {"Web": 400.0, "Event": 9000.0, "Fair": 80.0, "Radio": 60.0, "Free": 0.0})
    chart = charts.deal_costs(made.reset_index(), "USD")
    chart.figure.savefig(tmp_path / "costs.png")
    # By hand: 9,000 ÷ 40 = 225 a deal of 50. Web costs 10; two deals are too few, and none is a lower end.
    assert title(chart) == "A deal from Event costs 225 USD and brings 50"
    assert [t.get_text() for t in chart.get_yticklabels()] == ["Event", "Web", "Fair", "Radio"]
    said = [t.get_text() for t in chart.texts]
    assert said == ["225, 40 deals", "10, 40 deals", "40, 2 deals: too few", "over 20, no deal yet: too few"]
    colours = [tuple(lines.get_color()[0]) for lines in chart.collections]
    assert colours[0] == colours[1] != colours[2] == colours[3]
    assert "USD" in chart.get_xlabel()


def test_the_cost_charts_title_tells_dear_from_cheap_only_where_ranges_part():
    rows = [(s, f"{s}{k}", 1e6 + k) for s in ("Web", "Event") for k in range(40)]
    apart, alike, one, none = (
        charts.deal_costs(spent(rows, costs).reset_index(), "EUR")
        for costs in ({"Web": 400.0, "Event": 4000.0}, {"Web": 400.0, "Event": 440.0}, {"Web": 400.0},
                      {"Radio": 9.0})
    )  # fmt: skip
    assert title(apart) == "A deal from Event costs 100 EUR to win, from Web 10"
    assert title(alike) == "No source wins deals clearly cheaper than another"
    assert title(one) == "A deal from Web costs 10 EUR to win"
    assert title(none) == "No source with a cost has won the 5 deals it takes to judge it"


def test_the_gain_curve_is_what_the_best_scores_hold_with_the_range_of_a_share(tmp_path):
    score = np.linspace(1, 0, 1000)
    hit = np.zeros(1000, dtype=bool)
    hit[:60] = hit[100:120] = hit[900:920] = True  # by hand: 100 convert, 60 of the first tenth, 80 of two
    table = lift_table(score, hit)
    assert table["captured"].head(3).tolist() == pytest.approx([0.6, 0.8, 0.8])
    low, high = proportion_confint(60, 100, alpha=0.1, method="wilson")
    assert table.loc[0, ["captured_low", "captured_high"]].tolist() == pytest.approx([low, high])
    assert table.iloc[-1][["captured", "captured_low", "captured_high"]].tolist() == [1.0, 1.0, 1.0]
    chart = charts.gain(table)
    chart.figure.savefig(tmp_path / "gain.png")
    assert title(chart) == "Working the best 30 % by score reaches 80 % of those who convert"
    curve = max(chart.lines, key=lambda line: len(line.get_xdata()))
    assert curve.get_ydata()[:3].tolist() == pytest.approx([0.0, 0.6, 0.8])
    assert chart.get_xlabel() and chart.get_ylabel()


def test_the_gain_curve_says_when_it_is_chance_worse_thin_or_empty():
    order = np.arange(1000)
    even, few = order % 10 == 0, order % 100 == 0
    assert "no more of those who convert than chance" in title(charts.gain(lift_table(-order, even)))
    assert "hold fewer" in title(charts.gain(lift_table(order, order < 100)))
    assert title(charts.gain(lift_table(-order, few))).startswith("Only 10 tested leads converted")
    assert title(charts.gain(lift_table(-order, order < 0))).startswith("No tested lead converted")
