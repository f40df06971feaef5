"""From records to the report: contracts of every output, headline, limits, cascade, charts."""

import re
from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from salesops_lib.attainment import charts, handover, outputs
from salesops_lib.attainment.crediting.quota import choose_measure, choose_period
from salesops_lib.attainment.crediting.table import attainment
from salesops_lib.attainment.fairness_handover import fairness
from salesops_lib.attainment.fairness_outputs import FAIRNESS_OUTPUTS
from salesops_lib.attainment.headline import first_screen
from salesops_lib.attainment.limits import limits
from salesops_lib.attainment.outlook import pacing
from salesops_lib.attainment.setting.cascade import cascade, team_steps
from salesops_lib.attainment.spread import charts as spread_charts
from salesops_lib.attainment.spread.distribution import concentration, participation
from salesops_lib.core.contracts import checked
from salesops_lib.core.errors import PeriodError, TableError
from salesops_lib.core.periods import Period

AS_OF = date(2025, 7, 1)
QUARTERS = ["FY25-Q1", "FY25-Q2", "FY25-Q3", "FY25-Q4", "FY26-Q1", "FY26-Q2"]


@pytest.fixture(scope="module")
def company(make_records, fiscal):
    """Nine reps in two teams, six quarters, three deals a quarter each, goals at every level."""
    deals, quotas, spells = [], [], []
    for i in range(9):
        team = f"Team $5_$ {i % 2}"
        place = {"team": team, "region": "AMER", "name": f"Rep {i}"}
        spells.append({"rep_id": f"R{i}", "start_date": date(2024, 1, 1), **place})
        for q, name in enumerate(QUARTERS):
            start, end = fiscal.bounds(name)
            quotas.append({"holder_id": f"R{i}", "level": "rep", "period": name, "quota_base": 110})
            for k in range(3):
                day = start + (end - start) * (k + 1) / 4
                deal = {"opportunity_id": f"{i}{q}{k}", "owner_id": f"R{i}", "close_date": day}
                deals.append({**deal, "amount_base": 20 + i + 3 * q})
    for name in QUARTERS:
        quotas.append({"holder_id": "Co", "level": "company", "period": name, "quota_base": 900})
        quotas.append({"holder_id": "Team $5_$ 0", "level": "team", "period": name, "quota_base": 500})
    known = [d for d in deals if d["close_date"] <= AS_OF]
    return make_records(opportunities=known, quotas=quotas, reps=spells)


@pytest.fixture(scope="module")
def made(company, fiscal):
    result = attainment(company, fiscal, AS_OF)
    pace = pacing.pace(result, fiscal, Period.parse("FY26-Q2"))
    tested = pacing.backtest(pace)
    projected = handover.pacing_rows(result, pace, pacing.project(pace, tested), 0.8)
    return result, pace, tested, projected


def judged(made, company, fiscal):
    """Reps of the last finished quarter, and what is said about fairness."""
    table = handover.attainment_rows(made[0], "FY26-Q1", fiscal)
    reps = handover.judged_rows(table, "FY26-Q1", made[0].lines, company.opportunities)
    return reps, fairness(made[0], reps, QUARTERS[:-1], fiscal)


def screen_of(made, company, fiscal):
    """The first screen, and the tables it is made from."""
    reps, fair = judged(made, company, fiscal)
    tables = {"pacing": made[3], "pacing_coverage": handover.coverage_rows(made[2], 0.8), **fair.tables}
    tables["participation"] = participation(reps).assign(period="FY26-Q1")
    return first_screen(tables, currency="USD"), tables


def test_every_output_keeps_its_contract(made, company, fiscal):
    result, _, tested, projected = made
    table = handover.attainment_rows(result, "FY26-Q2", fiscal)
    reps, fair = judged(made, company, fiscal)
    named = {
        outputs.ATTAINMENT: table,
        outputs.BY_SPELL: handover.spell_rows(result, "FY26-Q2"),
        outputs.PACING: projected,
        outputs.COVERAGE: handover.coverage_rows(tested, 0.8),
        outputs.STANDING: handover.standing_rows(table, projected),
        outputs.PARTICIPATION: participation(reps, ("team", "role", "tenure")).assign(period="FY26-Q1"),
        outputs.CONCENTRATION: concentration(reps).assign(period="FY26-Q1"),
        outputs.CASCADE: cascade(table, "FY26-Q2").assign(period="FY26-Q2"),
        outputs.TEAM_STEPS: team_steps(table, "FY26-Q2").assign(period="FY26-Q2"),
        outputs.EXCEPTIONS: handover.exception_rows(result, ["FY26-Q2"]),
    }
    named |= {table: fair.tables[table.name] for table in FAIRNESS_OUTPUTS}
    named[outputs.CALIBRATION] = handover.calibration_rows(tested)
    named[outputs.CURRENCIES] = handover.currency_rows(result, "FY26-Q2")
    named[outputs.HEADLINE] = screen_of(made, company, fiscal)[0].sources
    assert set(named) == set(outputs.OUTPUTS) - set(outputs.QUOTA_OUTPUTS)
    for contract, frame in named.items():
        assert len(checked(frame, contract)) == len(frame)


def test_the_first_screen_answers_who_is_on_plan_is_it_fair_and_what_comes_first(made, company, fiscal):
    screen, tables = screen_of(made, company, fiscal)
    row = tables["pacing"][tables["pacing"]["level"] == "company"].iloc[0]
    labels = [card[0] for card in screen.cards]
    assert labels[:3] == ["Company attainment to date", "Projected finish", "Reps at quota, FY26-Q1"]
    assert labels[3].startswith("Hardest quotas: Team $5_$")
    assert labels[4] == "Still to book"
    assert screen.cards[0][1] == f"{100 * row['to_date_base'] / 900:.0f} %"
    # By hand: in FY26-Q1 rep i books 3 × (20 + i + 12): 96 to 120 on a quota of 110; i ≥ 5 reach it.
    assert screen.cards[2][3].startswith("4 of 9")


def test_every_number_of_the_first_screen_stands_in_a_cell_of_a_csv(made, company, fiscal, tmp_path):
    screen, tables = screen_of(made, company, fiscal)
    for name, frame in tables.items():
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
    for source in screen.sources.to_dict("records"):
        read = pd.read_csv(tmp_path / f"{source['table']}.csv")
        assert cell(read, source) == pytest.approx(source["value"], abs=0.006), source
        card = next(c for c in screen.cards if c[0] == source["card"])
        assert any(source["shown"] in part for part in card)
    for card in screen.cards:  # and no number is shown that has no source
        shown = set(screen.sources.loc[screen.sources["card"] == card[0], "shown"])
        text = re.sub(r"Team \$5_\$ \d|at 90 %|FY26-Q2", "", " ".join(card[1:]))  # names, a level
        for said in sorted(shown, key=len, reverse=True):
            text = text.replace(said, "")
        assert not re.search(r"\d", text), (card, text)


def cell(read, source):
    """The value a source points at, found as a reader would: by the words in ``row``."""
    words = source["row"].split(", ")
    if source["how"] != "cell":
        rows = read[read["level"] == words[0].removeprefix("level ")][source["column"]]
        return rows.sum() if source["how"] == "sum" else rows.notna().sum()
    if source["table"] == "participation":
        rows = read[(read["grouping"] == "all") & (read["threshold"] == 1)]
    else:
        rows = read
        for word in words:
            rows = rows[(rows == word).any(axis=1)]
    assert len(rows) == 1, source
    return rows[source["column"]].item()


def test_a_company_without_anything_shows_dashes_and_says_why(made, company, fiscal):
    _, tables = screen_of(made, company, fiscal)
    screen = first_screen({**tables, "pacing": made[3].iloc[:0]}, currency="USD")
    ((_, value, _, note),) = screen.cards
    assert value == "–"
    assert "no quota" in note
    assert screen.sources.empty


def test_the_cascade_adds_up_own_goals_only_and_names_the_gap(made, fiscal):
    table = handover.attainment_rows(made[0], "FY26-Q2", fiscal)
    rows = cascade(table, "FY26-Q2").set_index("level")
    # By hand: nine reps × 110 = 990 on a goal of 900; one team of two has a goal of its own.
    assert rows.loc["rep", "quota_base"] == Decimal("990.00")
    assert rows.loc["rep", "over_company"] == pytest.approx(1.1)
    assert rows.loc["rep", "gap_base"] == Decimal("90.00")
    assert rows.loc["team", "with_quota"] == 1
    steps = team_steps(table, "FY26-Q2")
    assert steps["over_team"].tolist() == pytest.approx([5 * 110 / 500])


def test_without_a_company_goal_over_assignment_is_missing(made, fiscal):
    table = handover.attainment_rows(made[0], "FY26-Q2", fiscal)
    rows = cascade(table[table["level"] != "company"], "FY26-Q2")
    assert rows["over_company"].isna().all()


def test_limits_say_what_is_lacking(company, made):
    said = " ".join(limits(company, made[0], made[1], asked="FY26-Q2"))
    assert "No credits table" in said
    assert "Without a goal of their own in FY26-Q2: 1 region, 1 team" in said


def test_won_deals_without_a_rate_are_named_with_their_money_and_never_silently_short(make_records, fiscal):
    # By hand: two deals of 700 and 300 EUR without a rate; one of 50 USD counts.
    deal = {"owner_id": "R1", "close_date": date(2025, 6, 1)}
    deals = [
        {"opportunity_id": "O1", "currency": "EUR", "amount": 700.0, "amount_base": None, **deal},
        {"opportunity_id": "O2", "currency": "EUR", "amount": 300.0, "amount_base": None, **deal},
        {"opportunity_id": "O3", "currency": "USD", "amount": 50.0, "amount_base": 50.0, **deal},
    ]
    quota = {"holder_id": "R1", "level": "rep", "period": "FY26-Q2", "quota_base": 100}
    records = make_records(opportunities=deals, quotas=[quota], currency="USD")
    result = attainment(records, fiscal, AS_OF)
    pace = pacing.pace(result, fiscal, Period.parse("FY26-Q2"))
    said = limits(records, result, pace, asked="FY26-Q2")[0]
    assert said.startswith("2 won deals of all periods without an amount in USD (1,000 EUR): in no total")


def test_names_with_dollars_and_underscores_are_drawn_as_they_are(made, company, tmp_path, fiscal):
    _, pace, _, projected = made
    reps, fair = judged(made, company, fiscal)
    bars, line = fair.tables["attainment_histogram"], fair.tables["attainment_ecdf"]
    table = handover.attainment_rows(made[0], "FY26-Q2", fiscal)
    drawn = [
        charts.attainment_with_pace(projected),
        charts.pace_curve(pace.curve, period="FY26-Q2", elapsed=pace.elapsed, goal=900.0, basis="quota"),
        spread_charts.bars_and_curve(bars, line, period="FY26-Q1"),
        charts.dots_by_group(reps, "team", period="FY26-Q1"),
        charts.cascade_bars(cascade(table, "FY26-Q2")),
    ]
    for number, chart in enumerate(drawn):
        chart.figure.savefig(tmp_path / f"{number}.png")
        assert chart.get_title(loc="left")
        assert chart.get_xlabel()
    assert "Team $5_$ 0" in {t.get_text() for t in drawn[0].get_yticklabels()}


def test_the_pacing_chart_shows_booked_and_projected_shares(made):
    projected = made[3]
    chart = charts.attainment_with_pace(projected)
    teams = projected[projected["level"] == "team"].sort_values("projected_attainment")
    assert [bar.get_width() for bar in chart.patches] == pytest.approx(
        (teams["to_date_base"] / teams["quota_base"].astype(float)).tolist()
    )


def test_a_small_group_is_drawn_as_dots_without_percentages(made, company, fiscal):
    reps = judged(made, company, fiscal)[0].head(5)
    fair = fairness(made[0], reps, QUARTERS[:-1], fiscal)
    line = fair.tables["attainment_ecdf"]
    chart = spread_charts.bars_and_curve(fair.tables["attainment_histogram"], line, period="FY26-Q1")
    assert "%" not in chart.get_title(loc="left")
    assert line["share_at_or_below"].isna().all()


def test_groups_of_eight_get_a_curve_and_smaller_ones_dots(made, company, fiscal):
    reps, _ = judged(made, company, fiscal)
    reps = reps.assign(team=["A"] * 8 + ["B"])
    line = fairness(made[0], reps, QUARTERS[:-1], fiscal).tables["attainment_ecdf"]
    chart = spread_charts.curves_by_group(line[line["grouping"] == "team"], period="FY26-Q1")
    drawn = {artist.get_label(): artist.get_marker() for artist in chart.lines if "(" in artist.get_label()}
    assert drawn == {"A (8)": "None", "B (1)": "o"}


def test_a_period_that_has_not_begun_is_refused(company, fiscal):
    with pytest.raises(PeriodError, match="period 'FY26-Q3' begins on 2025-08-01, after 2025-07-01"):
        choose_period(company.quotas, "bookings", fiscal, AS_OF, asked="FY26-Q3")


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("FY24-Q1", "period 'FY24-Q1' has no bookings quota; FY25-Q1 to FY26-Q2 have quotas"),
        ("FY25", "period 'FY25' has no bookings quota; only periods of kind quarter have quotas"),
        ("FY99-Q1", "period 'FY99-Q1' is outside the fiscal calendar"),
    ],
)
def test_a_period_without_quotas_is_refused_with_those_that_have_some(company, fiscal, asked, message):
    with pytest.raises(PeriodError, match=message):
        choose_period(company.quotas, "bookings", fiscal, AS_OF, asked=asked)


def test_the_period_is_the_last_one_with_quotas(company, fiscal):
    assert str(choose_period(company.quotas, "bookings", fiscal, AS_OF)) == "FY26-Q2"
    early = company.quotas[company.quotas["period"] < "FY26"]
    assert str(choose_period(early, "bookings", fiscal, AS_OF)) == "FY25-Q4"


def test_an_unknown_measure_is_refused_with_those_there_are(company):
    with pytest.raises(TableError, match="no measure 'arr'; it has bookings"):
        choose_measure(company.quotas, "arr")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"quota_base": -1}, "quota_base is negative"),
        ({"quota_base": 1, "ramp_share": 1.5}, "ramp_share lies outside 0 to 1"),
    ],
)
def test_a_quota_that_cannot_be_is_refused_by_row(make_records, fiscal, change, message):
    records = make_records(quotas=[{"holder_id": "R1", "level": "rep", "period": "FY26-Q2", **change}])
    with pytest.raises(TableError, match=f"row rep, R1, FY26-Q2: {message}"):
        attainment(records, fiscal, AS_OF)


def test_two_company_quotas_in_one_period_are_refused(make_records, fiscal):
    rows = [{"holder_id": h, "level": "company", "period": "FY26-Q2", "quota_base": 1} for h in ("A", "B")]
    with pytest.raises(TableError, match="row company, B, FY26-Q2: a second company quota"):
        attainment(make_records(quotas=rows), fiscal, AS_OF)


def test_a_missing_credit_share_is_refused(make_records, fiscal):
    records = make_records(
        quotas=[{"holder_id": "R1", "level": "rep", "period": "FY26-Q2", "quota_base": 1}],
        opportunities=[{"opportunity_id": "O1", "owner_id": "R1", "close_date": AS_OF, "amount_base": 1}],
        credits=[{"opportunity_id": "O1", "rep_id": "R1", "credit_type": "direct", "share": np.nan}],
    )
    with pytest.raises(TableError, match="row O1, R1, direct: share 'nan' is missing or negative"):
        attainment(records, fiscal, AS_OF)
