"""From records to the report: contracts of every output, headline, limits, cascade, charts."""

from datetime import date
from decimal import Decimal

import numpy as np
import pytest

from salesops_lib.attainment import charts, handover, outputs, pacing
from salesops_lib.attainment.cascade import cascade, team_steps
from salesops_lib.attainment.distribution import concentration, participation
from salesops_lib.attainment.headline import cards
from salesops_lib.attainment.humps import two_humps
from salesops_lib.attainment.limits import limits
from salesops_lib.attainment.quota import choose_measure, choose_period
from salesops_lib.attainment.quota_quality import quality_tables
from salesops_lib.attainment.table import attainment
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


def test_every_output_keeps_its_contract(made, fiscal):
    result, _, tested, projected = made
    table = handover.attainment_rows(result, "FY26-Q2", fiscal)
    reps = handover.judged_rows(handover.attainment_rows(result, "FY26-Q1", fiscal), "FY26-Q1")
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
    quality, fit = quality_tables(result, QUARTERS[:-1], fiscal, None, None)
    named |= {outputs.QUOTA_QUALITY: quality, outputs.TEAM_FIT: fit}
    named[outputs.HUMPS] = handover.hump_row(two_humps(reps["attainment"], draws=100), "FY26-Q1")
    assert set(named) == set(outputs.OUTPUTS) - set(outputs.QUOTA_OUTPUTS)
    for contract, frame in named.items():
        assert len(checked(frame, contract)) == len(frame)


def test_the_first_screen_can_be_traced_to_the_tables(made, fiscal):
    result, _, tested, projected = made
    reps = handover.judged_rows(handover.attainment_rows(result, "FY26-Q1", fiscal), "FY26-Q1")
    reached = participation(reps).assign(period="FY26-Q1")
    shown = cards(projected, reached, handover.coverage_rows(tested, 0.8), currency="USD")
    row = projected[projected["level"] == "company"].iloc[0]
    assert [c[0] for c in shown] == [
        "Company attainment to date", "Projected finish", "Reps at quota, FY26-Q1", "Still to book",
    ]  # fmt: skip
    assert shown[0][1] == f"{100 * row['to_date_base'] / 900:.0f} %"
    assert shown[1][1] == f"{100 * row['projected_attainment']:.0f} %"
    # By hand: in FY26-Q1 rep i books 3 × (20 + i + 12): 96 to 120 on a quota of 110; i ≥ 5 reach it.
    assert shown[2][3].startswith("4 of 9")


def test_a_company_without_anything_shows_dashes_and_says_why(made):
    _, _, _, projected = made
    (card,) = cards(projected.iloc[:0], projected.iloc[:0], projected.iloc[:0], currency="USD")
    assert card[1] == "–"
    assert "no quota" in card[3]


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


def test_names_with_dollars_and_underscores_are_drawn_as_they_are(made, tmp_path, fiscal):
    _, pace, _, projected = made
    reps = handover.judged_rows(handover.attainment_rows(made[0], "FY26-Q1", fiscal), "FY26-Q1")
    table = handover.attainment_rows(made[0], "FY26-Q2", fiscal)
    drawn = [
        charts.attainment_with_pace(projected),
        charts.pace_curve(pace.curve, period="FY26-Q2", elapsed=pace.elapsed, goal=900.0, basis="quota"),
        charts.rep_distribution(reps, period="FY26-Q1"),
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


def test_a_small_group_is_drawn_as_dots_without_percentages(made, fiscal):
    reps = handover.judged_rows(handover.attainment_rows(made[0], "FY26-Q1", fiscal), "FY26-Q1").head(5)
    chart = charts.rep_distribution(reps, period="FY26-Q1")
    assert "%" not in chart.get_title(loc="left")
    assert not len(chart.get_yticks())


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
