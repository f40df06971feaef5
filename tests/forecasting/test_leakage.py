"""The leakage audit: what knows the outcome is refused, what does not is reported with its own AUC."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from salesops_lib.forecasting.flow.leakage import audit, model_auc, own_features, single_auc

N = 400
RANDOM = np.random.default_rng(3)
WON = pd.Series(RANDOM.random(N) < 0.4).astype("boolean")
DAY = pd.Timestamp("2025-06-30")


def verdict(values, name="feature", won=WON, **options):
    table = audit(pd.DataFrame({name: values}), won, **options).table
    return table["verdict"].item(), table["reason"].item()


def test_an_honest_feature_passes_with_its_own_auc():
    weak = pd.Series(RANDOM.standard_normal(N)) + 0.5 * WON.astype(float)
    made = audit(pd.DataFrame({"amount": weak}), WON)
    # Theory: normals half a standard deviation apart have AUC Φ(.5 / √2) = .638.
    assert made.table["verdict"].tolist() == ["passed"] and made.clean == ["amount"]
    assert made.best_auc == pytest.approx(0.638, abs=0.06)


def test_a_feature_that_ranks_the_outcome_alone_is_refused_either_way_round():
    strong = WON.astype(float) + 0.2 * pd.Series(RANDOM.standard_normal(N))
    assert verdict(strong) == ("refused", "gives the outcome away")
    assert verdict(-strong) == ("refused", "gives the outcome away")
    assert verdict(WON.map({True: "signed", False: "gone"})) == ("refused", "gives the outcome away")


def test_a_value_there_for_one_outcome_only_gives_it_away():
    tag = pd.Series(np.where(WON, 1.0, np.nan))
    assert verdict(tag) == ("refused", "gives the outcome away")


def test_a_text_of_every_deals_own_gives_nothing_away():
    auc, n = single_auc(pd.Series([f"deal {k}" for k in range(N)]), WON)
    assert n == N and auc == pytest.approx(0.5, abs=1e-9)


@pytest.mark.parametrize("name", ["close_value", "Close_Date", "loss_reason", "is_won", "statecode"])
def test_an_outcome_field_is_refused_by_its_name(name):
    assert verdict(pd.Series(RANDOM.standard_normal(N)), name) == ("refused", "names the outcome")


def test_a_planned_close_date_read_as_known_on_the_day_is_no_outcome_field():
    planned = pd.Series(DAY + pd.to_timedelta(RANDOM.integers(1, 90, N), unit="D"))
    assert verdict(planned, "close_date", day=DAY, as_known={"close_date"})[0] == "passed"


def test_a_value_stamped_after_the_prediction_day_is_refused_with_the_first_of_them():
    stamps = pd.Series(DAY, range(N))
    values = pd.Series(RANDOM.standard_normal(N))
    assert verdict(values, day=DAY, stamps=pd.DataFrame({"feature": stamps}))[0] == "passed"
    stamps[7] = DAY + pd.Timedelta(days=1)
    table = audit(values.to_frame("feature"), WON, day=DAY, stamps=stamps.to_frame("feature")).table
    assert table["reason"].item() == "stamped after the prediction day"
    assert "row 7, 2025-07-01" in table["evidence"].item()


@pytest.mark.parametrize("top", [1.0, 100.0])
def test_a_probability_of_0_or_1_was_set_at_the_close(top):
    won = WON.copy()
    won[:50] = pd.NA
    field = pd.Series(np.where(won.isna(), 0.4 * top, np.where(won.fillna(False), top, 0.0)))
    assert verdict(field, "probability", won) == ("refused", "probability set at the close")
    own = pd.Series(RANDOM.uniform(0.1, 0.9, N))
    assert verdict(own, "probability", won)[0] == "passed"


def test_a_field_that_open_deals_lack_is_written_at_the_close():
    won = WON.copy()
    won[:100] = pd.NA
    reason = pd.Series(np.where(won.isna(), None, "price"), dtype="object")
    assert verdict(reason, "why", won) == ("refused", "known for closed deals only")


def test_too_few_outcomes_say_nothing_and_make_no_number():
    made = audit(pd.DataFrame({"amount": [1.0, 2.0, 3.0]}), pd.Series([True, False, None], dtype="boolean"))
    assert made.table["verdict"].item() == "unknown"
    assert np.isnan(made.best_auc) and np.isnan(made.table["auc"].item())


def test_the_maven_canary_dies_of_the_close_value_and_lives_without_it(cases):
    # FORECASTING.md: with close_value or close_date AUC is 1.0, honestly it is about .5.
    deals = pd.read_csv(cases / "maven_crm" / "sales_pipeline.csv", parse_dates=["engage_date", "close_date"])
    won = deals["deal_stage"].map({"Won": True, "Lost": False}).astype("boolean")
    features = deals[["sales_agent", "product", "account", "engage_date", "close_date", "close_value"]]
    found = audit(features, won, day=deals["engage_date"])
    assert set(found.refused) == {"close_date", "close_value"}
    leaking = model_auc(deals[["close_date", "close_value"]], won, deals["engage_date"])
    honest = model_auc(deals[["sales_agent", "product", "account"]], won, deals["engage_date"])
    assert leaking > 0.99 and single_auc(deals["close_value"], won)[0] > 0.99
    assert 0.45 < honest < 0.55 and 0.5 <= found.best_auc < 0.56


def test_what_the_engine_looks_at_passes_its_own_audit(sample_log):
    features, won = own_features(sample_log[1], date(2025, 5, 1))
    found = audit(features, won, day=pd.Timestamp("2025-05-01"), as_known=set(features))
    assert found.refused == [] and len(found.clean) == 10
