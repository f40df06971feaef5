"""The whole forecast: once on the sample, small runs for what must not move, and edges."""

import shutil
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from salesops_lib import inputs
from salesops_lib.core.contracts import checked
from salesops_lib.core.errors import ParameterError, PeriodError
from salesops_lib.core.periods import Period
from salesops_lib.forecasting import (
    assembly,
    calls,
    charts,
    combination,
    handover,
    headline,
    outputs,
    targets,
)
from salesops_lib.forecasting import limits as limits_of
from salesops_lib.forecasting.bookings import Books
from salesops_lib.forecasting.deals.known import deal_log
from salesops_lib.forecasting.engines import Engines
from salesops_lib.forecasting.flow import coverage
from salesops_lib.forecasting.flow import handover as pipeline
from salesops_lib.forecasting.flow import outputs as tables
from salesops_lib.forecasting.record import backtest
from salesops_lib.forecasting.record import rows as record_rows
from salesops_lib.inputs import ledger
from salesops_lib.inputs.sample.truth import planted
from salesops_lib.inputs.warehouse import contract_of

NAMES = ("opportunities", "opportunity_history", "reps", "quotas", "forecast_submissions")


@dataclass
class Run:
    """A forecast of a folder, as the notebook makes it."""

    snapshot: inputs.load.Snapshot
    engines: Engines
    made: assembly.Forecasts
    outlook: pd.DataFrame
    past: pd.DataFrame
    quotas: pd.DataFrame | None
    why_kind: str

    @property
    def period(self) -> str:
        return self.made.first.history.period

    @property
    def company(self) -> pd.Series:
        return self.outlook[self.outlook["level"] == "company"].iloc[0]

    def state(self) -> pd.DataFrame:
        rows = handover.engine_rows(self.made)
        return rows[rows["period"] == self.period].set_index("engine")


def forecast(folder: Path, as_of: str = "", *, period: str = "", horizon: int = 2, draws: int = 300) -> Run:
    snapshot = inputs.open_snapshot(folder, as_of)
    company, calendar, day = snapshot.company.name, snapshot.company.calendar, snapshot.as_of
    frames = {n: snapshot.frame(n) if snapshot.has(n) else None for n in NAMES}
    first, why = targets.choose_period(frames["opportunities"], calendar, day, asked=period)
    log = deal_log(frames["opportunities"], frames["opportunity_history"], snapshot.stages(), as_of=day,
                   zone=snapshot.company.zone, calendar=calendar, kind=first.kind,
                   versions=snapshot.versions("opportunities"))  # fmt: skip
    called = calls.prepared(frames["forecast_submissions"], frames["reps"], company, snapshot.company.zone)
    reach = assembly.reach(calendar, day, first, horizon)
    engines = Engines(Books(log, frames["reps"], company), called, seed=7, draws=draws, horizon=reach)
    made = assembly.forecasts(engines, day, first, horizon, past_draws=200)
    rows = handover.outlook_rows(made, frames["quotas"], calls.names(frames["reps"]), company, 0.8)
    return Run(snapshot, engines, made, rows, record_rows.backtest_rows(made.past), frames["quotas"], why)


@pytest.fixture(scope="module")
def whole(sample) -> Run:
    """The sample's forecast, with its whole back-test: made once for this module."""
    return forecast(sample, "2025-12-12")


@pytest.fixture
def short_past(monkeypatch):
    """Two past periods in the back-test: enough to run through it."""
    monkeypatch.setattr(backtest, "PERIODS", 2)
    monkeypatch.setattr(backtest, "POINTS", (0.5,))
    monkeypatch.setattr(combination, "DRAWS_PAST", 100)


def test_every_output_keeps_its_contract(whole):
    day, first = whole.snapshot.as_of, whole.made.first
    period = Period.parse(whole.period)
    steps = pipeline.waterfall_steps(whole.engines, day, period)
    drawn = whole.engines.pipeline_on(day)[0]
    texts = pipeline.default_scenarios(drawn, whole.period)
    named = {
        outputs.FORECAST: handover.forecast_rows(whole.made), outputs.OUTLOOK: whole.outlook,
        outputs.ENGINE_STATE: handover.engine_rows(whole.made), outputs.BACKTEST: whole.past,
        outputs.SUBMITTERS: handover.submitter_rows(first, {}),
        outputs.PACE_WEEKS: handover.week_rows(whole.engines.books, first),
        tables.WATERFALL: pipeline.waterfall_rows(steps, whole.company["node_id"]),
        tables.SLIPPAGE: pipeline.slippage_rows(whole.engines, day, period),
        tables.PUSHES: pipeline.push_rows(whole.engines, day),
        tables.COVERAGE: coverage.coverage_rows(whole.engines, day, whole.outlook),
        tables.MOVERS: pipeline.mover_rows(whole.engines, day, period),
        tables.NEEDED: pipeline.needed_rows(drawn, whole.outlook),
        tables.SCENARIOS: pipeline.scenario_rows(drawn, whole.made.outlooks, texts, whole.outlook),
        tables.WIN_RATES: pipeline.win_rate_rows(whole.engines, day),
        tables.FEATURES: pipeline.feature_rows(whole.engines, day, whole.snapshot.frame("opportunities")),
    }  # fmt: skip
    assert set(named) == set(outputs.OUTPUTS)
    for contract, frame in named.items():
        assert len(checked(frame, contract)) == len(frame) > 0, contract.name
    assert named[outputs.FORECAST].columns.tolist() == [
        "level", "node_id", "period", "engine", "quantile", "value_base",
    ]  # fmt: skip


def test_the_quarter_the_sample_plants_lies_in_the_range(whole):
    # What the generator will have booked, at plan rates; no estimator has seen it.
    truth = planted().booked[-1]
    wide = whole.made.first.reconciled.quantiles()[0]
    assert wide[0] < truth < wide[-1]
    assert abs(whole.company["mid_base"] / truth - 1) < 0.06


def test_levels_add_up_in_every_draw_and_none_is_negative(whole):
    for outlook in whole.made.outlooks:
        level = outlook.history.nodes["level"].to_numpy()
        draws = outlook.reconciled.draws
        for name in ("region", "team", "rep", "segment"):
            assert draws[level == name].sum(axis=0) == pytest.approx(draws[0])
        assert (draws >= 0).all()


def test_weights_are_learnt_from_the_periods_that_have_ended(whole):
    weights = whole.made.first.weights["upper"]
    assert (weights.periods, weights.stacked) == (8, True)
    assert sum(weights.of.values()) == pytest.approx(1.0)
    # On the sample the pipeline and the calls know far more than the calendar does.
    assert min(weights.of["pipeline"], weights.of["commit"]) > max(weights.of["run_rate"], weights.of["pace"])
    assert whole.made.outlooks[1].weights["upper"].periods == 7  # one ahead
    said = limits_of.limits(whole.engines, whole.made, why_kind="", asked=2)
    # By hand: 8 ÷ (8 + 4).
    assert any("67 % of the way from equal ones to the best of 8 past periods" in line for line in said)
    assert any("begin in FY24-Q4, with 3 whole periods behind them" in line for line in said)


def test_the_forecast_of_every_level_is_as_good_as_its_parts(whole):
    # Adding up loses nothing to the figures before it, and reps are not pushed to one side.
    rows = whole.past[(whole.past["ahead"] == 0) & (whole.past["point"] == "all")].set_index("forecaster")
    for level in ("company", "region", "team", "rep"):
        part = rows[rows["level"] == level]
        assert part.loc["combined", "pinball"] < 1.02 * part.loc["unreconciled", "pinball"], level
        assert abs(part.loc["combined", "bias"]) < 0.07, level


def test_the_backtest_shows_every_engine_and_benchmark_and_the_forecast_beats_the_naive_one(whole):
    rows = whole.past[(whole.past["ahead"] == 0) & (whole.past["point"] == "all")]
    company = rows[rows["level"] == "company"].set_index("forecaster")
    assert set(company.index) == set(outputs.FORECASTERS)
    assert company.loc["combined", "wape"] < 0.6 * company.loc["seasonal_naive", "wape"]
    assert company.loc["combined", "coverage"] >= 0.7
    team = rows[rows["level"] == "team"].set_index("forecaster")
    assert team.loc["seasonal_naive", "p_value"] < 0.05
    assert team.loc["seasonal_naive", "loss_difference"] < 0


def test_a_past_forecast_learns_only_from_periods_that_had_ended(whole):
    # Outcomes of the last two past periods made absurd: what was printed before they ended does not move.
    known = whole.made.past
    rows = known.tested.rows
    late = rows["period"].isin(sorted(rows["period"].unique())[-2:])
    poisoned = rows.assign(actual=rows["actual"].where(~late, 1e9))
    tested = backtest.Tested(poisoned, known.tested.quantiles, known.tested.points, known.tested.histories)
    again = combination.past(tested, seed=7)
    before = (rows["day"] < rows.loc[late, "ended"].min()).to_numpy()
    assert before.sum() > 1000
    np.testing.assert_array_equal(known.printed[before], again.printed[before])


def test_the_first_screen_can_be_traced_to_the_tables(whole):
    shown = headline.cards(whole.outlook, whole.past, currency="USD", elapsed=whole.made.first.history.share)
    assert [c[0] for c in shown] == [
        "Forecast FY26-Q4", "Chance to reach FY26-Q4 target", "Forecast FY27-Q1", "Range's coverage so far",
        "Since last week",
    ]  # fmt: skip
    row = whole.company
    assert shown[0][1] == f"{row['mid_base'] / 1e6:.3g}M USD"
    assert shown[1][1] == f"{100 * row['p_target']:.0f} %"
    assert row["target_base"] == 15_320_000  # the company's own quota of the quarter


def test_the_report_audits_what_the_engine_reads_and_refuses_what_knows_the_outcome(whole):
    deals = whole.snapshot.frame("opportunities")
    rows = checked(
        pipeline.feature_rows(whole.engines, whole.snapshot.as_of, deals), tables.FEATURES
    ).set_index("feature")
    used = rows[rows["used"].astype(bool)]
    assert set(used["verdict"]) == {"passed"}
    assert {"stage", "amount_base", "pushes", "days_to_close"} <= set(used.index)
    refused = rows.index[rows["verdict"] == "refused"]
    assert {"is_won", "close_date", "loss_reason", "probability", "forecast_category"} <= set(refused)
    assert not set(refused) & set(used.index)


def test_the_reports_waterfall_tells_what_the_rate_did_from_what_sellers_did(whole):
    day, period = whole.snapshot.as_of, Period.parse(whole.period)
    rates, currency = whole.snapshot.frame("fx_rates"), whole.snapshot.company.currency
    plain, told = (
        pipeline.waterfall_steps(whole.engines, day, period, *given) for given in ((), (rates, currency))
    )
    own, other = (pipeline.node_step(steps, whole.company["node_id"]) for steps in (plain, told))
    assert own["fx"].sum() == 0 != other["fx"].sum()
    amounts = ["increased", "decreased", "fx"]  # the same money, told apart; nothing else moves
    assert own[amounts].sum().sum() == other[amounts].sum().sum()
    same = [c for c in own.select_dtypes("number") if c not in amounts]
    assert own[same].to_numpy().tolist() == other[same].to_numpy().tolist()


def test_the_base_scenario_is_the_headline(whole):
    drawn = whole.engines.pipeline_on(whole.snapshot.as_of)[0]
    rows = pipeline.scenario_rows(drawn, whole.made.outlooks, ["win_rate -10%"], whole.outlook)
    base = rows[(rows["scenario"] == "base") & (rows["period"] == whole.period)].iloc[0]
    assert base["mid_base"] == pytest.approx(whole.company["mid_base"], rel=0.002)
    assert base["p_target"] == pytest.approx(whole.company["p_target"], abs=0.01)
    less = rows[(rows["scenario"] != "base") & (rows["period"] == whole.period)].iloc[0]
    assert less["change_base"] < 0 > less["change_p"]


def test_every_chart_is_drawn_with_a_title_and_a_unit(whole, tmp_path):
    forecast_rows = handover.forecast_rows(whole.made)
    steps = pipeline.waterfall_steps(whole.engines, whole.snapshot.as_of, Period.parse(whole.period))
    week = pipeline.node_step(pipeline.last_step(steps), whole.company["node_id"])
    weeks = handover.week_rows(whole.engines.books, whole.made.first)
    drawn = [
        charts.engine_ranges(forecast_rows, whole.outlook, whole.period),
        charts.nodes_against_target(whole.outlook, whole.period),
        charts.pace_weeks(weeks, whole.outlook, whole.period),
        charts.waterfall_bars(week, period=whole.period),
        charts.backtest_errors(whole.past),
    ]
    for number, chart in enumerate(drawn):
        chart.figure.savefig(tmp_path / f"{number}.png")
        assert chart.get_title(loc="left")
        assert chart.get_xlabel()


LATE, LATE_DAY = "2024-12-21T12:00:00Z", "2024-12-21"
KEPT = ("currency", "owner_id", "level", "period", "stage", "is_closed", "is_won")


def absurd(name: str, rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with other values in all their cells that say something: wrong, and within the contract."""
    contract, made = contract_of(name), rows.copy()
    for column in contract.columns:
        fixed = (*contract.key, contract.exists_from, "recorded_at", *KEPT)
        if column.name not in rows or column.name in fixed or column.refers_to or column.values:
            continue
        high = "99999999" if column.high is None else str(column.high)
        made[column.name] = {"text": "Garbage", "date": "2035-01-01", "datetime": LATE, "bool": "true"}.get(
            column.kind, high
        )
    if name in ("opportunities", "opportunity_history"):
        won = {"stage": "Closed Won", "is_closed": "true", "is_won": "true", "owner_id": "R002"}
        made = made.assign(**{c: v for c, v in won.items() if c in made})
    return made


def garbage(folder: Path) -> set[str]:
    """Absurd rows in every table that has a clock, all of them learnt after 2024-12-20; the tables' names."""
    spoilt = set()
    for path in sorted((folder / "tables").glob("*.csv")):
        name, contract = path.stem, contract_of(path.stem)
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        extra = absurd(name, table.drop_duplicates(list(contract.key), keep="last").iloc[::3])
        born = contract.exists_from
        if contract.versioned:  # what is known already, said anew
            made = pd.concat([table, extra.assign(recorded_at=LATE)])
        elif born:
            extra[born] = LATE if contract.by_name[born].kind == "datetime" else LATE_DAY
            if "sequence" in extra:
                extra["sequence"] = (10**6 + np.arange(len(extra))).astype(str)
            made = pd.concat([extra, table]).drop_duplicates(list(contract.key))
        else:
            continue
        made.fillna("").to_csv(path, index=False)
        spoilt.add(name)
    row = {"submitted_at": "2024-11-12T12:00:00Z", "rep_id": "R002", "level": "rep", "node_id": "R002",
           "period": "FY25-Q4", "category": "Commit", "amount_base": "99999999.00"}  # fmt: skip
    ledger.append(folder, "forecast_submissions", lambda stands, now: [row])  # recorded now, called then
    return spoilt


def printed(run: Run) -> list[pd.DataFrame]:
    day, period = run.snapshot.as_of, Period.parse(run.period)
    rates = run.snapshot.frame("fx_rates") if run.snapshot.has("fx_rates") else None
    steps = pipeline.waterfall_steps(run.engines, day, period, rates, run.snapshot.company.currency)
    return [
        handover.forecast_rows(run.made), run.outlook, run.past, handover.engine_rows(run.made),
        handover.submitter_rows(run.made.first, {}), handover.week_rows(run.engines.books, run.made.first),
        pipeline.waterfall_rows(steps, run.outlook["node_id"].iloc[0]),
        pipeline.mover_rows(run.engines, day, period), pipeline.slippage_rows(run.engines, day, period),
        pipeline.feature_rows(run.engines, day, run.snapshot.frame("opportunities")),
    ]  # fmt: skip


def test_garbage_recorded_later_leaves_the_whole_forecast_bit_identical(sample, tmp_path, short_past):
    folder = tmp_path / "sample"
    shutil.copytree(sample, folder)
    first = printed(forecast(folder, "2024-12-20", horizon=1, draws=100))
    spoilt = garbage(folder)
    assert {*NAMES, "fx_rates", "accounts", "activities", "credits", "line_items"} <= spoilt
    after = printed(forecast(folder, "2024-12-20", horizon=1, draws=100))
    for one, two in zip(first, after, strict=True):
        assert len(one) > 0
        pd.testing.assert_frame_equal(one, two, check_exact=True)
    # The garbage is read where its day has come: the test could fail.
    assert (inputs.open_snapshot(folder, LATE_DAY).frame("opportunities")["amount_base"] > 9e7).sum() > 500


def test_two_runs_are_identical(tmp_path, short_past):
    folder = tiny(tmp_path, quarterly([50, 60, 70, 80, 75, 90, 40]))
    for one, two in zip(*(printed(forecast(folder, "2025-09-05")) for _ in range(2)), strict=True):
        pd.testing.assert_frame_equal(one, two, check_exact=True)


COMPANY = """\
schema_version: 1
name: Tiny
reporting_currency: USD
time_zone: UTC
fiscal_calendar: {kind: months, first_month: 2, named_by: end}
"""
STAGES = "stages:\n" + "".join(
    f"  - {{stage: {s}, position: {k}, outcome: {o}}}\n"
    for k, (s, o) in enumerate([("Open", "open"), ("Won", "won"), ("Lost", "lost")], 1)
)


def tiny(tmp_path: Path, deals: list[tuple[str, str, float]]) -> Path:
    """A company of one rep without history: deals of (close date, stage, amount)."""
    (tmp_path / "tables").mkdir()
    (tmp_path / "policy").mkdir()
    (tmp_path / "company.yaml").write_text(COMPANY)
    (tmp_path / "policy" / "stages.yaml").write_text(STAGES)
    rows = [
        {"opportunity_id": f"O{k}", "owner_id": "R1", "created_date": "2023-01-02", "close_date": close,
         "recorded_at": f"{close}T12:00:00Z", "stage": stage, "is_closed": stage != "Open",
         "is_won": stage == "Won", "amount_base": amount}
        for k, (close, stage, amount) in enumerate(deals)
    ]  # fmt: skip
    pd.DataFrame(rows).to_csv(tmp_path / "tables" / "opportunities.csv", index=False)
    return tmp_path


def quarterly(amounts: list[float], start: str = "2024-02-15") -> list[tuple[str, str, float]]:
    days = pd.date_range(start, periods=len(amounts), freq="91D")
    return [(f"{d:%Y-%m-%d}", "Won", a) for d, a in zip(days, amounts, strict=True)]


@pytest.mark.parametrize(
    ("deals", "as_of"),
    [
        pytest.param([("2025-05-05", "Won", 100.0)], "2025-06-01", id="one deal"),
        pytest.param([("2025-05-05", "Open", 100.0)], "2025-06-01", id="no win at all"),
        pytest.param(quarterly([10, 12, 11, 13, 12]), "2025-05-20", id="five observations"),
        pytest.param(quarterly([0.0] * 6), "2025-06-20", id="all zeros"),
        pytest.param(quarterly([50, -20, 60, -5, 70, 40]), "2025-06-20", id="negative amounts"),
        pytest.param(quarterly([50, 60, 70, 80]), "2025-06-20", id="empty quarter"),
    ],
)
def test_an_edge_gives_a_named_reason_and_no_made_up_number(tmp_path, deals, as_of, short_past):
    run = forecast(tiny(tmp_path, deals), as_of)
    for contract, frame in (
        (outputs.FORECAST, handover.forecast_rows(run.made)), (outputs.OUTLOOK, run.outlook),
        (outputs.ENGINE_STATE, handover.engine_rows(run.made)), (outputs.BACKTEST, run.past),
        (outputs.PACE_WEEKS, handover.week_rows(run.engines.books, run.made.first)),
    ):  # fmt: skip
        checked(frame, contract)
    state = run.state()
    assert state.loc[~state["on"].astype(bool), "reason"].notna().all()
    assert np.isnan(run.company["p_target"])  # no quota, so no chance
    if not state["on"].any():
        assert np.isnan(run.company["mid_base"])
    shown = headline.cards(run.outlook, run.past, currency="USD", elapsed=run.made.first.history.share)
    assert shown[1][3] == "no target for the company: enter it as a quota"
    assert limits_of.limits(run.engines, run.made, why_kind=run.why_kind, asked=2)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("FY26-Q3", "period 'FY26-Q3' ended on 2025-10-31"),
        ("FY28-Q4", "begins 8 periods after 2025-12-12; forecasts reach 4 ahead"),
        ("spring", "'spring' is not a period"),
    ],
)
def test_a_period_that_cannot_be_forecast_is_refused(whole, asked, said):
    with pytest.raises(PeriodError, match=said):
        targets.choose_period(
            pd.DataFrame(), whole.snapshot.company.calendar, date(2025, 12, 12), asked=asked
        )


@pytest.mark.parametrize(
    ("horizon", "level", "said"),
    [(0, 0.8, "horizon is 0"), (5, 0.8, "horizon is 5"), (2, 1.0, "interval_level is 1")],
)
def test_parameters_out_of_range_are_refused(horizon, level, said):
    with pytest.raises(ParameterError, match=said):
        targets.checked(horizon, level)


def test_targets_are_own_quotas_else_the_sum_below_and_never_a_zero():
    nodes = pd.DataFrame(
        [("company", "Co", None, None), ("team", "N", None, None), ("team", "S", None, None),
         ("rep", "R1", "N", "E"), ("rep", "R2", "S", "E")],
        columns=["level", "node_id", "team", "region"],
    )  # fmt: skip
    quotas = pd.DataFrame(
        [("team", "N", 100.0, 1.0), ("rep", "R1", 90.0, 0.5), ("rep", "R2", 60.0, 1.0),
         ("rep", "R3", 0.0, 1.0)],
        columns=["level", "holder_id", "quota_base", "ramp_share"],
    ).assign(period="P", measure="bookings")  # fmt: skip
    rows = targets.targets(quotas, nodes, "P", "Co").set_index("node_id")
    # R1 ramps at a half: 45. S is the sum of its reps, 60; the company that of teams' own goals.
    assert rows["target_base"].to_dict() == {"Co": 100.0, "N": 100.0, "S": 60.0, "R1": 45.0, "R2": 60.0}
    assert rows["target_source"].to_dict() == {
        "Co": "sum of teams", "N": "own", "S": "sum of reps", "R1": "own", "R2": "own",
    }  # fmt: skip
    assert targets.targets(None, nodes, "P", "Co")["target_base"].isna().all()
